/* SPDX-License-Identifier: MIT */
/*
 * jail/namespaces.h - the namespaces that a process gets by being cloned into them.
 *
 * Pids, IPC, hostname and cgroups, and users where root's power has to be made up for; mounts and
 * network come later (room.h).  In a new pid namespace the process is pid 1: signals that it
 * has no handler for do not reach it from inside, not even SIGKILL.
 *
 * ABI: namespaces(7), user_namespaces(7), clone3(2).
 */
#ifndef JAIL_NAMESPACES_H
#define JAIL_NAMESPACES_H

#include <stdint.h>
#include <sys/types.h>

#include "jail/piece.h"

/* The pieces that have a flag here. */
#define NAMESPACES_PIECES                                                                       \
	(JAIL_PIECE_BIT(JAIL_PIDS) | JAIL_PIECE_BIT(JAIL_IPC) | JAIL_PIECE_BIT(JAIL_HOSTNAME) | \
	 JAIL_PIECE_BIT(JAIL_CGROUPS) | JAIL_PIECE_BIT(JAIL_USERS))

/* Flags for clone3() of a set of pieces; those that have none add nothing. */
uint64_t namespaces_flags(uint32_t pieces);

/*
 * Whether a clone with the namespaces of these pieces succeeds, by making one that ends at once.
 * Returns 0 or what clone3() failed with.  Single-threaded processes only.
 */
int namespaces_try(uint32_t pieces);

/*
 * In a new user namespace: map the uid and gid that the process had outside to themselves, and
 * nothing else.  Needs /proc.  Supplementary groups stay; there is no way to drop them.
 */
int namespaces_map_ids(uid_t uid, gid_t gid);

/* In a new hostname namespace only: forget the host's name. */
int namespaces_forget_hostname(void);

#endif
