/* SPDX-License-Identifier: MIT */
/*
 * benches/vsock_cell.h - what the vsock benchmark measures: cells, and the figures of each.
 *
 * A cell is one load, for which the other end is started anew: a VM, or a process of the host.
 */
#ifndef BENCHES_VSOCK_CELL_H
#define BENCHES_VSOCK_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vsock_cell {
	VSOCK_ROUND_TRIP,
	VSOCK_LONE_ROUND_TRIP, /* both ends have gone to sleep before */
	VSOCK_CONNECT,
	VSOCK_HOST_TO_GUEST,
	VSOCK_GUEST_TO_HOST,
	VSOCK_CELLS,
};

enum vsock_figure {
	VSOCK_ROUND_TRIP_P50,
	VSOCK_ROUND_TRIP_P99,
	VSOCK_ROUND_TRIP_CPU,
	VSOCK_ROUND_TRIP_EXITS,
	VSOCK_ROUND_TRIP_INTERRUPTS,
	VSOCK_LONE_ROUND_TRIP_P50,
	VSOCK_LONE_ROUND_TRIP_P99,
	VSOCK_LONE_ROUND_TRIP_CPU,
	VSOCK_LONE_ROUND_TRIP_EXITS,
	VSOCK_LONE_ROUND_TRIP_INTERRUPTS,
	VSOCK_CONNECT_RATE,
	VSOCK_CONNECT_CPU,
	VSOCK_CONNECT_EXITS,
	VSOCK_CONNECT_INTERRUPTS,
	VSOCK_HOST_TO_GUEST_RATE,
	VSOCK_HOST_TO_GUEST_CPU,
	VSOCK_GUEST_TO_HOST_RATE,
	VSOCK_GUEST_TO_HOST_CPU,
	VSOCK_FIGURES,
};

/* What a VM cost in events, as mote's result has it. */
struct vsock_events {
	uint64_t exits; /* to mote */
	uint64_t interrupts;
};

/* One run, as the host's client saw it. */
struct vsock_run {
	uint64_t count; /* of round trips or connections */
	uint64_t bytes;
	uint64_t elapsed_ns;
	double p50_us; /* of round trips; 0 elsewhere */
	double p99_us;
	double processors; /* of the host, in use on average by the other end */

	/* Those before the time was taken included, as events are those of the whole run. */
	uint64_t whole_count;
	struct vsock_events events; /* none if it was no VM */
};

struct vsock_cell_text {
	const char *name;
	const char *text; /* for a heading */
	uint32_t port;    /* of the guest that serves it */
};

struct vsock_figure_text {
	const char *metric;
	const char *unit;
	enum vsock_cell cell;
	bool is_more_better;
	bool is_of_vms; /* of nothing else */
};

extern const struct vsock_cell_text vsock_cells[VSOCK_CELLS];
extern const struct vsock_figure_text vsock_figures[VSOCK_FIGURES];

double vsock_figure_of(const struct vsock_run *run, enum vsock_figure figure);

/*
 * The events of a VM that has ended, from the text of its result.  Returns 0, or -EPROTO for text
 * that is not what it should be, with the events untouched.
 */
int vsock_parse_result(const char *text, size_t length, struct vsock_events *events);

/* What there is beyond the events of a VM that had nothing to do; never below 0. */
struct vsock_events vsock_events_beyond(struct vsock_events events, struct vsock_events idle);

#endif
