/* SPDX-License-Identifier: MIT */
/*
 * benches/parallel.c - what starts cost when many come at once.
 *
 *     bench_parallel --mote PATH --floor PATH --guest PATH [--starts N] [--rounds N]
 *                    [--mounts N] [--quick] [--json FILE]
 *
 * A round spawns N processes of one subject as fast as it can and waits for all; the subjects take
 * turns.  Per start: from its own spawn to the guest's first instruction, and to the reaped
 * process. Per round: starts per second, from the first spawn to the last one reaped.  The tail is
 * told as p99 over p50 of all starts.  With --mounts the host has that many more mounts, in a mount
 * namespace of the benchmark's own, since a new mount namespace copies them all; for root only.
 */
#include <err.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "benches/child.h"
#include "benches/clock.h"
#include "benches/options.h"
#include "benches/report.h"
#include "benches/stats.h"
#include "benches/subject.h"
#include "benches/vm_config.h"
#include "benches/workspace.h"

enum {
	SUBJECTS = 2,
	MOTE = 0,
	FLOOR = 1,
	STARTS_MAX = 1000,
	STARTS_USUAL = 100,
	ROUNDS_MAX = 100,
	ROUNDS_USUAL = 10,
	ROUNDS_QUICK = 3,
	MOUNTS_MAX = 10000,
	DESCRIPTORS_PER_START = 2,
	DESCRIPTORS_BESIDES = 32,
	RAM_MIB = 16,
	DIRECTORY_MODE = 0700,
	NS_PER_US = 1000,
};

enum metric {
	METRIC_FIRST_INSTRUCTION,
	METRIC_REAPED,
	METRICS,
};

static const char *const metric_names[METRICS] = {
	[METRIC_FIRST_INSTRUCTION] = "parallel.first_instruction",
	[METRIC_REAPED] = "parallel.reaped",
};

struct options {
	const char *mote_path;
	const char *floor_path;
	const char *guest_path;
	const char *json_path;
	size_t starts;
	size_t rounds;
	size_t mounts;
	bool is_quick;
};

struct measured {
	struct subject subject;
	double us[METRICS][ROUNDS_MAX * STARTS_MAX];
	size_t count;
	double starts_per_s[ROUNDS_MAX];
};

static struct measured measured[SUBJECTS];
static struct child children[STARTS_MAX];
static uint64_t reaped_ns[STARTS_MAX];

/* Mounts that cost nothing but their being there. */
static void add_mounts(size_t count)
{
	const char *directory = workspace_path("mounted");

	if (count == 0)
		return;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		err(EXIT_FAILURE, "--mounts: no mount namespace");
	if (mkdir(directory, DIRECTORY_MODE))
		err(EXIT_FAILURE, "%s", directory);
	for (size_t i = 0; i < count; i++)
		if (mount("/etc", directory, NULL, MS_BIND, NULL))
			err(EXIT_FAILURE, "--mounts: mount %zu", i);
}

/* The workspace can only be removed once nothing is mounted in it. */
static void remove_mounts(size_t count)
{
	const char *directory = workspace_path("mounted");

	for (size_t i = 0; i < count; i++)
		umount2(directory, MNT_DETACH);
	if (count > 0)
		rmdir(directory);
}

static void allow_descriptors(size_t starts)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < starts * DESCRIPTORS_PER_START + DESCRIPTORS_BESIDES)
		errx(EXIT_FAILURE, "--starts: the limit of descriptors is too low for %zu", starts);
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

static void record(struct measured *of, size_t which)
{
	struct subject_run run = {.spawned_ns = children[which].spawned_ns};

	if (subject_take_stamps(&of->subject, &run, children[which].result_fd) != 0)
		exit(EXIT_FAILURE);
	of->us[METRIC_FIRST_INSTRUCTION][of->count] =
		(double)(run.first_instruction_ns - run.spawned_ns) / NS_PER_US;
	of->us[METRIC_REAPED][of->count] = (double)(reaped_ns[which] - run.spawned_ns) / NS_PER_US;
	of->count++;
}

static void run_round(struct measured *of, size_t round, size_t starts)
{
	uint64_t last_ns = 0;

	start_all(&of->subject, starts);
	reap_all(&of->subject, starts);
	for (size_t i = 0; i < starts; i++) {
		record(of, i);
		if (reaped_ns[i] > last_ns)
			last_ns = reaped_ns[i];
		child_close(&children[i]);
	}
	of->starts_per_s[round] = (double)starts * 1e9 / (double)(last_ns - children[0].spawned_ns);
}

static void run_all(const struct options *options)
{
	for (size_t round = 0; round < options->rounds; round++) {
		fprintf(stderr, "parallel: round %zu of %zu\n", round + 1, options->rounds);
		for (size_t turn = 0; turn < SUBJECTS; turn++)
			run_round(&measured[(turn + round) % SUBJECTS], round, options->starts);
	}
}

static void report_metric(json_t *results, enum metric metric)
{
	for (size_t at = 0; at < SUBJECTS; at++) {
		struct measured *of = &measured[at];
		struct stats_summary summary = stats_summarize(of->us[metric], of->count);
		json_t *result =
			report_result(metric_names[metric], of->subject.name, "us", &summary);

		printf("%-28s %-6s %12.1f %12.1f %12.1f %10.2f\n", metric_names[metric],
		       of->subject.name, summary.median, summary.p90, summary.p99,
		       summary.p99 / summary.median);
		json_object_set_new(result, "tail", json_real(summary.p99 / summary.median));
		json_array_append_new(results, result);
	}
}

static void report_rate(json_t *results, size_t rounds)
{
	double ratios[ROUNDS_MAX];
	struct stats_summary ratio;

	stats_ratios(ratios, measured[MOTE].starts_per_s, measured[FLOOR].starts_per_s, rounds);
	ratio = stats_summarize(ratios, rounds);
	for (size_t at = 0; at < SUBJECTS; at++) {
		struct measured *of = &measured[at];
		struct stats_summary summary = stats_summarize(of->starts_per_s, rounds);
		json_t *result =
			report_result("parallel.starts_per_s", of->subject.name, "1/s", &summary);

		printf("%-28s %-6s %12.1f", "parallel.starts_per_s", of->subject.name,
		       summary.median);
		if (at == MOTE) {
			printf("   %.3f of the floor's", ratio.median);
			report_add_ratio(result, measured[FLOOR].subject.name, &ratio);
		}
		printf("\n");
		json_array_append_new(results, result);
	}
}

static void report(const struct options *options)
{
	json_t *results = json_array();

	printf("%zu rounds of %zu starts at once, %zu mounts more; us since each spawn\n",
	       options->rounds, options->starts, options->mounts);
	printf("%-28s %-6s %12s %12s %12s %10s\n", "metric", "", "median", "p90", "p99", "p99/p50");
	for (unsigned int metric = 0; metric < METRICS; metric++)
		report_metric(results, metric);
	report_rate(results, options->rounds);
	if (options->json_path != NULL && report_write(options->json_path, results) != 0)
		errx(EXIT_FAILURE, "cannot write %s", options->json_path);
	json_decref(results);
}

static void add_subjects(const struct options *options)
{
	const char *config =
		workspace_write_json("vm.json", vm_config_new(options->guest_path, "", RAM_MIB));

	measured[MOTE].subject = (struct subject){
		.name = "mote",
		.arguments = {options->mote_path, "run", "--result", "/dev/fd/3", config},
		.format = SUBJECT_RESULT_LINE,
	};
	measured[FLOOR].subject = (struct subject){
		.name = "floor",
		.arguments = {options->floor_path, "--stamps", "3", "--mib", "16",
			      options->guest_path},
		.format = SUBJECT_STAMP_LINES,
	};
}

static struct options parse(int argc, char *argv[])
{
	static struct options options;
	static const struct options_row rows[] = {
		{.name = "mote", .text = &options.mote_path, .is_required = true, .is_file = true},
		{.name = "floor",
		 .text = &options.floor_path,
		 .is_required = true,
		 .is_file = true},
		{.name = "guest",
		 .text = &options.guest_path,
		 .is_required = true,
		 .is_file = true},
		{.name = "starts",
		 .number = &options.starts,
		 .minimum = 1,
		 .maximum = STARTS_MAX,
		 .usual = STARTS_USUAL},
		{.name = "rounds",
		 .number = &options.rounds,
		 .minimum = 1,
		 .maximum = ROUNDS_MAX,
		 .usual = ROUNDS_USUAL,
		 .quick = ROUNDS_QUICK},
		{.name = "mounts", .number = &options.mounts, .maximum = MOUNTS_MAX},
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
	add_mounts(options.mounts);
	allow_descriptors(options.starts);
	add_subjects(&options);
	run_all(&options);
	report(&options);
	remove_mounts(options.mounts);
	return EXIT_SUCCESS;
}
