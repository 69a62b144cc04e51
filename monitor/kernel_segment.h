/* SPDX-License-Identifier: MIT */
/*
 * monitor/kernel_segment.h - the pieces of a kernel file and their guest addresses.
 *
 * A list of segments is always loadable: kernel_segments_add() takes only what
 * lies in guest memory, clear of the monitor's own tables and of every other
 * segment.  Whether the bytes are in the file is for the caller to check.
 */
#ifndef MONITOR_KERNEL_SEGMENT_H
#define MONITOR_KERNEL_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "monitor/reason.h"

enum {
	KERNEL_SEGMENTS_MAX = 32,
};

/* memory_bytes is never below file_bytes; the difference is zero-filled (bss). */
struct kernel_segment {
	uint64_t file_offset;
	uint64_t file_bytes;
	uint64_t gpa;
	uint64_t memory_bytes;
};

struct kernel_segments {
	struct kernel_segment list[KERNEL_SEGMENTS_MAX];
	unsigned int count;
};

/*
 * Add a segment to the list; `name` is how messages call it ("segment 2").
 *
 * Returns 0; -ENOEXEC if it is malformed, overlaps another one or memory that
 * the monitor needs, or is one too many; or -ENOMEM if it is not in guest memory.
 */
int kernel_segments_add(struct kernel_segments *segments, const struct kernel_segment *segment,
			const char *name, uint64_t ram_bytes, struct reason *reason);

/* Whether a byte from the file ends up at this address; bss does not count, it holds no code. */
bool kernel_segments_hold(const struct kernel_segments *segments, uint64_t gpa);

#endif
