/* SPDX-License-Identifier: MIT */
/* monitor/cmdline.c - see cmdline.h. */
#include "monitor/cmdline.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static_assert(LAYOUT_MMIO_BYTES == 4096, "the device parameter says 4K");

static int check_characters(const char *text, const char *name, struct reason *reason)
{
	for (size_t i = 0; text[i]; i++) {
		unsigned char character = (unsigned char)text[i];

		if (character < ' ' || character == 0x7f)
			return reason_set(reason, -EINVAL,
					  "byte %zu of the %s is the control character 0x%02x", i,
					  name, character);
	}
	return 0;
}

int cmdline_init(struct cmdline *cmdline, const char *boot_args, struct reason *reason)
{
	size_t length = strlen(boot_args);
	int error;

	if (length >= sizeof(cmdline->text))
		return reason_set(reason, -E2BIG, "boot_args has %zu bytes; at most %zu fit",
				  length, sizeof(cmdline->text) - 1);
	error = check_characters(boot_args, "boot_args", reason);
	if (error)
		return error;
	memcpy(cmdline->text, boot_args, length + 1);
	cmdline->length = length;
	return 0;
}

/* Where the word "--" begins, or the text's length if there is none. */
static size_t find_separator(const struct cmdline *cmdline)
{
	const char *text = cmdline->text;
	bool quoted = false;
	bool word_begins = true;

	for (size_t i = 0; i < cmdline->length; i++) {
		if (!quoted && word_begins && strncmp(text + i, "--", 2) == 0 &&
		    (text[i + 2] == ' ' || text[i + 2] == '\0'))
			return i;
		if (text[i] == '"')
			quoted = !quoted;
		word_begins = text[i] == ' ';
	}
	return cmdline->length;
}

int cmdline_append(struct cmdline *cmdline, const char *part, struct reason *reason)
{
	size_t rest_begins = find_separator(cmdline);
	size_t rest_bytes = cmdline->length - rest_begins;
	size_t kernel_bytes = rest_begins;
	size_t part_bytes = strlen(part);
	size_t part_begins;
	size_t length;
	int error;

	if (part_bytes == 0)
		return reason_set(reason, -EINVAL, "an empty part for the command line");
	error = check_characters(part, "part for the command line", reason);
	if (error)
		return error;
	while (kernel_bytes > 0 && cmdline->text[kernel_bytes - 1] == ' ')
		kernel_bytes--;
	part_begins = kernel_bytes ? kernel_bytes + 1 : 0;
	length = part_begins + part_bytes + (rest_bytes ? 1 + rest_bytes : 0);
	if (length >= sizeof(cmdline->text))
		return reason_set(
			reason, -E2BIG,
			"the command line would have %zu bytes with \"%s\"; at most %zu fit",
			length, part, sizeof(cmdline->text) - 1);
	/* The rest first: the part is written over its old place. */
	memmove(cmdline->text + length - rest_bytes, cmdline->text + rest_begins, rest_bytes);
	if (part_begins)
		cmdline->text[part_begins - 1] = ' ';
	memcpy(cmdline->text + part_begins, part, part_bytes);
	if (rest_bytes)
		cmdline->text[part_begins + part_bytes] = ' ';
	cmdline->text[length] = '\0';
	cmdline->length = length;
	return 0;
}

int cmdline_append_device(struct cmdline *cmdline, const struct layout_window *window,
			  struct reason *reason)
{
	char part[64];

	snprintf(part, sizeof(part), "virtio_mmio.device=4K@0x%" PRIx64 ":%" PRIu32,
		 window->base_gpa, window->gsi);
	return cmdline_append(cmdline, part, reason);
}
