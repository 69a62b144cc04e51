/* SPDX-License-Identifier: MIT */
/* monitor/json_text.c - text to tree, with syntax errors in our words; see json.h. */
#include "monitor/json.h"

#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

enum {
	AT_RANDOM_BYTES = 16,
	KEY_SHOWN_MAX = 64,
};

/*
 * jansson hashes keys with a random seed against crafted collisions, and opens
 * /dev/urandom for it unless it is given one.  The kernel has already given
 * every process 16 random bytes; they also make the stack canary, so only a
 * one-way mix of them is handed on.
 */
static void seed_hash(void)
{
	const unsigned char *random = NULL;
	unsigned long address = getauxval(AT_RANDOM);
	uint64_t mix = 0;

	if (!address)
		return;
	memcpy(&random, &address, sizeof(random));
	for (size_t i = 0; i < AT_RANDOM_BYTES; i++)
		mix = (mix ^ random[i]) * UINT64_C(0x100000001b3) + (mix >> 29);
	json_object_seed((size_t)(mix >> 32) | 1);
}

/*
 * The key that ends right before `end`, quotes left out.  The parser has just
 * read it, so the opening quote is there; a quote after an odd number of
 * backslashes belongs to the key.
 */
static size_t key_before(const char *text, size_t end, const char **key)
{
	size_t close = end - 1;
	size_t start = close;

	while (start > 0) {
		size_t slashes = 0;

		start--;
		if (text[start] != '"')
			continue;
		while (slashes < start && text[start - 1 - slashes] == '\\')
			slashes++;
		if (slashes % 2 == 0)
			break;
	}
	*key = text + start + 1;
	return close - start - 1;
}

/* jansson's words, except where they speak of jansson or leave the key out. */
static void complain_of_syntax(struct json_reader *reader, const char *text, size_t length_bytes,
			       const json_error_t *error)
{
	const int column = error->column > 0 ? error->column : 1;
	const size_t end = error->position > 0 ? (size_t)error->position : 0;
	const char *key;

	switch (json_error_code(error)) {
	case json_error_duplicate_key:
		if (end >= 2 && end <= length_bytes) {
			size_t key_bytes = key_before(text, end, &key);

			json_complain(reader, "line %d, column %d: duplicate key \"%.*s\"",
				      error->line, column,
				      (int)(key_bytes < KEY_SHOWN_MAX ? key_bytes : KEY_SHOWN_MAX),
				      key);
			return;
		}
		break;
	case json_error_null_character:
	case json_error_null_byte_in_key:
		json_complain(reader, "line %d, column %d: a string must not contain NUL",
			      error->line, column);
		return;
	default: break;
	}
	json_complain(reader, "line %d, column %d: %s", error->line, column, error->text);
}

json_t *json_read_text(struct json_reader *reader, const char *text, size_t length_bytes)
{
	json_error_t error;
	json_t *tree;

	seed_hash();
	tree = json_loadb(text, length_bytes, JSON_REJECT_DUPLICATES, &error);
	if (!tree) {
		complain_of_syntax(reader, text, length_bytes, &error);
		return NULL;
	}
	if (!json_is_object(tree)) {
		json_complain(reader, "line 1, column 1: expected an object, found an array");
		json_decref(tree);
		return NULL;
	}
	return tree;
}
