/* SPDX-License-Identifier: MIT */
/* benches/net_results.c - see net_results.h. */
#include "benches/net_results.h"

#include <stdio.h>
#include <string.h>

#include "benches/report.h"
#include "benches/stats.h"

enum {
	NO_SUBJECT = NET_SUBJECTS_MAX,
};

void net_results_add(struct net_results *results, size_t subject, enum net_cell cell, size_t round,
		     const struct net_run *run)
{
	for (unsigned int figure = 0; figure < NET_FIGURES; figure++)
		if (net_figures[figure].cell == cell)
			results->samples[subject][figure][round] = net_figure_of(run, figure);
}

/* Summarizing sorts, so it works on a copy: ratios need the order of the rounds. */
static struct stats_summary summarize(const double *samples, size_t count)
{
	double copy[NET_ROUNDS_MAX];

	memcpy(copy, samples, count * sizeof(*copy));
	return stats_summarize(copy, count);
}

static struct stats_summary summarize_ratio(const struct net_results *results, size_t subject,
					    size_t reference, enum net_figure figure)
{
	double ratios[NET_ROUNDS_MAX];

	stats_ratios(ratios, results->samples[subject][figure], results->samples[reference][figure],
		     results->round_count);
	return stats_summarize(ratios, results->round_count);
}

/* QEMU's place among the subjects, for all but itself, or NO_SUBJECT. */
static size_t reference_of(const struct net_results *results, size_t subject)
{
	for (size_t at = 0; at < results->subject_count; at++)
		if (at != subject && results->subjects[at]->program == NET_QEMU)
			return at;
	return NO_SUBJECT;
}

static void print_row(const struct net_results *results, size_t subject, enum net_figure figure)
{
	const struct net_figure_text *text = &net_figures[figure];
	struct stats_summary summary =
		summarize(results->samples[subject][figure], results->round_count);
	size_t reference = reference_of(results, subject);

	printf("  %-30s %-7s %-13s %11.2f %11.2f %11.2f", text->metric, text->unit,
	       results->subjects[subject]->name, summary.minimum, summary.median, summary.maximum);
	if (reference == NO_SUBJECT)
		printf(" %8s\n", "-");
	else
		printf(" %8.3f, %s is better\n",
		       summarize_ratio(results, subject, reference, figure).median,
		       text->is_more_better ? "more" : "less");
}

static void print_cell(const struct net_results *results, enum net_cell cell)
{
	printf("\n%s (%s)\n", net_cells[cell].text, net_cells[cell].name);
	for (unsigned int figure = 0; figure < NET_FIGURES; figure++)
		for (size_t at = 0; net_figures[figure].cell == cell && at < results->subject_count;
		     at++)
			print_row(results, at, figure);
}

void net_results_print(const struct net_results *results)
{
	printf("%zu rounds; CPU is the host's: user, system and guest time of all threads of the "
	       "monitor,\nnot of the other end; ratios to QEMU are the median of those round by "
	       "round\n\n",
	       results->round_count);
	printf("  %-30s %-7s %-13s %11s %11s %11s %8s\n", "metric", "unit", "subject", "least",
	       "median", "most", "/QEMU");
	for (size_t at = 0; at < results->cell_count; at++)
		print_cell(results, results->cells[at]);
	for (size_t at = 0; at < results->subject_count; at++)
		if (results->repeated[at] > 0)
			printf("\n%s: %u runs failed and were repeated\n",
			       results->subjects[at]->name, results->repeated[at]);
	if (results->tap_count > 0)
		printf("\na tap, made and brought up: %.0f us, removed: %.0f us (medians of %zu)\n",
		       summarize(results->tap_created_us, results->tap_count).median,
		       summarize(results->tap_removed_us, results->tap_count).median,
		       results->tap_count);
}

static json_t *report_figure(const struct net_results *results, size_t subject,
			     enum net_figure figure)
{
	const struct net_figure_text *text = &net_figures[figure];
	struct stats_summary summary =
		summarize(results->samples[subject][figure], results->round_count);
	size_t reference = reference_of(results, subject);
	json_t *result =
		report_result(text->metric, results->subjects[subject]->name, text->unit, &summary);

	if (reference != NO_SUBJECT) {
		struct stats_summary ratio = summarize_ratio(results, subject, reference, figure);

		report_add_ratio(result, results->subjects[reference]->name, &ratio);
	}
	return result;
}

static void report_tap(json_t *report, const char *metric, const double *samples, size_t count)
{
	struct stats_summary summary = summarize(samples, count);

	if (count > 0)
		json_array_append_new(report, report_result(metric, "tap", "us", &summary));
}

static bool is_measured(const struct net_results *results, enum net_cell cell)
{
	for (size_t at = 0; at < results->cell_count; at++)
		if (results->cells[at] == cell)
			return true;
	return false;
}

json_t *net_results_report(const struct net_results *results)
{
	json_t *report = json_array();

	for (unsigned int figure = 0; figure < NET_FIGURES; figure++)
		for (size_t at = 0;
		     at < results->subject_count && is_measured(results, net_figures[figure].cell);
		     at++)
			json_array_append_new(report, report_figure(results, at, figure));
	report_tap(report, "net.tap.created", results->tap_created_us, results->tap_count);
	report_tap(report, "net.tap.removed", results->tap_removed_us, results->tap_count);
	return report;
}
