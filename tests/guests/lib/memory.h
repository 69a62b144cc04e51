/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/memory.h - which memory is whose, and reaching what lies above 4 GiB.
 */
#ifndef GUEST_MEMORY_H
#define GUEST_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	MEMORY_PAGE_BYTES = 4096,
	MEMORY_HIGH_GIB_MAX = 16, /* how much of what lies above 4 GiB can be mapped */
};

/* Map, one to one, what lies between 4 GiB and `end`.  Returns false if that is too much. */
bool memory_map_up_to(uint64_t end);

/*
 * Whether a page holds this image, its stacks, or what the monitor wrote for the boot: the first
 * 64 KiB, the boot protocol's structure, the command line.
 */
bool memory_is_in_use(uint64_t page);

#endif
