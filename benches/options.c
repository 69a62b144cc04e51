/* SPDX-License-Identifier: MIT */
/* benches/options.c - see options.h. */
#include "benches/options.h"

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DECIMAL = 10,
};

__attribute__((format(printf, 2, 3))) static int refuse(char reason[OPTIONS_REASON_BYTES],
							const char *format, ...)
{
	va_list values;

	va_start(values, format);
	vsnprintf(reason, OPTIONS_REASON_BYTES, format, values);
	va_end(values);
	return -EINVAL;
}

static const struct options_row *find(const struct options_row *rows, size_t count,
				      const char *argument)
{
	if (strncmp(argument, "--", 2) != 0)
		return NULL;
	for (size_t at = 0; at < count; at++)
		if (strcmp(rows[at].name, argument + 2) == 0)
			return &rows[at];
	return NULL;
}

static int take_number(const struct options_row *row, const char *value,
		       char reason[OPTIONS_REASON_BYTES])
{
	char *end;
	size_t number = strtoul(value, &end, DECIMAL);

	if (end == value || *end != '\0' || value[0] == '-' || number < row->minimum ||
	    number > row->maximum)
		return refuse(reason, "--%s is a number from %zu to %zu", row->name, row->minimum,
			      row->maximum);
	*row->number = number;
	return 0;
}

static int take_file(const struct options_row *row, const char *value,
		     char reason[OPTIONS_REASON_BYTES])
{
	const char *path = realpath(value, NULL);

	if (path == NULL)
		return refuse(reason, "--%s: %s", row->name, strerror(errno));
	*row->file = path;
	return 0;
}

static bool is_quick(const struct options_row *rows, size_t count)
{
	const struct options_row *quick = find(rows, count, "--quick");

	return quick != NULL && *quick->flag;
}

static int fill_in(const struct options_row *rows, size_t count, const bool *given,
		   char reason[OPTIONS_REASON_BYTES])
{
	for (size_t at = 0; at < count; at++) {
		const struct options_row *row = &rows[at];

		if (given[at])
			continue;
		if (row->is_required)
			return refuse(reason, "--%s is missing", row->name);
		if (row->number != NULL)
			*row->number = row->quick != 0 && is_quick(rows, count) ? row->quick
										: row->usual;
	}
	return 0;
}

int options_read(const struct options_row *rows, size_t count, int argc, char *argv[],
		 char reason[OPTIONS_REASON_BYTES])
{
	bool given[OPTIONS_ROWS_MAX] = {false};
	int error = 0;

	for (int at = 1; at < argc && error == 0; at++) {
		const struct options_row *row = find(rows, count, argv[at]);

		if (row == NULL)
			return refuse(reason, "what is %s?", argv[at]);
		given[row - rows] = true;
		if (row->flag != NULL)
			*row->flag = true;
		else if (++at == argc)
			return refuse(reason, "--%s needs a value", row->name);
		else if (row->number != NULL)
			error = take_number(row, argv[at], reason);
		else if (row->file != NULL)
			error = take_file(row, argv[at], reason);
		else
			*row->text = argv[at];
	}
	return error == 0 ? fill_in(rows, count, given, reason) : error;
}

static void print_usage(const struct options_row *rows, size_t count, const char *program)
{
	fprintf(stderr, "usage: %s", program);
	for (size_t at = 0; at < count; at++) {
		const struct options_row *row = &rows[at];

		fprintf(stderr, row->is_required ? " --%s" : " [--%s", row->name);
		if (row->number != NULL)
			fprintf(stderr, " %zu..%zu", row->minimum, row->maximum);
		else if (row->flag == NULL)
			fprintf(stderr, row->file != NULL ? " FILE" : " TEXT");
		fprintf(stderr, row->is_required ? "" : "]");
	}
	fprintf(stderr, "\n");
}

void options_take(const struct options_row *rows, size_t count, int argc, char *argv[])
{
	char reason[OPTIONS_REASON_BYTES];

	if (options_read(rows, count, argc, argv, reason) == 0)
		return;
	warnx("%s", reason);
	print_usage(rows, count, program_invocation_short_name);
	exit(EXIT_FAILURE);
}
