/* SPDX-License-Identifier: MIT */
/* benches/workspace.c - see workspace.h. */
#include "benches/workspace.h"

#include <err.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FILES_MAX = 32,
	DIRECTORY_MODE = 0755,
};

static char directory[PATH_MAX];
static char *files[FILES_MAX];
static size_t file_count;

/* The last first, as a directory is named before what is in it; its mounts before a directory. */
static void remove_all(void)
{
	for (size_t at = file_count; at-- > 0;) {
		while (umount2(files[at], MNT_DETACH) == 0)
			;
		if (unlink(files[at]))
			rmdir(files[at]);
	}
	rmdir(directory);
}

/* Only what a signal handler may do is done; the signal's usual action follows. */
static void on_signal(int number)
{
	remove_all();
	signal(number, SIG_DFL);
	raise(number);
}

static void remove_at_end(void)
{
	const struct sigaction action = {.sa_handler = on_signal};

	atexit(remove_all);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

void workspace_make(const char *parent)
{
	char *absolute;

	if (parent == NULL)
		parent = getenv("TMPDIR");
	absolute = realpath(parent == NULL || *parent == '\0' ? "/tmp" : parent, NULL);
	if (absolute == NULL)
		err(EXIT_FAILURE, "%s", parent);
	snprintf(directory, sizeof(directory), "%s/mote-bench.XXXXXX", absolute);
	free(absolute);
	if (mkdtemp(directory) == NULL)
		err(EXIT_FAILURE, "%s", directory);
	remove_at_end();
}

const char *workspace_path(const char *name)
{
	char *path;

	for (size_t at = 0; at < file_count; at++)
		if (strcmp(files[at] + strlen(directory) + 1, name) == 0)
			return files[at];
	if (file_count == FILES_MAX)
		errx(EXIT_FAILURE, "more than %d files in %s", FILES_MAX, directory);
	if (asprintf(&path, "%s/%s", directory, name) < 0)
		err(EXIT_FAILURE, "%s", name);
	files[file_count++] = path;
	return path;
}

const char *workspace_make_directory(const char *name)
{
	const char *path = workspace_path(name);

	if (mkdir(path, DIRECTORY_MODE))
		err(EXIT_FAILURE, "%s", path);
	return path;
}

const char *workspace_write_json(const char *name, json_t *value)
{
	const char *path = workspace_path(name);

	if (value == NULL)
		errx(EXIT_FAILURE, "%s: a name that JSON cannot hold", path);
	if (json_dump_file(value, path, JSON_INDENT(1)) != 0)
		err(EXIT_FAILURE, "%s", path);
	json_decref(value);
	return path;
}
