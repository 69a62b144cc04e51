/* SPDX-License-Identifier: MIT */
/* benches/proc_file.c - see proc_file.h. */
#include "benches/proc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* The kernel hands out such a file in pieces. */
static int read_whole(int fd, char *text, size_t size_bytes)
{
	size_t length = 0;
	ssize_t got;

	while ((got = read(fd, text + length, size_bytes - length)) > 0) {
		length += (size_t)got;
		if (length == size_bytes)
			return -EFBIG;
	}
	if (got < 0)
		return -errno;
	text[length] = '\0';
	return 0;
}

int proc_file_read(char *text, size_t size_bytes, const char *path_format, ...)
{
	char path[PATH_MAX];
	va_list values;
	int error;
	int fd;

	va_start(values, path_format);
	vsnprintf(path, sizeof(path), path_format, values);
	va_end(values);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	error = read_whole(fd, text, size_bytes);
	close(fd);
	return error;
}
