/* SPDX-License-Identifier: MIT */
/* benches/profile_results.c - see profile_results.h. */
#include "benches/profile_results.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "benches/report.h"
#include "benches/stats.h"

static const struct {
	const char *metric;
	const char *title;
	const char *unit;
} counters[PROFILE_COUNTERS] = {
	[PROFILE_PROCESSOR] = {"profile.processor", "processor time, us", "us"},
	[PROFILE_USER] = {"profile.user", "  in user mode, us", "us"},
	[PROFILE_SYSTEM] = {"profile.system", "  in the system, us", "us"},
	[PROFILE_MINOR_FAULTS] = {"profile.minor_faults", "page faults", "faults"},
	[PROFILE_MAJOR_FAULTS] = {"profile.major_faults", "  that read a file", "faults"},
	[PROFILE_VOLUNTARY] = {"profile.waits", "waits", "switches"},
	[PROFILE_INVOLUNTARY] = {"profile.preemptions", "preemptions", "switches"},
};

static struct stats_summary summarize(const struct profiled *of, enum profile_counter counter)
{
	double sorted[PROFILE_LAUNCHES_MAX];

	memcpy(sorted, of->samples[counter], of->launches * sizeof(*sorted));
	return stats_summarize(sorted, of->launches);
}

static double mean(const struct profiled *of, enum profile_counter counter)
{
	double sum = 0;

	for (size_t at = 0; at < of->launches; at++)
		sum += of->samples[counter][at];
	return sum / (double)of->launches;
}

static const char *role_name(const struct profiled *of, size_t task)
{
	return task < PROFILE_ROLES ? of->roles[task] : "further";
}

static size_t count_calls(const struct profiled *of, const char *name)
{
	size_t count = 0;

	for (size_t task = 0; task < of->calls.task_count; task++)
		count += name == NULL ? of->calls.tasks[task].count
				      : call_log_count(&of->calls.tasks[task], name);
	return count;
}

static void print_counters(const struct profiled *all, size_t count)
{
	printf("%-28s", "a launch, medians");
	for (size_t at = 0; at < count; at++)
		printf(" %14s", all[at].subject.name);
	for (unsigned int counter = 0; counter < PROFILE_COUNTERS; counter++) {
		bool is_split = counter == PROFILE_USER || counter == PROFILE_SYSTEM;

		printf("\n%-28s", counters[counter].title);
		for (size_t at = 0; at < count; at++)
			printf(" %14.0f", is_split ? mean(&all[at], counter)
						   : summarize(&all[at], counter).median);
	}
	printf("\n%-28s", "system calls");
	for (size_t at = 0; at < count; at++)
		printf(" %14zu", count_calls(&all[at], NULL));
	printf("\n%-28s", "  exits of the guest");
	for (size_t at = 0; at < count; at++)
		printf(" %14zu", count_calls(&all[at], "KVM_RUN"));
	printf("\n");
}

static void print_calls(const struct profiled *of)
{
	for (size_t task = 0; task < of->calls.task_count; task++) {
		const struct call_log_task *calls = &of->calls.tasks[task];

		printf("\n%s, %s: %zu system calls\n ", of->subject.name, role_name(of, task),
		       calls->count);
		for (size_t at = 0; at < calls->entry_count; at++)
			printf(" %zu %s%s", calls->entries[at].count, calls->entries[at].name,
			       at + 1 == calls->entry_count ? "\n" : ",");
	}
}

/* Of one launch on average: the program itself, or what it made. */
static double stage_us(const struct profiled *of, const struct profile_stage *stage,
		       unsigned int process, enum profile_mode mode)
{
	if (of->sampled_launches == 0)
		return 0;
	return stage->us[process][mode] / (double)of->sampled_launches;
}

static void print_stages(const struct profiled *of)
{
	printf("\nus on a processor by stage, under perf, and system calls\n%-22s %21s %21s\n", "",
	       of->roles[0], "what it made");
	printf("%-22s %10s %10s %10s %10s %8s\n", of->subject.name, "user", "system", "user",
	       "system", "calls");
	for (size_t at = 0; at < of->stage_count; at++) {
		const struct profile_stage *stage = &of->stages[at];

		printf("  %-20s", stage->name);
		for (unsigned int process = 0; process < 2; process++)
			for (unsigned int mode = 0; mode < PROFILE_MODES; mode++)
				printf(" %10.0f", stage_us(of, stage, process, mode));
		printf(" %8zu\n", stage->calls);
	}
}

void profile_results_print(const struct profiled *all, size_t count)
{
	print_counters(all, count);
	for (size_t at = 0; at < count; at++)
		print_calls(&all[at]);
	for (size_t at = 0; at < count; at++)
		if (all[at].stage_count > 0)
			print_stages(&all[at]);
}

static json_t *report_tasks(const struct profiled *of)
{
	json_t *tasks = json_object();

	for (size_t task = 0; task < of->calls.task_count; task++) {
		json_t *calls = json_object();

		for (size_t at = 0; at < of->calls.tasks[task].entry_count; at++) {
			const struct call_log_entry *entry = &of->calls.tasks[task].entries[at];

			json_object_set_new(calls, entry->name,
					    json_integer((json_int_t)entry->count));
		}
		json_object_set_new(tasks, role_name(of, task), calls);
	}
	return tasks;
}

static json_t *report_stages(const struct profiled *of)
{
	json_t *stages = json_array();

	for (size_t at = 0; at < of->stage_count; at++) {
		const struct profile_stage *stage = &of->stages[at];

		json_array_append_new(
			stages,
			json_pack("{ss sI sf sf sf sf}", "name", stage->name, "calls",
				  (json_int_t)stage->calls, "user_us",
				  stage_us(of, stage, 0, PROFILE_MODE_USER), "system_us",
				  stage_us(of, stage, 0, PROFILE_MODE_SYSTEM), "made_user_us",
				  stage_us(of, stage, 1, PROFILE_MODE_USER), "made_system_us",
				  stage_us(of, stage, 1, PROFILE_MODE_SYSTEM)));
	}
	return stages;
}

static void report_count(json_t *results, const struct profiled *of, const char *metric,
			 size_t count)
{
	double value = (double)count;
	struct stats_summary summary = stats_summarize(&value, 1);

	json_array_append_new(results, report_result(metric, of->subject.name, "calls", &summary));
}

static void report_subject(json_t *results, const struct profiled *of)
{
	json_t *result;

	for (unsigned int counter = 0; counter < PROFILE_COUNTERS; counter++) {
		struct stats_summary summary = summarize(of, counter);

		result = report_result(counters[counter].metric, of->subject.name,
				       counters[counter].unit, &summary);
		json_object_set_new(result, "mean", json_real(mean(of, counter)));
		report_add_samples(result, of->samples[counter], of->launches);
		json_array_append_new(results, result);
	}
	if (of->calls.task_count == 0)
		return;
	report_count(results, of, "profile.guest_exits", count_calls(of, "KVM_RUN"));
	report_count(results, of, "profile.calls", count_calls(of, NULL));
	result = json_array_get(results, json_array_size(results) - 1);
	json_object_set_new(result, "by_task", report_tasks(of));
	json_object_set_new(result, "by_stage", report_stages(of));
}

json_t *profile_results_report(const struct profiled *all, size_t count)
{
	json_t *results = json_array();

	for (size_t at = 0; at < count; at++)
		report_subject(results, &all[at]);
	return results;
}
