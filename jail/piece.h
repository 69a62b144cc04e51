/* SPDX-License-Identifier: MIT */
/*
 * jail/piece.h - the pieces the jail is made of, by name.
 *
 * A piece that a host cannot give is a failure unless the user allowed it to be
 * missing, by this name (mote.jail.allow_missing).
 */
#ifndef JAIL_PIECE_H
#define JAIL_PIECE_H

#include <stdint.h>

enum jail_piece {
	JAIL_MOUNTS,       /* mount namespace and empty root */
	JAIL_PIDS,         /* pid namespace */
	JAIL_NETWORK,      /* network namespace without any device but an idle loopback */
	JAIL_IPC,          /* System V and POSIX message queues */
	JAIL_HOSTNAME,     /* uts namespace */
	JAIL_CGROUPS,      /* cgroup namespace */
	JAIL_USERS,        /* user namespace; only where the user is not root */
	JAIL_IDS,          /* a uid and gid of its own; only for root */
	JAIL_CAPABILITIES, /* none in any set, bounding set empty, securebits locked */
	JAIL_PRIVILEGES,   /* no_new_privs, not dumpable */
	JAIL_LIMITS,       /* resource limits */
	JAIL_DESCRIPTORS,  /* all closed but the known ones */
	JAIL_LANDLOCK,     /* no file system access even if there were a file system */
	JAIL_SECCOMP,      /* system calls by role */
	JAIL_PIECES,
};

#define JAIL_PIECE_BIT(piece) (UINT32_C(1) << (unsigned int)(piece))

/* "mounts", "landlock" and so on; never NULL. */
const char *jail_piece_name(enum jail_piece piece);

/* The piece of that name, or JAIL_PIECES. */
enum jail_piece jail_piece_from_name(const char *name);

#endif
