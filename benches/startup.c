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
 * Subjects: the floor, which asks KVM for its CPUID, and the floor as it reads the answer that an
 * earlier start has kept (floor+kept); mote, which reads it as well; mote without it (mote+cold);
 * mote after `mote prepare` (mote+prepared); mote with a disk, a NIC on a tap that is there already
 * and a vsock (mote+devices), and the same prepared; and each other monitor that is found and can
 * run the guest, which is slower by so much that it takes part in each N-th round only.  All ratios
 * are to the floor; those of a mote that does not ask KVM are also to the floor that does not.
 * Only root can keep, make a tap and prepare: for others mote is cold, and the only mote.
 *
 * Without --mote the floor runs against itself, which shows how far two equal programs seem to
 * differ here.  With --disk, mote runs once more with one drive, with --nic with a NIC; the guest
 * leaves all devices alone, and the difference to mote without is a figure of its own.
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
	RAM_MIB = 128,
};

#define NS_PER_S 1e9

struct options {
	struct startup_programs programs;
	const char *clock_path;
	const char *json_path;
	size_t rounds;
	size_t peer_period;
	bool has_disk;
	bool has_nic;
	bool has_no_peers;
	bool is_quick;
};

static const struct startup_devices none;
static const struct startup_devices disk = {.has_disk = true};
static const struct startup_devices nic = {.has_nic = true};
static const struct startup_devices all = {true, true, true};

static struct startup_results results;

/* The subjects that run one guest. */
struct family {
	struct startup_programs programs;
	const char *prepared; /* for mote */
	size_t period;
	unsigned int stamped_metrics; /* of the floor and mote */
	unsigned int peer_metrics;
	struct startup_subject *floor;
	struct startup_subject *other; /* the second reference of what is added */
	struct startup_subject *mote;
};

static struct startup_subject *add(const struct family *family)
{
	struct startup_subject *added = startup_results_add(&results);

	added->floor = family->floor;
	added->other = family->other;
	added->period = family->period;
	added->metrics = family->stamped_metrics;
	return added;
}

static struct startup_subject *add_floor(const struct family *family, const char *name,
					 const char *cpuid_path)
{
	struct startup_subject *added = add(family);

	startup_command_floor(&added->subject, name, &family->programs, cpuid_path);
	return added;
}

static struct startup_subject *add_mote(const struct family *family, const char *name,
					struct startup_devices devices)
{
	struct startup_subject *added = add(family);

	startup_command_mote(&added->subject, name, &family->programs, family->prepared, devices);
	added->less = family->mote;
	return added;
}

/* Mote with devices, as they are asked for. */
static void add_devices(const struct options *options, const struct family *family)
{
	if (geteuid() == 0 || options->has_nic)
		startup_command_tap();
	if (options->has_disk)
		add_mote(family, "mote+disk", disk);
	if (options->has_nic)
		add_mote(family, "mote+nic", nic);
	if (geteuid() == 0)
		add_mote(family, "mote+devices", all);
}

/* Without what root's first start keeps. */
static void add_cold(struct family family)
{
	family.prepared = PREPARATION_NONE;
	family.other = NULL;
	add_mote(&family, "mote+cold", none);
}

/* With all that `mote prepare` makes. */
static void add_prepared(struct family family, const char *prepared)
{
	family.prepared = prepared;
	family.mote = add_mote(&family, "mote+prepared", none);
	add_mote(&family, "mote+prepared+devices", all);
}

static void add_peer(const struct options *options, const struct family *family, size_t peer)
{
	const struct startup_guest guest = {family->programs.guest, startup_guest_says, RAM_MIB,
					    family->programs.has_clock};
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
	added->other = family->mote;
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

static void add_peers(const struct options *options, const struct family *family)
{
	for (size_t peer = 0; peer < STARTUP_PEERS && !options->has_no_peers; peer++)
		if (!family->programs.has_clock || is_subject(startup_peer_name(peer)))
			add_peer(options, family, peer);
}

static void add_plain(const struct options *options, const struct preparation *preparation)
{
	struct family family = {.programs = options->programs,
				.prepared = preparation->kept,
				.period = 1,
				.stamped_metrics = STARTUP_SET_STAMPED,
				.peer_metrics = STARTUP_SET_PEER};

	family.floor = add_floor(&family, "floor", NULL);
	if (preparation->prepared != NULL) {
		family.other = add_floor(&family, "floor+kept", preparation->cpuid);
		add_cold(family);
	} else {
		printf("floor+kept, mote+cold, mote+devices, mote+prepared: skipped, only root "
		       "can keep KVM's answer, make a tap and prepare\n");
	}
	family.mote = add_mote(&family, "mote", none);
	preparation_start(preparation, family.mote->subject.arguments);
	add_devices(options, &family);
	if (preparation->prepared != NULL)
		add_prepared(family, preparation->prepared);
	add_peers(options, &family);
}

static void add_clock(const struct options *options, const struct preparation *preparation)
{
	struct family family = {.programs = options->programs,
				.prepared = preparation->kept,
				.period = options->peer_period,
				.stamped_metrics = STARTUP_SET_STAMPED_CLOCK,
				.peer_metrics = STARTUP_SET_PEER_CLOCK};

	family.programs.guest = options->clock_path;
	family.programs.has_clock = true;
	family.floor = add_floor(&family, "floor", NULL);
	family.mote = add_mote(&family, "mote", none);
	add_peers(options, &family);
}

static void add_two_floors(const struct options *options)
{
	struct family family = {
		.programs = options->programs, .period = 1, .stamped_metrics = STARTUP_SET_STAMPED};

	family.floor = add_floor(&family, "floor", NULL);
	add_floor(&family, "floor-again", NULL);
}

static void add_subjects(const struct options *options)
{
	struct preparation preparation;

	if (options->programs.mote == NULL) {
		add_two_floors(options);
		return;
	}
	preparation = preparation_make(options->programs.mote);
	add_plain(options, &preparation);
	if (options->clock_path != NULL)
		add_clock(options, &preparation);
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
	static struct options options = {.programs.ram_mib = RAM_MIB};
	static const struct options_row rows[] = {
		{.name = "floor", .file = &options.programs.floor, .is_required = true},
		{.name = "guest", .file = &options.programs.guest, .is_required = true},
		{.name = "mote", .file = &options.programs.mote},
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
	if ((options.has_disk || options.has_nic) && options.programs.mote == NULL)
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
