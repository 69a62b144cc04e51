/* SPDX-License-Identifier: MIT */
/* benches/block_results.c - see block_results.h. */
#include "benches/block_results.h"

#include <stdio.h>
#include <string.h>

#include "benches/report.h"
#include "benches/stats.h"

enum {
	NO_SUBJECT = BLOCK_SUBJECTS_MAX,
};

/* The key of a ratio to QEMU, whichever variant it was. */
static const char qemu_reference[] = "qemu-microvm";

struct cell {
	size_t group;
	unsigned int depth; /* its place in block_depths */
};

void block_results_add(struct block_results *results, size_t subject, size_t group, size_t round,
		       const struct block_run runs[BLOCK_DEPTHS])
{
	for (unsigned int depth = 0; depth < BLOCK_DEPTHS; depth++) {
		double(*of)[BLOCK_ROUNDS_MAX] = results->samples[subject][group][depth];

		of[BLOCK_IOPS][round] = runs[depth].iops;
		of[BLOCK_P50_US][round] = runs[depth].p50_us;
		of[BLOCK_P99_US][round] = runs[depth].p99_us;
		of[BLOCK_CPU_US][round] = runs[depth].cpu_us;
	}
}

static const double *samples_of(const struct block_results *results, size_t subject,
				struct cell cell, enum block_figure figure)
{
	return results->samples[subject][cell.group][cell.depth][figure];
}

/* Summarizing sorts, so it works on a copy: ratios need the order of the rounds. */
static struct stats_summary summarize(const struct block_results *results, size_t subject,
				      struct cell cell, enum block_figure figure)
{
	double copy[BLOCK_ROUNDS_MAX];

	memcpy(copy, samples_of(results, subject, cell, figure),
	       results->round_count * sizeof(*copy));
	return stats_summarize(copy, results->round_count);
}

static struct stats_summary summarize_ratio(const struct block_results *results, size_t subject,
					    size_t reference, struct cell cell,
					    enum block_figure figure)
{
	double ratios[BLOCK_ROUNDS_MAX];

	stats_ratios(ratios, samples_of(results, subject, cell, figure),
		     samples_of(results, reference, cell, figure), results->round_count);
	return stats_summarize(ratios, results->round_count);
}

/* The subject of this program with the most IOPS in the cell, or NO_SUBJECT. */
static size_t best_of(const struct block_results *results, enum block_program program,
		      struct cell cell)
{
	size_t best = NO_SUBJECT;
	double best_iops = 0;

	for (size_t at = 0; at < results->subject_count; at++) {
		double iops = summarize(results, at, cell, BLOCK_IOPS).median;

		if (results->subjects[at]->program == program && iops > best_iops) {
			best = at;
			best_iops = iops;
		}
	}
	return best;
}

/* fio is the ceiling, with nothing above it; QEMU's variants are not compared with each other. */
static size_t reference_of(const struct block_results *results, size_t subject,
			   enum block_program program, struct cell cell)
{
	enum block_program own = results->subjects[subject]->program;

	if (own == BLOCK_FIO || own == program)
		return NO_SUBJECT;
	return best_of(results, program, cell);
}

static void print_ratio(const struct block_results *results, size_t subject,
			enum block_program program, struct cell cell)
{
	size_t reference = reference_of(results, subject, program, cell);

	if (reference == NO_SUBJECT)
		printf(" %8s", "-");
	else
		printf(" %8.3f",
		       summarize_ratio(results, subject, reference, cell, BLOCK_IOPS).median);
}

static void print_row(const struct block_results *results, size_t subject, struct cell cell)
{
	bool is_best = best_of(results, BLOCK_QEMU, cell) == subject;

	printf("  qd%-3u %-24s%c %10.0f %9.1f %9.1f %9.2f", block_depths[cell.depth],
	       results->subjects[subject]->name, is_best ? '*' : ' ',
	       summarize(results, subject, cell, BLOCK_IOPS).median,
	       summarize(results, subject, cell, BLOCK_P50_US).median,
	       summarize(results, subject, cell, BLOCK_P99_US).median,
	       summarize(results, subject, cell, BLOCK_CPU_US).median);
	print_ratio(results, subject, BLOCK_QEMU, cell);
	print_ratio(results, subject, BLOCK_FIO, cell);
	printf("\n");
}

static void print_group(const struct block_results *results, size_t group)
{
	char name[BLOCK_NAME_BYTES];

	block_describe(name, results->groups[group]);
	printf("\n%s\n", name);
	for (unsigned int depth = 0; depth < BLOCK_DEPTHS; depth++)
		for (size_t subject = 0; subject < results->subject_count; subject++)
			print_row(results, subject, (struct cell){group, depth});
}

void block_results_print(const struct block_results *results)
{
	printf("medians of %zu rounds; CPU is the host's, per request: user, system and guest time "
	       "of\nthe processes; ratios are of IOPS, round by round, to QEMU's best here (*) and "
	       "to fio\n\n",
	       results->round_count);
	printf("  %-5s %-24s  %10s %9s %9s %9s %8s %8s\n", "", "subject", "IOPS", "p50 us",
	       "p99 us", "CPU us", "/QEMU", "/fio");
	for (size_t group = 0; group < results->group_count; group++)
		print_group(results, group);
}

static void add_ratio(json_t *result, const char *key, const struct block_results *results,
		      size_t subject, size_t reference, struct cell cell, enum block_figure figure)
{
	struct stats_summary ratio = summarize_ratio(results, subject, reference, cell, figure);

	report_add_ratio(result, key, &ratio);
}

static json_t *report_figure(const struct block_results *results, size_t subject, struct cell cell,
			     enum block_figure figure)
{
	size_t qemu = reference_of(results, subject, BLOCK_QEMU, cell);
	size_t fio = reference_of(results, subject, BLOCK_FIO, cell);
	struct stats_summary summary = summarize(results, subject, cell, figure);
	char metric[BLOCK_NAME_BYTES];
	json_t *result;

	block_metric_name(metric, results->groups[cell.group], figure, block_depths[cell.depth]);
	result = report_result(metric, results->subjects[subject]->name, block_unit(figure),
			       &summary);
	if (qemu != NO_SUBJECT) {
		add_ratio(result, qemu_reference, results, subject, qemu, cell, figure);
		json_object_set_new(result, "peer", json_string(results->subjects[qemu]->name));
	}
	if (fio != NO_SUBJECT)
		add_ratio(result, results->subjects[fio]->name, results, subject, fio, cell,
			  figure);
	return result;
}

static void report_cell(json_t *report, const struct block_results *results, struct cell cell)
{
	for (unsigned int figure = 0; figure < BLOCK_FIGURES; figure++)
		for (size_t subject = 0; subject < results->subject_count; subject++)
			json_array_append_new(report,
					      report_figure(results, subject, cell, figure));
}

json_t *block_results_report(const struct block_results *results)
{
	json_t *report = json_array();

	for (size_t group = 0; group < results->group_count; group++)
		for (unsigned int depth = 0; depth < BLOCK_DEPTHS; depth++)
			report_cell(report, results, (struct cell){group, depth});
	return report;
}
