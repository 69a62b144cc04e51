/* SPDX-License-Identifier: MIT */
/* tests/guests/idle.c - prints one byte and sleeps, with interrupts on and none to come. */
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/guest.h"

int guest_main(void)
{
	console_write("\n", 1);
	for (;;)
		cpu_idle();
}
