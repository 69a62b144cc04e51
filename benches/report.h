/* SPDX-License-Identifier: MIT */
/*
 * benches/report.h - the one result format that every benchmark writes.
 *
 * {"environment": {...}, "results": [{"metric": ..., "subject": ..., "unit": ...,
 *  "n": ..., "min": ..., "median": ..., "p90": ..., "p99": ..., "max": ...,
 *  "ratio": {"floor": 1.31}, "ratio_p99": {"floor": 1.52}}]}
 *
 * A ratio is subject over reference; it is absent where there is no reference.
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

/* Write the file, with the environment of this machine.  Returns 0 or -EIO. */
int report_write(const char *path, json_t *results);

#endif
