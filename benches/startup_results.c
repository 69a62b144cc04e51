/* SPDX-License-Identifier: MIT */
/* benches/startup_results.c - see startup_results.h. */
#include "benches/startup_results.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benches/report.h"
#include "benches/stats.h"

enum {
	NS_PER_US = 1000,
	NAME_BYTES = 64,
};

static const char *const metric_names[STARTUP_METRICS] = {
	[STARTUP_FIRST_INSTRUCTION] = "startup.first_instruction",
	[STARTUP_FIRST_OUTPUT] = "startup.first_output",
	[STARTUP_REAPED] = "startup.reaped",
};

/* Samples on the way to a summary, which sorts them. */
static double scratch[STARTUP_ROUNDS_MAX];

struct startup_subject *startup_results_add(struct startup_results *results)
{
	struct startup_subject *added;

	if (results->subject_count == STARTUP_SUBJECTS_MAX)
		errx(EXIT_FAILURE, "more than %d subjects", STARTUP_SUBJECTS_MAX);
	added = &results->subjects[results->subject_count++];
	added->period = 1;
	return added;
}

static double since_us(uint64_t from_ns, uint64_t to_ns)
{
	return ((double)to_ns - (double)from_ns) / NS_PER_US;
}

static struct startup_stage *find_stage(struct startup_subject *of, const char *name)
{
	for (size_t at = 0; at < of->stage_count; at++)
		if (strcmp(of->stages[at].name, name) == 0)
			return &of->stages[at];
	if (of->stage_count == SUBJECT_STAGES_MAX)
		return NULL;
	snprintf(of->stages[of->stage_count].name, SUBJECT_STAGE_NAME_BYTES, "%s", name);
	return &of->stages[of->stage_count++];
}

void startup_results_record(struct startup_subject *of, size_t round, const struct subject_run *run)
{
	size_t at = of->run_count++;

	of->rounds[at] = round;
	of->us[STARTUP_FIRST_INSTRUCTION][at] =
		since_us(run->spawned_ns, run->first_instruction_ns);
	of->us[STARTUP_FIRST_OUTPUT][at] = since_us(run->spawned_ns, run->first_output_ns);
	of->us[STARTUP_REAPED][at] = since_us(run->spawned_ns, run->reaped_ns);
	for (unsigned int stamp = 0; stamp < run->stage_count; stamp++) {
		struct startup_stage *stage = find_stage(of, run->stages[stamp].name);

		if (stage != NULL && stage->count < STARTUP_ROUNDS_MAX)
			stage->us[stage->count++] =
				since_us(run->spawned_ns, run->stages[stamp].ns);
	}
}

static bool has_metric(const struct startup_subject *of, enum startup_metric metric)
{
	return of->run_count > 0 &&
	       (metric != STARTUP_FIRST_INSTRUCTION || of->subject.format != SUBJECT_NO_STAMPS);
}

static struct stats_summary summarize(const double *samples, size_t count)
{
	memcpy(scratch, samples, count * sizeof(*samples));
	return stats_summarize(scratch, count);
}

/* The reference ran in each round, so that its run of a round is at that round's place. */
static struct stats_summary summarize_ratio(const struct startup_subject *of,
					    const struct startup_subject *reference,
					    enum startup_metric metric)
{
	for (size_t at = 0; at < of->run_count; at++)
		scratch[at] = of->us[metric][at] / reference->us[metric][of->rounds[at]];
	return stats_summarize(scratch, of->run_count);
}

/* What a device adds: the median of the differences, round by round. */
static struct stats_summary summarize_addition(const struct startup_subject *of,
					       enum startup_metric metric)
{
	for (size_t at = 0; at < of->run_count; at++)
		scratch[at] = of->us[metric][at] - of->less->us[metric][of->rounds[at]];
	return stats_summarize(scratch, of->run_count);
}

static void print_row(const char *metric, const char *subject, const struct stats_summary *summary)
{
	printf("%-32s %-16s %10.1f %10.1f %10.1f", metric, subject, summary->median, summary->p90,
	       summary->p99);
}

static void print_metric(const struct startup_subject *of, enum startup_metric metric)
{
	struct stats_summary summary = summarize(of->us[metric], of->run_count);

	print_row(metric_names[metric], of->subject.name, &summary);
	if (of->floor != NULL) {
		summary = summarize_ratio(of, of->floor, metric);
		printf("   %6.3f %6.3f", summary.median, summary.p99);
	}
	if (of->mote != NULL) {
		summary = summarize_ratio(of, of->mote, metric);
		printf("   %.1f times mote's", summary.median);
	}
	printf("\n");
}

static void name_addition(char name[NAME_BYTES], enum startup_metric metric)
{
	snprintf(name, NAME_BYTES, "%s.added", metric_names[metric]);
}

static void print_addition(const struct startup_subject *of, enum startup_metric metric)
{
	struct stats_summary summary = summarize_addition(of, metric);
	char name[NAME_BYTES];

	name_addition(name, metric);
	print_row(name, of->subject.name, &summary);
	printf("\n");
}

static void print_stages(const struct startup_subject *of)
{
	double before_us = 0;

	printf("\nstages of %s, medians in us since the spawn, and since the stage before\n",
	       of->subject.name);
	for (size_t at = 0; at < of->stage_count; at++) {
		const struct startup_stage *stage = &of->stages[at];
		double us = summarize(stage->us, stage->count).median;

		printf("  %-24s %10.1f %10.1f\n", stage->name, us, us - before_us);
		before_us = us;
	}
}

void startup_results_print(struct startup_results *results)
{
	const struct startup_subject *all = results->subjects;
	size_t count = results->subject_count;

	printf("us since the spawn; ratios to the floor, within each round\n");
	printf("%-32s %-16s %10s %10s %10s   %6s %6s\n", "metric", "subject", "median", "p90",
	       "p99", "ratio", "p99");
	for (unsigned int metric = 0; metric < STARTUP_METRICS; metric++)
		for (size_t at = 0; at < count; at++)
			if (has_metric(&all[at], metric))
				print_metric(&all[at], metric);
	for (unsigned int metric = 0; metric < STARTUP_METRICS; metric++)
		for (size_t at = 0; at < count; at++)
			if (all[at].less != NULL)
				print_addition(&all[at], metric);
	for (size_t at = 0; at < count; at++)
		if (all[at].stage_count > 0)
			print_stages(&all[at]);
}

/* Where the time to the reaped exit goes; what comes after the last stamp has no name yet. */
static void add_stages(json_t *result, const struct startup_subject *of)
{
	for (size_t at = 0; at < of->stage_count; at++)
		report_add_stage(result, of->stages[at].name,
				 summarize(of->stages[at].us, of->stages[at].count).median);
}

static json_t *report_metric(const struct startup_subject *of, enum startup_metric metric)
{
	struct stats_summary summary = summarize(of->us[metric], of->run_count);
	json_t *result = report_result(metric_names[metric], of->subject.name, "us", &summary);

	if (of->floor != NULL) {
		summary = summarize_ratio(of, of->floor, metric);
		report_add_ratio(result, of->floor->subject.name, &summary);
	}
	if (of->mote != NULL) {
		summary = summarize_ratio(of, of->mote, metric);
		report_add_ratio(result, of->mote->subject.name, &summary);
	}
	report_add_samples(result, of->us[metric], of->run_count);
	if (metric == STARTUP_REAPED && of->stage_count > 0)
		add_stages(result, of);
	return result;
}

static json_t *report_addition(const struct startup_subject *of, enum startup_metric metric)
{
	struct stats_summary summary = summarize_addition(of, metric);
	char name[NAME_BYTES];

	name_addition(name, metric);
	return report_result(name, of->subject.name, "us", &summary);
}

json_t *startup_results_report(struct startup_results *results)
{
	json_t *list = json_array();

	for (unsigned int metric = 0; metric < STARTUP_METRICS; metric++) {
		for (size_t at = 0; at < results->subject_count; at++) {
			const struct startup_subject *of = &results->subjects[at];

			if (has_metric(of, metric))
				json_array_append_new(list, report_metric(of, metric));
			if (of->less != NULL)
				json_array_append_new(list, report_addition(of, metric));
		}
	}
	return list;
}
