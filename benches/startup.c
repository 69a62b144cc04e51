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
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "benches/clock.h"
#include "benches/disk_file.h"
#include "benches/options.h"
#include "benches/report.h"
#include "benches/startup_peer.h"
#include "benches/startup_results.h"
#include "benches/tap_link.h"
#include "benches/vm_config.h"
#include "benches/workspace.h"

enum {
	ROUNDS_USUAL = 300,
	ROUNDS_QUICK = 100,
	ROUNDS_WARM_UP = 10,
	PEER_PERIOD_USUAL = 5,
	PROGRESS_LINES = 10,
	RAM_MIB = 128,
	DISK_BYTES = 1 << 20,
	GUEST_CID = 3,
};

#define NS_PER_S 1e9

struct options {
	const char *mote_path;
	const char *floor_path;
	const char *guest_path;
	const char *json_path;
	size_t rounds;
	size_t peer_period;
	bool has_disk;
	bool has_nic;
	bool has_no_peers;
	bool is_quick;
};

static const char guest_says[] = "hello from a mote unikernel";
static const struct tap_link tap = {"mote0", 0};

static struct startup_results results;
static struct startup_subject *the_floor;

static void require(int error, const char *what)
{
	if (error != 0)
		errx(EXIT_FAILURE, "%s: %s", what, strerror(-error));
}

static void add_disk(json_t *config)
{
	const char *disk_path = workspace_path("disk.img");
	int error = disk_file_make(disk_path, DISK_BYTES);

	require(error == -ENOTSUP ? 0 : error, disk_path);
	vm_config_add_drive(config, "disk", disk_path, false);
}

static void add_nic(json_t *config)
{
	char mac[TAP_LINK_TEXT_BYTES];

	tap_link_guest_mac(&tap, mac);
	vm_config_add_interface(config, "eth0", tap.name, mac);
}

/* The socket is made by each run, and removed by it. */
static void add_vsock(json_t *config)
{
	json_object_set_new(
		config, "vsock",
		json_pack("{si ss}", "guest_cid", GUEST_CID, "uds_path", workspace_path("vsock")));
}

static struct startup_subject *add_mote(const struct options *options, const char *name,
					json_t *config)
{
	struct startup_subject *added = startup_results_add(&results);

	added->subject = (struct subject){
		.name = name,
		.arguments = {options->mote_path, "run", "--result", "/dev/fd/3",
			      workspace_write_json(name, config)},
		.format = SUBJECT_RESULT_LINE,
	};
	added->floor = the_floor;
	return added;
}

static struct startup_subject *add_floor(const struct options *options, const char *name)
{
	struct startup_subject *added = startup_results_add(&results);

	added->subject = (struct subject){
		.name = name,
		.arguments = {options->floor_path, "--stamps", "3", options->guest_path},
		.format = SUBJECT_STAMP_LINES,
	};
	added->floor = the_floor;
	return added;
}

/* Mote with devices, as they are asked for; and with one of each, where a tap can be had. */
static void add_motes(const struct options *options, struct startup_subject *mote)
{
	bool has_tap = geteuid() == 0;
	json_t *config = vm_config_new(options->guest_path, "", RAM_MIB);

	if (has_tap || options->has_nic) {
		require(tap_link_enter(), "a network namespace for a tap, which root can make");
		require(tap_link_make(&tap), tap.name);
	}
	if (options->has_disk) {
		json_t *with = json_deep_copy(config);

		add_disk(with);
		add_mote(options, "mote+disk", with)->less = mote;
	}
	if (options->has_nic) {
		json_t *with = json_deep_copy(config);

		add_nic(with);
		add_mote(options, "mote+nic", with)->less = mote;
	}
	if (has_tap) {
		add_disk(config);
		add_nic(config);
		add_vsock(config);
		add_mote(options, "mote+devices", config)->less = mote;
	} else {
		printf("mote+devices: skipped, only root can make a tap\n");
		json_decref(config);
	}
}

static void add_peers(const struct options *options, struct startup_subject *mote)
{
	const struct startup_guest guest = {options->guest_path, guest_says, RAM_MIB};

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
	if (options->mote_path == NULL) {
		add_floor(options, "floor-again");
		return;
	}
	mote = add_mote(options, "mote", vm_config_new(options->guest_path, "", RAM_MIB));
	add_motes(options, mote);
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
	startup_results_print(&results);
	if (options.json_path != NULL)
		write_report(options.json_path);
	return EXIT_SUCCESS;
}
