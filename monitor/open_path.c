/* SPDX-License-Identifier: MIT */
/* monitor/open_path.c - see open_path.h. */
#include "monitor/open_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	NONE = -1,
	DECIMAL = 10,
};

static int parse_number(const char *digits)
{
	int number = 0;

	if (digits[0] == '0' && digits[1])
		return NONE;
	for (const char *at = digits; *at; at++) {
		if (*at < '0' || *at > '9' || number > (INT_MAX - (*at - '0')) / DECIMAL)
			return NONE;
		number = number * DECIMAL + (*at - '0');
	}
	return *digits ? number : NONE;
}

/* The number in the path, or NONE. */
static int descriptor_of(const char *path)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};

	for (unsigned int i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (strncmp(path, folders[i], strlen(folders[i])) == 0)
			return parse_number(path + strlen(folders[i]));
	return NONE;
}

bool open_path_is_descriptor(const char *path)
{
	return descriptor_of(path) != NONE;
}

/* What was inherited came through execve(), so what is closed there is a file of mote's own. */
static bool is_inherited(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && !(flags & FD_CLOEXEC);
}

/* What keeps a descriptor with such flags from being used as `wanted`, or NULL. */
static const char *misfit(int flags, int wanted)
{
	if (flags & O_PATH)
		return "is open as a name only (O_PATH)";
	if ((flags & O_ACCMODE) == O_RDWR || (flags & O_ACCMODE) == (wanted & O_ACCMODE))
		return NULL;
	return (flags & O_ACCMODE) == O_RDONLY ? "is open for reading only"
					       : "is open for writing only";
}

static int duplicate(int inherited, int wanted, const char **why)
{
	int flags = fcntl(inherited, F_GETFL);
	int fd;

	*why = "is not open";
	if (flags < 0 || !is_inherited(inherited))
		return -EBADF;
	*why = misfit(flags, wanted);
	if (*why)
		return -EACCES;
	/* Two who write to one log then do not overwrite each other. */
	if (wanted & ~flags & O_APPEND && fcntl(inherited, F_SETFL, flags | O_APPEND))
		return -errno;
	fd = fcntl(inherited, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return fd < 0 ? -errno : fd;
}

int open_path(const char *path, int flags, mode_t mode, const char **why)
{
	int inherited = descriptor_of(path);
	int fd;

	*why = NULL;
	if (inherited != NONE)
		return duplicate(inherited, flags, why);
	fd = open(path, flags | O_CLOEXEC, mode);
	return fd < 0 ? -errno : fd;
}

int open_path_again(int fd, int access)
{
	char path[32];
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own < 0 ? -errno : own;
}
