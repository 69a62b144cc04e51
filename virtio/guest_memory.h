/* SPDX-License-Identifier: MIT */
/*
 * virtio/guest_memory.h - the one gate from a guest address to a host pointer.
 *
 * Guest memory is at most two ranges of guest-physical addresses over host
 * mappings: below the device hole and above it.  Every access to it, at boot
 * and while the guest runs, goes through here; no other code may add to the
 * base of a range (lint looks for it).
 *
 * Trust: addresses and lengths may come from the guest.  All checks are made
 * without overflow, and a range that crosses the end of a region is refused as
 * a whole: nothing is capped.
 *
 * Threads: the ranges never change once the guest runs, so any thread may call
 * in.  The contents behind a pointer may change at any time under the reader:
 * read each guest-written value once.
 *
 * Ownership: the mappings belong to whoever made them and outlive this struct.
 */
#ifndef VIRTIO_GUEST_MEMORY_H
#define VIRTIO_GUEST_MEMORY_H

#include <stddef.h>
#include <stdint.h>

enum {
	GUEST_MEMORY_RANGES_MAX = 2,
};

struct guest_memory_range {
	uint64_t base_gpa;
	uint64_t size_bytes;
	uint8_t *host;
};

struct guest_memory {
	struct guest_memory_range ranges[GUEST_MEMORY_RANGES_MAX];
	unsigned int count;
};

/*
 * Add a range.  Returns 0, -ENOSPC if there is no room for one more, -EINVAL
 * for an empty range or one that overlaps another, or -EOVERFLOW if its end is beyond
 * the 64-bit address space.
 */
int guest_memory_add(struct guest_memory *memory, uint64_t base_gpa, uint64_t size_bytes,
		     void *host);

/*
 * The host address of [gpa, gpa + length), or NULL unless all of it lies in one
 * range.  An empty range has an address only where gpa itself lies in memory.
 */
void *guest_memory_at(const struct guest_memory *memory, uint64_t gpa, uint64_t length);

/* Copy into guest memory: 0, or -EFAULT with nothing written. */
int guest_memory_write(const struct guest_memory *memory, uint64_t gpa, const void *source,
		       size_t length);

/* Copy out of guest memory: 0, or -EFAULT with nothing read. */
int guest_memory_read(const struct guest_memory *memory, uint64_t gpa, void *target, size_t length);

#endif
