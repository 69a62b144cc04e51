/* SPDX-License-Identifier: MIT */
/* tests/guests/halt.c - halts for good, with interrupts off. */
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/guest.h"

int guest_main(void)
{
	print("halt\n");
	cpu_halt();
}
