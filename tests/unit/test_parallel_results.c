/* SPDX-License-Identifier: MIT */
/* tests/unit/test_parallel_results.c - ratios of rounds, and samples in their order. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "benches/parallel_results.h"

static struct parallel_point points[2];

static void add_round(struct parallel_point *point, double starts_per_s, double processor_us)
{
	point->starts_per_s[point->round_count] = starts_per_s;
	point->processor_us[point->round_count++] = processor_us;
}

/* The second round met a busy machine, which slowed both alike. */
static int set_up(void **state)
{
	(void)state;
	memset(points, 0, sizeof(points));
	points[0] = (struct parallel_point){.subject = "floor", .starts = 100};
	points[1] = (struct parallel_point){
		.subject = "mote", .reference = &points[0], .starts = 100, .sample_count = 3};
	add_round(&points[0], 400, 2000);
	add_round(&points[0], 100, 2400);
	add_round(&points[0], 400, 2000);
	add_round(&points[1], 300, 3000);
	add_round(&points[1], 75, 3600);
	add_round(&points[1], 320, 3200);
	points[1].us[PARALLEL_REAPED][0] = 30;
	points[1].us[PARALLEL_REAPED][1] = 10;
	points[1].us[PARALLEL_REAPED][2] = 20;
	return 0;
}

static json_t *find(const json_t *results, const char *metric)
{
	json_t *result;
	size_t at;

	json_array_foreach (results, at, result) {
		if (strcmp(json_string_value(json_object_get(result, "metric")), metric) == 0)
			return result;
	}
	return NULL;
}

static double ratio(const json_t *results, const char *metric)
{
	const json_t *ratios = json_object_get(find(results, metric), "ratio");

	return json_number_value(json_object_get(ratios, "floor"));
}

static void ratios_are_those_of_rounds(void **state)
{
	json_t *results = json_array();

	(void)state;
	parallel_add_results(results, &points[1]);
	assert_float_equal(ratio(results, "parallel.starts_per_s"), 0.75, 1e-9);
	assert_float_equal(ratio(results, "parallel.processor_us"), 1.5, 1e-9);
	json_decref(results);
}

static void floor_has_no_ratio(void **state)
{
	json_t *results = json_array();

	(void)state;
	parallel_add_results(results, &points[0]);
	assert_non_null(find(results, "parallel.starts_per_s"));
	assert_null(json_object_get(find(results, "parallel.starts_per_s"), "ratio"));
	json_decref(results);
}

static void samples_keep_their_order(void **state)
{
	json_t *results = json_array();
	const json_t *reaped;
	const json_t *samples;

	(void)state;
	parallel_add_results(results, &points[1]);
	reaped = find(results, "parallel.reaped");
	samples = json_object_get(reaped, "samples");
	assert_int_equal(json_array_size(samples), 3);
	assert_float_equal(json_number_value(json_array_get(samples, 0)), 30, 1e-9);
	assert_float_equal(json_number_value(json_array_get(samples, 2)), 20, 1e-9);
	assert_float_equal(json_number_value(json_object_get(reaped, "median")), 20, 1e-9);
	assert_float_equal(json_number_value(json_object_get(reaped, "tail")), 1.5, 1e-9);
	assert_float_equal(
		json_number_value(json_object_get(json_object_get(reaped, "x"), "value")), 100,
		1e-9);
	json_decref(results);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ratios_are_those_of_rounds, set_up),
		cmocka_unit_test_setup(floor_has_no_ratio, set_up),
		cmocka_unit_test_setup(samples_keep_their_order, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
