/* SPDX-License-Identifier: MIT */
/* tests/unit/test_report.c - a result file, written and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "benches/report.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static json_t *some_results(void)
{
	const double samples[] = {3.0, 1.0, 2.00049};
	double sorted[] = {3.0, 1.0, 2.00049};
	struct stats_summary summary = stats_summarize(sorted, COUNT(sorted));
	json_t *results = json_array();
	json_t *result = report_result("startup.reaped", "mote", "us", &summary);

	report_add_ratio(result, "floor", &summary);
	report_add_samples(result, samples, COUNT(samples));
	report_add_stage(result, "clone", 1.5);
	report_add_stage(result, "vm", 2.5);
	report_set_x(result, "live VMs", 500);
	json_array_append_new(results, result);
	json_array_append_new(results, report_result("other", "floor", "us", &summary));
	return results;
}

static json_t *write_and_load(const json_t *results)
{
	char path[] = "/tmp/mote-report.XXXXXX";
	json_t *report;

	close(mkstemp(path));
	assert_int_equal(report_write(path, results), 0);
	report = json_load_file(path, 0, NULL);
	unlink(path);
	assert_non_null(report);
	return report;
}

static void the_file_holds_what_was_added(void **state)
{
	json_t *results = some_results();
	json_t *report = write_and_load(results);
	json_t *result = json_array_get(json_object_get(report, "results"), 0);
	json_t *stage = json_array_get(json_object_get(result, "stages"), 1);
	json_t *x = json_object_get(result, "x");

	(void)state;
	assert_true(json_equal(json_object_get(report, "results"), results));
	assert_string_equal(json_string_value(json_object_get(stage, "name")), "vm");
	assert_float_equal(json_real_value(json_object_get(stage, "us")), 2.5, 0.0);
	assert_string_equal(json_string_value(json_object_get(x, "name")), "live VMs");
	assert_float_equal(json_real_value(json_object_get(x, "value")), 500.0, 0.0);
	assert_non_null(json_object_get(json_object_get(report, "environment"), "kernel"));
	json_decref(report);
	json_decref(results);
}

static void samples_keep_their_order(void **state)
{
	json_t *results = some_results();
	json_t *samples = json_object_get(json_array_get(results, 0), "samples");

	(void)state;
	assert_int_equal(json_array_size(samples), 3);
	assert_float_equal(json_real_value(json_array_get(samples, 0)), 3.0, 0.0);
	assert_float_equal(json_real_value(json_array_get(samples, 2)), 2.0, 0.0);
	json_decref(results);
}

static void what_was_not_added_is_absent(void **state)
{
	json_t *results = some_results();
	json_t *plain = json_array_get(results, 1);

	(void)state;
	assert_null(json_object_get(plain, "ratio"));
	assert_null(json_object_get(plain, "samples"));
	assert_null(json_object_get(plain, "stages"));
	assert_null(json_object_get(plain, "x"));
	json_decref(results);
}

static void a_file_that_cannot_be_written_is_an_error(void **state)
{
	json_t *results = json_array();

	(void)state;
	assert_true(report_write("/nowhere/at/all", results) < 0);
	assert_true(report_write("/dev/full", results) < 0);
	json_decref(results);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_holds_what_was_added),
		cmocka_unit_test(samples_keep_their_order),
		cmocka_unit_test(what_was_not_added_is_absent),
		cmocka_unit_test(a_file_that_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
