/* SPDX-License-Identifier: MIT */
/* statx(2), which musl 1.2.3 lacks: see monitor/musl/README.md. */
#ifndef MUSL_SYS_STAT_H
#define MUSL_SYS_STAT_H

#include_next <sys/stat.h>

#include <linux/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int statx(int fd, const char *path, int flags, unsigned int mask,
			struct statx *status)
{
	return (int)syscall(SYS_statx, fd, path, flags, mask, status);
}

#endif
