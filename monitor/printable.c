/* SPDX-License-Identifier: MIT */
/* monitor/printable.c - see printable.h. */
#include "monitor/printable.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	DELETE = 0x7f,
	C1_LAST = 0x9f,
	SURROGATE_FIRST = 0xd800,
	SURROGATE_LAST = 0xdfff,
	LAST = 0x10ffff,
};

/* How many bytes the character has that this one begins; 0: it begins none. */
static unsigned int length_of(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc0)
		return 0;
	if (first < 0xe0)
		return 2;
	if (first < 0xf0)
		return 3;
	return first < 0xf8 ? 4 : 0;
}

/* Whether a character may be shown that was written with so many bytes. */
static bool is_shown(uint32_t code, unsigned int length)
{
	static const uint32_t least[] = {0, ' ', C1_LAST + 1, 0x800, 0x10000};

	return code >= least[length] && code <= LAST && code != DELETE &&
	       (code < SURROGATE_FIRST || code > SURROGATE_LAST);
}

/* The length of the character at `text` if it may be shown, or 0. */
static unsigned int shown_length(const char *text)
{
	const unsigned int length = length_of((uint8_t)*text);
	uint32_t code = (uint8_t)*text;

	if (length == 0)
		return 0;
	if (length > 1)
		code &= 0x7fU >> length;
	/* The NUL at the end continues nothing. */
	for (unsigned int i = 1; i < length; i++) {
		if (((uint8_t)text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | ((uint8_t)text[i] & 0x3f);
	}
	return is_shown(code, length) ? length : 0;
}

void printable_filter(char *text)
{
	while (*text) {
		const unsigned int length = shown_length(text);

		if (length == 0)
			*text++ = '?';
		text += length;
	}
}
