/* SPDX-License-Identifier: MIT */
/*
 * jail/descriptors.h - no open file, socket or device but the known ones.
 *
 * Whatever the process inherited or forgot is closed, without reading /proc.
 */
#ifndef JAIL_DESCRIPTORS_H
#define JAIL_DESCRIPTORS_H

enum {
	DESCRIPTORS_KEPT_MAX = 64,
};

/*
 * Close all but `kept`, in any order, negative ones and repetitions ignored.
 * Returns 0 or negative errno (-E2BIG for too many), with some closed possibly.
 */
int descriptors_keep_only(const int *kept, unsigned int count);

/* The highest of them, or -1. */
int descriptors_highest(const int *kept, unsigned int count);

#endif
