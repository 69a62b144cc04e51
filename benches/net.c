/* SPDX-License-Identifier: MIT */
/*
 * benches/net.c - how fast a guest's NIC is, beside QEMU's.
 *
 *     bench_net --guest PATH [--mote PATH] [--qemu PATH] [--rounds N] [--run-ms N] [--quick]
 *               [--only CELL] [--json FILE]
 *
 * The same guest image sends and receives the same frames under mote and under QEMU's microvm
 * machine, both without vhost, each on a tap of its own with the same offloads.  In each round all
 * subjects run each cell, in random order, so that whatever else the machine does meets all
 * alike.
 *
 * The taps are made here, in a network namespace that goes with this process, for which root is
 * needed.  What making one costs is measured apart: it is the host's price, not a monitor's.
 *
 * --only is for the cells whose name holds a text: rtt, pps.tx, pps.rx, gbit.tx, gbit.rx.  Where
 * QEMU cannot run, it is named with the reason and left out.
 */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "benches/net_results.h"
#include "benches/net_subject.h"
#include "benches/options.h"
#include "benches/order.h"
#include "benches/report.h"
#include "benches/tap_link.h"
#include "benches/workspace.h"

enum {
	ROUNDS_USUAL = 9,
	ROUNDS_QUICK = 5,
	RUN_USUAL_MS = 1000,
	RUN_QUICK_MS = 250,
	RUN_PROBE_MS = 50,
	RUN_MIN_MS = 100,
	RUN_MAX_MS = 60000,
	TAPS = 20,
	REPEATED_MAX = 3,
	SHUFFLE_SEED = 1,
};

#define NS_PER_US 1e3

struct options {
	struct net_paths paths;
	const char *json_path;
	const char *only;
	size_t rounds;
	size_t run_ms;
	bool is_quick;
};

static const struct net_subject known_subjects[NET_SUBJECTS_MAX] = {
	{"mote", NET_MOTE, {"mote0", 0}},
	{"qemu-microvm", NET_QEMU, {"qemu0", 1}},
};

static struct net_results results;

static void choose_cells(const char *only)
{
	for (unsigned int cell = 0; cell < NET_CELLS; cell++)
		if (only == NULL || strstr(net_cells[cell].name, only) != NULL)
			results.cells[results.cell_count++] = cell;
	if (results.cell_count == 0)
		errx(EXIT_FAILURE, "no cell has \"%s\" in its name", only);
}

static void make_taps(void)
{
	int error = geteuid() == 0 ? tap_link_enter() : -EPERM;

	if (error != 0)
		errx(EXIT_FAILURE, "a network namespace of its own: %s%s", strerror(-error),
		     error == -EPERM ? "; run it as root" : "");
	for (unsigned int at = 0; at < NET_SUBJECTS_MAX; at++) {
		error = tap_link_make(&known_subjects[at].link);
		if (error != 0)
			errx(EXIT_FAILURE, "tap %s: %s", known_subjects[at].link.name,
			     strerror(-error));
	}
}

static void measure_taps(void)
{
	struct tap_link_cost cost;

	for (size_t at = 0; at < TAPS; at++) {
		if (tap_link_measure(&cost) != 0)
			return;
		results.tap_created_us[at] = (double)cost.created_ns / NS_PER_US;
		results.tap_removed_us[at] = (double)cost.removed_ns / NS_PER_US;
		results.tap_count = at + 1;
	}
}

/* A short run says whether the subject works here at all; only mote has to. */
static bool probe(const struct net_subject *subject, const struct net_paths *paths)
{
	const struct net_load_time what = {NET_SMALL_TX, RUN_PROBE_MS};
	char reason[SESSION_REASON_BYTES] = "";
	struct net_run run;

	if (subject->program == NET_MOTE && paths->mote == NULL)
		return false;
	if (net_subject_run(subject, paths, &what, &run, reason) == 0)
		return true;
	if (subject->program == NET_MOTE)
		errx(EXIT_FAILURE, "mote: %s", reason);
	printf("%s: skipped, %s\n", subject->name, reason);
	return false;
}

static void choose_subjects(const struct net_paths *paths)
{
	for (size_t at = 0; at < NET_SUBJECTS_MAX; at++)
		if (probe(&known_subjects[at], paths))
			results.subjects[results.subject_count++] = &known_subjects[at];
	fflush(stdout);
}

/* A peer that fails now and then is given another try, which is told; mote is not. */
static void take_turn(const struct options *options, size_t subject, enum net_cell cell,
		      size_t round)
{
	const struct net_load_time what = {cell, (unsigned int)options->run_ms};
	char reason[SESSION_REASON_BYTES] = "";
	struct net_run run;

	while (net_subject_run(results.subjects[subject], &options->paths, &what, &run, reason) !=
	       0) {
		if (results.subjects[subject]->program == NET_MOTE ||
		    results.repeated[subject]++ == REPEATED_MAX)
			errx(EXIT_FAILURE, "%s, %s: %s", results.subjects[subject]->name,
			     net_cells[cell].name, reason);
		fprintf(stderr, "net: %s, %s: %s; once more\n", results.subjects[subject]->name,
			net_cells[cell].name, reason);
	}
	net_results_add(&results, subject, cell, round, &run);
}

static void run_round(const struct options *options, size_t round)
{
	size_t order[NET_SUBJECTS_MAX] = {0};

	for (size_t cell = 0; cell < results.cell_count; cell++) {
		order_draw(order, results.subject_count);
		for (size_t turn = 0; turn < results.subject_count; turn++)
			take_turn(options, order[turn], results.cells[cell], round);
	}
	fprintf(stderr, "net: %zu of %zu rounds\n", round + 1, options->rounds);
}

static struct options parse(int argc, char *argv[])
{
	static struct options options = {.paths = {.qemu = "qemu-system-x86_64"}};
	static const struct options_row rows[] = {
		{.name = "guest", .file = &options.paths.guest, .is_required = true},
		{.name = "mote", .file = &options.paths.mote},
		{.name = "qemu", .text = &options.paths.qemu},
		{.name = "rounds",
		 .number = &options.rounds,
		 .minimum = 1,
		 .maximum = NET_ROUNDS_MAX,
		 .usual = ROUNDS_USUAL,
		 .quick = ROUNDS_QUICK},
		{.name = "run-ms",
		 .number = &options.run_ms,
		 .minimum = RUN_MIN_MS,
		 .maximum = RUN_MAX_MS,
		 .usual = RUN_USUAL_MS,
		 .quick = RUN_QUICK_MS},
		{.name = "only", .text = &options.only},
		{.name = "quick", .flag = &options.is_quick},
		{.name = "json", .text = &options.json_path},
	};

	options_take(rows, sizeof(rows) / sizeof(rows[0]), argc, argv);
	return options;
}

int main(int argc, char *argv[])
{
	struct options options = parse(argc, argv);

	srandom(SHUFFLE_SEED);
	choose_cells(options.only);
	workspace_make(NULL);
	make_taps();
	measure_taps();
	choose_subjects(&options.paths);
	results.round_count = options.rounds;
	for (size_t round = 0; round < options.rounds; round++)
		run_round(&options, round);
	net_results_print(&results);
	report_finish(options.json_path, net_results_report(&results));
	return EXIT_SUCCESS;
}
