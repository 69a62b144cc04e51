/* SPDX-License-Identifier: MIT */
/* tests/unit/test_profile_trace.c - samples as perf script writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "benches/profile_trace.h"

static struct profile_sample sample;

static void the_address_says_the_mode(void **state)
{
	(void)state;
	assert_true(profile_sample_parse(&sample, "17341 35743.134398:  ffffffff81b9890d\n"));
	assert_int_equal(sample.pid, 17341);
	assert_int_equal(sample.at_us, UINT64_C(35743134398));
	assert_int_equal(sample.mode, PROFILE_MODE_SYSTEM);
	assert_true(profile_sample_parse(&sample, "  9 0.000001:      7fb33407fd42\n"));
	assert_int_equal(sample.pid, 9);
	assert_int_equal(sample.at_us, 1);
	assert_int_equal(sample.mode, PROFILE_MODE_USER);
}

static void what_is_no_sample_is_refused(void **state)
{
	(void)state;
	assert_false(profile_sample_parse(&sample, ""));
	assert_false(profile_sample_parse(&sample, "\n"));
	assert_false(profile_sample_parse(&sample, "perf: no samples\n"));
	assert_false(profile_sample_parse(&sample, "12 34: 7f\n"));
	assert_false(profile_sample_parse(&sample, "12 34.5 7f\n"));
	assert_false(profile_sample_parse(&sample, "12 34.5:\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_address_says_the_mode),
		cmocka_unit_test(what_is_no_sample_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
