/* SPDX-License-Identifier: MIT */
/*
 * benches/net_results.h - the network benchmark's samples, and what is said about them.
 *
 * Each round adds one sample of each figure to each subject.  Ratios to QEMU are taken round by
 * round.
 */
#ifndef BENCHES_NET_RESULTS_H
#define BENCHES_NET_RESULTS_H

#include <jansson.h>
#include <stddef.h>

#include "benches/net_subject.h"

enum {
	NET_SUBJECTS_MAX = 2,
	NET_ROUNDS_MAX = 200,
	NET_TAPS_MAX = 100,
};

struct net_results {
	const struct net_subject *subjects[NET_SUBJECTS_MAX];
	size_t subject_count;
	enum net_cell cells[NET_CELLS];
	size_t cell_count;
	size_t round_count;
	double samples[NET_SUBJECTS_MAX][NET_FIGURES][NET_ROUNDS_MAX];
	unsigned int repeated[NET_SUBJECTS_MAX]; /* runs that failed at first */

	/* What a tap costs the host, whoever makes it. */
	size_t tap_count;
	double tap_created_us[NET_TAPS_MAX];
	double tap_removed_us[NET_TAPS_MAX];
};

void net_results_add(struct net_results *results, size_t subject, enum net_cell cell, size_t round,
		     const struct net_run *run);

/* Print a table of medians. */
void net_results_print(const struct net_results *results);

/* A new array for report_write(). */
json_t *net_results_report(const struct net_results *results);

#endif
