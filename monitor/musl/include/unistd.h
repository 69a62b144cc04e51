/* SPDX-License-Identifier: MIT */
/* close_range(2), which musl 1.2.3 lacks: see monitor/musl/README.md. */
#ifndef MUSL_UNISTD_H
#define MUSL_UNISTD_H

#include_next <unistd.h>

#include <sys/syscall.h>

static inline int close_range(unsigned int first, unsigned int last, int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

#endif
