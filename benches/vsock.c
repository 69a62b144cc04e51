/* SPDX-License-Identifier: MIT */
/*
 * benches/vsock.c - how fast a guest's vsock is, beside a Unix socket between two processes.
 *
 *     bench_vsock --mote PATH --guest PATH [--rounds N] [--run-ms N] [--quick] [--only CELL]
 *                 [--guest-args TEXT] [--json FILE]
 *
 * The same client sends and receives the same bytes: over the Unix socket of a VM, whose guest
 * answers, and over one of a process that does what the guest does, which is the ceiling.  In
 * each round both run each cell, in random order, so that whatever else the machine does meets
 * both alike.
 *
 * Exits and interrupts are mote's own counts, less those of a VM that starts and ends without any
 * load.
 *
 * --only is for the cells whose name holds a text: rtt, rtt-lone, connect, gbit.h2g, gbit.g2h.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benches/options.h"
#include "benches/order.h"
#include "benches/report.h"
#include "benches/vsock_peer.h"
#include "benches/vsock_results.h"
#include "benches/workspace.h"

enum {
	ROUNDS_USUAL = 9,
	ROUNDS_QUICK = 5,
	RUN_USUAL_MS = 1000,
	RUN_QUICK_MS = 250,
	RUN_MIN_MS = 100,
	RUN_MAX_MS = 60000,
	REPEATED_MAX = 5,
	SHUFFLE_SEED = 1,
};

struct vsock_options {
	struct vsock_paths paths;
	const char *json_path;
	const char *only;
	size_t rounds;
	size_t run_ms;
	bool is_quick;
};

static const struct vsock_subject subjects[VSOCK_SUBJECTS] = {
	{"mote", VSOCK_MOTE},
	{"unix-socket", VSOCK_PROCESS},
};

static struct vsock_results results = {.subjects = subjects};
/* Of a VM that has nothing to do. */
static struct vsock_events idle[VSOCK_CELLS];

static void choose_cells(const char *only)
{
	for (unsigned int cell = 0; cell < VSOCK_CELLS; cell++)
		if (only == NULL || strstr(vsock_cells[cell].name, only) != NULL)
			results.cells[results.cell_count++] = cell;
	if (results.cell_count == 0)
		errx(EXIT_FAILURE, "no cell has \"%s\" in its name", only);
}

static void run(const struct vsock_options *options, size_t subject, enum vsock_cell cell,
		size_t run_ms, struct vsock_run *seen)
{
	const struct vsock_load_time what = {cell, (unsigned int)run_ms};
	char reason[SESSION_REASON_BYTES] = "";

	if (vsock_subject_run(&subjects[subject], &options->paths, &what, seen, reason) != 0)
		errx(EXIT_FAILURE, "%s, %s: %s", subjects[subject].name, vsock_cells[cell].name,
		     reason);
}

static void measure_idle(const struct vsock_options *options)
{
	struct vsock_run seen;

	for (size_t cell = 0; cell < results.cell_count; cell++) {
		run(options, 0, results.cells[cell], 0, &seen);
		idle[results.cells[cell]] = seen.events;
	}
}

/* On a busy machine this process may get no chance to look at the other's processor time. */
static void take_turn(const struct vsock_options *options, size_t subject, enum vsock_cell cell,
		      size_t round)
{
	struct vsock_run seen;

	run(options, subject, cell, options->run_ms, &seen);
	while (seen.processors <= 0) {
		if (results.repeated++ == REPEATED_MAX)
			errx(EXIT_FAILURE, "the machine is too busy to see processor time");
		run(options, subject, cell, options->run_ms, &seen);
	}
	seen.events = vsock_events_beyond(seen.events, idle[cell]);
	vsock_results_add(&results, subject, cell, round, &seen);
}

static void run_round(const struct vsock_options *options, size_t round)
{
	size_t order[VSOCK_SUBJECTS];

	for (size_t cell = 0; cell < results.cell_count; cell++) {
		order_draw(order, VSOCK_SUBJECTS);
		for (size_t turn = 0; turn < VSOCK_SUBJECTS; turn++)
			take_turn(options, order[turn], results.cells[cell], round);
	}
	fprintf(stderr, "vsock: %zu of %zu rounds\n", round + 1, options->rounds);
}

static struct vsock_options parse(int argc, char *argv[])
{
	static struct vsock_options options;
	static const struct options_row rows[] = {
		{.name = "mote", .file = &options.paths.mote, .is_required = true},
		{.name = "guest", .file = &options.paths.guest, .is_required = true},
		{.name = "guest-args", .text = &options.paths.guest_args},
		{.name = "rounds",
		 .number = &options.rounds,
		 .minimum = 1,
		 .maximum = VSOCK_ROUNDS_MAX,
		 .usual = ROUNDS_USUAL,
		 .quick = ROUNDS_QUICK},
		{.name = "run-ms",
		 .number = &options.run_ms,
		 .minimum = RUN_MIN_MS,
		 .maximum = RUN_MAX_MS,
		 .usual = RUN_USUAL_MS,
		 .quick = RUN_QUICK_MS},
		{.name = "only", .text = &options.only},
		{.name = "json", .text = &options.json_path},
		{.name = "quick", .flag = &options.is_quick},
	};

	options_take(rows, sizeof(rows) / sizeof(rows[0]), argc, argv);
	return options;
}

/* How this program starts itself as the other end: --peer CELL PATH. */
static void serve_if_peer(int argc, char *argv[])
{
	if (argc != 4 || strcmp(argv[1], "--peer") != 0)
		return;
	for (unsigned int cell = 0; cell < VSOCK_CELLS; cell++)
		if (strcmp(vsock_cells[cell].name, argv[2]) == 0)
			vsock_peer_serve(cell, argv[3]);
}

int main(int argc, char *argv[])
{
	struct vsock_options options;

	serve_if_peer(argc, argv);
	options = parse(argc, argv);
	srandom(SHUFFLE_SEED);
	choose_cells(options.only);
	workspace_make(NULL);
	measure_idle(&options);
	results.round_count = options.rounds;
	for (size_t round = 0; round < options.rounds; round++)
		run_round(&options, round);
	vsock_results_print(&results);
	report_finish(options.json_path, vsock_results_report(&results));
	return EXIT_SUCCESS;
}
