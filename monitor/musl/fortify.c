/* SPDX-License-Identifier: MIT */
/*
 * monitor/musl/fortify.c - the checks that Debian's libjansson.a was compiled with, which glibc
 * has and musl has not: each takes the size of the destination as well, and ends the process
 * rather than to write past it.
 *
 * Source: LSB 5.0, interfaces of libc with __USE_FORTIFY_LEVEL.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __vsnprintf_chk(char *to, size_t bytes, int flag, size_t room_bytes, const char *format,
		    va_list arguments);
int __snprintf_chk(char *to, size_t bytes, int flag, size_t room_bytes, const char *format, ...);
char *__strncpy_chk(char *to, const char *from, size_t bytes, size_t room_bytes);

int __vsnprintf_chk(char *to, size_t bytes, int flag, size_t room_bytes, const char *format,
		    va_list arguments)
{
	(void)flag;
	if (bytes > room_bytes)
		abort();
	return vsnprintf(to, bytes, format, arguments);
}

int __snprintf_chk(char *to, size_t bytes, int flag, size_t room_bytes, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = __vsnprintf_chk(to, bytes, flag, room_bytes, format, arguments);
	va_end(arguments);
	return length;
}

char *__strncpy_chk(char *to, const char *from, size_t bytes, size_t room_bytes)
{
	if (bytes > room_bytes)
		abort();
	return strncpy(to, from, bytes);
}
