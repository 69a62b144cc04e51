/* SPDX-License-Identifier: MIT */
/* benches/parallel_results.c - see parallel_results.h. */
#include "benches/parallel_results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "benches/report.h"
#include "benches/stats.h"

/* Where samples are sorted, which leaves them in the order in which they were taken. */
static double sorted[PARALLEL_SAMPLES_MAX];

static const char *const metric_names[PARALLEL_METRICS] = {
	[PARALLEL_FIRST_INSTRUCTION] = "parallel.first_instruction",
	[PARALLEL_REAPED] = "parallel.reaped",
};

static struct stats_summary summarize(const double *samples, size_t count)
{
	memcpy(sorted, samples, count * sizeof(*sorted));
	return stats_summarize(sorted, count);
}

static struct stats_summary compare(const double *samples, const double *references, size_t count)
{
	stats_ratios(sorted, samples, references, count);
	return stats_summarize(sorted, count);
}

static void print_metric(const struct parallel_point *point, enum parallel_metric metric)
{
	struct stats_summary summary = summarize(point->us[metric], point->sample_count);

	printf("%-28s %-14s %12.1f %12.1f %12.1f %10.2f\n", metric_names[metric], point->subject,
	       summary.median, summary.p90, summary.p99, summary.p99 / summary.median);
}

static void print_rounds(const struct parallel_point *point, const char *name, const double *of,
			 const double *reference)
{
	printf("%-28s %-14s %12.1f", name, point->subject,
	       summarize(of, point->round_count).median);
	if (reference != NULL)
		printf("   %.3f of the %s's", compare(of, reference, point->round_count).median,
		       point->reference->subject);
	printf("\n");
}

void parallel_print(const struct parallel_point *points, size_t count)
{
	printf("%zu starts at once, %zu rounds; us since each spawn\n", points[0].starts,
	       points[0].round_count);
	printf("%-28s %-14s %12s %12s %12s %10s\n", "metric", "", "median", "p90", "p99",
	       "p99/p50");
	for (unsigned int metric = 0; metric < PARALLEL_METRICS; metric++)
		for (size_t at = 0; at < count; at++)
			print_metric(&points[at], metric);
	for (size_t at = 0; at < count; at++)
		print_rounds(&points[at], "parallel.starts_per_s", points[at].starts_per_s,
			     points[at].reference ? points[at].reference->starts_per_s : NULL);
	for (size_t at = 0; at < count; at++)
		print_rounds(&points[at], "parallel.processor_us", points[at].processor_us,
			     points[at].reference ? points[at].reference->processor_us : NULL);
}

static json_t *add(json_t *results, const struct parallel_point *point, const char *metric,
		   const char *unit, const double *samples, size_t count)
{
	struct stats_summary summary = summarize(samples, count);
	json_t *result = report_result(metric, point->subject, unit, &summary);

	report_add_samples(result, samples, count);
	report_set_x(result, "starts at once", (double)point->starts);
	json_array_append_new(results, result);
	return result;
}

static void add_rounds(json_t *results, const struct parallel_point *point, const char *metric,
		       const char *unit, const double *of, const double *reference)
{
	json_t *result = add(results, point, metric, unit, of, point->round_count);
	struct stats_summary ratio;

	if (reference == NULL)
		return;
	ratio = compare(of, reference, point->round_count);
	report_add_ratio(result, point->reference->subject, &ratio);
}

void parallel_add_results(json_t *results, const struct parallel_point *point)
{
	const struct parallel_point *reference = point->reference;

	for (unsigned int metric = 0; metric < PARALLEL_METRICS; metric++) {
		json_t *result = add(results, point, metric_names[metric], "us", point->us[metric],
				     point->sample_count);
		struct stats_summary summary = summarize(point->us[metric], point->sample_count);

		json_object_set_new(result, "tail", json_real(summary.p99 / summary.median));
	}
	add_rounds(results, point, "parallel.starts_per_s", "1/s", point->starts_per_s,
		   reference ? reference->starts_per_s : NULL);
	add_rounds(results, point, "parallel.processor_us", "us", point->processor_us,
		   reference ? reference->processor_us : NULL);
}
