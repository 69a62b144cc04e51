/* SPDX-License-Identifier: MIT */
/* monitor/log.c - see log.h. */
#include "monitor/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "monitor/printable.h"

enum {
	PATIENCE_MS = 1000, /* below the launcher's, which ends a VM process that logs */
};

static struct log_settings settings = {
	.level = LOG_LEVEL_INFO,
	.fd = STDERR_FILENO,
};

void log_configure(const struct log_settings *wanted)
{
	settings = *wanted;
}

static const char *level_name(enum log_level level)
{
	static const char *const names[] = {
		[LOG_LEVEL_OFF] = "off",         [LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_DEBUG] = "debug",     [LOG_LEVEL_TRACE] = "trace",
	};

	return names[level];
}

/* Append to a line that always keeps room for its newline. */
__attribute__((format(printf, 3, 0))) static size_t append(char *line, size_t length,
							   const char *format, va_list arguments)
{
	size_t room = LOG_LINE_MAX_BYTES - 1 - length;
	int written = vsnprintf(line + length, room, format, arguments);

	if (written < 0)
		return length;
	return length + ((size_t)written < room ? (size_t)written : room - 1);
}

__attribute__((format(printf, 3, 4))) static size_t append_text(char *line, size_t length,
								const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	length = append(line, length, format, arguments);
	va_end(arguments);
	return length;
}

/* What polls as writable takes a whole line: a pipe has room for PIPE_BUF bytes then. */
static bool has_room(int fd)
{
	struct pollfd sink = {.fd = fd, .events = POLLOUT};
	int ready;

	do
		ready = poll(&sink, 1, PATIENCE_MS);
	while (ready < 0 && errno == EINTR);
	return ready != 0;
}

static void put(int fd, const char *line, size_t length)
{
	ssize_t written;

	/* Standard output may end in the same pipe, and a guest can fill it. */
	if (!has_room(fd))
		return;
	/* A vCPU thread that logs is interrupted now and then. */
	do
		written = write(fd, line, length);
	while (written < 0 && errno == EINTR);
	/* Nobody is left to tell when the log itself cannot be written. */
}

void log_line(enum log_level level, const char *file, int line_number, const char *format, ...)
{
	char line[LOG_LINE_MAX_BYTES];
	int saved_errno = errno;
	va_list arguments;
	size_t length;

	if (level > settings.level && level != LOG_LEVEL_ERROR)
		return;
	length = append_text(line, 0, "mote: ");
	if (settings.show_level || level == LOG_LEVEL_WARNING)
		length = append_text(line, length, "%s: ", level_name(level));
	if (settings.show_origin)
		length = append_text(line, length, "%s:%d: ", file, line_number);
	va_start(arguments, format);
	length = append(line, length, format, arguments);
	va_end(arguments);
	line[length] = '\0';
	printable_filter(line);
	line[length++] = '\n';

	if (level <= settings.level)
		put(settings.fd, line, length);
	if (level == LOG_LEVEL_ERROR && (settings.fd != STDERR_FILENO || level > settings.level))
		put(STDERR_FILENO, line, length);
	errno = saved_errno;
}
