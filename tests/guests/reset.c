/* SPDX-License-Identifier: MIT */
/* tests/guests/reset.c - asks the keyboard controller for a reset. */
#include "tests/guests/lib/exit.h"
#include "tests/guests/lib/guest.h"

int guest_main(void)
{
	print("reset\n");
	exit_reset();
}
