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
};

/* Write the line.  Returns 0 or a negative errno, -ETIMEDOUT if nobody read. */
int result_write(int fd, const struct result *result);

/* The same object with the counters only, for metrics.metrics_path. */
int result_write_metrics(int fd, const struct result *result);

/* The launch trace alone, as {"trace": [...]}, for --trace=FILE. */
int result_write_trace(int fd, const struct result *result);

#endif
