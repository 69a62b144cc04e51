/* SPDX-License-Identifier: MIT */
/*
 * benches/stats.h - medians and percentiles of samples.
 *
 * Percentiles are by nearest rank: always a sample that was seen, never a
 * value between two.  Only the median of an even number is a mean.
 */
#ifndef BENCHES_STATS_H
#define BENCHES_STATS_H

#include <stddef.h>

struct stats_summary {
	size_t count;
	double minimum;
	double median;
	double p90;
	double p99;
	double maximum;
};

/* The smallest sample that `percent` of all samples do not exceed.  Sorted samples, count > 0. */
double stats_percentile(const double *sorted, size_t count, double percent);

/* Sorts the samples in place.  All zero for no samples. */
struct stats_summary stats_summarize(double *samples, size_t count);

/* ratios[i] = samples[i] / references[i]: runs of one pair are divided, so that drift cancels. */
void stats_ratios(double *ratios, const double *samples, const double *references, size_t count);

/*
 * Mann and Whitney's rank test: how likely two sets of samples of one and the same distribution
 * would differ in rank by as much as these do, in either direction.  By the normal approximation
 * with the corrections for ties and continuity, good from some eight samples a side on.  1 where a
 * side is empty or all samples are equal.  Ends the program if memory runs out.
 */
double stats_rank_test(const double *left, size_t left_count, const double *right,
		       size_t right_count);

#endif
