/* SPDX-License-Identifier: MIT */
/*
 * monitor/lock_holder.h - which process keeps a file from being locked.
 *
 * For the message after a refused lock only: the search goes through /proc, process by process
 * and descriptor by descriptor, as far as this process may look.
 */
#ifndef MONITOR_LOCK_HOLDER_H
#define MONITOR_LOCK_HOLDER_H

#include <sys/types.h>

enum {
	LOCK_HOLDER_NAME_BYTES = 16, /* TASK_COMM_LEN, the NUL included */
};

struct lock_holder {
	pid_t pid;
	char name[LOCK_HOLDER_NAME_BYTES]; /* empty: not known */
};

/*
 * Find a holder of a lock, of an open file description or of a process (fcntl(2)), that
 * forbids one of type `wanted` (F_RDLCK or F_WRLCK) on the whole file.
 * Returns 0, or -ENOENT where none can be seen.
 */
int lock_holder_find(struct lock_holder *holder, int fd, short wanted);

#endif
