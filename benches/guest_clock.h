/* SPDX-License-Identifier: MIT */
/*
 * benches/guest_clock.h - when the guest says it was where, for monitors that make no stamps.
 *
 * The guest start_clock prints the time stamp counter at its entry, in its main function and right
 * before its first output.  A guest's counter may be set off against the host's, but runs as fast;
 * so its readings are related to the one moment that is seen from outside too, the first output.
 * What the output takes on its way makes all of them too late by as much.
 */
#ifndef BENCHES_GUEST_CLOCK_H
#define BENCHES_GUEST_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct guest_clock {
	uint64_t entry; /* in ticks, like the others */
	uint64_t main;
	uint64_t greeted;
};

/* Find the line "clock ENTRY MAIN GREETED".  Returns 0, or -EPROTO without one. */
int guest_clock_parse(struct guest_clock *clock, const char *output, size_t length);

/* How fast the counter runs; takes 50 ms. */
double guest_clock_measure_ticks_per_us(void);

#endif
