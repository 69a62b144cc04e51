/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/spew.c - a lot of console output, to see what a slow reader does to it.
 *
 * kib=N (default 256) in numbered lines of 64 bytes: "line 00000000 " and then
 * dots up to the newline.
 */
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/string.h"

enum {
	LINE_BYTES = 64,
	LINES = 64,
	NUMBER_AT = 5, /* behind "line " */
	NUMBER_DIGITS = 8,
};

static char block[LINES][LINE_BYTES];

static void write_number(char *digits, uint64_t number)
{
	for (int at = NUMBER_DIGITS - 1; at >= 0; at--) {
		digits[at] = (char)('0' + number % 10);
		number /= 10;
	}
}

int guest_main(void)
{
	uint64_t lines = boot_number("kib=", 256) * 1024 / LINE_BYTES;

	memset(block, '.', sizeof(block));
	for (int line = 0; line < LINES; line++) {
		memcpy(block[line], "line ", NUMBER_AT);
		block[line][NUMBER_AT + NUMBER_DIGITS] = ' ';
		block[line][LINE_BYTES - 1] = '\n';
	}
	for (uint64_t line = 0; line < lines; line++) {
		write_number(block[line % LINES] + NUMBER_AT, line);
		if (line % LINES == LINES - 1 || line + 1 == lines)
			console_write(block[0], (line % LINES + 1) * LINE_BYTES);
	}
	return 0;
}
