/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/heap.h - memory for rings and buffers: RAM above the image, never given back.
 */
#ifndef GUEST_HEAP_H
#define GUEST_HEAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * Take memory, aligned to a power of two, its content as the monitor left it.  A guest that runs
 * out says so and ends with EXIT_CODE_NO_MEMORY.
 */
void *heap_take(size_t size_bytes, size_t alignment);

/* The first address behind the RAM that heap_take() takes from. */
uint64_t heap_end(void);

#endif
