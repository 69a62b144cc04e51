/* SPDX-License-Identifier: MIT */
/* benches/preparation.c - see preparation.h. */
#include "benches/preparation.h"

#include <err.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "benches/child.h"
#include "benches/workspace.h"
#include "monitor/cpuid_file.h"

static void prepare(const char *mote_path, const char *directory)
{
	const char *const arguments[] = {mote_path, "prepare", "--prepared", directory, NULL};
	struct child child;
	int status;

	if (child_start(&child, arguments, NULL) != 0 || child_reap(&child, &status) != 0 ||
	    status != 0)
		errx(EXIT_FAILURE, "mote prepare failed");
	child_close(&child);
}

struct preparation preparation_make(const char *mote_path)
{
	struct preparation made = {.kept = PREPARATION_NONE};

	if (geteuid() != 0)
		return made;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		err(EXIT_FAILURE, "no mount namespace for mote prepare");
	made.kept = workspace_make_directory("kept");
	made.cpuid = workspace_path("kept/" CPUID_FILE_NAME);
	made.prepared = workspace_path("prepared");
	prepare(mote_path, made.prepared);
	return made;
}

void preparation_start(const struct preparation *preparation, const char *const arguments[])
{
	struct child child;
	int status;
	char byte;

	if (preparation->cpuid == NULL)
		return;
	if (child_start(&child, arguments, NULL) != 0 || read(child.output_fd, &byte, 1) != 1)
		errx(EXIT_FAILURE, "the first start of mote failed");
	kill(child.pid, SIGTERM);
	child_reap(&child, &status);
	child_close(&child);
	if (access(preparation->cpuid, R_OK))
		err(EXIT_FAILURE, "the first start of mote has not kept %s", preparation->cpuid);
}
