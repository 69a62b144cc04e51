/* SPDX-License-Identifier: MIT */
/* monitor/netns.c - see netns.h. */
#include "monitor/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_netns(const char *netns, struct reason *reason)
{
	char path[PATH_MAX];
	bool is_name = !strchr(netns, '/');
	int fd;

	snprintf(path, sizeof(path), "%s%s", is_name ? "/run/netns/" : "", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT && is_name)
		return reason_set(reason, -errno,
				  "there is no network namespace %.64s; make it: sudo ip netns "
				  "add %.64s",
				  netns, netns);
	return reason_set(reason, -errno, "cannot open %.96s: %s", path, strerror(errno));
}

static int enter(int netns_fd, const char *netns, struct reason *reason)
{
	if (setns(netns_fd, CLONE_NEWNET) == 0)
		return 0;
	if (errno == EPERM)
		return reason_set(reason, -errno,
				  "to enter %.64s takes CAP_SYS_ADMIN; or pass an open tap as "
				  "/dev/fd/N",
				  netns);
	return reason_set(reason, -errno, "%.96s is not a network namespace", netns);
}

int netns_enter(const char *netns, struct reason *reason)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int there;
	int error;

	if (home < 0)
		return reason_set(reason, -errno, "cannot open /proc/self/ns/net: %s",
				  strerror(errno));
	there = open_netns(netns, reason);
	error = there < 0 ? there : enter(there, netns, reason);
	if (there >= 0)
		close(there);
	if (!error)
		return home;
	close(home);
	return error;
}

int netns_leave(int home, struct reason *reason)
{
	int error = setns(home, CLONE_NEWNET) ? -errno : 0;

	close(home);
	if (error)
		return reason_set(reason, error, "cannot come back from the network namespace: %s",
				  strerror(-error));
	return 0;
}
