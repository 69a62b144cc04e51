/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/timer.h - the local APIC's timer of the first processor.
 *
 * TSC-deadline mode (Intel SDM volume 3, 11.5.4.1) where CPUID has it and says
 * how fast the counter runs (leaf 0x40000010); else one shot after another of
 * the timer's own counter.  Call order: timer_start(), then timer_wait().
 */
#ifndef GUEST_TIMER_H
#define GUEST_TIMER_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CPUID_TIMING_LEAF = 0x40000010, /* EAX = TSC kHz, EBX = APIC bus kHz */
};

struct timer {
	bool is_deadline;
	uint32_t tsc_khz; /* 0: unknown */
	uint32_t bus_khz;
};

void timer_start(struct timer *timer);

/* Sleep at least that long. */
void timer_wait(const struct timer *timer, uint32_t wait_us);

/* Count on without an interrupt, by the timer's own counter; timer_start() begins anew. */
void timer_mask(void);

#endif
