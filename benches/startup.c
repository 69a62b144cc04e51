/* SPDX-License-Identifier: MIT */
/*
 * benches/startup.c - what a start costs, from the spawn of the process.
 *
 *     bench_startup --floor PATH --guest PATH [--mote PATH] [--clock-guest PATH] [--disk] [--nic]
 *                   [--no-peers] [--peer-period N] [--pairs N] [--quick] [--json FILE]
 *
 * All subjects run in turn, in an order that is drawn for each round, so that what one leaves
 * behind and whatever else the machine does meet all alike; ratios are taken run by run within a
 * round.  What is measured: to the guest's first instruction, to its main function, to the first
 * byte of its output, and to the reaped process.
 *
 * Subjects: the floor; mote; if we are root, mote with a disk, a NIC on a tap that is there already
 * and a vsock, and both on a host that `mote prepare` has prepared; and each other monitor that is
 * found and can run the guest, which is
 * slower by so much that it takes part in each N-th round only.  Without --mote the floor runs
 * against itself, which shows how far two equal programs seem to differ here.  With --disk, mote
 * runs once more with one drive, with --nic with a NIC; the guest leaves all devices alone, and the
 * difference to mote without is a figure of its own.
 *
 * Only a guest knows when it came to its main function, and only a guest can speak for the first
 * instruction of a monitor that makes no stamps.  To say so takes a guest longer; so that is
 * another one, --clock-guest, which runs in each N-th round under the floor, mote and all peers.
 * How late its clock seems, against the stamps of the floor and of mote, is a figure too.
 *
 * The tap is in a network namespace of the benchmark's own, for which root is needed; all subjects
 * are started in it then.
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "benches/clock.h"
#include "benches/guest_clock.h"
#include "benches/options.h"
#include "benches/order.h"
#include "benches/preparation.h"
#include "benches/report.h"
#include "benches/startup_command.h"
#include "benches/startup_peer.h"
#include "benches/startup_results.h"
#include "benches/workspace.h"

enum {
	ROUNDS_USUAL = 300,
	ROUNDS_QUICK = 100,
	ROUNDS_WARM_UP = 10,
	PEER_PERIOD_USUAL = 5,
	PROGRESS_LINES = 10,
};

#define NS_PER_S 1e9

struct options {
	struct startup_paths paths;
	const char *clock_path;
	const char *json_path;
	size_t rounds;
	size_t peer_period;
	bool has_disk;
	bool has_nic;
	bool has_no_peers;
	bool is_quick;
};

static struct startup_results results;

/* The subjects that run one guest. */
struct family {
	struct startup_paths paths;
	size_t period;
	unsigned int stamped_metrics; /* of the floor and mote */
	unsigned int peer_metrics;
	struct startup_subject *floor;
	struct startup_subject *mote;
};

static struct startup_subject *add(const struct family *family)
{
	struct startup_subject *added = startup_results_add(&results);

	added->floor = family->floor;
	added->period = family->period;
	added->metrics = family->stamped_metrics;
	return added;
}

static struct startup_subject *add_floor(const struct family *family, const char *name)
{
	struct startup_subject *added = add(family);

	startup_command_floor(&added->subject, name, &family->paths);
	return added;
}

static struct startup_subject *add_mote(const struct family *family, const char *name,
					struct startup_devices devices)
{
	struct startup_subject *added = add(family);

	startup_command_mote(&added->subject, name, &family->paths, devices);
	added->less = family->mote;
	return added;
}

/* Mote with devices, as they are asked for. */
static void add_devices(const struct options *options, const struct family *family)
{
	static const struct startup_devices disk = {.has_disk = true};
	static const struct startup_devices nic = {.has_nic = true};

	if (geteuid() == 0 || options->has_nic)
		startup_command_tap();
	if (options->has_disk)
		add_mote(family, "mote+disk", disk);
	if (options->has_nic)
		add_mote(family, "mote+nic", nic);
}

/* What only root can have: mote with a device of each kind, and both on a prepared host. */
static void add_for_root(struct family family)
{
	static const struct startup_devices none = {false};
	static const struct startup_devices all = {true, true, true};

	if (geteuid() != 0) {
		printf("mote+devices, mote+prepared: skipped, only root can make a tap or "
		       "prepare\n");
		return;
	}
	add_mote(&family, "mote+devices", all);
	family.paths.prepared = preparation_make(family.paths.mote);
	family.mote = add_mote(&family, "mote+prepared", none);
	add_mote(&family, "mote+prepared+devices", all);
}

static void add_peer(const struct options *options, const struct family *family, size_t peer)
{
	const struct startup_guest guest = {family->paths.guest, startup_guest_says,
					    STARTUP_RAM_MIB, family->paths.has_clock};
	char reason[SESSION_REASON_BYTES] = "";
	struct startup_subject *added;
	struct subject subject;

	if (startup_peer_prepare(peer, &guest, &subject, reason) != 0) {
		printf("%s%s: skipped, %s\n", startup_peer_name(peer),
		       guest.has_clock ? ", start_clock" : "", reason);
		return;
	}
	added = add(family);
	added->subject = subject;
	added->mote = family->mote;
	added->period = options->peer_period;
	added->metrics = family->peer_metrics;
}

/* Whether it could run the guest. */
static bool is_subject(const char *name)
{
	for (size_t at = 0; at < results.subject_count; at++)
		if (strcmp(results.subjects[at].subject.name, name) == 0)
			return true;
	return false;
}

static void add_subjects(const struct options *options)
{
	struct family plain = {.paths = options->paths,
			       .period = 1,
			       .stamped_metrics = STARTUP_SET_STAMPED,
			       .peer_metrics = STARTUP_SET_PEER};
	struct family clock = {.paths = options->paths,
			       .period = options->peer_period,
			       .stamped_metrics = STARTUP_SET_STAMPED_CLOCK,
			       .peer_metrics = STARTUP_SET_PEER_CLOCK};

	plain.floor = add_floor(&plain, "floor");
	if (options->paths.mote == NULL) {
		add_floor(&plain, "floor-again");
		return;
	}
	plain.mote = add_mote(&plain, "mote", (struct startup_devices){false});
	add_devices(options, &plain);
	add_for_root(plain);
	for (size_t peer = 0; peer < STARTUP_PEERS && !options->has_no_peers; peer++)
		add_peer(options, &plain, peer);
	if (options->clock_path == NULL)
		return;
	clock.paths.guest = options->clock_path;
	clock.paths.has_clock = true;
	clock.floor = add_floor(&clock, "floor");
	clock.mote = add_mote(&clock, "mote", (struct startup_devices){false});
	for (size_t peer = 0; peer < STARTUP_PEERS && !options->has_no_peers; peer++)
		if (is_subject(startup_peer_name(peer)))
			add_peer(options, &clock, peer);
}

static void run_round(size_t round, bool is_recorded)
{
	size_t order[STARTUP_SUBJECTS_MAX] = {0};
	struct subject_run run;

	order_draw(order, results.subject_count);
	for (size_t turn = 0; turn < results.subject_count; turn++) {
		struct startup_subject *of = &results.subjects[order[turn]];

		if (round % of->period != 0)
			continue;
		if (subject_run(&of->subject, &run) != 0)
			errx(EXIT_FAILURE, "a run of %s failed", of->subject.name);
		if (is_recorded)
			startup_results_record(&results, of, round, &run);
	}
}

static void tell_progress(size_t round, size_t rounds, uint64_t begun_ns)
{
	double elapsed_s = (double)(clock_now_ns() - begun_ns) / NS_PER_S;

	if (round % (rounds / PROGRESS_LINES + 1) != 0 || round == 0)
		return;
	fprintf(stderr, "startup: %zu of %zu rounds, %.0f s left\n", round, rounds,
		elapsed_s / (double)round * (double)(rounds - round));
}

static void run_all(size_t rounds)
{
	uint64_t begun_ns;

	for (size_t round = 0; round < ROUNDS_WARM_UP; round++)
		run_round(round, false);
	begun_ns = clock_now_ns();
	for (size_t round = 0; round < rounds; round++) {
		tell_progress(round, rounds, begun_ns);
		run_round(round, true);
	}
	fprintf(stderr, "startup: %zu rounds done\n", rounds);
}

static struct options parse(int argc, char *argv[])
{
	static struct options options;
	static const struct options_row rows[] = {
		{.name = "floor", .file = &options.paths.floor, .is_required = true},
		{.name = "guest", .file = &options.paths.guest, .is_required = true},
		{.name = "mote", .file = &options.paths.mote},
		{.name = "clock-guest", .file = &options.clock_path},
		{.name = "disk", .flag = &options.has_disk},
		{.name = "nic", .flag = &options.has_nic},
		{.name = "no-peers", .flag = &options.has_no_peers},
		{.name = "peer-period",
		 .number = &options.peer_period,
		 .minimum = 1,
		 .maximum = STARTUP_ROUNDS_MAX,
		 .usual = PEER_PERIOD_USUAL},
		{.name = "pairs",
		 .number = &options.rounds,
		 .minimum = 1,
		 .maximum = STARTUP_ROUNDS_MAX,
		 .usual = ROUNDS_USUAL,
		 .quick = ROUNDS_QUICK},
		{.name = "quick", .flag = &options.is_quick},
		{.name = "json", .text = &options.json_path},
	};

	options_take(rows, sizeof(rows) / sizeof(rows[0]), argc, argv);
	if ((options.has_disk || options.has_nic) && options.paths.mote == NULL)
		errx(EXIT_FAILURE, "--disk and --nic are mote's: --mote is missing");
	return options;
}

int main(int argc, char *argv[])
{
	struct options options = parse(argc, argv);

	workspace_make(NULL);
	add_subjects(&options);
	fflush(stdout);
	results.ticks_per_us = guest_clock_measure_ticks_per_us();
	run_all(options.rounds);
	startup_results_print(&results);
	report_finish(options.json_path, startup_results_report(&results));
	return EXIT_SUCCESS;
}
