/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/start_clock.c - hello, and when it came how far.
 *
 * Its second line is "clock ENTRY MAIN GREETED": the time stamp counter at the entry, in
 * guest_main(), and right before the first line went out.
 */
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/guest.h"

int guest_main(void)
{
	static const char greeting[] = "hello from a mote unikernel\n";
	uint64_t main_tsc = tsc_read();
	uint64_t greeted_tsc = tsc_read();

	console_write(greeting, sizeof(greeting) - 1);
	print("clock %lu %lu %lu\n", boot_entry_tsc(), main_tsc, greeted_tsc);
	return 0;
}
