/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/clock.c - see clock.h. */
#include "tests/guests/lib/clock.h"

#include "tests/guests/lib/boot.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/lapic.h"
#include "tests/guests/lib/timer.h"

enum {
	CPUID_HYPERVISOR_LEAF = 0x40000000,
	MEASURE_NS = 20000000,
	NS_PER_MS = 1000000,
};

static uint64_t tsc_khz;

static uint64_t measure_khz(void)
{
	struct timer timer;
	uint64_t begin;
	uint32_t left;

	timer_start(&timer);
	timer_mask();
	lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
	begin = tsc_read();
	do
		left = lapic_read(LAPIC_TIMER_CURRENT);
	while (UINT32_MAX - left < MEASURE_NS);
	return (tsc_read() - begin) * NS_PER_MS / (UINT32_MAX - left);
}

uint64_t clock_start(void)
{
	tsc_khz = boot_number("tsc_khz=", 0);
	if (tsc_khz == 0 && cpuid(CPUID_HYPERVISOR_LEAF, 0).eax >= CPUID_TIMING_LEAF)
		tsc_khz = cpuid(CPUID_TIMING_LEAF, 0).eax;
	if (tsc_khz == 0)
		tsc_khz = measure_khz();
	return tsc_khz;
}

/* In two parts, so that days do not overflow. */
uint64_t clock_ticks_to_ns(uint64_t ticks)
{
	return ticks / tsc_khz * NS_PER_MS + ticks % tsc_khz * NS_PER_MS / tsc_khz;
}

uint64_t clock_ns_to_ticks(uint64_t interval_ns)
{
	return interval_ns / NS_PER_MS * tsc_khz + interval_ns % NS_PER_MS * tsc_khz / NS_PER_MS;
}
