/* SPDX-License-Identifier: MIT */
/*
 * monitor/log.h - mote's own messages, one line each, never on standard output.
 *
 * Standard output belongs to the guest.  Lines go to standard error or to the
 * file that logger.log_path names; errors go to standard error in any case,
 * because a person at a shell must see why nothing ran.
 *
 * Call order: log_configure() at most once, before threads exist.
 * Threads: any thread may log; a line is one write(2).  It waits a second at most for a reader who
 * does not read, and is lost then.
 * Memory: none is allocated.  A line beyond LOG_LINE_MAX_BYTES is cut, and
 * only what is printable stays (printable.h).
 */
#ifndef MONITOR_LOG_H
#define MONITOR_LOG_H

#include <stdbool.h>

/* Each level includes those before it.  mote has nothing to say below a warning. */
enum log_level {
	LOG_LEVEL_OFF,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_TRACE,
};

enum {
	LOG_LINE_MAX_BYTES = 1024,
};

struct log_settings {
	enum log_level level;
	bool show_level;
	bool show_origin;
	int fd; /* borrowed; stays open as long as the process */
};

void log_configure(const struct log_settings *settings);

void log_line(enum log_level level, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __FILE__, __LINE__, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __FILE__, __LINE__, __VA_ARGS__)

#endif
