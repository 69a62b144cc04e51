/* SPDX-License-Identifier: MIT */
/* monitor/reason.c - see reason.h. */
#include "monitor/reason.h"

#include <stdio.h>

int reason_vset(struct reason *reason, int error, const char *format, va_list arguments)
{
	vsnprintf(reason->text, sizeof(reason->text), format, arguments);
	return error;
}

int reason_set(struct reason *reason, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	reason_vset(reason, error, format, arguments);
	va_end(arguments);
	return error;
}
