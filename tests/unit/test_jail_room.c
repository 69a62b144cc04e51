/* SPDX-License-Identifier: MIT */
/* tests/unit/test_jail_room.c - two processes come to live in one empty room. */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "jail/room.h"
#include "tests/unit/empty_room.h"
#include "tests/unit/jail_child.h"

enum {
	MOMENT_US = 50000,
	BOTH = JAIL_PIECE_BIT(JAIL_MOUNTS) | JAIL_PIECE_BIT(JAIL_NETWORK),
};

static struct room room;

/* A network namespace as it is born: one device, and that down. */
static void expect_empty(void)
{
	struct ifreq device = {.ifr_ifindex = 1};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	expect_errno(open("/etc/passwd", O_RDONLY), ENOENT);
	expect_errno(open("/proc/self/status", O_RDONLY), ENOENT);
	expect(fd >= 0 && ioctl(fd, SIOCGIFNAME, &device) == 0);
	expect(strcmp(device.ifr_name, "lo") == 0);
	expect(ioctl(fd, SIOCGIFFLAGS, &device) == 0 && !(device.ifr_flags & IFF_UP));
	device.ifr_ifindex = 2;
	expect_errno(ioctl(fd, SIOCGIFNAME, &device), ENODEV);
	close(fd);
}

/* Clone as the monitor does, with the child's part run in the child. */
static pid_t start(void (*childs_part)(void))
{
	pid_t pid;

	expect(room_open(&room) == 0);
	pid = fork();
	expect(pid >= 0);
	if (pid == 0) {
		/* A launcher that fails leaves it waiting. */
		alarm(CHILD_SECONDS);
		childs_part();
		_exit(0);
	}
	return pid;
}

static void enter_and_look(void)
{
	struct room_report report = room_enter(&room);

	expect(report.error == 0 && report.missing == 0);
	expect_empty();
}

static void both_move_in(void)
{
	struct room_report report;
	pid_t pid;

	need_root();
	pid = start(enter_and_look);
	report = room_make(&room, 0, 0);
	expect(report.error == 0 && report.missing == 0);
	expect_empty();
	expect(wait_for(pid) == 0);
}

static void both_processes_live_in_it(void **state)
{
	(void)state;
	in_child(both_move_in);
}

static void waits(void)
{
	pid_t pid;

	need_root();
	pid = start(enter_and_look);
	usleep(MOMENT_US);
	expect(waitpid(pid, NULL, WNOHANG) == 0);
	expect(room_make(&room, 0, 0).error == 0);
	expect(wait_for(pid) == 0);
}

static void the_clone_waits_for_it(void **state)
{
	(void)state;
	in_child(waits);
}

static void enter_in_vain(void)
{
	struct room_report report = room_enter(&room);

	expect(report.error == -EPERM && report.failed == JAIL_MOUNTS);
	expect(open("/proc/self/status", O_RDONLY) >= 0);
}

static void fails(void)
{
	struct room_report report;
	pid_t pid;

	become_ordinary();
	pid = start(enter_in_vain);
	report = room_make(&room, 0, JAIL_PIECE_BIT(JAIL_NETWORK));
	expect(report.error == -EPERM && report.failed == JAIL_MOUNTS);
	expect(wait_for(pid) == 0);
}

static void a_failure_reaches_both(void **state)
{
	(void)state;
	in_child(fails);
}

static void enter_nothing(void)
{
	struct room_report report = room_enter(&room);

	expect(report.error == 0 && report.missing == BOTH);
	expect(open("/proc/self/status", O_RDONLY) >= 0);
}

static void lacks_all(void)
{
	struct room_report report;
	pid_t pid;

	become_ordinary();
	pid = start(enter_nothing);
	report = room_make(&room, 0, BOTH);
	expect(report.error == 0 && report.missing == BOTH);
	expect(wait_for(pid) == 0);
}

static void what_may_be_missing_is_told_to_both(void **state)
{
	(void)state;
	in_child(lacks_all);
}

static void enter_without_power(void)
{
	struct room_report report;

	become_ordinary();
	report = room_enter(&room);
	expect(report.error == -EPERM && report.failed == JAIL_MOUNTS);
}

static void cannot_enter(void)
{
	pid_t pid;

	need_root();
	pid = start(enter_without_power);
	expect(room_make(&room, 0, 0).error == 0);
	expect(wait_for(pid) == 0);
}

static void it_takes_power_to_move_in(void **state)
{
	(void)state;
	in_child(cannot_enter);
}

static void notice_the_end(void)
{
	alarm(CHILD_SECONDS);
	expect(room_has_launcher(&room));
	while (room_has_launcher(&room))
		usleep(MOMENT_US / 10);
}

/* The launcher is a child here that leaves its own child behind, which tells through a pipe. */
static void orphaned(void)
{
	int ends[2];
	char byte = 0;

	expect(pipe(ends) == 0);
	if (fork() == 0) {
		expect(room_open(&room) == 0);
		if (fork() == 0) {
			notice_the_end();
			_exit(write(ends[1], "!", 1) != 1);
		}
		usleep(MOMENT_US);
		_exit(0);
	}
	close(ends[1]);
	expect(read(ends[0], &byte, 1) == 1 && byte == '!');
}

static void the_end_of_the_launcher_is_seen(void **state)
{
	(void)state;
	in_child(orphaned);
}

static uint64_t inode_of(int fd)
{
	struct stat status;

	expect(fstat(fd, &status) == 0);
	return status.st_ino;
}

/* Nobody waits for anybody: the launcher comes last. */
static void share(void)
{
	uint64_t mounts;
	uint64_t network;
	int names_fd = open("/proc/self/ns", O_PATH | O_DIRECTORY);
	struct room_report report;

	need_root();
	expect(room_open(&room) == 0);
	open_empty_room(&room.mounts_fd, &room.network_fd);
	room_share(&room, room.mounts_fd, room.network_fd);
	mounts = inode_of(room.mounts_fd);
	network = inode_of(room.network_fd);
	in_child(enter_and_look);
	report = room_make(&room, 0, 0);
	expect(report.error == 0 && report.missing == 0);
	expect_errno(fcntl(room.mounts_fd, F_GETFD), EBADF);
	expect_errno(fcntl(room.network_fd, F_GETFD), EBADF);
	expect_empty();
	expect(inode_of(openat(names_fd, "mnt", O_RDONLY)) == mounts);
	expect(inode_of(openat(names_fd, "net", O_RDONLY)) == network);
}

static void others_room_is_moved_into(void **state)
{
	(void)state;
	in_child(share);
}

/* The host's own, by mistake or on purpose. */
static void share_the_hosts(void)
{
	struct room_report report;

	need_root();
	expect(room_open(&room) == 0);
	room_share(&room, open("/proc/self/ns/mnt", O_RDONLY), open("/proc/self/ns/net", O_RDONLY));
	report = room_make(&room, 0, BOTH);
	expect(report.error == -EPERM && report.failed == JAIL_MOUNTS && report.missing == 0);
}

static void a_room_that_is_not_empty_is_refused(void **state)
{
	(void)state;
	in_child(share_the_hosts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_processes_live_in_it),
		cmocka_unit_test(the_clone_waits_for_it),
		cmocka_unit_test(a_failure_reaches_both),
		cmocka_unit_test(what_may_be_missing_is_told_to_both),
		cmocka_unit_test(it_takes_power_to_move_in),
		cmocka_unit_test(the_end_of_the_launcher_is_seen),
		cmocka_unit_test(others_room_is_moved_into),
		cmocka_unit_test(a_room_that_is_not_empty_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
