/* SPDX-License-Identifier: MIT */
/* benches/profile_trace.c - see profile_trace.h. */
#include "benches/profile_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "benches/child.h"
#include "benches/workspace.h"

enum {
	LINE_BYTES = 4096,
	DECIMAL = 10,
	HEXADECIMAL = 16,
	SAMPLE_US = 50, /* 20000 a second */
	US_PER_S = 1000000,
	NS_PER_US = 1000,
	KERNEL_BIT = 63,
};

/* A stage by its name; the last one, for all that comes later, if there is no such. */
static struct profile_stage *find_stage(struct profiled *of, const char *name)
{
	size_t at = 0;

	while (at + 1 < of->stage_count && strcmp(of->stages[at].name, name) != 0)
		at++;
	return &of->stages[at];
}

/* The first launch says which stages there are. */
static void name_stages(struct profiled *of, const struct subject_run *run)
{
	if (of->stage_count > 0)
		return;
	for (size_t at = 0; at < run->stage_count; at++)
		snprintf(of->stages[at].name, SUBJECT_STAGE_NAME_BYTES, "%s", run->stages[at].name);
	snprintf(of->stages[run->stage_count].name, SUBJECT_STAGE_NAME_BYTES, "later");
	of->stage_count = run->stage_count + 1;
}

/* A stamp ends its stage. */
static struct profile_stage *stage_at(struct profiled *of, const struct subject_run *run,
				      uint64_t at_us)
{
	for (size_t at = 0; at < run->stage_count; at++)
		if (run->stages[at].ns / NS_PER_US >= at_us)
			return find_stage(of, run->stages[at].name);
	return &of->stages[of->stage_count - 1];
}

/* Launch it behind a tool's own arguments and take its stamps. */
static bool launch_under(struct profiled *of, const char *const tool[], struct subject_run *run)
{
	const char *arguments[CHILD_ARGUMENTS_MAX];
	struct child child;
	size_t count = 0;
	bool is_good;
	int status;

	for (; tool[count] != NULL; count++)
		arguments[count] = tool[count];
	memcpy(arguments + count, of->subject.arguments,
	       (CHILD_ARGUMENTS_MAX - count) * sizeof(*arguments));
	if (child_start(&child, arguments, workspace_path("errors")) != 0)
		return false;
	child_drain(&child);
	is_good = child_reap(&child, &status) == 0 && status == 0 &&
		  subject_take_stamps(&of->subject, run, child.result_fd) == 0;
	child_close(&child);
	if (is_good)
		name_stages(of, run);
	return is_good;
}

/* How far the clock of strace's times is ahead of that of the stamps. */
static uint64_t clock_distance_us(void)
{
	struct timespec real;
	struct timespec monotonic;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	return (uint64_t)((real.tv_sec - monotonic.tv_sec) * US_PER_S +
			  (real.tv_nsec - monotonic.tv_nsec) / NS_PER_US);
}

bool profile_trace_calls(struct profiled *of)
{
	const char *path = workspace_path("calls");
	const char *const tool[] = {"strace", "-fqq", "-ttt", "-o", path, NULL};
	struct subject_run run = {0};
	char line[LINE_BYTES];
	struct call_line call;
	uint64_t distance_us;
	FILE *file;

	if (!launch_under(of, tool, &run))
		return false;
	distance_us = clock_distance_us();
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	while (fgets(line, sizeof(line), file) != NULL)
		if (call_line_parse(&call, line)) {
			call_log_add(&of->calls, &call);
			stage_at(of, &run, call.at_us - distance_us)->calls++;
		}
	fclose(file);
	for (size_t task = 0; task < of->calls.task_count; task++)
		call_log_sort(&of->calls.tasks[task]);
	return true;
}

bool profile_sample_parse(struct profile_sample *sample, const char *line)
{
	char *end;
	long pid = strtol(line, &end, DECIMAL);
	uint64_t seconds = strtoull(end, &end, DECIMAL);
	uint64_t microseconds;
	uint64_t address;
	const char *digits;

	if (pid <= 0 || *end != '.')
		return false;
	microseconds = strtoull(end + 1, &end, DECIMAL);
	if (*end != ':')
		return false;
	digits = end + 1;
	address = strtoull(digits, &end, HEXADECIMAL);
	if (end == digits)
		return false;
	*sample = (struct profile_sample){
		.pid = pid,
		.at_us = seconds * US_PER_S + microseconds,
		.mode = address >> KERNEL_BIT != 0 ? PROFILE_MODE_SYSTEM : PROFILE_MODE_USER,
	};
	return true;
}

/* The first sample is of the program itself; all others are of what it made. */
static void add_samples(struct profiled *of, const struct subject_run *run, FILE *file)
{
	struct profile_sample sample;
	char line[LINE_BYTES];
	long first_pid = 0;

	while (fgets(line, sizeof(line), file) != NULL) {
		if (!profile_sample_parse(&sample, line))
			continue;
		if (first_pid == 0)
			first_pid = sample.pid;
		stage_at(of, run, sample.at_us)->us[sample.pid != first_pid][sample.mode] +=
			SAMPLE_US;
	}
}

bool profile_trace_samples(struct profiled *of)
{
	const char *path = workspace_path("samples");
	const char *const record[] = {"perf", "record",    "-q",           "-k", "CLOCK_MONOTONIC",
				      "-e",   "cpu-clock", "--freq=20000", "-o", path,
				      "--",   NULL};
	const char *const script[] = {"perf", "script", "-i", path, "-F", "pid,time,ip", NULL};
	struct subject_run run = {0};
	struct child child;
	FILE *file;
	int status;

	/* Of a file that is there perf would keep a copy. */
	unlink(path);
	if (!launch_under(of, record, &run) ||
	    child_start(&child, script, workspace_path("errors")) != 0)
		return false;
	file = fdopen(dup(child.output_fd), "re");
	if (file != NULL) {
		add_samples(of, &run, file);
		fclose(file);
	}
	child_close(&child);
	if (child_reap(&child, &status) != 0 || status != 0 || file == NULL)
		return false;
	of->sampled_launches++;
	return true;
}
