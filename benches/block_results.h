/* SPDX-License-Identifier: MIT */
/*
 * benches/block_results.h - the block benchmark's samples, and what is said about them.
 *
 * Each round adds one sample of each figure to each cell of each subject.  Ratios are taken
 * round by round: to fio on the host, and to the variant of QEMU that had the most
 * IOPS in that cell, which "peer" in the report's entry names.
 */
#ifndef BENCHES_BLOCK_RESULTS_H
#define BENCHES_BLOCK_RESULTS_H

#include <jansson.h>

#include "benches/block_command.h"
#include "benches/block_output.h"

enum {
	BLOCK_SUBJECTS_MAX = 8,
	BLOCK_GROUPS_MAX = 2 * BLOCK_LOADS,
	BLOCK_ROUNDS_MAX = 200,
};

struct block_results {
	const struct block_subject *subjects[BLOCK_SUBJECTS_MAX];
	size_t subject_count;
	struct block_group groups[BLOCK_GROUPS_MAX];
	size_t group_count;
	size_t round_count;
	double samples[BLOCK_SUBJECTS_MAX][BLOCK_GROUPS_MAX][BLOCK_DEPTHS][BLOCK_FIGURES]
		      [BLOCK_ROUNDS_MAX];
};

void block_results_add(struct block_results *results, size_t subject, size_t group, size_t round,
		       const struct block_run runs[BLOCK_DEPTHS]);

/* Print a table of medians. */
void block_results_print(const struct block_results *results);

/* A new array for report_write(). */
json_t *block_results_report(const struct block_results *results);

#endif
