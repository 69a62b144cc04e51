/* SPDX-License-Identifier: MIT */
/* monitor/json.c - see json.h. */
#include "monitor/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "monitor/printable.h"

enum {
	KEY_COMPARED_MAX_BYTES = 32, /* no key of a schema is longer */
	HINT_MAX_DISTANCE = 2,
	HINT_MIN_PREFIX_BYTES = 4,
};

static void report(struct json_reader *reader, char *line)
{
	printable_filter(line);
	reader->errors++;
	reader->complain(reader->sink, line);
}

void json_complain(struct json_reader *reader, const char *format, ...)
{
	char line[JSON_LINE_MAX_BYTES];
	size_t used = 0;
	va_list arguments;

	if (reader->path[0])
		used = (size_t)snprintf(line, sizeof(line), "%s: ", reader->path);
	va_start(arguments, format);
	vsnprintf(line + used, sizeof(line) - used, format, arguments);
	va_end(arguments);
	report(reader, line);
}

/* Only keys of a schema come here, or a key cut to `limit`, so a path always fits. */
static size_t enter_at_most(struct json_reader *reader, const char *key, int limit)
{
	size_t mark = strlen(reader->path);

	snprintf(reader->path + mark, sizeof(reader->path) - mark, "%s%.*s", mark ? "." : "", limit,
		 key);
	return mark;
}

size_t json_enter_key(struct json_reader *reader, const char *key)
{
	return enter_at_most(reader, key, KEY_COMPARED_MAX_BYTES);
}

static size_t enter_index(struct json_reader *reader, size_t index)
{
	size_t mark = strlen(reader->path);

	snprintf(reader->path + mark, sizeof(reader->path) - mark, "[%zu]", index);
	return mark;
}

void json_leave(struct json_reader *reader, size_t mark)
{
	reader->path[mark] = '\0';
}

static const char *name_of_type(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT: return "an object";
	case JSON_ARRAY: return "an array";
	case JSON_STRING: return "a string";
	case JSON_INTEGER: return "a number";
	case JSON_REAL: return "a number with a fraction or exponent";
	case JSON_TRUE: return "true";
	case JSON_FALSE: return "false";
	case JSON_NULL: return "null";
	}
	return "nothing";
}

bool json_expect(struct json_reader *reader, const json_t *value, json_type type, const char *what)
{
	if (json_typeof(value) == type)
		return true;
	json_complain(reader, "expected %s, found %s", what, name_of_type(value));
	return false;
}

static bool has_control_character(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

unsigned int json_read_array(struct json_reader *reader, const json_t *value, size_t maximum,
			     void (*read_element)(struct json_reader *reader, json_t *value,
						  unsigned int index, void *target),
			     void *target)
{
	json_t *element;
	size_t index;

	if (!json_expect(reader, value, JSON_ARRAY, "an array"))
		return 0;
	if (json_array_size(value) > maximum) {
		json_complain(reader, "%zu elements, at most %zu are possible",
			      json_array_size(value), maximum);
		return 0;
	}
	json_array_foreach (value, index, element) {
		size_t mark = enter_index(reader, index);

		read_element(reader, element, (unsigned int)index, target);
		json_leave(reader, mark);
	}
	return (unsigned int)json_array_size(value);
}

bool json_expect_string(struct json_reader *reader, const json_t *value, size_t minimum,
			size_t maximum)
{
	size_t length_bytes;

	if (!json_expect(reader, value, JSON_STRING, "a string"))
		return false;
	length_bytes = json_string_length(value);
	if (length_bytes == 0 && minimum > 0)
		json_complain(reader, "must not be empty");
	else if (length_bytes < minimum || length_bytes > maximum)
		json_complain(reader, "%zu bytes long, at most %zu are possible", length_bytes,
			      maximum);
	else if (has_control_character(json_string_value(value)))
		json_complain(reader, "must not contain control characters");
	else
		return true;
	return false;
}

static void read_unsigned(struct json_reader *reader, const json_t *value,
			  const struct json_field *field, void *target)
{
	json_int_t number;
	uint64_t scaled;

	if (!json_expect(reader, value, JSON_INTEGER, "an integer"))
		return;
	number = json_integer_value(value);
	if (number < 0 || (uint64_t)number < field->minimum || (uint64_t)number > field->maximum) {
		json_complain(reader, "%" JSON_INTEGER_FORMAT " is outside %" PRIu64 "..%" PRIu64,
			      number, field->minimum, field->maximum);
		return;
	}
	scaled = (uint64_t)number * (field->scale ? field->scale : 1);
	if (field->kind == JSON_FIELD_U32)
		*(uint32_t *)target = (uint32_t)scaled;
	else
		*(uint64_t *)target = scaled;
}

static void list_choices(const struct json_field *field, char *list, size_t list_bytes)
{
	size_t used = 0;

	list[0] = '\0';
	for (const struct json_choice *choice = field->choices; choice->name && used < list_bytes;
	     choice++)
		used += (size_t)snprintf(list + used, list_bytes - used, "%s%s", used ? ", " : "",
					 choice->name);
}

static void read_choice(struct json_reader *reader, const json_t *value,
			const struct json_field *field, void *target)
{
	char list[JSON_LINE_MAX_BYTES / 2];
	const char *name = json_string_value(value);
	const char *quote = "\"";

	if (field->kind == JSON_FIELD_SWITCH && json_is_boolean(value)) {
		name = json_is_true(value) ? "true" : "false";
		quote = "";
	} else if (!json_expect(reader, value, JSON_STRING,
				field->kind == JSON_FIELD_SWITCH ? "\"auto\", true or false"
								 : "a string")) {
		return;
	}
	for (const struct json_choice *choice = field->choices; choice->name; choice++)
		if ((field->any_case ? strcasecmp : strcmp)(choice->name, name) == 0) {
			*(int *)target = choice->value;
			return;
		}
	list_choices(field, list, sizeof(list));
	json_complain(reader, "%s%.64s%s is not one of %s", quote, name, quote, list);
}

static void read_parsed(struct json_reader *reader, const json_t *value,
			const struct json_field *field, void *target)
{
	struct reason reason;

	if (json_expect_string(reader, value, field->minimum, field->maximum) &&
	    field->parse(target, json_string_value(value), &reason))
		json_complain(reader, "%s", reason.text);
}

static void read_field(struct json_reader *reader, json_t *value, const struct json_field *field,
		       void *target)
{
	switch (field->kind) {
	case JSON_FIELD_STRING:
		if (json_expect_string(reader, value, field->minimum, field->maximum))
			*(const char **)target = json_string_value(value);
		break;
	case JSON_FIELD_IGNORED_STRING:
		json_expect_string(reader, value, field->minimum, field->maximum);
		break;
	case JSON_FIELD_BOOL:
		if (json_is_boolean(value))
			*(bool *)target = json_is_true(value);
		else
			json_expect(reader, value, JSON_TRUE, "true or false");
		break;
	case JSON_FIELD_IGNORED_BOOL:
		if (!json_is_boolean(value))
			json_expect(reader, value, JSON_TRUE, "true or false");
		break;
	case JSON_FIELD_U32:
	case JSON_FIELD_U64: read_unsigned(reader, value, field, target); break;
	case JSON_FIELD_CHOICE:
	case JSON_FIELD_SWITCH: read_choice(reader, value, field, target); break;
	case JSON_FIELD_PARSED: read_parsed(reader, value, field, target); break;
	case JSON_FIELD_OBJECT: json_read_object(reader, value, field->schema, target); break;
	case JSON_FIELD_CUSTOM: field->read(reader, value, target); break;
	}
}

/* Edits (insert, delete, replace) that turn one key into the other. */
static size_t distance(const char *from, const char *to)
{
	size_t row[KEY_COMPARED_MAX_BYTES + 1];
	size_t from_bytes = strlen(from);
	size_t to_bytes = strlen(to);

	if (from_bytes > KEY_COMPARED_MAX_BYTES || to_bytes > KEY_COMPARED_MAX_BYTES)
		return SIZE_MAX;
	for (size_t j = 0; j <= to_bytes; j++)
		row[j] = j;
	for (size_t i = 1; i <= from_bytes; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= to_bytes; j++) {
			size_t best = diagonal + (from[i - 1] != to[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[to_bytes];
}

/* The known key that was most likely meant, or NULL: a typing slip, or the same beginning. */
static const char *likely_key(const struct json_schema *schema, const char *key)
{
	const char *likely = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < schema->field_count; i++) {
		const char *known = schema->fields[i].key;
		size_t edits = distance(key, known);

		if (edits < least && (edits <= HINT_MAX_DISTANCE ||
				      strncmp(key, known, HINT_MIN_PREFIX_BYTES) == 0)) {
			likely = known;
			least = edits;
		}
	}
	return likely;
}

/* A key that no field has.  One that is merely refused may say null or [], which asks for nothing.
 */
static void complain_of_key(struct json_reader *reader, const struct json_schema *schema,
			    const char *key, const json_t *value)
{
	size_t mark = enter_at_most(reader, key, KEY_COMPARED_MAX_BYTES);
	const char *likely;

	for (size_t i = 0; i < schema->refusal_count; i++) {
		if (strcmp(schema->refusals[i].key, key) != 0)
			continue;
		if (!json_is_null(value) && !(json_is_array(value) && json_array_size(value) == 0))
			json_complain(reader, "%s", schema->refusals[i].reason);
		json_leave(reader, mark);
		return;
	}
	likely = likely_key(schema, key);
	if (likely)
		json_complain(reader, "unknown key (did you mean %s?)", likely);
	else
		json_complain(reader, "unknown key");
	json_leave(reader, mark);
}

static const struct json_field *find_field(const struct json_schema *schema, const char *key)
{
	for (size_t i = 0; i < schema->field_count; i++)
		if (strcmp(schema->fields[i].key, key) == 0)
			return &schema->fields[i];
	return NULL;
}

static void complain_of_missing(struct json_reader *reader, const json_t *value,
				const struct json_schema *schema)
{
	for (size_t i = 0; i < schema->field_count; i++) {
		const struct json_field *field = &schema->fields[i];

		if (field->required && !json_object_get(value, field->key)) {
			size_t mark = json_enter_key(reader, field->key);

			json_complain(reader, "required but missing");
			json_leave(reader, mark);
		}
	}
}

void json_read_object(struct json_reader *reader, json_t *value, const struct json_schema *schema,
		      void *target)
{
	if (!json_expect(reader, value, JSON_OBJECT, "an object"))
		return;
	for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at)) {
		const char *key = json_object_iter_key(at);
		json_t *member = json_object_iter_value(at);
		const struct json_field *field = find_field(schema, key);
		size_t mark;

		if (!field) {
			complain_of_key(reader, schema, key, member);
			continue;
		}
		if (json_is_null(member) && !field->required)
			continue;
		mark = json_enter_key(reader, key);
		read_field(reader, member, field, (char *)target + field->offset);
		json_leave(reader, mark);
	}
	complain_of_missing(reader, value, schema);
}
