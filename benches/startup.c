/* SPDX-License-Identifier: MIT */
/*
 * benches/startup.c - what a start costs, from the spawn of the process.
 *
 *     bench_startup --floor PATH --guest PATH [--mote PATH] [--disk] [--nic] [--pairs N]
 *                   [--quick] [--json FILE]
 *
 * All subjects run in turn, in alternating order, so that whatever else the
 * machine does meets all alike; ratios are taken run by run within a round.  Three
 * metrics: to the guest's first instruction, to the first byte of its output,
 * and to the reaped process.  Without --mote the floor runs against itself,
 * which shows how far two equal programs seem to differ here.  With --disk, mote runs once more
 * with one drive, with --nic with a NIC on a tap that is there already; the guest leaves them
 * alone, and the difference to mote without is a figure of its own.
 *
 * The tap is in a network namespace of the benchmark's own, for which root is needed; all subjects
 * are started in it then.
 */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benches/disk_file.h"
#include "benches/options.h"
#include "benches/report.h"
#include "benches/stats.h"
#include "benches/subject.h"
#include "benches/tap_link.h"
#include "benches/vm_config.h"
#include "benches/workspace.h"

enum {
	SUBJECTS_MAX = 4,
	ROUNDS_MAX = 10000,
	ROUNDS_USUAL = 300,
	ROUNDS_QUICK = 100,
	ROUNDS_WARM_UP = 10,
	RAM_MIB = 128,
	DISK_BYTES = 1 << 20,
	NS_PER_US = 1000,
};

enum metric {
	METRIC_FIRST_INSTRUCTION,
	METRIC_FIRST_OUTPUT,
	METRIC_REAPED,
	METRICS,
};

static const char *const metric_names[METRICS] = {
	[METRIC_FIRST_INSTRUCTION] = "startup.first_instruction",
	[METRIC_FIRST_OUTPUT] = "startup.first_output",
	[METRIC_REAPED] = "startup.reaped",
};

struct options {
	const char *mote_path;
	const char *floor_path;
	const char *guest_path;
	const char *json_path;
	size_t rounds;
	bool has_disk;
	bool has_nic;
	bool is_quick;
};

/* When each stage of a subject began, in microseconds since the spawn. */
struct stage_samples {
	char name[SUBJECT_STAGE_NAME_BYTES];
	double us[ROUNDS_MAX];
	size_t count;
};

struct measured {
	struct subject subject;
	double us[METRICS][ROUNDS_MAX];
	struct stage_samples stages[SUBJECT_STAGES_MAX];
	unsigned int stage_count;
	bool is_addition; /* mote with a device more */
};

static struct measured measured[SUBJECTS_MAX];
static unsigned int subject_count;
static unsigned int reference; /* the floor's place among them; mote itself comes first */

static void require(int error, const char *what)
{
	if (error != 0)
		errx(EXIT_FAILURE, "%s: %s", what, strerror(-error));
}

static json_t *plain_config(const struct options *options)
{
	return vm_config_new(options->guest_path, "", RAM_MIB);
}

static json_t *disk_config(const struct options *options)
{
	const char *disk_path = workspace_path("disk.img");
	int error = disk_file_make(disk_path, DISK_BYTES);
	json_t *config = plain_config(options);

	require(error == -ENOTSUP ? 0 : error, disk_path);
	vm_config_add_drive(config, "disk", disk_path, false);
	return config;
}

static json_t *nic_config(const struct options *options)
{
	static const struct tap_link link = {"mote0", 0};
	json_t *config = plain_config(options);
	char mac[TAP_LINK_TEXT_BYTES];

	require(tap_link_enter(), "a network namespace for --nic, which root can make");
	require(tap_link_make(&link), link.name);
	tap_link_guest_mac(&link, mac);
	vm_config_add_interface(config, "eth0", link.name, mac);
	return config;
}

static struct measured *add_mote(const struct options *options, const char *name, json_t *config)
{
	struct measured *added = &measured[subject_count++];

	added->subject = (struct subject){
		.name = name,
		.arguments = {options->mote_path, "run", "--result", "/dev/fd/3",
			      workspace_write_json(name, config)},
		.format = SUBJECT_RESULT_LINE,
	};
	return added;
}

static void add_floor(const struct options *options, const char *name)
{
	measured[subject_count++].subject = (struct subject){
		.name = name,
		.arguments = {options->floor_path, "--stamps", "3", options->guest_path},
		.format = SUBJECT_STAMP_LINES,
	};
}

static void add_subjects(const struct options *options)
{
	if (options->mote_path == NULL)
		add_floor(options, "floor-again");
	else
		add_mote(options, "mote", plain_config(options));
	if (options->has_disk)
		add_mote(options, "mote+disk", disk_config(options))->is_addition = true;
	if (options->has_nic)
		add_mote(options, "mote+nic", nic_config(options))->is_addition = true;
	reference = subject_count;
	add_floor(options, "floor");
}

static double since_us(uint64_t from_ns, uint64_t to_ns)
{
	return ((double)to_ns - (double)from_ns) / NS_PER_US;
}

static struct stage_samples *find_stage(struct measured *of, const char *name)
{
	for (unsigned int at = 0; at < of->stage_count; at++)
		if (strcmp(of->stages[at].name, name) == 0)
			return &of->stages[at];
	if (of->stage_count == SUBJECT_STAGES_MAX)
		return NULL;
	snprintf(of->stages[of->stage_count].name, SUBJECT_STAGE_NAME_BYTES, "%s", name);
	return &of->stages[of->stage_count++];
}

static void record(struct measured *of, size_t round, const struct subject_run *run)
{
	of->us[METRIC_FIRST_INSTRUCTION][round] =
		since_us(run->spawned_ns, run->first_instruction_ns);
	of->us[METRIC_FIRST_OUTPUT][round] = since_us(run->spawned_ns, run->first_output_ns);
	of->us[METRIC_REAPED][round] = since_us(run->spawned_ns, run->reaped_ns);
	for (unsigned int at = 0; at < run->stage_count; at++) {
		struct stage_samples *stage = find_stage(of, run->stages[at].name);

		if (stage != NULL && stage->count < ROUNDS_MAX)
			stage->us[stage->count++] = since_us(run->spawned_ns, run->stages[at].ns);
	}
}

static void run_round(size_t round, bool is_recorded)
{
	struct subject_run run;

	for (unsigned int turn = 0; turn < subject_count; turn++) {
		struct measured *of = &measured[(turn + round) % subject_count];

		if (subject_run(&of->subject, &run) != 0)
			errx(EXIT_FAILURE, "a run of %s failed", of->subject.name);
		if (is_recorded)
			record(of, round, &run);
	}
}

static void run_all(size_t rounds)
{
	for (size_t round = 0; round < ROUNDS_WARM_UP; round++)
		run_round(round, false);
	for (size_t round = 0; round < rounds; round++) {
		if (round % (rounds / 10 + 1) == 0)
			fprintf(stderr, "startup: %zu of %zu pairs\n", round, rounds);
		run_round(round, true);
	}
	fprintf(stderr, "startup: %zu pairs done\n", rounds);
}

/* Summarizing sorts, so it works on a copy: ratios need the order of the rounds. */
static struct stats_summary summarize(const double *samples, size_t count)
{
	static double copy[ROUNDS_MAX];

	memcpy(copy, samples, count * sizeof(*samples));
	return stats_summarize(copy, count);
}

static struct stats_summary summarize_ratio(const struct measured *of, enum metric metric,
					    size_t rounds)
{
	static double ratios[ROUNDS_MAX];

	stats_ratios(ratios, of->us[metric], measured[reference].us[metric], rounds);
	return stats_summarize(ratios, rounds);
}

static void report_metric(json_t *results, const struct measured *of, enum metric metric,
			  size_t rounds)
{
	struct stats_summary summary = summarize(of->us[metric], rounds);
	struct stats_summary ratio;
	json_t *result = report_result(metric_names[metric], of->subject.name, "us", &summary);

	printf("%-32s %-12s %10.1f %10.1f %10.1f", metric_names[metric], of->subject.name,
	       summary.median, summary.p90, summary.p99);
	if (of != &measured[reference]) {
		ratio = summarize_ratio(of, metric, rounds);
		printf("   %6.3f %6.3f", ratio.median, ratio.p99);
		report_add_ratio(result, measured[reference].subject.name, &ratio);
	}
	printf("\n");
	json_array_append_new(results, result);
}

/* What a device adds to a start: the median of the differences, round by round. */
static void report_addition(json_t *results, const struct measured *of, enum metric metric,
			    size_t rounds)
{
	static double added_us[ROUNDS_MAX];
	struct stats_summary summary;
	char name[64];

	for (size_t round = 0; round < rounds; round++)
		added_us[round] = of->us[metric][round] - measured[0].us[metric][round];
	summary = stats_summarize(added_us, rounds);
	snprintf(name, sizeof(name), "%s.added", metric_names[metric]);
	printf("%-32s %-12s %10.1f %10.1f %10.1f\n", name, of->subject.name, summary.median,
	       summary.p90, summary.p99);
	json_array_append_new(results, report_result(name, of->subject.name, "us", &summary));
}

static void print_stages(struct measured *of)
{
	double before_us = 0;

	printf("\nstages of %s, medians in us since the spawn, and since the stage before\n",
	       of->subject.name);
	for (unsigned int at = 0; at < of->stage_count; at++) {
		struct stage_samples *stage = &of->stages[at];
		double us = summarize(stage->us, stage->count).median;

		printf("  %-24s %10.1f %10.1f\n", stage->name, us, us - before_us);
		before_us = us;
	}
}

static void report(const struct options *options)
{
	json_t *results = json_array();

	printf("%zu pairs, us since the spawn; ratios to the floor, pair by pair\n",
	       options->rounds);
	printf("%-32s %-12s %10s %10s %10s   %6s %6s\n", "metric", "subject", "median", "p90",
	       "p99", "ratio", "p99");
	for (unsigned int metric = 0; metric < METRICS; metric++)
		for (unsigned int at = 0; at < subject_count; at++)
			report_metric(results, &measured[at], metric, options->rounds);
	for (unsigned int metric = 0; metric < METRICS; metric++)
		for (unsigned int at = 0; at < subject_count; at++)
			if (measured[at].is_addition)
				report_addition(results, &measured[at], metric, options->rounds);
	for (unsigned int at = 0; at < subject_count; at++)
		print_stages(&measured[at]);
	if (options->json_path != NULL && report_write(options->json_path, results) != 0)
		errx(EXIT_FAILURE, "cannot write %s", options->json_path);
	json_decref(results);
}

static struct options parse(int argc, char *argv[])
{
	static struct options options;
	static const struct options_row rows[] = {
		{.name = "floor",
		 .text = &options.floor_path,
		 .is_required = true,
		 .is_file = true},
		{.name = "guest",
		 .text = &options.guest_path,
		 .is_required = true,
		 .is_file = true},
		{.name = "mote", .text = &options.mote_path, .is_file = true},
		{.name = "disk", .flag = &options.has_disk},
		{.name = "nic", .flag = &options.has_nic},
		{.name = "pairs",
		 .number = &options.rounds,
		 .minimum = 1,
		 .maximum = ROUNDS_MAX,
		 .usual = ROUNDS_USUAL,
		 .quick = ROUNDS_QUICK},
		{.name = "quick", .flag = &options.is_quick},
		{.name = "json", .text = &options.json_path},
	};

	options_take(rows, sizeof(rows) / sizeof(rows[0]), argc, argv);
	if ((options.has_disk || options.has_nic) && options.mote_path == NULL)
		errx(EXIT_FAILURE, "--disk and --nic are mote's: --mote is missing");
	return options;
}

int main(int argc, char *argv[])
{
	struct options options = parse(argc, argv);

	workspace_make(NULL);
	add_subjects(&options);
	run_all(options.rounds);
	report(&options);
	return EXIT_SUCCESS;
}
