/* SPDX-License-Identifier: MIT */
/* jail/namespaces.c - see namespaces.h. */
#include "jail/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MAP_LINE_BYTES = 32, /* two numbers of 32 bits, a count and blanks */
	DECIMAL_BASE = 10,
};

static const struct {
	enum jail_piece piece;
	uint64_t flag;
} rows[] = {
	{JAIL_PIDS, CLONE_NEWPID},       {JAIL_IPC, CLONE_NEWIPC},    {JAIL_HOSTNAME, CLONE_NEWUTS},
	{JAIL_CGROUPS, CLONE_NEWCGROUP}, {JAIL_USERS, CLONE_NEWUSER},
};

uint64_t namespaces_flags(uint32_t pieces)
{
	uint64_t flags = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (pieces & JAIL_PIECE_BIT(rows[i].piece))
			flags |= rows[i].flag;
	return flags;
}

int namespaces_try(uint32_t pieces)
{
	struct clone_args arguments = {.flags = namespaces_flags(pieces), .exit_signal = SIGCHLD};
	pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (child == 0)
		syscall(SYS_exit_group, 0);
	if (child < 0)
		return -errno;
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static int write_file(const char *path, const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, length) != (ssize_t)length)
		error = -errno;
	close(fd);
	return error;
}

/* Write a number backwards, a blank after it; returns where it begins. */
static char *put_number(char *end, uint32_t number)
{
	*--end = ' ';
	do
		*--end = (char)('0' + number % DECIMAL_BASE);
	while (number /= DECIMAL_BASE);
	return end;
}

/* "ID ID 1": inside, outside, how many. */
static int write_map(const char *path, uint32_t id)
{
	char line[MAP_LINE_BYTES];
	char *end = line + sizeof(line);
	char *start = put_number(put_number(put_number(end, 1), id), id);

	return write_file(path, start, (size_t)(end - start));
}

/* The kernel takes a gid map from an ordinary user only after setgroups() is given up. */
int namespaces_map_ids(uid_t uid, gid_t gid)
{
	int error = write_file("/proc/self/setgroups", "deny", strlen("deny"));

	if (!error)
		error = write_map("/proc/self/uid_map", uid);
	if (!error)
		error = write_map("/proc/self/gid_map", gid);
	return error ? error : (getuid() == uid && getgid() == gid ? 0 : -EPERM);
}

int namespaces_forget_hostname(void)
{
	static const char name[] = "mote";

	return sethostname(name, strlen(name)) < 0 || setdomainname("", 0) < 0 ? -errno : 0;
}
