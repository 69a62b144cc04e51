/* SPDX-License-Identifier: MIT */
/*
 * monitor/doctor_report.h - findings, and how they are printed.
 *
 * A report starts zeroed, is filled by doctor_add() and printed once.  Values may
 * hold text from the host (mount options, module names), so they are made
 * printable on the way in (printable.h): neither a terminal nor a JSON reader gets
 * anything else.
 */
#ifndef MONITOR_DOCTOR_REPORT_H
#define MONITOR_DOCTOR_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
	DOCTOR_FINDINGS_MAX = 64,
	DOCTOR_VALUE_MAX_BYTES = 96,
};

/* In rising order of concern. */
enum doctor_level {
	DOCTOR_OK,
	DOCTOR_INFO, /* worth knowing; nothing to do, or nothing could be asked */
	DOCTOR_WARN, /* mote runs, but slower or with less than it could have */
	DOCTOR_FAIL, /* mote cannot run */
};

struct doctor_finding {
	const char *name; /* kebab-case, stable: scripts select on it */
	enum doctor_level level;
	char value[DOCTOR_VALUE_MAX_BYTES];
	const char *remedy; /* what to do and why; "" where there is nothing to do */
};

struct doctor_report {
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	size_t count;
};

/* Append a finding; `name` and `remedy` must be string literals. */
void doctor_add(struct doctor_report *report, const char *name, enum doctor_level level,
		const char *remedy, const char *value_format, ...)
	__attribute__((format(printf, 5, 6)));

/* The finding of that name, or NULL. */
const struct doctor_finding *doctor_report_find(const struct doctor_report *report,
						const char *name);

/* DOCTOR_FAIL or DOCTOR_WARN if any finding is one, else DOCTOR_OK. */
enum doctor_level doctor_report_level(const struct doctor_report *report);

/*
 * Print the lines, or {"checks":[{"name","level","value","remedy"}...],"status":...} in
 * one line.  Returns 0, -ENOMEM, or -EIO if `out` did not take it all.
 */
int doctor_report_print(const struct doctor_report *report, FILE *out, bool json);

#endif
