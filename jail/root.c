/* SPDX-License-Identifier: MIT */
/* jail/root.c - see root.h. */
#include "jail/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	MOUNT_ATTRIBUTES = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			   MOUNT_ATTR_NOEXEC,
	MOUNT_FLAGS = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC,
};

/* A mount that is nowhere yet.  ramfs, because tmpfs counts what it will never hold. */
static int open_empty_mount(void)
{
	int context = fsopen("ramfs", FSOPEN_CLOEXEC);
	int empty;

	if (context < 0)
		return -errno;
	empty = fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0);
	if (empty == 0)
		empty = fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (empty == 0)
		empty = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTRIBUTES);
	if (empty < 0)
		empty = -errno;
	close(context);
	return empty;
}

/*
 * Make the working directory the root.  pivot_root(".", ".") leaves the old root on top of the
 * new one, where "." still finds it, so that no directory is needed to put it.
 *
 * A host that runs from its initramfs has a root that cannot be moved (EINVAL): there it stays
 * below the new one, out of reach for who has no CAP_SYS_CHROOT and no directory open.
 */
static int change_root(void)
{
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH) < 0 ? -errno : 0;
	if (errno != EINVAL)
		return -errno;
	return chroot(".") < 0 ? -errno : 0;
}

/* Put the mount in the place of all others. */
static int move_into(int empty)
{
	int error;

	if (move_mount(empty, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 || fchdir(empty) < 0)
		return -errno;
	error = change_root();
	if (!error && chdir("/") < 0)
		error = -errno;
	return error;
}

int root_make_empty(void)
{
	int empty;
	int error;

	/* Else what is done below would be done in the host's namespace as well. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	empty = open_empty_mount();
	if (empty < 0)
		return empty;
	error = move_into(empty);
	close(empty);
	return error ? error : root_prove_empty();
}

int root_prove_empty(void)
{
	struct statfs root;

	if (statfs("/", &root) < 0)
		return -errno;
	return root.f_type == RAMFS_MAGIC && (root.f_flags & MOUNT_FLAGS) == MOUNT_FLAGS ? 0
											 : -EPERM;
}
