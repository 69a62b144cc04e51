/* SPDX-License-Identifier: MIT */
/*
 * jail/jail.h - the process gives up everything that it does not need.
 *
 * In the launcher:
 *
 *	jail_init()          what the caller does not set: ids, what may be missing
 *	jail_share_room()    or not: an empty root and network that exist already
 *	jail_close_ways()    root's ways to new capabilities, for both processes at once
 *	jail_clone_flags()   the namespaces that clone3() makes
 *	jail_make_room()     right after the clone, at the same time as the clone builds its
 *	                     machine: empty root and network, for both of them (room.h)
 *	jail_shed()          capabilities but CAP_KILL, no_new_privs
 *
 * In the clone, the VM process:
 *
 *	jail_arrive()        first thing: die with the launcher, user mapping, hostname
 *	jail_enter()         once all is open and built, before threads: the room, ids,
 *	                     capabilities, limits, Landlock, descriptors
 *	filter_seal()        on each thread, last (filter.h)
 *
 * Power only shrinks along them.  A piece that the host lacks is a failure unless it is in
 * `allow_missing`; then it is noted in `missing`, for one line of warning; of a clone, its own
 * `missing` is the complete one.  A step proves what it dropped where the kernel can be asked
 * cheaply, and fails with -EPERM if it was not dropped.
 *
 * Root or not: root's VM process stays in the host's user namespace with ids of its own; another
 * user's gets a user namespace where only the user's own uid and gid exist, and the launcher joins
 * it to make the room there.  Supplementary groups can be dropped in the first case only.
 *
 * The launcher is trusted, yet it keeps little: it has no file system and no network any more after
 * jail_make_room(), so all that it writes to must be open before.  Landlock is left out there, as
 * it would keep it from removing a cgroup and from killing the VM process.
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
#include "jail/room.h"

enum {
	JAIL_KEPT_FDS_MAX = 64,
	/* uids and gids of VMs whose user gave none: this plus the launcher's pid (below 2^22). */
	JAIL_FIRST_AUTO_ID = 0x70000000,
};

struct jail {
	/* Set by jail_init(); the caller may change it before the clone. */
	uint32_t allow_missing;     /* JAIL_PIECE_BIT()s; none */
	uid_t uid;                  /* with is_root: what the VM process becomes; auto */
	gid_t gid;                  /* the same */
	uint64_t file_bytes_max;    /* how far a file may grow; RLIM_INFINITY: as it likes */
	uint64_t threads_max;       /* of the uid, if it has become one; RLIM_INFINITY */
	unsigned int new_fds_max;   /* that may still be opened after jail_enter(); none */
	unsigned int kept_fd_count; /* none; all others are closed */
	int kept_fds[JAIL_KEPT_FDS_MAX];

	/* Found out by jail_init(). */
	bool is_root; /* the effective uid is 0 and the capabilities for all of this are there */

	/* Found out on the way. */
	uint32_t missing;
	enum jail_piece failed;        /* valid after an error */
	uint32_t took_ns[JAIL_PIECES]; /* of this process's own time, by piece; see jail.c */

	/* For jail.c. */
	struct room room;
};

/* Before the clone.  Opens two descriptors, which the VM process closes in jail_enter(). */
int jail_init(struct jail *jail);

/* For root: move into these namespaces in place of new ones; see room_share(). */
void jail_share_room(struct jail *jail, int mounts_fd, int network_fd);

/*
 * Judge the `error` of a piece that another module takes: returns 0 where there is none, or where
 * it may be missing and is noted so.
 */
int jail_note(struct jail *jail, enum jail_piece piece, int error);

/*
 * Before the clone, which inherits it: empty root's bounding set, a call for each capability, so
 * that jail_shed() and jail_enter() only have to look.  In a user namespace a clone would have a
 * full one again, so there they empty it.
 */
int jail_close_ways(struct jail *jail);

/* Flags for clone3(2): the namespaces that are to be new. */
uint64_t jail_clone_flags(const struct jail *jail);

/*
 * After clone3() failed: find out which namespace the host refuses.  Returns 0 if it may be
 * missing: ask for the flags again and try once more; else `error`, or a more telling one.
 */
int jail_clone_refused(struct jail *jail, int error);

/* In the launcher, with the pid of the clone.  A failure reaches the clone as well. */
int jail_make_room(struct jail *jail, pid_t clone);

/* In the launcher, once it has done what needs root's power. */
int jail_shed(struct jail *jail);

/* In the clone, before anything else.  -ESRCH if the launcher is dead already. */
int jail_arrive(struct jail *jail);

/*
 * In the clone, once nothing needs to be opened any more.  -ECANCELED: it is the launcher that
 * failed, in jail_make_room(), and it is the one to say so.
 */
int jail_enter(struct jail *jail);

#endif
