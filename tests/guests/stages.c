/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/stages.c - stamps stages 1 to 5 on the boot timer page.
 *
 * stages=N changes the five, up to 122; 123 is the stamp that the library made.
 */
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/guest.h"

int guest_main(void)
{
	uint64_t stages = boot_number("stages=", 5);

	for (uint64_t stage = 1; stage <= stages && stage < BOOT_TIMER_BOOTED; stage++)
		mmio_write8(BOOT_TIMER_ADDRESS, (uint8_t)stage);
	return 0;
}
