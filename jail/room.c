/* SPDX-License-Identifier: MIT */
/* jail/room.c - see room.h. */
#include "jail/room.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "jail/root.h"

enum {
	/* A report in the 64 bits of an eventfd, which cannot hold zero: a one, the piece, errno.
	 */
	REPORT_PIECE_SHIFT = 8,
	REPORT_ERROR_SHIFT = 16,
	REPORT_MISSING_SHIFT = 32,
	REPORT_PIECE_MASK = 0xff,
	REPORT_ERROR_MASK = 0xffff,
};

uint64_t room_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

int room_open(struct room *room)
{
	const struct room opened = {
		.launcher_fd = pidfd_open(getpid(), 0),
		.made_fd = eventfd(0, EFD_CLOEXEC),
		.mounts_fd = ROOM_NONE,
		.network_fd = ROOM_NONE,
	};
	int error = opened.launcher_fd < 0 || opened.made_fd < 0 ? -errno : 0;

	if (error) {
		close(opened.launcher_fd);
		close(opened.made_fd);
		return error;
	}
	*room = opened;
	return 0;
}

void room_share(struct room *room, int mounts_fd, int network_fd)
{
	room->mounts_fd = mounts_fd;
	room->network_fd = network_fd;
}

static bool is_shared(const struct room *room)
{
	return room->mounts_fd != ROOM_NONE;
}

bool room_has_launcher(const struct room *room)
{
	struct pollfd end = {.fd = room->launcher_fd, .events = POLLIN};

	return poll(&end, 1, 0) == 0;
}

static int make_mounts(void)
{
	return unshare(CLONE_NEWNS) < 0 ? -errno : root_make_empty();
}

static int make_network(void)
{
	return unshare(CLONE_NEWNET) < 0 ? -errno : 0;
}

static int join_users(pid_t pid)
{
	int fd = pidfd_open(pid, 0);
	int error = fd < 0 || setns(fd, CLONE_NEWUSER) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return error;
}

/* Take the result of a piece into the report.  Returns whether there is a reason to go on. */
static bool note(struct room_report *report, enum jail_piece piece, int error, uint32_t allowed)
{
	if (error && (allowed & JAIL_PIECE_BIT(piece))) {
		report->missing |= JAIL_PIECE_BIT(piece);
	} else if (error) {
		report->failed = piece;
		report->error = error;
	}
	return report->error == 0;
}

static int tell(const struct room *room, const struct room_report *report)
{
	uint64_t word = 1 | (uint64_t)report->failed << REPORT_PIECE_SHIFT |
			(uint64_t)-report->error << REPORT_ERROR_SHIFT |
			(uint64_t)report->missing << REPORT_MISSING_SHIFT;

	return write(room->made_fd, &word, sizeof(word)) == sizeof(word) ? 0 : -errno;
}

/* The working directory and the root become those of the room with its mounts. */
static int move_into_shared(const struct room *room)
{
	if (setns(room->network_fd, CLONE_NEWNET) < 0 || setns(room->mounts_fd, CLONE_NEWNS) < 0)
		return -errno;
	return root_prove_empty();
}

static struct room_report enter_shared(const struct room *room)
{
	uint64_t began_ns = room_now_ns();
	struct room_report report = {0};

	note(&report, JAIL_MOUNTS, move_into_shared(room), 0);
	report.mounts_ns = (uint32_t)(room_now_ns() - began_ns);
	return report;
}

static struct room_report make_own(const struct room *room, pid_t in_users_of,
				   uint32_t allow_missing)
{
	struct room_report report = {0};
	uint64_t began_ns = room_now_ns();
	uint64_t mounted_ns;
	int untold;

	if ((!in_users_of || note(&report, JAIL_USERS, join_users(in_users_of), 0)) &&
	    note(&report, JAIL_MOUNTS, make_mounts(), allow_missing)) {
		mounted_ns = room_now_ns();
		report.mounts_ns = (uint32_t)(mounted_ns - began_ns);
		note(&report, JAIL_NETWORK, make_network(), allow_missing);
		report.network_ns = (uint32_t)(room_now_ns() - mounted_ns);
	}
	untold = tell(room, &report);
	/* It waits for nothing else: where both share a CPU it goes first. */
	(void)sched_yield();
	if (untold)
		note(&report, JAIL_MOUNTS, untold, 0);
	return report;
}

struct room_report room_make(const struct room *room, pid_t in_users_of, uint32_t allow_missing)
{
	struct room_report report;

	if (!is_shared(room))
		return make_own(room, in_users_of, allow_missing);
	report = enter_shared(room);
	close(room->mounts_fd);
	close(room->network_fd);
	return report;
}

static int wait_for_report(const struct room *room, struct room_report *report)
{
	uint64_t word;
	ssize_t got;

	do
		got = read(room->made_fd, &word, sizeof(word));
	while (got < 0 && errno == EINTR);
	if (got != sizeof(word))
		return -EIO;
	*report = (struct room_report){
		.missing = (uint32_t)(word >> REPORT_MISSING_SHIFT),
		.failed = (enum jail_piece)(word >> REPORT_PIECE_SHIFT & REPORT_PIECE_MASK),
		.error = -(int)(word >> REPORT_ERROR_SHIFT & REPORT_ERROR_MASK),
		.is_launchers = (word >> REPORT_ERROR_SHIFT & REPORT_ERROR_MASK) != 0,
	};
	return 0;
}

/* The working directory and the root become those of the room with it. */
static int move_in(const struct room *room, uint32_t missing)
{
	bool with_mounts = !(missing & JAIL_PIECE_BIT(JAIL_MOUNTS));
	bool with_network = !(missing & JAIL_PIECE_BIT(JAIL_NETWORK));
	int flags = (with_mounts ? CLONE_NEWNS : 0) | (with_network ? CLONE_NEWNET : 0);

	if (flags && setns(room->launcher_fd, flags) < 0)
		return -errno;
	return with_mounts ? root_prove_empty() : 0;
}

struct room_report room_enter(const struct room *room)
{
	uint64_t began_ns = room_now_ns();
	struct room_report report = {0};

	if (is_shared(room))
		return enter_shared(room);
	if (note(&report, JAIL_MOUNTS, wait_for_report(room, &report), 0) && !report.error)
		note(&report, JAIL_MOUNTS, move_in(room, report.missing), 0);
	report.mounts_ns = (uint32_t)(room_now_ns() - began_ns);
	return report;
}
