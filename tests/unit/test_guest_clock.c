/* SPDX-License-Identifier: MIT */
/* tests/unit/test_guest_clock.c - the line of start_clock, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "benches/guest_clock.h"

static struct guest_clock seen;

static int parse(const char *output)
{
	memset(&seen, 0, sizeof(seen));
	return guest_clock_parse(&seen, output, strlen(output));
}

static void the_line_is_found(void **state)
{
	(void)state;
	assert_int_equal(parse("some banner\r\nhello\nclock 100 200 18446744073709551615\n"), 0);
	assert_int_equal(seen.entry, 100);
	assert_int_equal(seen.main, 200);
	assert_true(seen.greeted == UINT64_MAX);
}

static void output_ends_where_its_length_says(void **state)
{
	static const char output[] = "\nclock 1 2 3456";

	(void)state;
	assert_int_equal(guest_clock_parse(&seen, output, strlen("\nclock 1 2 3")), 0);
	assert_int_equal(seen.greeted, 3);
}

static void what_is_no_line_is_refused(void **state)
{
	(void)state;
	assert_int_equal(parse(""), -EPROTO);
	assert_int_equal(parse("hello\n"), -EPROTO);
	assert_int_equal(parse("a clock 1 2 3\n"), -EPROTO);
	assert_int_equal(parse("\nclock 1 2\n"), -EPROTO);
	assert_int_equal(parse("\nclock 1 x 3\n"), -EPROTO);
	assert_int_equal(parse("\nclock 2 1 3\n"), -EPROTO);
	assert_int_equal(parse("\nclock 1 3 2\n"), -EPROTO);
	assert_int_equal(seen.entry, 0);
}

static void the_counter_runs(void **state)
{
	(void)state;
	assert_true(guest_clock_measure_ticks_per_us() > 100.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_is_found),
		cmocka_unit_test(output_ends_where_its_length_says),
		cmocka_unit_test(what_is_no_line_is_refused),
		cmocka_unit_test(the_counter_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
