/* SPDX-License-Identifier: MIT */
/* benches/report.c - see report.h. */
#include "benches/report.h"

#include <err.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "benches/environment.h"

/* Three decimals: a nanosecond in a microsecond, a thousandth of a ratio. */
static json_t *number(double value)
{
	return json_real(round(value * 1000.0) / 1000.0);
}

json_t *report_result(const char *metric, const char *subject, const char *unit,
		      const struct stats_summary *summary)
{
	return json_pack("{ss ss ss sI so so so so so}", "metric", metric, "subject", subject,
			 "unit", unit, "n", (json_int_t)summary->count, "min",
			 number(summary->minimum), "median", number(summary->median), "p90",
			 number(summary->p90), "p99", number(summary->p99), "max",
			 number(summary->maximum));
}

static void add_number(json_t *result, const char *key, const char *reference, double value)
{
	json_t *ratios = json_object_get(result, key);

	if (ratios == NULL) {
		ratios = json_object();
		json_object_set_new(result, key, ratios);
	}
	json_object_set_new(ratios, reference, number(value));
}

void report_add_ratio(json_t *result, const char *reference, const struct stats_summary *ratio)
{
	add_number(result, "ratio", reference, ratio->median);
	add_number(result, "p99_of_ratio", reference, ratio->p99);
}

void report_add_p99_ratio(json_t *result, const char *reference, double ratio)
{
	add_number(result, "ratio_of_p99", reference, ratio);
}

void report_add_samples(json_t *result, const double *samples, size_t count)
{
	json_t *list = json_array();

	for (size_t at = 0; at < count; at++)
		json_array_append_new(list, number(samples[at]));
	json_object_set_new(result, "samples", list);
}

void report_add_stage(json_t *result, const char *name, double us)
{
	json_t *stages = json_object_get(result, "stages");

	if (stages == NULL) {
		stages = json_array();
		json_object_set_new(result, "stages", stages);
	}
	json_array_append_new(stages, json_pack("{ss so}", "name", name, "us", number(us)));
}

void report_set_x(json_t *result, const char *name, double value)
{
	json_object_set_new(result, "x",
			    json_pack("{ss so}", "name", name, "value", number(value)));
}

/* One result to a line: a file with samples stays one that can be searched. */
static int write_lines(FILE *file, const json_t *environment, const json_t *results)
{
	const size_t flags = JSON_REAL_PRECISION(9);
	int error = fprintf(file, "{\"environment\": ") < 0;
	const json_t *result;
	size_t at;

	error |= json_dumpf(environment, file, flags);
	error |= fprintf(file, ",\n\"results\": [") < 0;
	json_array_foreach (results, at, result) {
		error |= fprintf(file, at == 0 ? "\n" : ",\n") < 0;
		error |= json_dumpf(result, file, flags);
	}
	error |= fprintf(file, "\n]}\n") < 0;
	return error;
}

int report_write(const char *path, const json_t *results)
{
	json_t *environment = environment_describe();
	FILE *file = fopen(path, "we");
	int error;

	if (environment == NULL || file == NULL)
		error = -1;
	else
		error = write_lines(file, environment, results);
	if (file != NULL)
		error |= fclose(file);
	json_decref(environment);
	return error != 0 ? -EIO : 0;
}

void report_finish(const char *path, json_t *results)
{
	if (path != NULL && report_write(path, results) != 0)
		errx(EXIT_FAILURE, "cannot write %s", path);
	json_decref(results);
}
