/* SPDX-License-Identifier: MIT */
/*
 * monitor/reason.h - why something failed, in words.
 *
 * Code that may neither log nor exit (parsers, loaders) fills one of these
 * beside its negative errno; whoever called it decides where the words go.
 * A reason names the thing that is wrong and the two numbers that disagree,
 * carries no newline, and no name of the file: the caller knows that.
 */
#ifndef MONITOR_REASON_H
#define MONITOR_REASON_H

#include <stdarg.h>

enum {
	REASON_MAX_BYTES = 256,
};

struct reason {
	char text[REASON_MAX_BYTES];
};

/* Fill it, cutting what does not fit, and return `error` so that a failure is one line. */
int reason_set(struct reason *reason, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int reason_vset(struct reason *reason, int error, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

#endif
