/* SPDX-License-Identifier: MIT */
/* tests/guests/triple_fault.c - ends with a triple fault. */
#include "tests/guests/lib/exit.h"
#include "tests/guests/lib/guest.h"

int guest_main(void)
{
	print("triple_fault\n");
	exit_triple_fault();
}
