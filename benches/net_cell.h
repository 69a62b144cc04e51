/* SPDX-License-Identifier: MIT */
/*
 * benches/net_cell.h - what the network benchmark measures: cells, and the figures of each.
 *
 * A cell is one load, for which a VM is started anew; it gives one or two figures, and the
 * processor time that the host spent for them.
 */
#ifndef BENCHES_NET_CELL_H
#define BENCHES_NET_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "benches/net_traffic.h"

enum net_cell {
	NET_ROUND_TRIP,
	NET_SMALL_TX, /* out of the guest */
	NET_SMALL_RX,
	NET_LARGE_TX,
	NET_LARGE_RX,
	NET_CELLS,
};

enum net_figure {
	NET_ROUND_TRIP_P50,
	NET_ROUND_TRIP_P99,
	NET_ROUND_TRIP_CPU,
	NET_SMALL_TX_RATE,
	NET_SMALL_TX_CPU,
	NET_SMALL_RX_RATE,
	NET_SMALL_RX_CPU,
	NET_LARGE_TX_RATE,
	NET_LARGE_TX_CPU,
	NET_LARGE_RX_RATE,
	NET_LARGE_RX_CPU,
	NET_FIGURES,
};

/* One run, as the guest counted it. */
struct net_run {
	uint64_t frames;
	uint64_t bytes;
	uint64_t elapsed_ns;
	double p50_us; /* of round trips; 0 elsewhere */
	double p99_us;
	double processors; /* of the host, in use on average */
};

struct net_cell_text {
	const char *name;
	const char *text;       /* for a heading */
	const char *guest_args; /* boot arguments that make the guest run it */
	enum net_traffic_kind traffic;
	bool is_counted_by_tap; /* the host sees each frame that the guest counts */
};

struct net_figure_text {
	const char *metric;
	const char *unit;
	enum net_cell cell;
	bool is_more_better;
};

extern const struct net_cell_text net_cells[NET_CELLS];
extern const struct net_figure_text net_figures[NET_FIGURES];

double net_figure_of(const struct net_run *run, enum net_figure figure);

/*
 * One line of the guest: a JSON object for one run.  Returns 0, or -EPROTO for text that is not
 * what it should be, with the run untouched; `processors` is 0.
 */
int net_parse_guest_line(const char *text, size_t length, struct net_run *run);

#endif
