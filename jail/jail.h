/* SPDX-License-Identifier: MIT */
/*
 * jail/jail.h - the process gives up everything that it does not need.
 *
 * Three moments of the VM process's start, and one of the launcher's:
 *
 *	jail_clone_flags()   the namespaces that clone3() makes
 *	jail_arrive()        first thing in the clone: user mapping, network
 *	jail_enter()         once all is open and built, before threads: root, ids,
 *	                     capabilities, limits, descriptors, Landlock
 *	filter_seal()        on each thread, last (filter.h)
 *
 *	jail_shed()          the launcher, after the clone: capabilities but CAP_KILL, no_new_privs
 *
 * Power only shrinks along them.  A piece that the host lacks is a failure unless it is in
 * `allow_missing`; then it is noted in `missing`, for one line of warning.  A step proves what
 * it dropped where the kernel can be asked cheaply, and fails if it was not dropped.
 *
 * Errors: negative errno, with the piece that failed in `failed`.
 * Memory: none.  Threads: single-threaded processes only.
 */
#ifndef JAIL_JAIL_H
#define JAIL_JAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "jail/piece.h"

enum {
	JAIL_KEPT_FDS_MAX = 64,
	/* uids and gids of VMs whose user gave none: this plus the launcher's pid (below 2^22). */
	JAIL_FIRST_AUTO_ID = 0x70000000,
};

struct jail {
	/* Set by the caller. */
	uint32_t allow_missing; /* JAIL_PIECE_BIT()s */
	bool is_root;           /* the effective uid is 0 and CAP_SYS_ADMIN is there */
	uid_t uid;              /* with is_root: what the VM process becomes */
	gid_t gid;
	uint64_t file_bytes_max; /* how far a file may grow; RLIM_INFINITY: as it likes */
	int kept_fds[JAIL_KEPT_FDS_MAX];
	unsigned int kept_fd_count; /* all others are closed */

	/* Found out. */
	uint32_t missing;
	enum jail_piece failed; /* valid after an error */
};

/* Flags for clone3(2): every namespace that is to be new. */
uint64_t jail_clone_flags(const struct jail *jail);

/* In the clone, before anything else. */
int jail_arrive(struct jail *jail);

/* In the clone, once nothing needs to be opened any more. */
int jail_enter(struct jail *jail);

/* In the launcher, once the clone is there. */
int jail_shed(struct jail *jail);

#endif
