/* SPDX-License-Identifier: MIT */
/* benches/block_cell.c - see block_cell.h. */
#include "benches/block_cell.h"

#include <stdio.h>

struct load {
	const char *text;
	const char *metric; /* stands before the figure; 4k random read is the usual one */
	const char *fio;
	const char *kind; /* these two as the guest has them */
	const char *pattern;
	uint32_t size_bytes;
};

struct figure {
	const char *name;
	const char *unit;
};

static const struct load loads[BLOCK_LOADS] = {
	[BLOCK_RANDOM_READ] = {"4k random read", "", "randread", "read", "random", 4096},
	[BLOCK_RANDOM_WRITE] = {"4k random write", "write.", "randwrite", "write", "random", 4096},
	[BLOCK_SEQUENTIAL_READ] = {"64k sequential read", "sequential_read.", "read", "read",
				   "sequential", 65536},
	[BLOCK_SEQUENTIAL_WRITE] = {"64k sequential write", "sequential_write.", "write", "write",
				    "sequential", 65536},
};

static const struct figure figures[BLOCK_FIGURES] = {
	[BLOCK_IOPS] = {"iops", "1/s"},
	[BLOCK_P50_US] = {"p50_us", "us"},
	[BLOCK_P99_US] = {"p99_us", "us"},
	[BLOCK_CPU_US] = {"cpu_us", "us"},
};

const unsigned int block_depths[BLOCK_DEPTHS] = {1, 8, 32};

uint32_t block_size_bytes(enum block_load load)
{
	return loads[load].size_bytes;
}

const char *block_fio_name(enum block_load load)
{
	return loads[load].fio;
}

const char *block_unit(enum block_figure figure)
{
	return figures[figure].unit;
}

void block_describe(char name[BLOCK_NAME_BYTES], struct block_group group)
{
	snprintf(name, BLOCK_NAME_BYTES, "%s, %s", loads[group.load].text,
		 group.is_direct ? "O_DIRECT" : "cached");
}

void block_metric_name(char name[BLOCK_NAME_BYTES], struct block_group group,
		       enum block_figure figure, unsigned int depth)
{
	snprintf(name, BLOCK_NAME_BYTES, "block.%s%s%s.qd%u", group.is_direct ? "direct." : "",
		 loads[group.load].metric, figures[figure].name, depth);
}

void block_guest_runs(char runs[BLOCK_RUNS_BYTES], enum block_load load)
{
	const struct load *of = &loads[load];
	size_t length = 0;

	for (unsigned int at = 0; at < BLOCK_DEPTHS; at++)
		length += (size_t)snprintf(runs + length, BLOCK_RUNS_BYTES - length,
					   "%s%s:%s:%u:%u", at == 0 ? "" : ",", of->kind,
					   of->pattern, of->size_bytes, block_depths[at]);
}
