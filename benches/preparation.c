/* SPDX-License-Identifier: MIT */
/* benches/preparation.c - see preparation.h. */
#include "benches/preparation.h"

#include <err.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "benches/child.h"
#include "benches/workspace.h"

static const char *directory;

static void undo(void)
{
	umount2(directory, MNT_DETACH);
	rmdir(directory);
}

static void prepare(const char *mote_path)
{
	const char *const arguments[] = {mote_path, "prepare", "--prepared", directory, NULL};
	struct child child;
	int status;

	if (child_start(&child, arguments, NULL) != 0 || child_reap(&child, &status) != 0 ||
	    status != 0)
		errx(EXIT_FAILURE, "mote prepare failed");
	child_close(&child);
}

const char *preparation_make(const char *mote_path)
{
	if (geteuid() != 0)
		return NULL;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		err(EXIT_FAILURE, "no mount namespace for mote prepare");
	directory = workspace_path("prepared");
	prepare(mote_path);
	atexit(undo);
	return directory;
}
