/* SPDX-License-Identifier: MIT */
/*
 * benches/report.h - the one result format that every benchmark writes.
 *
 * {"environment": {...}, "results": [{"metric": ..., "subject": ..., "unit": ...,
 *  "n": ..., "min": ..., "median": ..., "p90": ..., "p99": ..., "max": ...,
 *  "ratio": {"floor": 1.31}, "p99_of_ratio": {"floor": 1.52}, "ratio_of_p99": {"floor": 1.33},
 *  "samples": [...], "stages": [{"name": ..., "us": ...}], "x": {"name": ..., "value": ...}}]}
 *
 * A ratio is subject over reference; it is absent where there is no reference.  "ratio" and
 * "p99_of_ratio" are of the ratios of all pairs; "ratio_of_p99" is that of the p99 of both,
 * whichever pairs they were in, and absent where nobody asks for it.  Samples are all that were
 * taken, in the order of the rounds, for distributions and comparisons.  Stages tell where a
 * metric's time goes: the median of each one's end, in microseconds since the metric's zero. With
 * an x the result is a point of a curve: the same metric and subject at other values of x. All
 * three are absent where they were not added.  Each result is one line of the file.
 */
#ifndef BENCHES_REPORT_H
#define BENCHES_REPORT_H

#include <jansson.h>

#include "benches/stats.h"

/* A new entry for "results"; NULL if memory ran out. */
json_t *report_result(const char *metric, const char *subject, const char *unit,
		      const struct stats_summary *summary);

/* Add a ratio to an entry: its median and 99th percentile over the pairs. */
void report_add_ratio(json_t *result, const char *reference, const struct stats_summary *ratio);

/* Add the ratio of both's 99th percentiles. */
void report_add_p99_ratio(json_t *result, const char *reference, double ratio);

/* Add all samples, in the order in which they were taken; stats_summarize() sorts, so before it. */
void report_add_samples(json_t *result, const double *samples, size_t count);

/* Add the next stage; in order of time. */
void report_add_stage(json_t *result, const char *name, double us);

/* Say where on the axis `name` this result lies, e.g. "live VMs" and 500. */
void report_set_x(json_t *result, const char *name, double value);

/* Write the file, with the environment of this machine.  Returns 0 or -EIO. */
int report_write(const char *path, const json_t *results);

/* The same as the last thing of a benchmark: no path is fine, a failure ends the program.  Takes
 * over the reference. */
void report_finish(const char *path, json_t *results);

#endif
