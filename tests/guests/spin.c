/* SPDX-License-Identifier: MIT */
/* tests/guests/spin.c - uses its processor for ever, without any exit of its own. */
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/guest.h"

int guest_main(void)
{
	print("spin\n");
	for (;;)
		cpu_relax();
}
