/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/clock.h - nanoseconds from the time stamp counter.
 *
 * How fast the counter runs comes from the boot argument tsc_khz=N, else from CPUID leaf
 * 0x40000010, else it is measured against the local APIC's timer, which counts nanoseconds
 * under KVM and QEMU.
 */
#ifndef GUEST_CLOCK_H
#define GUEST_CLOCK_H

#include <stdint.h>

/* Find the frequency; call first.  Returns it in kHz.  Takes 20 ms where it has to measure. */
uint64_t clock_start(void);

/* The length of an interval, in nanoseconds; and the other way round. */
uint64_t clock_ticks_to_ns(uint64_t ticks);
uint64_t clock_ns_to_ticks(uint64_t interval_ns);

#endif
