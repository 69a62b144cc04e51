/* SPDX-License-Identifier: MIT */
/* benches/stats.c - see stats.h. */
#include "benches/stats.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

double stats_percentile(const double *sorted, size_t count, double percent)
{
	double rank = ceil(percent / 100.0 * (double)count);

	if (rank < 1.0)
		rank = 1.0;
	return sorted[(size_t)rank - 1];
}

struct stats_summary stats_summarize(double *samples, size_t count)
{
	struct stats_summary summary = {.count = count};

	if (count == 0)
		return summary;
	qsort(samples, count, sizeof(*samples), compare);
	summary.minimum = samples[0];
	summary.median = (samples[(count - 1) / 2] + samples[count / 2]) / 2.0;
	summary.p90 = stats_percentile(samples, count, 90.0);
	summary.p99 = stats_percentile(samples, count, 99.0);
	summary.maximum = samples[count - 1];
	return summary;
}

void stats_ratios(double *ratios, const double *samples, const double *references, size_t count)
{
	for (size_t at = 0; at < count; at++)
		ratios[at] = samples[at] / references[at];
}
