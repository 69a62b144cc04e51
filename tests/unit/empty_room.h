/* SPDX-License-Identifier: MIT */
/* tests/unit/empty_room.h - a room for all that come, as `mote prepare` leaves one. */
#ifndef TESTS_UNIT_EMPTY_ROOM_H
#define TESTS_UNIT_EMPTY_ROOM_H

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

#include "jail/root.h"
#include "tests/unit/jail_child.h"

/* Kept by the descriptors, with nobody inside. */
static inline void open_empty_room(int *mounts_fd, int *network_fd)
{
	char path[64];
	char byte;
	int ends[2];
	pid_t pid;

	expect(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		expect(unshare(CLONE_NEWNS | CLONE_NEWNET) == 0 && root_make_empty() == 0);
		expect(write(ends[1], "!", 1) == 1);
		pause();
	}
	expect(read(ends[0], &byte, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	*mounts_fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	*network_fd = open(path, O_RDONLY | O_CLOEXEC);
	expect(*mounts_fd >= 0 && *network_fd >= 0);
	kill(pid, SIGKILL);
	wait_for(pid);
}

#endif
