/* SPDX-License-Identifier: MIT */
/* benches/stats.c - see stats.h. */
#include "benches/stats.h"

#include <err.h>
#include <math.h>
#include <stdbool.h>
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

struct ranked {
	double value;
	bool is_left;
};

static int compare_ranked(const void *left, const void *right)
{
	return compare(&((const struct ranked *)left)->value,
		       &((const struct ranked *)right)->value);
}

static struct ranked *merge(const double *left, size_t left_count, const double *right,
			    size_t right_count)
{
	struct ranked *all = calloc(left_count + right_count, sizeof(*all));

	if (all == NULL)
		err(EXIT_FAILURE, "rank test");
	for (size_t at = 0; at < left_count; at++)
		all[at] = (struct ranked){left[at], true};
	for (size_t at = 0; at < right_count; at++)
		all[left_count + at] = (struct ranked){right[at], false};
	qsort(all, left_count + right_count, sizeof(*all), compare_ranked);
	return all;
}

/* The sum of the left side's ranks; equal values share the mean of theirs.  Ties: t^3 - t of each.
 */
static double sum_ranks(const struct ranked *all, size_t count, double *ties)
{
	double sum = 0;

	for (size_t from = 0, to; from < count; from = to) {
		double lefts = 0;
		double tied;

		for (to = from; to < count && all[to].value <= all[from].value; to++)
			lefts += all[to].is_left ? 1.0 : 0.0;
		tied = (double)(to - from);
		sum += lefts * ((double)(from + to) + 1.0) / 2.0;
		*ties += tied * tied * tied - tied;
	}
	return sum;
}

double stats_rank_test(const double *left, size_t left_count, const double *right,
		       size_t right_count)
{
	double a = (double)left_count;
	double b = (double)right_count;
	double n = a + b;
	struct ranked *all;
	double ties = 0;
	double distance;
	double variance;

	if (left_count == 0 || right_count == 0)
		return 1.0;
	all = merge(left, left_count, right, right_count);
	distance = fabs(sum_ranks(all, left_count + right_count, &ties) - a * (n + 1.0) / 2.0);
	free(all);
	variance = a * b / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)));
	if (variance <= 0.0 || distance <= 0.5)
		return 1.0;
	return erfc((distance - 0.5) / sqrt(variance) / M_SQRT2);
}
