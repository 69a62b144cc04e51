/* SPDX-License-Identifier: MIT */
/*
 * benches/startup.c - what a start costs, from the spawn of the process.
 *
 *     bench_startup --floor PATH --guest PATH [--mote PATH] [--disk] [--nic] [--pairs N]
 *                   [--peer-period N] [--no-peers] [--quick] [--json FILE]
 *
 * All subjects run in turn, in alternating order, so that whatever else the
 * machine does meets all alike; ratios are taken run by run within a round.  Three
 * metrics: to the guest's first instruction, to the first byte of its output,
 * and to the reaped process.
 *
 * Subjects: the floor; mote; mote with a disk, a NIC on a tap that is there already and a vsock, if
 * we are root; and each other monitor that is found and can run the guest, which is
 * slower by so much that it takes part in each N-th round only.  Without --mote the floor runs
 * against itself, which shows how far two equal programs seem to differ here.  With --disk, mote
 * runs once more with one drive, with --nic with a NIC; the guest leaves all devices alone, and the
 * difference to mote without is a figure of its own.
 *
 * The tap is in a network namespace of the benchmark's own, for which root is needed; all subjects
 * are started in it then.
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "benches/clock.h"
#include "benches/options.h"
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
	const char *json_path;
	size_t rounds;
	size_t peer_period;
	bool has_disk;
	bool has_nic;
	bool has_no_peers;
	bool is_quick;
};

static struct startup_results results;
static struct startup_subject *the_floor;

static struct startup_subject *add_floor(const struct options *options, const char *name)
{
	struct startup_subject *added = startup_results_add(&results);

	startup_command_floor(&added->subject, name, &options->paths);
	added->floor = the_floor;
	return added;
}

static struct startup_subject *add_mote(const struct options *options, const char *name,
					struct startup_devices devices)
{
	struct startup_subject *added = startup_results_add(&results);

	startup_command_mote(&added->subject, name, &options->paths, devices);
	added->floor = the_floor;
	return added;
}

/* Mote with devices, as they are asked for; and with one of each, where a tap can be had. */
static void add_devices(const struct options *options, struct startup_subject *mote)
{
	static const struct startup_devices disk = {.has_disk = true};
	static const struct startup_devices nic = {.has_nic = true};
	static const struct startup_devices all = {true, true, true};
	bool has_tap = geteuid() == 0;

	if (has_tap || options->has_nic)
		startup_command_tap();
	if (options->has_disk)
		add_mote(options, "mote+disk", disk)->less = mote;
	if (options->has_nic)
		add_mote(options, "mote+nic", nic)->less = mote;
	if (has_tap)
		add_mote(options, "mote+devices", all)->less = mote;
	else
		printf("mote+devices: skipped, only root can make a tap\n");
}

static void add_peers(const struct options *options, struct startup_subject *mote)
{
	const struct startup_guest guest = {options->paths.guest, startup_guest_says,
					    STARTUP_RAM_MIB};

	for (size_t peer = 0; peer < STARTUP_PEERS; peer++) {
		char reason[SESSION_REASON_BYTES] = "";
		struct startup_subject *added;
		struct subject subject;

		if (startup_peer_prepare(peer, &guest, &subject, reason) != 0) {
			printf("%s: skipped, %s\n", startup_peer_name(peer), reason);
			continue;
		}
		added = startup_results_add(&results);
		added->subject = subject;
		added->floor = the_floor;
		added->mote = mote;
		added->period = options->peer_period;
	}
}

static void add_subjects(const struct options *options)
{
	struct startup_subject *mote;

	the_floor = add_floor(options, "floor");
	if (options->paths.mote == NULL) {
		add_floor(options, "floor-again");
		return;
	}
	mote = add_mote(options, "mote", (struct startup_devices){false});
	add_devices(options, mote);
	if (!options->has_no_peers)
		add_peers(options, mote);
	fflush(stdout);
}

static void run_round(size_t round, bool is_recorded)
{
	struct subject_run run;

	for (size_t turn = 0; turn < results.subject_count; turn++) {
		struct startup_subject *of =
			&results.subjects[(turn + round) % results.subject_count];

		if (round % of->period != 0)
			continue;
		if (subject_run(&of->subject, &run) != 0)
			errx(EXIT_FAILURE, "a run of %s failed", of->subject.name);
		if (is_recorded)
			startup_results_record(of, round, &run);
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

static void write_report(const char *json_path)
{
	json_t *report = startup_results_report(&results);

	if (report_write(json_path, report) != 0)
		errx(EXIT_FAILURE, "cannot write %s", json_path);
	json_decref(report);
}

static struct options parse(int argc, char *argv[])
{
	static struct options options;
	static const struct options_row rows[] = {
		{.name = "floor",
		 .text = &options.paths.floor,
		 .is_required = true,
		 .is_file = true},
		{.name = "guest",
		 .text = &options.paths.guest,
		 .is_required = true,
		 .is_file = true},
		{.name = "mote", .text = &options.paths.mote, .is_file = true},
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
	run_all(options.rounds);
	startup_results_print(&results);
	if (options.json_path != NULL)
		write_report(options.json_path);
	return EXIT_SUCCESS;
}
