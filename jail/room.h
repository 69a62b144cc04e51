/* SPDX-License-Identifier: MIT */
/*
 * jail/room.h - the empty room: a mount namespace with an empty root, and a network namespace
 * with nothing in it, which the launcher makes while the VM process builds its machine.
 *
 * They are the two namespaces that cost time, four fifths of what the whole jail does, and most of
 * that is waiting inside the kernel.  So the launcher makes them for itself, beside the VM process,
 * which then enters them in a few microseconds.  Both processes live in the room afterwards: the
 * launcher cannot open anything by name any more either.
 *
 * Where such namespaces exist already, nobody makes or waits: room_share() has both processes move
 * into those.  Many VMs may live in one room: there is nothing in it that one could change and
 * another see, and all by which they could meet is a socket, abstract or of netlink, as lo is down.
 * The filter lets no VM process make one, so a room is shared only by those that have a filter;
 * Landlock is a second wall before the abstract ones (from Linux 6.12).  The clone does not wait
 * for the launcher then, which may still hold its power when the guest begins; it looks at nothing
 * of the guest's before it has given that up.
 *
 * Call order: room_open() before the clone, then room_share() or not; room_make() once in the
 * launcher, right after the clone; room_enter() in the clone, which waits for it.  A launcher that
 * makes no room has to end instead: the clone dies with it and does not wait for ever.
 *
 * Memory: none.  Threads: single-threaded processes only.
 * ABI: unshare(2), setns(2) with a pidfd (Linux 5.8), eventfd(2).
 */
#ifndef JAIL_ROOM_H
#define JAIL_ROOM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "jail/piece.h"

enum {
	ROOM_NONE = -1,
};

struct room {
	int launcher_fd; /* a pidfd */
	int made_fd;     /* an eventfd, by which the launcher tells that the room is there */
	int mounts_fd;   /* of room_share(), or ROOM_NONE */
	int network_fd;
};

/* What the room lacks, or why there is none. */
struct room_report {
	uint32_t missing; /* of what was allowed to be */
	enum jail_piece failed;
	int error;          /* 0, or negative errno of `failed` */
	bool is_launchers;  /* the launcher failed, and knows it */
	uint32_t mounts_ns; /* what each took here; entering counts as mounts */
	uint32_t network_ns;
};

/* Returns 0 or negative errno, with nothing open.  The descriptors are closed on execve(). */
int room_open(struct room *room);

/*
 * Before the clone: take this mount and this network namespace, which hold nothing, in place of
 * new ones.  Both processes need CAP_SYS_ADMIN in the host's user namespace.  The room owns the
 * descriptors: room_make() closes them, the clone closes them with all others.
 */
void room_share(struct room *room, int mounts_fd, int network_fd);

/* Whether the process that called room_open() lives. */
bool room_has_launcher(const struct room *room);

/*
 * Make the room and move in.  Where the clone has a user namespace of its own, `in_users_of` is its
 * pid and the room is made with the power that it gives; else 0.  The clone gets the same report.
 */
struct room_report room_make(const struct room *room, pid_t in_users_of, uint32_t allow_missing);

/* Wait for the room and move in.  Needs CAP_SYS_ADMIN and CAP_SYS_CHROOT. */
struct room_report room_enter(const struct room *room);

/* CLOCK_MONOTONIC, for what things take. */
uint64_t room_now_ns(void);

#endif
