/* SPDX-License-Identifier: MIT */
/*
 * jail/limits.h - resource limits, soft and hard alike, lowered for good.
 *
 * A limit that is lower already stays.  No core dump (it would hold guest memory), no message
 * queue, no real-time or raised priority, next to no locked memory.
 *
 * Errors: negative errno; -EPERM if the kernel says afterwards that a limit is higher.
 */
#ifndef JAIL_LIMITS_H
#define JAIL_LIMITS_H

#include <stdint.h>

enum {
	/* What io_uring charges for the rings of a disk before Linux 5.12. */
	LIMITS_LOCKED_BYTES = 64 * 1024,
};

struct limits {
	uint64_t file_bytes;  /* how far a file may grow */
	uint64_t descriptors; /* above the highest number that a descriptor can get */
	uint64_t threads;     /* of all processes of this uid */
};

int limits_lower(const struct limits *limits);

#endif
