/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/histogram.h - how long things took: percentiles within 1.6 %, in fixed memory.
 *
 * Intervals are in ticks of the time stamp counter; clock_start() comes before the reading.
 */
#ifndef GUEST_HISTOGRAM_H
#define GUEST_HISTOGRAM_H

#include <stdint.h>

enum {
	/* Each power of two in 64 parts. */
	HISTOGRAM_BIN_BITS = 6,
	HISTOGRAM_OCTAVES = 40,
	HISTOGRAM_BINS = (HISTOGRAM_OCTAVES + 1) << HISTOGRAM_BIN_BITS,
};

struct histogram {
	uint64_t count;
	uint64_t sum_ticks;
	uint64_t longest_ticks;
	uint32_t bins[HISTOGRAM_BINS];
};

void histogram_add(struct histogram *histogram, uint64_t ticks);

/* Nanoseconds; 0 of an empty histogram. */
uint64_t histogram_percentile_ns(const struct histogram *histogram, uint32_t percent);
uint64_t histogram_mean_ns(const struct histogram *histogram);

#endif
