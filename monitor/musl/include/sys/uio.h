/* SPDX-License-Identifier: MIT */
/* preadv2(2) and pwritev2(2), which musl 1.2.3 lacks: see monitor/musl/README.md. */
#ifndef MUSL_SYS_UIO_H
#define MUSL_SYS_UIO_H

#include_next <sys/uio.h>

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define RWF_DSYNC  0x00000002
#define RWF_NOWAIT 0x00000008

/*
 * The kernel takes the offset in two words, of which the second counts where long is short.  It
 * looks at all 64 bits of the count, and syscall() passes on whatever is above an int.
 */
static inline ssize_t preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
	return syscall(SYS_preadv2, fd, parts, (long)count, offset, 0L, flags);
}

static inline ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset,
			       int flags)
{
	return syscall(SYS_pwritev2, fd, parts, (long)count, offset, 0L, flags);
}

#endif
