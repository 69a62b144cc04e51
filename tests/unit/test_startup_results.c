/* SPDX-License-Identifier: MIT */
/* tests/unit/test_startup_results.c - ratios of starts, to one reference and to two. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "benches/startup_results.h"

enum {
	NS_PER_US = 1000,
	REAPED_TIMES = 2, /* as long as to the first instruction */
};

static struct startup_results results;
static struct startup_subject *asking;
static struct startup_subject *kept;
static struct startup_subject *mote;

static struct startup_subject *add(const char *name)
{
	struct startup_subject *added = startup_results_add(&results);

	added->subject = (struct subject){.name = name, .format = SUBJECT_STAMP_LINES};
	added->metrics = STARTUP_SET_STAMPED;
	added->floor = asking;
	return added;
}

static void record(struct startup_subject *of, size_t round, uint64_t us)
{
	const struct subject_run run = {
		.spawned_ns = 5,
		.first_instruction_ns = 5 + us * NS_PER_US,
		.first_output_ns = 5 + us * NS_PER_US,
		.reaped_ns = 5 + us * REAPED_TIMES * NS_PER_US,
		.stages = {{"vm", 5 + us * NS_PER_US / 2}},
		.stage_count = 1,
	};

	startup_results_record(&results, of, round, &run);
}

/* The floor's slowest start is in another round than mote's, which runs in every second only. */
static int set_up(void **state)
{
	(void)state;
	memset(&results, 0, sizeof(results));
	results.ticks_per_us = 1;
	asking = NULL;
	asking = add("floor");
	kept = add("floor+kept");
	mote = add("mote");
	mote->other = kept;
	mote->less = kept;
	mote->period = 2;
	for (size_t round = 0; round < 6; round++) {
		record(asking, round, round == 2 ? 400 : 200);
		record(kept, round, 100);
	}
	record(mote, 0, 300);
	record(mote, 2, 200);
	record(mote, 4, 500);
	return 0;
}

static const json_t *find(const json_t *list, const char *metric, const char *subject)
{
	const json_t *result;
	size_t at;

	json_array_foreach (list, at, result)
		if (strcmp(json_string_value(json_object_get(result, "metric")), metric) == 0 &&
		    strcmp(json_string_value(json_object_get(result, "subject")), subject) == 0)
			return result;
	return NULL;
}

static double number(const json_t *result, const char *key, const char *reference)
{
	const json_t *numbers = json_object_get(result, key);

	return json_number_value(reference == NULL ? numbers : json_object_get(numbers, reference));
}

static void ratios_are_those_of_rounds(void **state)
{
	json_t *list = startup_results_report(&results);
	const json_t *reaped = find(list, "startup.reaped", "mote");

	(void)state;
	assert_float_equal(number(reaped, "median", NULL), 600, 1e-9);
	assert_float_equal(number(reaped, "ratio", "floor"), 1.5, 1e-9);
	assert_float_equal(number(reaped, "p99_of_ratio", "floor"), 2.5, 1e-9);
	assert_float_equal(number(reaped, "ratio", "floor+kept"), 3, 1e-9);
	assert_null(json_object_get(find(list, "startup.reaped", "floor"), "ratio"));
	json_decref(list);
}

static void ratio_of_p99_is_of_any_rounds(void **state)
{
	json_t *list = startup_results_report(&results);
	const json_t *first = find(list, "startup.first_instruction", "mote");

	(void)state;
	assert_float_equal(number(first, "ratio_of_p99", "floor"), 1.25, 1e-9);
	assert_float_equal(number(first, "ratio_of_p99", "floor+kept"), 5, 1e-9);
	json_decref(list);
}

static void samples_stay_in_the_order_of_rounds(void **state)
{
	json_t *list = startup_results_report(&results);
	const json_t *samples =
		json_object_get(find(list, "startup.first_instruction", "mote"), "samples");

	(void)state;
	assert_int_equal(json_array_size(samples), 3);
	assert_float_equal(json_number_value(json_array_get(samples, 0)), 300, 1e-9);
	assert_float_equal(json_number_value(json_array_get(samples, 1)), 200, 1e-9);
	json_decref(list);
}

static void what_is_added_is_a_difference_of_rounds(void **state)
{
	json_t *list = startup_results_report(&results);
	const json_t *added = find(list, "startup.first_instruction.added", "mote");

	(void)state;
	assert_float_equal(number(added, "median", NULL), 200, 1e-9);
	assert_null(find(list, "startup.first_instruction.added", "floor+kept"));
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ratios_are_those_of_rounds, set_up),
		cmocka_unit_test_setup(ratio_of_p99_is_of_any_rounds, set_up),
		cmocka_unit_test_setup(samples_stay_in_the_order_of_rounds, set_up),
		cmocka_unit_test_setup(what_is_added_is_a_difference_of_rounds, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
