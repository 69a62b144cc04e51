/* SPDX-License-Identifier: MIT */
/*
 * jail/ids.h - a uid and a gid that nobody else on the host has.
 *
 * Files, processes and limits that are told apart by uid are then told apart by VM.
 * Errors: negative errno; -EPERM if the kernel says afterwards that an id is another.
 */
#ifndef JAIL_IDS_H
#define JAIL_IDS_H

#include <sys/types.h>

/*
 * Become uid and gid in all four senses, with no supplementary group.  For a process that may set
 * ids and, until caps_keep_only(), may set them again.  -EINVAL for 0, which is no drop.
 */
int ids_become(uid_t uid, gid_t gid);

#endif
