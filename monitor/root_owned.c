/* SPDX-License-Identifier: MIT */
/* monitor/root_owned.c - see root_owned.h. */
#include "monitor/root_owned.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_roots_alone(int fd, mode_t type)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == type && status.st_uid == 0 &&
	       (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

int root_owned_open(int directory_fd, const char *name, int flags, mode_t type)
{
	int fd = openat(directory_fd, name, flags | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (is_roots_alone(fd, type))
		return fd;
	close(fd);
	return -EPERM;
}
