/* SPDX-License-Identifier: MIT */
/*
 * monitor/json.h - JSON text into C structs, by tables, with every error named.
 *
 * jansson knows the syntax; this module knows what a schema is.  A schema is a
 * table of fields: key, kind, whether it must be there, its range and where its
 * value goes.  Reading an object against a schema reports every unknown key,
 * wrong type, value out of range and missing key, each with its path
 * ("drives[0].rate_limiter.ops.size"), and goes on to the next.
 *
 * null counts as absent for every key that may be absent: clients write it for
 * whatever they do not use.
 *
 * Ownership: strings are not copied; they belong to the JSON tree and live as
 * long as it does.  Only a value that passed its checks is stored.
 * Errors go line by line to the reader's sink.  A line is printable whatever the
 * text holds (printable.h), so it can be shown on a terminal.
 * Thread: any, one reader each.
 */
#ifndef MONITOR_JSON_H
#define MONITOR_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "monitor/reason.h"

enum {
	JSON_PATH_MAX_BYTES = 128,
	JSON_LINE_MAX_BYTES = 320,
};

/* Where the reading stands.  Set `complain` and `sink`, zero the rest. */
struct json_reader {
	void (*complain)(void *sink, const char *line);
	void *sink;
	unsigned int errors; /* reported so far */
	char path[JSON_PATH_MAX_BYTES];
};

enum json_field_kind {
	JSON_FIELD_STRING, /* const char *; `minimum` to `maximum` bytes, no control characters */
	JSON_FIELD_IGNORED_STRING, /* checked as a string, not stored */
	JSON_FIELD_BOOL,
	JSON_FIELD_IGNORED_BOOL, /* the same for true or false */
	JSON_FIELD_U32,          /* `minimum` to `maximum`, times `scale` when stored */
	JSON_FIELD_U64,          /* the same */
	JSON_FIELD_CHOICE,       /* an enum: the value of one of `choices` */
	JSON_FIELD_SWITCH,       /* the same, and false and true stand for choices of those names */
	JSON_FIELD_PARSED,       /* a string that `parse` turns into the target */
	JSON_FIELD_OBJECT,       /* an object read by `schema` into the struct at the offset */
	JSON_FIELD_CUSTOM,       /* `read` does it all */
};

/* A list of these ends with a NULL name. */
struct json_choice {
	const char *name;
	int value;
};

struct json_schema;

struct json_field {
	const char *key;
	enum json_field_kind kind;
	bool required;
	bool any_case; /* of a choice's name */
	size_t offset; /* of the target in the struct that is filled */
	uint64_t minimum;
	uint64_t maximum;
	uint64_t scale; /* 0 means 1 */
	const struct json_choice *choices;
	const struct json_schema *schema;

	/* Returns 0, or a negative errno with the reason, and the target untouched. */
	int (*parse)(void *target, const char *text, struct reason *reason);

	/* Complains through the reader, whose path already names the key. */
	void (*read)(struct json_reader *reader, json_t *value, void *target);
};

/* A key that others know and that is refused with a reason of its own. */
struct json_refusal {
	const char *key;
	const char *reason;
};

struct json_schema {
	const struct json_field *fields;
	size_t field_count;
	const struct json_refusal *refusals;
	size_t refusal_count;
};

#define JSON_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Text to tree.  The top level must be an object.  Returns NULL after a
 * complaint; otherwise the caller owns the tree and lets it go by
 * json_decref().
 */
json_t *json_read_text(struct json_reader *reader, const char *text, size_t length_bytes);

/* Fill the struct at `target` from an object.  What is absent keeps what `target` holds. */
void json_read_object(struct json_reader *reader, json_t *value, const struct json_schema *schema,
		      void *target);

/*
 * Have each element of an array of at most `maximum` read, at its own path.  Returns how many
 * there are: 0 if it is no array, or too long.
 */
unsigned int json_read_array(struct json_reader *reader, const json_t *value, size_t maximum,
			     void (*read_element)(struct json_reader *reader, json_t *value,
						  unsigned int index, void *target),
			     void *target);

/* Whether the value is of that type; complains if not ("expected `what`, found a string"). */
bool json_expect(struct json_reader *reader, const json_t *value, json_type type, const char *what);

/* The same for a string of `minimum` to `maximum` bytes without control characters. */
bool json_expect_string(struct json_reader *reader, const json_t *value, size_t minimum,
			size_t maximum);

/* Report one error at the path where the reader stands. */
void json_complain(struct json_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Step down to a key; json_leave() with the mark that it returns steps back up. */
size_t json_enter_key(struct json_reader *reader, const char *key);
void json_leave(struct json_reader *reader, size_t mark);

#endif
