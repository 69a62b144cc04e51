/* SPDX-License-Identifier: MIT */
/*
 * benches/block_cell.h - what the block benchmark measures: groups of cells, and their figures.
 *
 * A group is one load with or without the host's page cache; it has one cell for
 * each queue depth, which a subject runs through in one go.
 */
#ifndef BENCHES_BLOCK_CELL_H
#define BENCHES_BLOCK_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BLOCK_DEPTHS = 3,
	BLOCK_NAME_BYTES = 48,
	BLOCK_RUNS_BYTES = 128,
};

enum block_load {
	BLOCK_RANDOM_READ,
	BLOCK_RANDOM_WRITE,
	BLOCK_SEQUENTIAL_READ,
	BLOCK_SEQUENTIAL_WRITE,
	BLOCK_LOADS,
};

enum block_figure {
	BLOCK_IOPS,
	BLOCK_P50_US,
	BLOCK_P99_US,
	BLOCK_CPU_US, /* processor time of the host for each request */
	BLOCK_FIGURES,
};

struct block_group {
	enum block_load load;
	bool is_direct; /* O_DIRECT on the host */
};

extern const unsigned int block_depths[BLOCK_DEPTHS];

uint32_t block_size_bytes(enum block_load load);

/* The name of the load as fio has it: "randread" and so on. */
const char *block_fio_name(enum block_load load);

const char *block_unit(enum block_figure figure);

/* For a row of a table: "4k random read, direct". */
void block_describe(char name[BLOCK_NAME_BYTES], struct block_group group);

/* For the report: "block.iops.qd1", "block.direct.write.p99_us.qd32" and so on. */
void block_metric_name(char name[BLOCK_NAME_BYTES], struct block_group group,
		       enum block_figure figure, unsigned int depth);

/* For the guest, as its boot argument `runs` takes it: one run for each depth. */
void block_guest_runs(char runs[BLOCK_RUNS_BYTES], enum block_load load);

#endif
