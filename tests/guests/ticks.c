/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/ticks.c - sleeps ten times by the local APIC's timer.
 *
 * ticks=N and period_us=N change the ten and the ten milliseconds.  Exit code 1
 * if the time stamp counter says that the sleeps were too short.
 */
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/timer.h"

int guest_main(void)
{
	uint64_t ticks = boot_number("ticks=", 10);
	uint32_t period_us = (uint32_t)boot_number("period_us=", 10000);
	struct timer timer;
	uint64_t begin;
	uint64_t slept_us;

	timer_start(&timer);
	print("timer: %s, TSC %u kHz, bus %u kHz\n",
	      timer.is_deadline ? "TSC deadline" : "one shot", timer.tsc_khz, timer.bus_khz);
	begin = tsc_read();
	for (uint64_t tick = 1; tick <= ticks; tick++) {
		timer_wait(&timer, period_us);
		print("tick %lu\n", tick);
	}
	if (timer.tsc_khz == 0)
		return 0;
	slept_us = (tsc_read() - begin) * 1000 / timer.tsc_khz;
	print("%lu us for %lu ticks of %u us\n", slept_us, ticks, period_us);
	return slept_us < ticks * period_us;
}
