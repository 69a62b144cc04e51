/* SPDX-License-Identifier: MIT */
/* monitor/doctor_report.c - see doctor_report.h. */
#include "monitor/doctor_report.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "monitor/printable.h"

enum {
	/* One long value shall not push the remedies of all other lines off the screen. */
	VALUE_COLUMN_MAX = 30,
};

static const char *const level_names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_INFO] = "info",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
};

void doctor_add(struct doctor_report *report, const char *name, enum doctor_level level,
		const char *remedy, const char *value_format, ...)
{
	struct doctor_finding *finding = &report->findings[report->count];
	va_list arguments;

	assert(report->count < DOCTOR_FINDINGS_MAX);
	finding->name = name;
	finding->level = level;
	finding->remedy = remedy;
	va_start(arguments, value_format);
	vsnprintf(finding->value, sizeof(finding->value), value_format, arguments);
	va_end(arguments);
	printable_filter(finding->value);
	report->count++;
}

const struct doctor_finding *doctor_report_find(const struct doctor_report *report,
						const char *name)
{
	for (size_t i = 0; i < report->count; i++)
		if (strcmp(report->findings[i].name, name) == 0)
			return &report->findings[i];
	return NULL;
}

enum doctor_level doctor_report_level(const struct doctor_report *report)
{
	enum doctor_level worst = DOCTOR_OK;

	for (size_t i = 0; i < report->count; i++)
		if (report->findings[i].level > worst)
			worst = report->findings[i].level;
	return worst == DOCTOR_INFO ? DOCTOR_OK : worst;
}

static void print_lines(const struct doctor_report *report, FILE *out)
{
	int name_width = 0;
	int value_width = 0;

	for (size_t i = 0; i < report->count; i++) {
		int name_length = (int)strlen(report->findings[i].name);
		int value_length = (int)strlen(report->findings[i].value);

		if (name_length > name_width)
			name_width = name_length;
		if (value_length > value_width && value_length <= VALUE_COLUMN_MAX)
			value_width = value_length;
	}
	for (size_t i = 0; i < report->count; i++) {
		const struct doctor_finding *finding = &report->findings[i];
		const char *level = level_names[finding->level];

		if (finding->remedy[0] == '\0')
			fprintf(out, "%-4s  %-*s  %s\n", level, name_width, finding->name,
				finding->value);
		else
			fprintf(out, "%-4s  %-*s  %-*s  - %s\n", level, name_width, finding->name,
				value_width, finding->value, finding->remedy);
	}
}

/* A new reference, or NULL. */
static json_t *report_json(const struct doctor_report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->count; i++) {
		const struct doctor_finding *finding = &report->findings[i];
		json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "name", finding->name, "level",
					   level_names[finding->level], "value", finding->value,
					   "remedy", finding->remedy);

		if (json_array_append_new(list, object) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return json_pack("{s:o, s:s}", "checks", list, "status",
			 level_names[doctor_report_level(report)]);
}

static int print_json(const struct doctor_report *report, FILE *out)
{
	json_t *object = report_json(report);
	char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);

	json_decref(object);
	if (text == NULL)
		return -ENOMEM;
	fprintf(out, "%s\n", text);
	free(text);
	return 0;
}

int doctor_report_print(const struct doctor_report *report, FILE *out, bool json)
{
	int error = 0;

	if (json)
		error = print_json(report, out);
	else
		print_lines(report, out);
	if (error != 0)
		return error;
	return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
