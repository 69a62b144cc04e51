/* SPDX-License-Identifier: MIT */
/* virtio/clock.h - the clock of every due_ns and `now_ns`. */
#ifndef VIRTIO_CLOCK_H
#define VIRTIO_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC. */
static inline uint64_t virtio_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

#endif
