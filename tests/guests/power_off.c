/* SPDX-License-Identifier: MIT */
/* tests/guests/power_off.c - switches itself off through the ACPI sleep port. */
#include "tests/guests/lib/exit.h"
#include "tests/guests/lib/guest.h"

int guest_main(void)
{
	print("power_off\n");
	exit_power_off();
}
