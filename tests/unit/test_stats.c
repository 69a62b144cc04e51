/* SPDX-License-Identifier: MIT */
/* tests/unit/test_stats.c - medians and percentiles that can be checked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "benches/stats.h"

enum {
	HUNDRED = 100,
};

/* 1 to 100, from the largest down. */
static void fill_descending(double *samples)
{
	for (int at = 0; at < HUNDRED; at++)
		samples[at] = HUNDRED - at;
}

static void median_of_odd_is_the_middle(void **state)
{
	double samples[] = {9.0, 1.0, 5.0};

	(void)state;
	assert_float_equal(stats_summarize(samples, 3).median, 5.0, 0.0);
}

static void median_of_even_is_between(void **state)
{
	double samples[] = {4.0, 1.0, 3.0, 100.0};

	(void)state;
	assert_float_equal(stats_summarize(samples, 4).median, 3.5, 0.0);
}

static void percentiles_are_nearest_rank(void **state)
{
	double samples[HUNDRED];
	struct stats_summary summary;

	(void)state;
	fill_descending(samples);
	summary = stats_summarize(samples, HUNDRED);
	assert_int_equal(summary.count, HUNDRED);
	assert_float_equal(summary.minimum, 1.0, 0.0);
	assert_float_equal(summary.median, 50.5, 0.0);
	assert_float_equal(summary.p90, 90.0, 0.0);
	assert_float_equal(summary.p99, 99.0, 0.0);
	assert_float_equal(summary.maximum, 100.0, 0.0);
}

static void percentile_stays_inside(void **state)
{
	const double sorted[] = {1.0, 2.0, 3.0};

	(void)state;
	assert_float_equal(stats_percentile(sorted, 3, 0.0), 1.0, 0.0);
	assert_float_equal(stats_percentile(sorted, 3, 34.0), 2.0, 0.0);
	assert_float_equal(stats_percentile(sorted, 3, 99.0), 3.0, 0.0);
	assert_float_equal(stats_percentile(sorted, 3, 100.0), 3.0, 0.0);
}

static void one_sample_is_everything(void **state)
{
	double sample = 7.0;
	struct stats_summary summary = stats_summarize(&sample, 1);

	(void)state;
	assert_float_equal(summary.minimum, 7.0, 0.0);
	assert_float_equal(summary.median, 7.0, 0.0);
	assert_float_equal(summary.p99, 7.0, 0.0);
}

static void no_samples_are_zero(void **state)
{
	struct stats_summary summary = stats_summarize(NULL, 0);

	(void)state;
	assert_int_equal(summary.count, 0);
	assert_float_equal(summary.median, 0.0, 0.0);
}

static void ratios_are_pairwise(void **state)
{
	const double samples[] = {3.0, 10.0, 1.0};
	const double references[] = {2.0, 20.0, 1.0};
	double ratios[3];

	(void)state;
	stats_ratios(ratios, samples, references, 3);
	assert_float_equal(ratios[0], 1.5, 0.0);
	assert_float_equal(ratios[1], 0.5, 0.0);
	assert_float_equal(ratios[2], 1.0, 0.0);
}

/* U = 0 of 25, mean 12.5, deviation 4.787: z = 12 / 4.787. */
static void ranks_that_do_not_overlap(void **state)
{
	const double low[] = {5.0, 1.0, 4.0, 2.0, 3.0};
	const double high[] = {8.0, 6.0, 10.0, 7.0, 9.0};

	(void)state;
	assert_float_equal(stats_rank_test(low, 5, high, 5), 0.01219, 0.00001);
	assert_float_equal(stats_rank_test(high, 5, low, 5), 0.01219, 0.00001);
}

/* Ranks 1.5 1.5 4.5 against 4.5 4.5 4.5: R = 7.5, mean 10.5, ties 6 + 60, variance 5.25 - 1.65. */
static void ties_share_their_rank(void **state)
{
	const double left[] = {1.0, 1.0, 2.0};
	const double right[] = {2.0, 2.0, 2.0};

	(void)state;
	assert_float_equal(stats_rank_test(left, 3, right, 3), 0.18763, 0.00001);
}

static void nothing_to_tell_apart(void **state)
{
	const double same[] = {3.0, 3.0, 3.0};
	const double odd[] = {1.0, 3.0, 5.0};
	const double even[] = {2.0, 3.0, 4.0};

	(void)state;
	assert_float_equal(stats_rank_test(same, 3, same, 3), 1.0, 0.0);
	assert_float_equal(stats_rank_test(odd, 3, even, 3), 1.0, 0.0);
	assert_float_equal(stats_rank_test(odd, 3, even, 0), 1.0, 0.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(median_of_odd_is_the_middle),
		cmocka_unit_test(median_of_even_is_between),
		cmocka_unit_test(percentiles_are_nearest_rank),
		cmocka_unit_test(percentile_stays_inside),
		cmocka_unit_test(one_sample_is_everything),
		cmocka_unit_test(no_samples_are_zero),
		cmocka_unit_test(ratios_are_pairwise),
		cmocka_unit_test(ranks_that_do_not_overlap),
		cmocka_unit_test(ties_share_their_rank),
		cmocka_unit_test(nothing_to_tell_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
