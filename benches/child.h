/* SPDX-License-Identifier: MIT */
/*
 * benches/child.h - a program that was started with its output on a pipe.
 *
 * Call order: child_allow() where there are many at once, child_start(), then read both pipes as
 * wanted, child_reap() once, child_close().
 * Ownership: the pipes belong to the child until child_close().
 */
#ifndef BENCHES_CHILD_H
#define BENCHES_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	CHILD_ARGUMENTS_MAX = 64,
	CHILD_RESULT_FD = 3, /* where the program finds the pipe for what is not output */
};

struct child {
	pid_t pid;
	uint64_t spawned_ns; /* right before the spawn */
	int output_fd;       /* what it writes to standard output */
	int result_fd;       /* what it writes to CHILD_RESULT_FD */
};

/* Let this process have the descriptors for so many, or end it with a message. */
void child_allow(size_t count);

/*
 * Start the program, looked for in PATH unless its name has a slash; the arguments end with NULL.
 * Its standard input is empty; its standard error is ours, or a new file if `errors_path` is not
 * NULL.  Returns 0 or negative errno; on failure there is nothing to reap or close.
 */
int child_start(struct child *child, const char *const arguments[], const char *errors_path);

/* Read its output to the end and forget it. */
void child_drain(const struct child *child);

/* Wait for its end.  Returns 0 and its wait status, or negative errno. */
int child_reap(const struct child *child, int *status);

void child_close(struct child *child);

#endif
