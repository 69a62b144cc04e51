/* SPDX-License-Identifier: MIT */
/*
 * benches/parallel.c - what starts cost when many come at once.
 *
 *     bench_parallel --mote PATH --floor PATH --guest PATH [--starts N] [--rounds N]
 *                    [--mounts N] [--quick] [--json FILE]
 *
 * A round spawns N processes of one subject as fast as it can and waits for all; the subjects take
 * turns, in an order that is drawn anew and after a second in which the kernel can end what the one
 * before has left.  N is 100 and then, with half the rounds, 500; or what --starts says.  Per
 * start: from its own spawn to the guest's first instruction, and to the reaped process.  Per
 * round: starts per second, from the first spawn to the last one reaped, and the processor time of
 * a start, which hardly depends on what else the machine does.  The tail is told as p99 over p50 of
 * all starts.
 *
 * Subjects: the floor, and the floor as it reads KVM's CPUID from where an earlier start has kept
 * it (floor+kept); mote, which reads it as well, and mote after `mote prepare` (mote+prepared).
 * Others than root have no kept answer, and so the floor and mote that ask KVM each time.
 *
 * With --mounts the host has that many more mounts, in a mount namespace of the benchmark's own,
 * since a new mount namespace copies them all; for root only.
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "benches/child.h"
#include "benches/clock.h"
#include "benches/options.h"
#include "benches/order.h"
#include "benches/parallel_results.h"
#include "benches/preparation.h"
#include "benches/report.h"
#include "benches/startup_command.h"
#include "benches/subject.h"
#include "benches/workspace.h"

enum {
	SUBJECTS_MAX = 4,
	STEPS_MAX = 2,
	ROUNDS_USUAL = 10,
	ROUNDS_QUICK = 3,
	SETTLE_S = 1,
	MOUNTS_MAX = 10000,
	RAM_MIB = 16,
};

#define NS_PER_US 1000.0
#define NS_PER_S  1e9
#define US_PER_S  1e6

struct options {
	struct startup_programs programs;
	const char *json_path;
	size_t starts; /* 0: both of the usual ones */
	size_t rounds;
	size_t mounts;
	bool is_quick;
};

static const size_t usual_steps[STEPS_MAX] = {100, 500};
static struct options options = {.programs.ram_mib = RAM_MIB};
static struct subject subjects[SUBJECTS_MAX];
static size_t subject_count;
static struct parallel_point points[STEPS_MAX][SUBJECTS_MAX];
static struct child children[PARALLEL_STARTS_MAX];
static uint64_t reaped_ns[PARALLEL_STARTS_MAX];

/* Mounts that cost nothing but their being there. */
static void add_mounts(size_t count)
{
	const char *directory = workspace_make_directory("mounted");

	for (size_t i = 0; i < count; i++)
		if (mount("/etc", directory, NULL, MS_BIND, NULL))
			err(EXIT_FAILURE, "--mounts: mount %zu", i);
}

static void start_all(const struct subject *subject, size_t starts)
{
	for (size_t i = 0; i < starts; i++) {
		int error = child_start(&children[i], subject->arguments, NULL);

		if (error)
			errx(EXIT_FAILURE, "%s: %s", subject->arguments[0], strerror(-error));
	}
}

static size_t find_child(pid_t pid, size_t starts)
{
	size_t i = 0;

	while (i < starts && children[i].pid != pid)
		i++;
	return i;
}

static void reap_all(const struct subject *subject, size_t starts)
{
	for (size_t left = starts; left > 0; left--) {
		int status;
		pid_t pid = waitpid(-1, &status, 0);
		uint64_t now_ns = clock_now_ns();
		size_t which = find_child(pid, starts);

		if (pid < 0 || which == starts || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
			errx(EXIT_FAILURE, "a start of %s failed: wait status %#x", subject->name,
			     (unsigned int)status);
		reaped_ns[which] = now_ns;
	}
}

static void record(struct parallel_point *point, const struct subject *subject, size_t which)
{
	uint64_t spawned_ns = children[which].spawned_ns;
	struct subject_run run = {.spawned_ns = spawned_ns};

	if (subject_take_stamps(subject, &run, children[which].result_fd) != 0)
		exit(EXIT_FAILURE);
	point->us[PARALLEL_FIRST_INSTRUCTION][point->sample_count] =
		(double)(run.first_instruction_ns - spawned_ns) / NS_PER_US;
	point->us[PARALLEL_REAPED][point->sample_count] = (double)(reaped_ns[which] - spawned_ns) /
							  NS_PER_US;
	point->sample_count++;
}

/* Of all processes that were reaped so far. */
static double reaped_processor_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * US_PER_S +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void run_round(struct parallel_point *point, const struct subject *subject)
{
	double before_us = reaped_processor_us();
	uint64_t last_ns = 0;

	start_all(subject, point->starts);
	reap_all(subject, point->starts);
	point->processor_us[point->round_count] = (reaped_processor_us() - before_us) /
						  (double)point->starts;
	for (size_t i = 0; i < point->starts; i++) {
		record(point, subject, i);
		if (reaped_ns[i] > last_ns)
			last_ns = reaped_ns[i];
		child_close(&children[i]);
	}
	point->starts_per_s[point->round_count++] = (double)point->starts * NS_PER_S /
						    (double)(last_ns - children[0].spawned_ns);
}

/* The kernel takes the namespaces of hundreds of VMs apart after they have been reaped. */
static void settle(void)
{
	const struct timespec time = {.tv_sec = SETTLE_S};

	nanosleep(&time, NULL);
}

static void run_step(struct parallel_point *of, size_t starts, size_t rounds)
{
	size_t order[SUBJECTS_MAX] = {0};

	for (size_t which = 0; which < subject_count; which++) {
		of[which].subject = subjects[which].name;
		of[which].reference = which == 0 ? NULL : &of[0];
		of[which].starts = starts;
	}
	for (size_t round = 0; round < rounds; round++) {
		fprintf(stderr, "parallel: %zu starts at once, round %zu of %zu\n", starts,
			round + 1, rounds);
		order_draw(order, subject_count);
		for (size_t turn = 0; turn < subject_count; turn++) {
			settle();
			run_round(&of[order[turn]], &subjects[order[turn]]);
		}
	}
	parallel_print(of, subject_count);
}

/* Returns how many steps there were. */
static size_t run_all(void)
{
	if (options.starts != 0) {
		run_step(points[0], options.starts, options.rounds);
		return 1;
	}
	run_step(points[0], usual_steps[0], options.rounds);
	run_step(points[1], usual_steps[1], (options.rounds + 1) / 2);
	return STEPS_MAX;
}

static void report(size_t steps)
{
	json_t *results = json_array();

	for (size_t step = 0; step < steps; step++)
		for (size_t which = 0; which < subject_count; which++)
			parallel_add_results(results, &points[step][which]);
	report_finish(options.json_path, results);
}

static void add_floor(const char *name, const char *cpuid_path)
{
	startup_command_floor(&subjects[subject_count++], name, &options.programs, cpuid_path);
}

static struct subject *add_mote(const char *name, const char *prepared)
{
	static const struct startup_devices none;
	struct subject *added = &subjects[subject_count++];

	startup_command_mote(added, name, &options.programs, prepared, none);
	return added;
}

static void add_subjects(void)
{
	struct preparation preparation = preparation_make(options.programs.mote);

	add_floor("floor", NULL);
	if (preparation.cpuid != NULL)
		add_floor("floor+kept", preparation.cpuid);
	preparation_start(&preparation, add_mote("mote", preparation.kept)->arguments);
	if (preparation.prepared != NULL)
		add_mote("mote+prepared", preparation.prepared);
}

int main(int argc, char *argv[])
{
	static const struct options_row rows[] = {
		{.name = "mote", .file = &options.programs.mote, .is_required = true},
		{.name = "floor", .file = &options.programs.floor, .is_required = true},
		{.name = "guest", .file = &options.programs.guest, .is_required = true},
		{.name = "json", .text = &options.json_path},
		{.name = "starts",
		 .number = &options.starts,
		 .minimum = 1,
		 .maximum = PARALLEL_STARTS_MAX},
		{.name = "rounds",
		 .number = &options.rounds,
		 .minimum = 1,
		 .maximum = PARALLEL_ROUNDS_MAX,
		 .usual = ROUNDS_USUAL,
		 .quick = ROUNDS_QUICK},
		{.name = "mounts", .number = &options.mounts, .maximum = MOUNTS_MAX},
		{.name = "quick", .flag = &options.is_quick},
	};
	size_t steps;

	options_take(rows, sizeof(rows) / sizeof(rows[0]), argc, argv);
	child_allow(options.starts ? options.starts : usual_steps[STEPS_MAX - 1]);
	workspace_make(NULL);
	add_subjects();
	if (options.mounts > 0)
		add_mounts(options.mounts);
	steps = run_all();
	report(steps);
	return EXIT_SUCCESS;
}
