/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/histogram.c - see histogram.h. */
#include "tests/guests/lib/histogram.h"

#include "tests/guests/lib/clock.h"

static uint32_t bin_of(uint64_t ticks)
{
	uint32_t shift;

	if (ticks < 2 << HISTOGRAM_BIN_BITS)
		return (uint32_t)ticks;
	shift = 63 - (uint32_t)__builtin_clzll(ticks) - HISTOGRAM_BIN_BITS;
	if (shift >= HISTOGRAM_OCTAVES)
		return HISTOGRAM_BINS - 1;
	return (shift << HISTOGRAM_BIN_BITS) + (uint32_t)(ticks >> shift);
}

/* The middle of a bin. */
static uint64_t bin_ticks(uint32_t bin)
{
	uint32_t shift;

	if (bin < 2 << HISTOGRAM_BIN_BITS)
		return bin;
	shift = (bin >> HISTOGRAM_BIN_BITS) - 1;
	return ((uint64_t)(bin - (shift << HISTOGRAM_BIN_BITS)) << shift) +
	       (UINT64_C(1) << shift >> 1);
}

void histogram_add(struct histogram *histogram, uint64_t ticks)
{
	histogram->count++;
	histogram->sum_ticks += ticks;
	histogram->bins[bin_of(ticks)]++;
	if (ticks > histogram->longest_ticks)
		histogram->longest_ticks = ticks;
}

uint64_t histogram_percentile_ns(const struct histogram *histogram, uint32_t percent)
{
	uint64_t wanted = (histogram->count * percent + 99) / 100;
	uint64_t seen = 0;

	for (uint32_t bin = 0; bin < HISTOGRAM_BINS; bin++) {
		seen += histogram->bins[bin];
		if (seen >= wanted)
			return clock_ticks_to_ns(bin_ticks(bin));
	}
	return 0;
}

uint64_t histogram_mean_ns(const struct histogram *histogram)
{
	return histogram->count == 0 ? 0
				     : clock_ticks_to_ns(histogram->sum_ticks / histogram->count);
}
