/* SPDX-License-Identifier: MIT */
/* benches/density_results.c - see density_results.h. */
#include "benches/density_results.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "benches/report.h"
#include "benches/stats.h"

#define US_PER_MS 1000.0

/* One figure of each point. */
struct row {
	const char *metric;
	const char *unit;
	size_t offset;
	bool is_of_machine;
};

#define AT(field)     offsetof(struct density_point, field)
#define KERNEL(which) (AT(kernel_kib) + (which) * sizeof(double))

static const struct row rows[] = {
	{"density.kernel.slab_kib", "KiB", KERNEL(MEMORY_SLAB), true},
	{"density.kernel.stacks_kib", "KiB", KERNEL(MEMORY_STACKS), true},
	{"density.kernel.page_tables_kib", "KiB", KERNEL(MEMORY_PAGE_TABLES), true},
	{"density.kernel.nested_page_tables_kib", "KiB", KERNEL(MEMORY_NESTED_PAGE_TABLES), true},
	{"density.kernel.percpu_kib", "KiB", KERNEL(MEMORY_PERCPU), true},
	{"density.used_kib", "KiB", AT(used_kib), true},
	{"density.idle_processors", "processors", AT(idle_processors), false},
	{"density.idle_turns_per_s", "1/s", AT(idle_turns_per_s), false},
	{"density.stop_us", "us", AT(stop_us), false},
};

static struct stats_summary summarize(const double *samples, size_t count)
{
	double sorted[DENSITY_STARTS];

	memcpy(sorted, samples, count * sizeof(*sorted));
	return stats_summarize(sorted, count);
}

static double each_kib(uint64_t before_kib, uint64_t after_kib, size_t live)
{
	return ((double)after_kib - (double)before_kib) / (double)live;
}

void density_point_take_machine(struct density_point *point, const struct memory_machine *before,
				const struct memory_machine *after)
{
	for (size_t at = 0; at < MEMORY_KERNEL_FIELDS; at++)
		point->kernel_kib[at] =
			each_kib(before->kernel_kib[at], after->kernel_kib[at], point->live);
	point->used_kib = each_kib(after->available_kib, before->available_kib, point->live);
}

double density_kernel_kib(const struct density_point *point)
{
	double sum = 0;

	for (size_t at = 0; at < MEMORY_KERNEL_FIELDS; at++)
		sum += point->kernel_kib[at];
	return sum;
}

void density_print_head(void)
{
	printf("%-14s %6s %9s %9s %9s %11s %11s %11s %9s %9s %9s\n", "subject", "VMs", "start ms",
	       "p99 ms", "PSS KiB", "but guest's", "kernel KiB", "used KiB", "idle CPUs", "turns/s",
	       "stop ms");
}

void density_print_point(const struct density_curve *curve, const struct density_point *point)
{
	struct stats_summary start = summarize(point->last_us, point->start_count);

	printf("%-14s %6zu %9.2f %9.2f %9.0f %11.0f", curve->name, point->live,
	       start.median / US_PER_MS, start.p99 / US_PER_MS,
	       summarize(point->pss_kib, point->memory_count).median,
	       summarize(point->beyond_kib, point->memory_count).median);
	if (point->live < DENSITY_MACHINE_VMS)
		printf(" %11s %11s", "", "");
	else
		printf(" %11.0f %11.0f", density_kernel_kib(point), point->used_kib);
	printf(" %9.4f %9.1f %9.2f\n", point->idle_processors, point->idle_turns_per_s,
	       point->stop_us / US_PER_MS);
	fflush(stdout);
}

static void print_kernel(const struct density_point *point)
{
	printf("  kernel memory of each, KiB:");
	for (size_t at = 0; at < MEMORY_KERNEL_FIELDS; at++)
		printf(" %s %.1f%s", memory_kernel_name((enum memory_kernel_field)at),
		       point->kernel_kib[at], at + 1 < MEMORY_KERNEL_FIELDS ? "," : "\n");
}

void density_print_end(const struct density_curve *curves, size_t count)
{
	for (size_t at = 0; at < count; at++) {
		const struct density_point *last = &curves[at].points[curves[at].point_count - 1];
		double first_us = summarize(last->first_us, last->start_count).median;
		double last_us = summarize(last->last_us, last->start_count).median;

		printf("%s, %zu alive: the last %zu starts took %.2f times as long as the first\n",
		       curves[at].name, last->live, last->start_count, last_us / first_us);
		if (last->live >= DENSITY_MACHINE_VMS)
			print_kernel(last);
	}
}

static json_t *add(json_t *results, const struct density_curve *curve, size_t live,
		   const char *metric, const char *unit, const double *samples, size_t count)
{
	struct stats_summary summary = summarize(samples, count);
	json_t *result = report_result(metric, curve->name, unit, &summary);

	report_add_samples(result, samples, count);
	report_set_x(result, "live VMs", (double)live);
	json_array_append_new(results, result);
	return result;
}

/* The same VM of both in the order of the starts: the machine was as full. */
static void add_start_ratio(json_t *result, const struct density_curve *curve,
			    const struct density_point *point)
{
	const struct density_point *reference;
	double ratios[DENSITY_STARTS];
	struct stats_summary summary;

	if (curve->reference == NULL)
		return;
	reference = &curve->reference->points[point - curve->points];
	stats_ratios(ratios, point->last_us, reference->last_us, point->start_count);
	summary = stats_summarize(ratios, point->start_count);
	report_add_ratio(result, curve->reference->name, &summary);
}

static void add_point(json_t *results, const struct density_curve *curve,
		      const struct density_point *point)
{
	size_t live = point->live;
	json_t *start = add(results, curve, live, "density.start_us", "us", point->last_us,
			    point->start_count);

	add_start_ratio(start, curve, point);
	add(results, curve, live, "density.first_start_us", "us", point->first_us,
	    point->start_count);
	add(results, curve, live, "density.pss_kib", "KiB", point->pss_kib, point->memory_count);
	add(results, curve, live, "density.pss_beyond_guest_kib", "KiB", point->beyond_kib,
	    point->memory_count);
	for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++)
		if (!rows[at].is_of_machine || live >= DENSITY_MACHINE_VMS)
			add(results, curve, live, rows[at].metric, rows[at].unit,
			    (const double *)(const void *)((const char *)point + rows[at].offset),
			    1);
}

void density_add_results(json_t *results, const struct density_curve *curve)
{
	for (size_t at = 0; at < curve->point_count; at++)
		add_point(results, curve, &curve->points[at]);
}
