/* SPDX-License-Identifier: MIT */
/*
 * monitor/root_owned.h - open what root has made and only root can change.
 *
 * Memory: none.  Thread: any.
 */
#ifndef MONITOR_ROOT_OWNED_H
#define MONITOR_ROOT_OWNED_H

#include <sys/types.h>

/*
 * As openat(2), with O_CLOEXEC added.  Returns the descriptor; -EPERM if what it names is not of
 * `type` (S_IFREG, S_IFDIR), or another user owns it or may write to it; other negative errno.
 */
int root_owned_open(int directory_fd, const char *name, int flags, mode_t type);

#endif
