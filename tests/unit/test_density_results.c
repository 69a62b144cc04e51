/* SPDX-License-Identifier: MIT */
/* tests/unit/test_density_results.c - what each VM costs, from the machine before and after. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "benches/density_results.h"

static const struct memory_machine before = {
	.kernel_kib = {[MEMORY_SLAB] = 1000, [MEMORY_STACKS] = 500, [MEMORY_PERCPU] = 40},
	.available_kib = 100000,
};
static const struct memory_machine after = {
	.kernel_kib = {[MEMORY_SLAB] = 3000, [MEMORY_STACKS] = 900, [MEMORY_PERCPU] = 20},
	.available_kib = 90000,
};

static struct density_curve curves[2];

static void machine_is_shared_out(void **state)
{
	struct density_point point = {.live = 200};

	(void)state;
	density_point_take_machine(&point, &before, &after);
	assert_float_equal(point.kernel_kib[MEMORY_SLAB], 10, 1e-9);
	assert_float_equal(point.kernel_kib[MEMORY_STACKS], 2, 1e-9);
	assert_float_equal(point.kernel_kib[MEMORY_PAGE_TABLES], 0, 1e-9);
	assert_float_equal(point.kernel_kib[MEMORY_PERCPU], -0.1, 1e-9);
	assert_float_equal(density_kernel_kib(&point), 11.9, 1e-9);
	assert_float_equal(point.used_kib, 50, 1e-9);
}

static void fill(struct density_curve *curve, const char *name, size_t live, double start_us)
{
	struct density_point *point = &curve->points[curve->point_count++];

	curve->name = name;
	point->live = live;
	point->start_count = 3;
	point->memory_count = 1;
	point->pss_kib[0] = 300;
	point->beyond_kib[0] = 200;
	point->stop_us = 700;
	for (size_t at = 0; at < point->start_count; at++)
		point->last_us[at] = start_us * (double)(at + 1);
}

static json_t *find(const json_t *results, const char *metric, double live)
{
	json_t *result;
	size_t at;

	json_array_foreach (results, at, result) {
		const json_t *x = json_object_get(result, "x");

		if (strcmp(json_string_value(json_object_get(result, "metric")), metric) == 0 &&
		    json_number_value(json_object_get(x, "value")) == live)
			return result;
	}
	return NULL;
}

static double number(const json_t *results, const char *metric, double live)
{
	return json_number_value(json_object_get(find(results, metric, live), "median"));
}

static int set_up(void **state)
{
	(void)state;
	memset(curves, 0, sizeof(curves));
	fill(&curves[0], "floor", 10, 100);
	fill(&curves[0], "floor", 100, 200);
	fill(&curves[1], "mote", 10, 150);
	fill(&curves[1], "mote", 100, 500);
	curves[1].reference = &curves[0];
	return 0;
}

static void starts_are_compared_at_the_same_number(void **state)
{
	json_t *results = json_array();
	json_t *ratio;

	(void)state;
	density_add_results(results, &curves[1]);
	assert_float_equal(number(results, "density.start_us", 10), 300, 1e-9);
	assert_float_equal(number(results, "density.start_us", 100), 1000, 1e-9);
	ratio = json_object_get(find(results, "density.start_us", 10), "ratio");
	assert_float_equal(json_number_value(json_object_get(ratio, "floor")), 1.5, 1e-9);
	ratio = json_object_get(find(results, "density.start_us", 100), "ratio");
	assert_float_equal(json_number_value(json_object_get(ratio, "floor")), 2.5, 1e-9);
	json_decref(results);
}

static void floor_has_no_ratio(void **state)
{
	json_t *results = json_array();

	(void)state;
	density_add_results(results, &curves[0]);
	assert_null(json_object_get(find(results, "density.start_us", 10), "ratio"));
	json_decref(results);
}

/* The machine's memory is no measure for a few VMs. */
static void few_vms_have_no_kernel_memory(void **state)
{
	json_t *results = json_array();

	(void)state;
	density_add_results(results, &curves[1]);
	assert_null(find(results, "density.kernel.slab_kib", 10));
	assert_non_null(find(results, "density.kernel.slab_kib", 100));
	assert_float_equal(number(results, "density.pss_beyond_guest_kib", 10), 200, 1e-9);
	assert_float_equal(number(results, "density.stop_us", 10), 700, 1e-9);
	json_decref(results);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machine_is_shared_out),
		cmocka_unit_test_setup(starts_are_compared_at_the_same_number, set_up),
		cmocka_unit_test_setup(floor_has_no_ratio, set_up),
		cmocka_unit_test_setup(few_vms_have_no_kernel_memory, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
