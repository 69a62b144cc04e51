/* SPDX-License-Identifier: MIT */
/*
 * benches/block_output.h - what the block benchmark's guest and fio print, as numbers.
 *
 * Pure over (text, length).  Errors: -EPROTO for text that is not what it should be; outputs are
 * untouched then.
 */
#ifndef BENCHES_BLOCK_OUTPUT_H
#define BENCHES_BLOCK_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

struct block_run {
	uint64_t requests;
	uint64_t elapsed_ns;
	double iops;
	double p50_us;
	double p99_us;
	double cpu_us; /* for each request; 0 where the text does not say */
};

/* One line of the guest: a JSON object for one run. */
int block_parse_guest_line(const char *text, size_t length, struct block_run *run);

/* The output of `fio --output-format=json`, which must hold `count` jobs, with `lat_percentiles`.
 */
int block_parse_fio(const char *text, size_t length, struct block_run *runs, size_t count);

#endif
