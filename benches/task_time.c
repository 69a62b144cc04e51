/* SPDX-License-Identifier: MIT */
/* benches/task_time.c - see task_time.h. */
#include "benches/task_time.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "benches/proc_file.h"

enum {
	PATH_BYTES = 64,
	LINE_BYTES = 128,
	DECIMAL = 10,
};

/* The next number of a line; returns whether there is one. */
static bool take_number(const char **at, uint64_t *number)
{
	char *end;

	*number = strtoull(*at, &end, DECIMAL);
	if (end == *at)
		return false;
	*at = end;
	return true;
}

int task_time_add(struct task_time *sum, const char *schedstat)
{
	uint64_t running_ns;
	uint64_t waiting_ns;
	uint64_t turns;

	if (!take_number(&schedstat, &running_ns) || !take_number(&schedstat, &waiting_ns) ||
	    !take_number(&schedstat, &turns))
		return -EPROTO;
	sum->running_ns += running_ns;
	sum->turns += turns;
	sum->threads++;
	return 0;
}

static int read_threads(struct task_time *sum, pid_t pid, DIR *threads)
{
	const struct dirent *entry;
	char line[LINE_BYTES];
	int error = 0;

	while (error == 0 && (entry = readdir(threads)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		error = proc_file_read(line, sizeof(line), "/proc/%d/task/%.20s/schedstat",
				       (int)pid, entry->d_name);
		if (error == -ENOENT || error == -ESRCH)
			error = 0;
		else if (error == 0)
			error = task_time_add(sum, line);
	}
	return error;
}

int task_time_read(struct task_time *sum, pid_t pid)
{
	char path[PATH_BYTES];
	DIR *threads;
	int error;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	threads = opendir(path);
	if (threads == NULL)
		return -errno;
	error = read_threads(sum, pid, threads);
	closedir(threads);
	return error;
}
