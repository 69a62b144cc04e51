/* SPDX-License-Identifier: MIT */
/*
 * benches/task_time.h - what the threads of a process did so far: time on a processor, and turns.
 *
 * A turn is the time from when the scheduler puts a thread on a processor to when it takes it off
 * again: a thread that sleeps has none, so turns tell who wakes up although there is nothing to do.
 * Source: /proc/PID/task/TID/schedstat (Documentation/scheduler/sched-stats.rst).
 */
#ifndef BENCHES_TASK_TIME_H
#define BENCHES_TASK_TIME_H

#include <stdint.h>
#include <sys/types.h>

struct task_time {
	uint64_t running_ns;
	uint64_t turns;
	uint64_t threads;
};

/* Add what one thread's file says; a string.  Returns 0 or -EPROTO. */
int task_time_add(struct task_time *sum, const char *schedstat);

/* Add all threads of a process.  Threads that end meanwhile do not count.  0 or negative errno. */
int task_time_read(struct task_time *sum, pid_t pid);

#endif
