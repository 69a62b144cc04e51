/* SPDX-License-Identifier: MIT */
/* jail/landlock.c - see landlock.h. */
#include "jail/landlock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct landlock_ruleset_attr as of version 6; the headers of a distribution may be older. */
struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};
static_assert(sizeof(struct ruleset) == 24, "struct landlock_ruleset_attr");

enum {
	FS_VERSION_1 = (1 << 13) - 1, /* LANDLOCK_ACCESS_FS_EXECUTE to _MAKE_SYM */
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15,
	NET_ALL = 1 << 0 | 1 << 1,   /* LANDLOCK_ACCESS_NET_BIND_TCP, _CONNECT_TCP */
	SCOPE_ALL = 1 << 0 | 1 << 1, /* LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET, _SIGNAL */
};

/* A kernel refuses rights that it does not know, and a struct that has more than it knows. */
static size_t all_rights(int version, struct ruleset *ruleset)
{
	size_t bytes = offsetof(struct ruleset, handled_access_net);

	*ruleset = (struct ruleset){.handled_access_fs = FS_VERSION_1};
	if (version >= 2)
		ruleset->handled_access_fs |= FS_REFER;
	if (version >= 3)
		ruleset->handled_access_fs |= FS_TRUNCATE;
	if (version >= 4) {
		ruleset->handled_access_net = NET_ALL;
		bytes = offsetof(struct ruleset, scoped);
	}
	if (version >= 5)
		ruleset->handled_access_fs |= FS_IOCTL_DEV;
	if (version >= 6) {
		ruleset->scoped = SCOPE_ALL;
		bytes = sizeof(*ruleset);
	}
	return bytes;
}

static int prove(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EACCES ? 0 : -EPERM;
}

int landlock_deny_all(void)
{
	struct ruleset ruleset;
	int version =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	size_t bytes = all_rights(version, &ruleset);
	int fd;
	int error;

	if (version < 0)
		return -errno;
	fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, bytes, 0);
	if (fd < 0)
		return -errno;
	error = syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
	close(fd);
	return error ? error : prove();
}
