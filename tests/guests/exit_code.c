/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/exit_code.c - ends with the code that the command line names.
 *
 * code=N, 0 to 255; port=501 gives it through the QEMU-style port instead.
 */
#include "tests/guests/lib/exit.h"
#include "tests/guests/lib/guest.h"

int guest_main(void)
{
	uint8_t code = (uint8_t)boot_number("code=", 0);

	if (boot_number("port=", 0) == 501)
		exit_qemu(code);
	return code;
}
