/* SPDX-License-Identifier: MIT */
/*
 * jail/landlock.h - no file, no TCP, no abstract socket and no signal to outside, by Landlock.
 *
 * A second wall behind the empty root: it holds as well for a directory whose descriptor was
 * forgotten.  All access rights that the kernel knows are handled and no rule allows any, so
 * nothing can be opened any more; what is open stays as it is.
 *
 * Needs no_new_privs, and nothing to be mounted afterwards.
 * Errors: -ENOSYS or -EOPNOTSUPP where the kernel has no Landlock or does not use it; -EPERM if a
 * directory can be opened afterwards all the same.
 * ABI: Documentation/userspace-api/landlock.rst; rights up to version 7.
 */
#ifndef JAIL_LANDLOCK_H
#define JAIL_LANDLOCK_H

int landlock_deny_all(void);

#endif
