/* SPDX-License-Identifier: MIT */
/*
 * tests/fuzz/fuzz_cmdline.c - any boot_args, and any parts added to them.
 *
 * The input is a list of strings that end in a newline or a NUL: boot_args, then
 * the parts.  Whatever they are, nothing but spaces is lost, a part comes before
 * the "--", and a refused part leaves the text alone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/cmdline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	PART_MAX_BYTES = 4096,
};

static void require(int holds)
{
	if (!holds)
		abort();
}

/* The next string of the input, cut to the buffer. */
static void take(char text[PART_MAX_BYTES], const uint8_t **data, size_t *size)
{
	size_t length = 0;

	while (*size > 0) {
		char character = (char)*(*data)++;

		(*size)--;
		if (character == '\n' || character == '\0')
			break;
		if (length < PART_MAX_BYTES - 1)
			text[length++] = character;
	}
	text[length] = '\0';
}

static size_t without_spaces(char *target, const char *text)
{
	size_t length = 0;

	for (; *text; text++)
		if (*text != ' ')
			target[length++] = *text;
	target[length] = '\0';
	return length;
}

/* Spaces aside, the new text is the old one with the part somewhere in it. */
static bool is_inserted(const char *before, const char *after, const char *part)
{
	static char old[PART_MAX_BYTES];
	static char new[PART_MAX_BYTES];
	static char added[PART_MAX_BYTES];
	size_t old_length = without_spaces(old, before);
	size_t new_length = without_spaces(new, after);
	size_t added_length = without_spaces(added, part);
	size_t head = 0;
	size_t tail = 0;

	if (new_length != old_length + added_length)
		return false;
	while (head < old_length && old[head] == new[head])
		head++;
	while (tail < old_length && old[old_length - 1 - tail] == new[new_length - 1 - tail])
		tail++;
	/* The part begins where the head still matches and the tail already does. */
	for (size_t at = old_length - tail; at <= head; at++)
		if (memcmp(added, new + at, added_length) == 0)
			return true;
	return false;
}

/* Where the first word "--" is; quotes are left to the unit tests. */
static const char *separator(const char *text)
{
	for (const char *at = strstr(text, "--"); at; at = strstr(at + 1, "--"))
		if ((at == text || at[-1] == ' ') && (at[2] == ' ' || at[2] == '\0'))
			return at;
	return NULL;
}

static void check_append(struct cmdline *cmdline, const char *part)
{
	const struct cmdline before = *cmdline;
	struct reason reason = {""};
	const char *old_rest = separator(before.text);
	const char *new_rest;

	if (cmdline_append(cmdline, part, &reason)) {
		require(reason.text[0] != '\0');
		require(memcmp(cmdline, &before, sizeof(before)) == 0);
		return;
	}
	require(cmdline->length < sizeof(cmdline->text));
	require(strlen(cmdline->text) == cmdline->length);
	require(is_inserted(before.text, cmdline->text, part));
	if (!old_rest || strchr(before.text, '"') || separator(part))
		return;
	new_rest = separator(cmdline->text);
	require(new_rest && strcmp(new_rest, old_rest) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[PART_MAX_BYTES];
	struct cmdline cmdline = {0};
	struct reason reason = {""};

	take(text, &data, &size);
	if (cmdline_init(&cmdline, text, &reason)) {
		require(reason.text[0] != '\0');
		return 0;
	}
	require(strcmp(cmdline.text, text) == 0 && cmdline.length == strlen(text));
	while (size > 0) {
		take(text, &data, &size);
		check_append(&cmdline, text);
	}
	return 0;
}
