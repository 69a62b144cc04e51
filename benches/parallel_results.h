/* SPDX-License-Identifier: MIT */
/*
 * benches/parallel_results.h - what starts cost when many come at once: a table and a report.
 *
 * A point is one subject with so many starts at once.  Rates and processor time are compared round
 * by round, as the rounds of all subjects alternate.
 */
#ifndef BENCHES_PARALLEL_RESULTS_H
#define BENCHES_PARALLEL_RESULTS_H

#include <jansson.h>
#include <stddef.h>

enum {
	PARALLEL_STARTS_MAX = 1000,
	PARALLEL_ROUNDS_MAX = 100,
	PARALLEL_SAMPLES_MAX = PARALLEL_STARTS_MAX * PARALLEL_ROUNDS_MAX,
};

enum parallel_metric {
	PARALLEL_FIRST_INSTRUCTION,
	PARALLEL_REAPED,
	PARALLEL_METRICS,
};

struct parallel_point {
	const char *subject;
	const struct parallel_point *reference; /* at the same number; NULL for the floor itself */
	size_t starts;                          /* at once */
	double us[PARALLEL_METRICS][PARALLEL_SAMPLES_MAX]; /* each since its own spawn */
	size_t sample_count;
	double starts_per_s[PARALLEL_ROUNDS_MAX];
	double processor_us[PARALLEL_ROUNDS_MAX]; /* each start's, its processes' own only */
	size_t round_count;
};

/* A table of the points of one number of starts. */
void parallel_print(const struct parallel_point *points, size_t count);

/* All results of a point, at the end of `results`. */
void parallel_add_results(json_t *results, const struct parallel_point *point);

#endif
