/* SPDX-License-Identifier: MIT */
/* tests/guests/panic.c - reports a panic through pvpanic. */
#include "tests/guests/lib/exit.h"
#include "tests/guests/lib/guest.h"

int guest_main(void)
{
	print("panic\n");
	exit_panic();
}
