/* SPDX-License-Identifier: MIT */
/* benches/report.c - see report.h. */
#include "benches/report.h"

#include <errno.h>
#include <math.h>

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
	add_number(result, "ratio_p99", reference, ratio->p99);
}

int report_write(const char *path, json_t *results)
{
	json_t *report =
		json_pack("{so sO}", "environment", environment_describe(), "results", results);
	int error = report == NULL ||
		    json_dump_file(report, path, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) != 0;

	json_decref(report);
	return error ? -EIO : 0;
}
