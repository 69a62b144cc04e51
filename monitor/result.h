/* SPDX-License-Identifier: MIT */
/*
 * monitor/result.h - what a run came to, for programs to read.
 *
 * One line of JSON: outcome, code, exit status, counters and the launch trace
 * with CLOCK_MONOTONIC nanoseconds, written with one write(2).
 *
 * Who is to read it may have stopped reading, and at the end of a run no signal is heard any more:
 * a report that finds no room in time is given up.
 */
#ifndef MONITOR_RESULT_H
#define MONITOR_RESULT_H

#include "monitor/outcome.h"
#include "monitor/run_state.h"

enum {
	RESULT_PATIENCE_MS = 10000,
};

struct result {
	const char *id; /* NULL: none */
	struct outcome outcome;
	int status;
	const struct run_state *state; /* NULL: nothing ran */
	uint64_t give_up_ns; /* by trace_now_ns(); 0: RESULT_PATIENCE_MS after it is written */
};

/* The time when reports that begin now are given up. */
uint64_t result_give_up_ns(void);

/* Wait for room for a few lines, as each report does.  Returns 0 or a negative errno, -ETIMEDOUT.
 */
int result_wait_for_room(int fd, const struct result *result);

/* Write the line.  Returns 0 or a negative errno, -ETIMEDOUT if nobody read. */
int result_write(int fd, const struct result *result);

/* The same object with the counters only, for metrics.metrics_path. */
int result_write_metrics(int fd, const struct result *result);

/* The launch trace alone, as {"trace": [...]}, for --trace=FILE. */
int result_write_trace(int fd, const struct result *result);

#endif
