/* SPDX-License-Identifier: MIT */
/*
 * monitor/open_path.h - open what a path names, where some paths name a descriptor.
 *
 * /dev/fd/N and /proc/self/fd/N are descriptor N itself, as whoever started mote left it open.
 * The kernel would open the file behind these names once more, which asks for permission again;
 * a duplicate asks for none, so that an ordinary user can be handed a disk of somebody else's.
 * The open file description stays shared: its lock, its position and its flags.
 *
 * Memory: none.  Errors: negative errno.
 */
#ifndef MONITOR_OPEN_PATH_H
#define MONITOR_OPEN_PATH_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether the path is a descriptor's: a decimal number without leading zeros, and nothing else. */
bool open_path_is_descriptor(const char *path);

/*
 * As open(2), with O_CLOEXEC added.  A descriptor has to be one that was inherited, open for what
 * `flags` asks for; of the flags, it gets O_APPEND, and nothing is truncated.
 *
 * Returns a new descriptor, or a negative errno, where `why` says in words what is wrong with a
 * descriptor (-EBADF, and -EACCES for one that is open for something else), and is NULL else.
 */
int open_path(const char *path, int flags, mode_t mode, const char **why);

/*
 * Open what is behind a descriptor once more, non-blocking: with flags of its own, where those of
 * the descriptor are shared with others.  Takes no terminal over.  Returns a new descriptor or
 * negative errno.
 */
int open_path_again(int fd, int access);

#endif
