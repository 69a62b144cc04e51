/* SPDX-License-Identifier: MIT */
/*
 * benches/profile.c - what a launch asks of the kernel and of the processor.
 *
 *     bench_profile --mote PATH --floor PATH --guest PATH [--launches N] [--sampled N] [--quick]
 *                   [--json FILE]
 *
 * Each subject is launched N times in turn, and the kernel says what each launch used: the program
 * and all its processes together.  Processor time is exact; how much of it was user's and how much
 * the system's the kernel may only know from where its ticks fell, so these two are given as means
 * over all launches.
 *
 * Then each subject is launched once more under strace, which counts system calls by process and
 * by stage of the launch, and a number of times (--sampled) under perf, which divides the time on
 * a processor by stage and mode.  Each KVM_RUN that is seen is one exit of the guest to user space.
 * Without these programs, or where they may not trace, their part is left out, which is said.
 */
#include <err.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "benches/child.h"
#include "benches/options.h"
#include "benches/preparation.h"
#include "benches/profile_results.h"
#include "benches/profile_trace.h"
#include "benches/report.h"
#include "benches/startup_command.h"
#include "benches/workspace.h"

enum {
	SUBJECTS_MAX = 5,
	LAUNCHES_USUAL = 100,
	LAUNCHES_QUICK = 20,
	SAMPLED_USUAL = 20,
	SAMPLED_QUICK = 5,
	US_PER_S = 1000000,
	RAM_MIB = 128,
};

struct options {
	struct startup_programs programs;
	const char *json_path;
	size_t launches;
	size_t sampled;
	bool is_quick;
};

static struct profiled profiled[SUBJECTS_MAX];
static size_t profiled_count;

static struct profiled *add(const char *first_role)
{
	struct profiled *added = &profiled[profiled_count++];

	added->roles[0] = first_role;
	added->roles[1] = "VM process";
	added->roles[2] = "I/O thread";
	return added;
}

static struct subject *add_mote(const char *name, const struct startup_programs *programs,
				const char *prepared, struct startup_devices devices)
{
	struct profiled *added = add("launcher");

	startup_command_mote(&added->subject, name, programs, prepared, devices);
	return &added->subject;
}

static void add_subjects(const struct startup_programs *programs)
{
	static const struct startup_devices none = {false};
	static const struct startup_devices all = {true, true, true};
	struct preparation preparation = preparation_make(programs->mote);

	startup_command_floor(&add("floor")->subject, "floor", programs, NULL);
	preparation_start(&preparation,
			  add_mote("mote", programs, preparation.kept, none)->arguments);
	if (preparation.prepared == NULL) {
		printf("mote+devices, mote+prepared: skipped, only root can make a tap or "
		       "prepare\n");
		return;
	}
	startup_command_tap();
	add_mote("mote+devices", programs, preparation.kept, all);
	add_mote("mote+prepared", programs, preparation.prepared, none);
}

static double in_us(struct timeval time)
{
	return (double)time.tv_sec * US_PER_S + (double)time.tv_usec;
}

static void record(struct profiled *of, size_t launch, const struct rusage *usage)
{
	const double values[PROFILE_COUNTERS] = {
		[PROFILE_PROCESSOR] = in_us(usage->ru_utime) + in_us(usage->ru_stime),
		[PROFILE_USER] = in_us(usage->ru_utime),
		[PROFILE_SYSTEM] = in_us(usage->ru_stime),
		[PROFILE_MINOR_FAULTS] = (double)usage->ru_minflt,
		[PROFILE_MAJOR_FAULTS] = (double)usage->ru_majflt,
		[PROFILE_VOLUNTARY] = (double)usage->ru_nvcsw,
		[PROFILE_INVOLUNTARY] = (double)usage->ru_nivcsw,
	};

	for (unsigned int counter = 0; counter < PROFILE_COUNTERS; counter++)
		of->samples[counter][launch] = values[counter];
	of->launches = launch + 1;
}

static void launch(struct profiled *of, size_t number)
{
	struct rusage usage;
	struct child child;
	int status;
	int error = child_start(&child, of->subject.arguments, NULL);

	if (error != 0)
		errx(EXIT_FAILURE, "%s: %s", of->subject.arguments[0], strerror(-error));
	child_drain(&child);
	if (wait4(child.pid, &status, 0, &usage) != child.pid || status != 0)
		errx(EXIT_FAILURE, "a launch of %s failed", of->subject.name);
	child_close(&child);
	record(of, number, &usage);
}

static void launch_all(size_t launches)
{
	for (size_t number = 0; number < launches; number++) {
		if (number % (launches / 5 + 1) == 0)
			fprintf(stderr, "profile: %zu of %zu launches\n", number, launches);
		for (size_t at = 0; at < profiled_count; at++)
			launch(&profiled[(at + number) % profiled_count], number);
	}
}

static void trace_all(size_t sampled_launches)
{
	bool has_calls = true;
	bool has_samples = true;

	for (size_t at = 0; at < profiled_count; at++)
		has_calls = has_calls && profile_trace_calls(&profiled[at]);
	for (size_t number = 0; number < sampled_launches; number++)
		for (size_t at = 0; at < profiled_count; at++)
			has_samples = has_samples && profile_trace_samples(&profiled[at]);
	if (!has_calls)
		printf("system calls: left out, strace is missing or may not trace\n");
	if (!has_samples)
		printf("times by stage: left out, perf is missing or may not sample\n");
}

static struct options parse(int argc, char *argv[])
{
	static struct options options = {.programs.ram_mib = RAM_MIB};
	static const struct options_row rows[] = {
		{.name = "mote", .file = &options.programs.mote, .is_required = true},
		{.name = "floor", .file = &options.programs.floor, .is_required = true},
		{.name = "guest", .file = &options.programs.guest, .is_required = true},
		{.name = "launches",
		 .number = &options.launches,
		 .minimum = 1,
		 .maximum = PROFILE_LAUNCHES_MAX,
		 .usual = LAUNCHES_USUAL,
		 .quick = LAUNCHES_QUICK},
		{.name = "sampled",
		 .number = &options.sampled,
		 .maximum = PROFILE_LAUNCHES_MAX,
		 .usual = SAMPLED_USUAL,
		 .quick = SAMPLED_QUICK},
		{.name = "quick", .flag = &options.is_quick},
		{.name = "json", .text = &options.json_path},
	};

	options_take(rows, sizeof(rows) / sizeof(rows[0]), argc, argv);
	return options;
}

int main(int argc, char *argv[])
{
	struct options options = parse(argc, argv);

	workspace_make(NULL);
	add_subjects(&options.programs);
	launch_all(options.launches);
	trace_all(options.sampled);
	profile_results_print(profiled, profiled_count);
	report_finish(options.json_path, profile_results_report(profiled, profiled_count));
	return EXIT_SUCCESS;
}
