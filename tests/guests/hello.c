/* SPDX-License-Identifier: MIT */
/* tests/guests/hello.c - the smallest guest with something to say; also built as pvh_hello. */
#include "tests/guests/lib/guest.h"

int guest_main(void)
{
	static const char greeting[] = "hello from a mote unikernel\n";

	console_write(greeting, sizeof(greeting) - 1);
	return 0;
}
