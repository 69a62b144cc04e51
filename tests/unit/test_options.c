/* SPDX-License-Identifier: MIT */
/* tests/unit/test_options.c - command lines of benchmarks, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "benches/options.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char *guest; /* its path was made for us */
static const char *json;
static size_t rounds;
static size_t size;
static bool is_quick;

static const struct options_row rows[] = {
	{.name = "guest", .file = &guest, .is_required = true},
	{.name = "json", .text = &json},
	{.name = "rounds", .number = &rounds, .minimum = 2, .maximum = 20, .usual = 9, .quick = 3},
	{.name = "size", .number = &size, .maximum = 100, .usual = 7},
	{.name = "quick", .flag = &is_quick},
};

static char reason[OPTIONS_REASON_BYTES];

/* The words, the program's name put before them. */
static int read_words(const char *const words[], size_t count)
{
	char *argv[16] = {(char[]){"bench"}};

	free((void *)(uintptr_t)guest);
	guest = NULL;
	json = NULL;
	is_quick = false;
	reason[0] = '\0';
	memcpy(argv + 1, words, count * sizeof(*words));
	return options_read(rows, COUNT(rows), (int)count + 1, argv, reason);
}

#define READ(...) \
	read_words((const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})))

static void values_go_where_the_rows_say(void **state)
{
	(void)state;
	assert_int_equal(READ("--json", "out", "--rounds", "20", "--guest", "/dev/../dev/null"), 0);
	assert_string_equal(json, "out");
	assert_string_equal(guest, "/dev/null");
	assert_int_equal(rounds, 20);
	assert_false(is_quick);
}

static void a_number_not_given_is_the_usual_one(void **state)
{
	(void)state;
	assert_int_equal(READ("--guest", "/"), 0);
	assert_int_equal(rounds, 9);
	assert_int_equal(size, 7);
}

static void quick_changes_only_what_has_a_quick_value(void **state)
{
	(void)state;
	assert_int_equal(READ("--quick", "--guest", "/"), 0);
	assert_int_equal(rounds, 3);
	assert_int_equal(size, 7);
	assert_int_equal(READ("--quick", "--guest", "/", "--rounds", "5"), 0);
	assert_int_equal(rounds, 5);
}

/* The value of an option is no option, whatever it looks like. */
static void a_value_may_look_like_an_option(void **state)
{
	(void)state;
	assert_int_equal(READ("--guest", "/", "--json", "--rounds"), 0);
	assert_string_equal(json, "--rounds");
	assert_int_equal(rounds, 9);
}

static void assert_refused(int error, const char *sentence)
{
	assert_int_equal(error, -EINVAL);
	assert_string_equal(reason, sentence);
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	assert_refused(READ("--rounds", "9"), "--guest is missing");
	assert_refused(READ("--guest"), "--guest needs a value");
	assert_refused(READ("--guest", "/nowhere/at/all"), "--guest: No such file or directory");
	assert_refused(READ("--speed", "9"), "what is --speed?");
	assert_refused(READ("quick"), "what is quick?");
	assert_refused(READ("--rounds", "1"), "--rounds is a number from 2 to 20");
	assert_refused(READ("--rounds", "21"), "--rounds is a number from 2 to 20");
	assert_refused(READ("--rounds", "9x"), "--rounds is a number from 2 to 20");
	assert_refused(READ("--rounds", ""), "--rounds is a number from 2 to 20");
	assert_refused(READ("--size", "-1"), "--size is a number from 0 to 100");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_go_where_the_rows_say),
		cmocka_unit_test(a_number_not_given_is_the_usual_one),
		cmocka_unit_test(quick_changes_only_what_has_a_quick_value),
		cmocka_unit_test(a_value_may_look_like_an_option),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
