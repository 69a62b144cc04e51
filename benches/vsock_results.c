/* SPDX-License-Identifier: MIT */
/* benches/vsock_results.c - see vsock_results.h. */
#include "benches/vsock_results.h"

#include <stdio.h>
#include <string.h>

#include "benches/report.h"
#include "benches/stats.h"

enum {
	CEILING = VSOCK_SUBJECTS - 1,
};

void vsock_results_add(struct vsock_results *results, size_t subject, enum vsock_cell cell,
		       size_t round, const struct vsock_run *run)
{
	for (unsigned int figure = 0; figure < VSOCK_FIGURES; figure++)
		if (vsock_figures[figure].cell == cell)
			results->samples[subject][figure][round] = vsock_figure_of(run, figure);
}

static bool has_figure(const struct vsock_results *results, size_t subject,
		       enum vsock_figure figure)
{
	return results->subjects[subject].program == VSOCK_MOTE || !vsock_figures[figure].is_of_vms;
}

static bool has_ratio(size_t subject, enum vsock_figure figure)
{
	return subject != CEILING && !vsock_figures[figure].is_of_vms;
}

/* Summarizing sorts, so it works on a copy: ratios need the order of the rounds. */
static struct stats_summary summarize(const struct vsock_results *results, size_t subject,
				      enum vsock_figure figure)
{
	double copy[VSOCK_ROUNDS_MAX];

	memcpy(copy, results->samples[subject][figure], results->round_count * sizeof(*copy));
	return stats_summarize(copy, results->round_count);
}

static struct stats_summary summarize_ratio(const struct vsock_results *results, size_t subject,
					    enum vsock_figure figure)
{
	double ratios[VSOCK_ROUNDS_MAX];

	stats_ratios(ratios, results->samples[subject][figure], results->samples[CEILING][figure],
		     results->round_count);
	return stats_summarize(ratios, results->round_count);
}

static void print_row(const struct vsock_results *results, size_t subject, enum vsock_figure figure)
{
	const struct vsock_figure_text *text = &vsock_figures[figure];
	struct stats_summary summary = summarize(results, subject, figure);

	printf("  %-30s %-7s %-13s %11.2f %11.2f %11.2f", text->metric, text->unit,
	       results->subjects[subject].name, summary.minimum, summary.median, summary.maximum);
	if (has_ratio(subject, figure))
		printf(" %8.3f, %s is better\n", summarize_ratio(results, subject, figure).median,
		       text->is_more_better ? "more" : "less");
	else
		printf(" %8s\n", "-");
}

static void print_cell(const struct vsock_results *results, enum vsock_cell cell)
{
	printf("\n%s (%s)\n", vsock_cells[cell].text, vsock_cells[cell].name);
	for (unsigned int figure = 0; figure < VSOCK_FIGURES; figure++)
		for (size_t at = 0; vsock_figures[figure].cell == cell && at < VSOCK_SUBJECTS; at++)
			if (has_figure(results, at, figure))
				print_row(results, at, figure);
}

void vsock_results_print(const struct vsock_results *results)
{
	printf("%zu rounds; CPU is the host's: user, system and guest time of all threads of the "
	       "monitor, or of\nthe process in its place, not of the client; ratios to that "
	       "process are the median of those round by\nround; exits are those to mote; no "
	       "round trip can do with less than one, and one interrupt\n\n",
	       results->round_count);
	printf("  %-30s %-7s %-13s %11s %11s %11s %8s\n", "metric", "unit", "subject", "least",
	       "median", "most", "/ceiling");
	for (size_t at = 0; at < results->cell_count; at++)
		print_cell(results, results->cells[at]);
	if (results->repeated > 0)
		printf("\n%u runs were repeated, their processor time was not seen\n",
		       results->repeated);
}

static json_t *report_figure(const struct vsock_results *results, size_t subject,
			     enum vsock_figure figure)
{
	const struct vsock_figure_text *text = &vsock_figures[figure];
	struct stats_summary summary = summarize(results, subject, figure);
	json_t *result =
		report_result(text->metric, results->subjects[subject].name, text->unit, &summary);

	report_add_samples(result, results->samples[subject][figure], results->round_count);
	if (has_ratio(subject, figure)) {
		struct stats_summary ratio = summarize_ratio(results, subject, figure);

		report_add_ratio(result, results->subjects[CEILING].name, &ratio);
	}
	return result;
}

static bool is_measured(const struct vsock_results *results, enum vsock_cell cell)
{
	for (size_t at = 0; at < results->cell_count; at++)
		if (results->cells[at] == cell)
			return true;
	return false;
}

json_t *vsock_results_report(const struct vsock_results *results)
{
	json_t *report = json_array();

	for (unsigned int figure = 0; figure < VSOCK_FIGURES; figure++)
		for (size_t at = 0;
		     at < VSOCK_SUBJECTS && is_measured(results, vsock_figures[figure].cell); at++)
			if (has_figure(results, at, figure))
				json_array_append_new(report, report_figure(results, at, figure));
	return report;
}
