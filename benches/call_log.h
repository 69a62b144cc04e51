/* SPDX-License-Identifier: MIT */
/*
 * benches/call_log.h - system calls by process and thread, counted in what `strace -f` wrote.
 *
 * A line is "PID SECONDS.MICROSECONDS NAME(ARGUMENTS...".  Lines that resume a call, or tell a
 * signal or an end, count nothing.  An ioctl of KVM counts under its request's name.  Memory is the
 * caller's; what does not fit is counted in the totals only.
 */
#ifndef BENCHES_CALL_LOG_H
#define BENCHES_CALL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CALL_LOG_TASKS_MAX = 16,
	CALL_LOG_NAMES_MAX = 96,
	CALL_LOG_NAME_BYTES = 40,
};

struct call_log_entry {
	char name[CALL_LOG_NAME_BYTES];
	size_t count;
};

/* A process or a thread, as strace numbers them. */
struct call_log_task {
	long pid;
	size_t count;
	struct call_log_entry entries[CALL_LOG_NAMES_MAX];
	size_t entry_count;
};

/* All zero to begin with.  Tasks are in the order of their first line. */
struct call_log {
	struct call_log_task tasks[CALL_LOG_TASKS_MAX];
	size_t task_count;
};

/* The beginning of a call; the name is inside the line. */
struct call_line {
	long pid;
	uint64_t at_us; /* since the epoch */
	const char *name;
	size_t name_bytes;
};

/* Returns whether a call begins on this line. */
bool call_line_parse(struct call_line *call, const char *line);

void call_log_add(struct call_log *log, const struct call_line *call);

/* How often a task made a call; 0 for one that it never made. */
size_t call_log_count(const struct call_log_task *task, const char *name);

/* The most frequent first; equals by name. */
void call_log_sort(struct call_log_task *task);

#endif
