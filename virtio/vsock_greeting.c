/* SPDX-License-Identifier: MIT */
/* virtio/vsock_greeting.c - see vsock_greeting.h. */
#include "virtio/vsock_greeting.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "virtio/vsock_packet.h"

static const char word[] = "CONNECT ";

enum {
	WORD_BYTES = sizeof(word) - 1,
	SHORTEST_BYTES = WORD_BYTES + 2, /* a digit and the newline */
};

static bool is_digit(char character)
{
	return character >= '0' && character <= '9';
}

/* The text has no newline yet, and can get none any more if it is longest already. */
static int unfinished(const char *text, size_t length)
{
	size_t compared = length < WORD_BYTES ? length : WORD_BYTES;

	if (length >= VSOCK_GREETING_MAX_BYTES || strncasecmp(text, word, compared) != 0)
		return -EINVAL;
	return -EAGAIN;
}

int vsock_greeting_parse(const char *text, size_t length, uint32_t *port)
{
	const char *newline = length ? memchr(text, '\n', length) : NULL;
	const char *place = text + WORD_BYTES;
	uint64_t value = 0;

	if (!newline)
		return unfinished(text, length);
	if (newline - text < SHORTEST_BYTES - 1 || newline - text >= VSOCK_GREETING_MAX_BYTES ||
	    strncasecmp(text, word, WORD_BYTES) != 0)
		return -EINVAL;
	while (*place == ' ')
		place++;
	if (!is_digit(*place))
		return -EINVAL;
	for (; is_digit(*place); place++) {
		value = value * 10 + (uint64_t)(*place - '0');
		if (value >= VSOCK_PORT_ANY)
			return -EINVAL;
	}
	while (*place == ' ')
		place++;
	if (*place == '\r')
		place++;
	if (place != newline)
		return -EINVAL;
	*port = (uint32_t)value;
	return 0;
}

size_t vsock_greeting_step(size_t length)
{
	return length < SHORTEST_BYTES ? SHORTEST_BYTES - length : 1;
}

size_t vsock_greeting_answer(char text[VSOCK_ANSWER_MAX_BYTES], uint32_t host_port)
{
	char digits[10];
	size_t count = 0;
	size_t length = 3;

	memcpy(text, "OK ", length);
	do
		digits[count++] = (char)('0' + host_port % 10);
	while (host_port /= 10);
	while (count > 0)
		text[length++] = digits[--count];
	text[length++] = '\n';
	return length;
}
