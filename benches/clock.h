/* SPDX-License-Identifier: MIT */
/* benches/clock.h - the clock that all stamps use; monitors stamp by the same one. */
#ifndef BENCHES_CLOCK_H
#define BENCHES_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

#endif
