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
	[STARTUP_MAIN] = "startup.main",
	[STARTUP_FIRST_OUTPUT] = "startup.first_output",
	[STARTUP_REAPED] = "startup.reaped",
	[STARTUP_CLOCK_ERROR] = "startup.clock_error",
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

/* All that can be said of a run; what cannot is some number that nobody looks at. */
static void measure(double us[STARTUP_METRICS], const struct startup_results *results,
		    const struct startup_subject *of, const struct subject_run *run)
{
	const struct guest_clock *clock = &run->clock;
	double to_greeting_us = (double)(clock->greeted - clock->entry) / results->ticks_per_us;
	double to_main_us = (double)(clock->main - clock->entry) / results->ticks_per_us;
	double output_us = since_us(run->spawned_ns, run->first_output_ns);
	double stamp_us = since_us(run->spawned_ns, run->first_instruction_ns);
	double entry_us = output_us - to_greeting_us;

	if (of->subject.format == SUBJECT_NO_STAMPS)
		stamp_us = entry_us;
	us[STARTUP_FIRST_INSTRUCTION] = stamp_us;
	us[STARTUP_MAIN] = stamp_us + to_main_us;
	us[STARTUP_FIRST_OUTPUT] = output_us;
	us[STARTUP_REAPED] = since_us(run->spawned_ns, run->reaped_ns);
	us[STARTUP_CLOCK_ERROR] = entry_us - stamp_us;
}

void startup_results_record(const struct startup_results *results, struct startup_subject *of,
			    size_t round, const struct subject_run *run)
{
	size_t at = of->run_count++;
	double us[STARTUP_METRICS];

	measure(us, results, of, run);
	of->rounds[at] = round;
	for (unsigned int metric = 0; metric < STARTUP_METRICS; metric++)
		of->us[metric][at] = us[metric];
	for (unsigned int stamp = 0; stamp < run->stage_count; stamp++) {
		struct startup_stage *stage = find_stage(of, run->stages[stamp].name);

		if (stage != NULL && stage->count < STARTUP_ROUNDS_MAX)
			stage->us[stage->count++] =
				since_us(run->spawned_ns, run->stages[stamp].ns);
	}
}

static bool has_metric(const struct startup_subject *of, enum startup_metric metric)
{
	return of->run_count > 0 && (of->metrics & 1U << metric) != 0;
}

/* Of a reference, in the round of a run.  It runs with its period, or a part of the other's. */
static double reference_us(const struct startup_subject *reference, enum startup_metric metric,
			   size_t round)
{
	return reference->us[metric][round / reference->period];
}

static bool has_ratio(const struct startup_subject *reference, enum startup_metric metric)
{
	return reference != NULL && metric != STARTUP_CLOCK_ERROR;
}

static struct stats_summary summarize(const double *samples, size_t count)
{
	memcpy(scratch, samples, count * sizeof(*samples));
	return stats_summarize(scratch, count);
}

static struct stats_summary summarize_ratio(const struct startup_subject *of,
					    const struct startup_subject *reference,
					    enum startup_metric metric)
{
	for (size_t at = 0; at < of->run_count; at++)
		scratch[at] = of->us[metric][at] / reference_us(reference, metric, of->rounds[at]);
	return stats_summarize(scratch, of->run_count);
}

/* The slowest runs of both, whichever rounds they were in. */
static double ratio_of_p99(const struct startup_subject *of,
			   const struct startup_subject *reference, enum startup_metric metric)
{
	double p99 = summarize(of->us[metric], of->run_count).p99;

	for (size_t at = 0; at < of->run_count; at++)
		scratch[at] = reference_us(reference, metric, of->rounds[at]);
	return p99 / stats_summarize(scratch, of->run_count).p99;
}

static bool has_addition(const struct startup_subject *of, enum startup_metric metric)
{
	return has_metric(of, metric) && has_ratio(of->less, metric);
}

/* What a device adds: the median of the differences, round by round. */
static struct stats_summary summarize_addition(const struct startup_subject *of,
					       enum startup_metric metric)
{
	for (size_t at = 0; at < of->run_count; at++)
		scratch[at] = of->us[metric][at] - reference_us(of->less, metric, of->rounds[at]);
	return stats_summarize(scratch, of->run_count);
}

static void print_row(const char *metric, const char *subject, const struct stats_summary *summary)
{
	printf("%-32s %-22s %10.1f %10.1f %10.1f", metric, subject, summary->median, summary->p90,
	       summary->p99);
}

static void print_metric(const struct startup_subject *of, enum startup_metric metric)
{
	struct stats_summary summary = summarize(of->us[metric], of->run_count);

	print_row(metric_names[metric], of->subject.name, &summary);
	if (has_ratio(of->floor, metric)) {
		summary = summarize_ratio(of, of->floor, metric);
		printf("   %6.3f %7.3f %7.3f", summary.median, summary.p99,
		       ratio_of_p99(of, of->floor, metric));
	}
	if (has_ratio(of->other, metric)) {
		summary = summarize_ratio(of, of->other, metric);
		printf("   %.2f times %s's", summary.median, of->other->subject.name);
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

	printf("us since the spawn; ratio: to the floor, round by round, the median of all and "
	       "its p99;\np99/p99: the slowest of all rounds to the floor's slowest\n");
	printf("%-32s %-22s %10s %10s %10s   %6s %7s %7s\n", "metric", "subject", "median", "p90",
	       "p99", "ratio", "its p99", "p99/p99");
	for (unsigned int metric = 0; metric < STARTUP_METRICS; metric++)
		for (size_t at = 0; at < count; at++)
			if (has_metric(&all[at], metric))
				print_metric(&all[at], metric);
	for (unsigned int metric = 0; metric < STARTUP_METRICS; metric++)
		for (size_t at = 0; at < count; at++)
			if (has_addition(&all[at], metric))
				print_addition(&all[at], metric);
	for (size_t at = 0; at < count; at++)
		if (all[at].stage_count > 0 && has_metric(&all[at], STARTUP_REAPED))
			print_stages(&all[at]);
}

/* Where the time to the reaped exit goes; what comes after the last stamp has no name yet. */
static void add_stages(json_t *result, const struct startup_subject *of)
{
	for (size_t at = 0; at < of->stage_count; at++)
		report_add_stage(result, of->stages[at].name,
				 summarize(of->stages[at].us, of->stages[at].count).median);
}

static void add_ratio(json_t *result, const struct startup_subject *of,
		      const struct startup_subject *reference, enum startup_metric metric)
{
	struct stats_summary summary;

	if (!has_ratio(reference, metric))
		return;
	summary = summarize_ratio(of, reference, metric);
	report_add_ratio(result, reference->subject.name, &summary);
	report_add_p99_ratio(result, reference->subject.name, ratio_of_p99(of, reference, metric));
}

static json_t *report_metric(const struct startup_subject *of, enum startup_metric metric)
{
	struct stats_summary summary = summarize(of->us[metric], of->run_count);
	json_t *result = report_result(metric_names[metric], of->subject.name, "us", &summary);

	add_ratio(result, of, of->floor, metric);
	add_ratio(result, of, of->other, metric);
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
			if (has_addition(of, metric))
				json_array_append_new(list, report_addition(of, metric));
		}
	}
	return list;
}
