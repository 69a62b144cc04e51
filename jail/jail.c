/* SPDX-License-Identifier: MIT */
/* jail/jail.c - see jail.h.  The order of the rows is the design: read enter_steps. */
#include "jail/jail.h"

#include <assert.h>
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail/caps.h"
#include "jail/descriptors.h"
#include "jail/ids.h"
#include "jail/landlock.h"
#include "jail/limits.h"
#include "jail/namespaces.h"

enum {
	NEW_FILE_MASK = 0077,
};

#define ROOTS_POWER                                                         \
	(CAPS_BIT(CAP_KILL) | CAPS_BIT(CAP_SETGID) | CAPS_BIT(CAP_SETUID) | \
	 CAPS_BIT(CAP_SETPCAP) | CAPS_BIT(CAP_SYS_CHROOT) | CAPS_BIT(CAP_SYS_ADMIN))

static_assert((int)JAIL_KEPT_FDS_MAX == (int)DESCRIPTORS_KEPT_MAX, "all of the list can be kept");

/* One thing to give up. */
struct step {
	enum jail_piece piece;
	int (*take)(struct jail *jail);
};

static bool lacks(const struct jail *jail, enum jail_piece piece)
{
	return jail->missing & JAIL_PIECE_BIT(piece);
}

int jail_note(struct jail *jail, enum jail_piece piece, int error)
{
	if (!error)
		return 0;
	if (jail->allow_missing & JAIL_PIECE_BIT(piece)) {
		jail->missing |= JAIL_PIECE_BIT(piece);
		return 0;
	}
	jail->failed = piece;
	return error;
}

/*
 * What each piece took is kept for the launch trace.  The namespaces that come with the clone
 * take their time there; what the VM process has under "mounts" is its wait for the room.
 */
static int take_steps(struct jail *jail, const struct step *steps, size_t count)
{
	uint64_t began_ns = room_now_ns();
	int error = 0;

	for (size_t i = 0; i < count && !error; i++) {
		uint64_t now_ns;

		error = jail_note(jail, steps[i].piece, steps[i].take(jail));
		now_ns = room_now_ns();
		jail->took_ns[steps[i].piece] += (uint32_t)(now_ns - began_ns);
		began_ns = now_ns;
	}
	return error;
}

static int take_report(struct jail *jail, const struct room_report *report)
{
	jail->took_ns[JAIL_MOUNTS] += report->mounts_ns;
	jail->took_ns[JAIL_NETWORK] += report->network_ns;
	jail->missing |= report->missing;
	if (report->error)
		jail->failed = report->failed;
	return report->error;
}

int jail_init(struct jail *jail)
{
	struct room room;
	int error = room_open(&room);

	if (error) {
		jail->failed = JAIL_MOUNTS;
		return error;
	}
	*jail = (struct jail){
		.is_root = geteuid() == 0 && caps_hold(ROOTS_POWER),
		.file_bytes_max = RLIM_INFINITY,
		.threads_max = RLIM_INFINITY,
		.room = room,
	};
	jail->uid = jail->is_root ? JAIL_FIRST_AUTO_ID + (uid_t)getpid() : geteuid();
	jail->gid = jail->is_root ? JAIL_FIRST_AUTO_ID + (gid_t)getpid() : getegid();
	return 0;
}

void jail_share_room(struct jail *jail, int mounts_fd, int network_fd)
{
	room_share(&jail->room, mounts_fd, network_fd);
}

static int close_ways(struct jail *jail)
{
	(void)jail;
	return caps_close_ways();
}

int jail_close_ways(struct jail *jail)
{
	static const struct step step = {JAIL_CAPABILITIES, close_ways};

	return jail->is_root ? take_steps(jail, &step, 1) : 0;
}

/* The namespaces that the clone is to have, as pieces. */
static uint32_t clone_pieces(const struct jail *jail)
{
	uint32_t pieces = NAMESPACES_PIECES & ~jail->missing;

	return jail->is_root ? pieces & ~JAIL_PIECE_BIT(JAIL_USERS) : pieces;
}

uint64_t jail_clone_flags(const struct jail *jail)
{
	return namespaces_flags(clone_pieces(jail));
}

/* Each alone, but with the user namespace that gives the power for it. */
int jail_clone_refused(struct jail *jail, int error)
{
	uint32_t pieces = clone_pieces(jail);
	uint32_t users = pieces & JAIL_PIECE_BIT(JAIL_USERS);
	uint32_t missing_before = jail->missing;

	jail->failed = JAIL_PIDS;
	if (users && jail_note(jail, JAIL_USERS, namespaces_try(users)))
		return error;
	users &= ~jail->missing;
	pieces &= ~JAIL_PIECE_BIT(JAIL_USERS);
	for (unsigned int piece = 0; piece < JAIL_PIECES; piece++) {
		uint32_t bit = pieces & JAIL_PIECE_BIT(piece);
		int refusal = bit ? namespaces_try(bit | users) : 0;

		if (jail_note(jail, (enum jail_piece)piece, refusal))
			return refusal;
	}
	return jail->missing != missing_before ? 0 : error;
}

int jail_make_room(struct jail *jail, pid_t clone)
{
	bool has_users = !jail->is_root && !lacks(jail, JAIL_USERS);
	struct room_report report =
		room_make(&jail->room, has_users ? clone : 0, jail->allow_missing);

	return take_report(jail, &report);
}

static int keep_power_to_kill(struct jail *jail)
{
	return caps_keep_only(jail->is_root ? CAPS_BIT(CAP_KILL) : CAPS_NONE);
}

static int give_up_privileges(struct jail *jail)
{
	(void)jail;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

int jail_shed(struct jail *jail)
{
	static const struct step steps[] = {
		{JAIL_CAPABILITIES, close_ways},
		{JAIL_CAPABILITIES, keep_power_to_kill},
		{JAIL_PRIVILEGES, give_up_privileges},
	};

	return take_steps(jail, steps, sizeof(steps) / sizeof(steps[0]));
}

/* It may have died before the first line took effect: then it is too late for the signal. */
static int die_with_launcher(struct jail *jail)
{
	jail->failed = JAIL_PIDS;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return room_has_launcher(&jail->room) ? 0 : -ESRCH;
}

static int map_ids(struct jail *jail)
{
	if (jail->is_root || lacks(jail, JAIL_USERS))
		return 0;
	return namespaces_map_ids(jail->uid, jail->gid);
}

static int forget_hostname(struct jail *jail)
{
	return lacks(jail, JAIL_HOSTNAME) ? 0 : namespaces_forget_hostname();
}

int jail_arrive(struct jail *jail)
{
	static const struct step steps[] = {
		{JAIL_USERS, map_ids},
		{JAIL_HOSTNAME, forget_hostname},
	};
	int error = die_with_launcher(jail);

	/* What the launcher took until here is not the clone's. */
	memset(jail->took_ns, 0, sizeof(jail->took_ns));
	return error ? error : take_steps(jail, steps, sizeof(steps) / sizeof(steps[0]));
}

static int become_nobody_else(struct jail *jail)
{
	return jail->is_root ? ids_become(jail->uid, jail->gid) : 0;
}

static int drop_capabilities(struct jail *jail)
{
	(void)jail;
	return caps_keep_only(CAPS_NONE);
}

static int lower_limits(struct jail *jail)
{
	int highest = descriptors_highest(jail->kept_fds, jail->kept_fd_count);
	const struct limits limits = {
		.file_bytes = jail->file_bytes_max,
		.descriptors = (uint64_t)(highest + 1) + jail->new_fds_max,
		/* They are counted for each uid, and without one of its own others' count too. */
		.threads = lacks(jail, JAIL_IDS) ? RLIM_INFINITY : jail->threads_max,
	};

	return limits_lower(&limits);
}

/* Not dumpable: no process of the same uid may look into this one, and /proc shows it as root's. */
static int hide_memory(struct jail *jail)
{
	(void)jail;
	umask(NEW_FILE_MASK);
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	return prctl(PR_GET_DUMPABLE) == 0 ? 0 : -EPERM;
}

static int deny_files(struct jail *jail)
{
	(void)jail;
	return landlock_deny_all();
}

static int close_others(struct jail *jail)
{
	return descriptors_keep_only(jail->kept_fds, jail->kept_fd_count);
}

/*
 * Why this order: closing the ways to capabilities and becoming somebody else need root's power;
 * dropping it takes the power to undo them.  Root's are closed already, which this proves.
 * Landlock wants no_new_privs, and a descriptor for its rules.
 */
static const struct step enter_steps[] = {
	{JAIL_CAPABILITIES, close_ways},
	{JAIL_IDS, become_nobody_else},
	{JAIL_CAPABILITIES, drop_capabilities},
	{JAIL_PRIVILEGES, give_up_privileges},
	{JAIL_PRIVILEGES, hide_memory},
	{JAIL_LANDLOCK, deny_files},
	{JAIL_LIMITS, lower_limits},
};

/*
 * The room comes first, as it takes power to move in and Landlock would bar the way; descriptors
 * are closed last, as the launcher's is among them.
 */
int jail_enter(struct jail *jail)
{
	static const struct step last_step = {JAIL_DESCRIPTORS, close_others};
	struct room_report report = room_enter(&jail->room);
	int error = take_report(jail, &report);

	if (report.is_launchers)
		return -ECANCELED;
	if (!error)
		error = take_steps(jail, enter_steps, sizeof(enter_steps) / sizeof(enter_steps[0]));
	/* Once more: a change of ids or capabilities has cleared it. */
	if (!error)
		error = die_with_launcher(jail);
	return error ? error : take_steps(jail, &last_step, 1);
}
