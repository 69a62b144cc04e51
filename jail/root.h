/* SPDX-License-Identifier: MIT */
/*
 * jail/root.h - a root directory with nothing in it, where nothing can be put.
 *
 * Call order: root_make_empty() in a mount namespace of the process's own, in which it leaves one
 * mount to be seen: a ramfs, empty, read-only, no programs, no devices.  All others are gone, but
 * on a host that runs from its initramfs, whose root can only be covered.  root_prove_empty() at
 * any time after.
 *
 * Nothing is left behind on the host: the mounts live as long as the namespace does.
 * Errors: negative errno, with the process in one or the other root.
 * ABI: fsopen(2) and fsmount(2), Linux 5.2, older than the clone3(2) that mote starts with.
 */
#ifndef JAIL_ROOT_H
#define JAIL_ROOT_H

int root_make_empty(void);

/* -EPERM if the root directory is any other. */
int root_prove_empty(void);

#endif
