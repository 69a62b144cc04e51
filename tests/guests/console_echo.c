/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/console_echo.c - sends serial input back, line by line, until a line "quit".
 *
 * It sleeps until the receive interrupt comes; the exit code is 0.
 */
#include <stddef.h>

#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/string.h"

enum {
	LINE_MAX_BYTES = 4096,
};

static char line[LINE_MAX_BYTES + 1];

/* Read up to and including a newline, or as much as fits.  Returns the length. */
static size_t read_line(void)
{
	size_t length = 0;

	do {
		char byte = console_read();

		line[length++] = byte == '\r' ? '\n' : byte;
	} while (line[length - 1] != '\n' && length < LINE_MAX_BYTES);
	line[length] = '\0';
	return length;
}

int guest_main(void)
{
	console_receive_start();
	print("ready\n");
	for (;;) {
		size_t length = read_line();

		if (string_equal(line, "quit\n"))
			return 0;
		console_write(line, length);
	}
}
