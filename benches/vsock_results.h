/* SPDX-License-Identifier: MIT */
/*
 * benches/vsock_results.h - the vsock benchmark's samples, and what is said about them.
 *
 * Each round adds one sample of each figure to each subject.  Ratios to the ceiling are taken
 * round by round.
 */
#ifndef BENCHES_VSOCK_RESULTS_H
#define BENCHES_VSOCK_RESULTS_H

#include <jansson.h>
#include <stddef.h>

#include "benches/vsock_subject.h"

enum {
	VSOCK_SUBJECTS = 2,
	VSOCK_ROUNDS_MAX = 200,
};

struct vsock_results {
	const struct vsock_subject *subjects; /* VSOCK_SUBJECTS, the ceiling last */
	enum vsock_cell cells[VSOCK_CELLS];
	size_t cell_count;
	size_t round_count;
	unsigned int repeated; /* runs whose processor time was not seen */
	double samples[VSOCK_SUBJECTS][VSOCK_FIGURES][VSOCK_ROUNDS_MAX];
};

void vsock_results_add(struct vsock_results *results, size_t subject, enum vsock_cell cell,
		       size_t round, const struct vsock_run *run);

/* Print a table of medians. */
void vsock_results_print(const struct vsock_results *results);

/* A new array for report_write(). */
json_t *vsock_results_report(const struct vsock_results *results);

#endif
