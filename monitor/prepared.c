/* SPDX-License-Identifier: MIT */
/* monitor/prepared.c - see prepared.h. */
#include "monitor/prepared.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static_assert(sizeof(struct prepared_source) == 8 + 2 * 4 + (2 + PREPARED_MODULES) * 8,
	      "no padding: it is compared as bytes");

/* A module that is loaded anew has another inode in sysfs. */
static uint64_t inode_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_ino : 0;
}

int prepared_identify(struct prepared_source *source, int kvm_fd)
{
	struct stat device;

	if (fstat(kvm_fd, &device))
		return -errno;
	*source = (struct prepared_source){
		.magic = PREPARED_MAGIC,
		.entry_bytes = sizeof(struct kvm_cpuid_entry2),
		.device_number = device.st_rdev,
		.device_inode = device.st_ino,
		.module_inodes = {inode_of("/sys/module/kvm"), inode_of("/sys/module/kvm_intel"),
				  inode_of("/sys/module/kvm_amd"), inode_of("/sys/module/kvm_pvm")},
	};
	return 0;
}

static bool is_roots_alone(int fd, mode_t type)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == type && status.st_uid == 0 &&
	       (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int open_roots(int directory_fd, const char *name, int flags, mode_t type)
{
	int fd = openat(directory_fd, name, flags | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (is_roots_alone(fd, type))
		return fd;
	close(fd);
	return -EPERM;
}

int prepared_open_directory(const char *directory)
{
	return open_roots(AT_FDCWD, directory, O_PATH | O_DIRECTORY, S_IFDIR);
}

/* Without waiting, whatever is there. */
int prepared_open_file(int directory_fd, const char *name)
{
	return open_roots(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, S_IFREG);
}

/*
 * Power over a namespace is power in its user namespace, which is hidden from who is below it.
 * Asked of one of the two, as they were made together and each answer takes microseconds.
 */
static bool may_be_entered(int namespace_fd)
{
	int users_fd = ioctl(namespace_fd, NS_GET_USERNS);

	if (users_fd >= 0)
		close(users_fd);
	return users_fd >= 0;
}

static int open_namespace(int directory_fd, const char *name, int type)
{
	int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 || ioctl(fd, NS_GET_NSTYPE) == type)
		return fd;
	close(fd);
	return PREPARED_NONE;
}

static void open_room(struct prepared *prepared, int directory_fd)
{
	prepared->mounts_fd = open_namespace(directory_fd, PREPARED_MOUNTS, CLONE_NEWNS);
	prepared->network_fd = open_namespace(directory_fd, PREPARED_NETWORK, CLONE_NEWNET);
	if (prepared->mounts_fd < 0 || prepared->network_fd < 0 ||
	    !may_be_entered(prepared->mounts_fd))
		prepared_close(prepared);
}

/* Whole, from the KVM that is asked, and no more than there is room for. */
static void read_cpuid(struct cpuid_table *table, int file_fd, int kvm_fd)
{
	struct prepared_source source;
	struct prepared_source found;
	struct iovec parts[] = {
		{&found, sizeof(found)},
		{table->entries, sizeof(table->entries)},
	};
	ssize_t bytes = readv(file_fd, parts, 2);

	if (bytes < (ssize_t)sizeof(found) || prepared_identify(&source, kvm_fd))
		return;
	source.entry_count = found.entry_count;
	if (memcmp(&source, &found, sizeof(found)) == 0 && found.entry_count <= CPUID_ENTRIES_MAX &&
	    (size_t)bytes == sizeof(found) + found.entry_count * sizeof(*table->entries))
		table->nent = found.entry_count;
}

static void open_cpuid(struct prepared *prepared, int directory_fd, int kvm_fd)
{
	int fd = prepared_open_file(directory_fd, PREPARED_CPUID);

	if (fd < 0)
		return;
	read_cpuid(&prepared->cpuid, fd, kvm_fd);
	close(fd);
}

int prepared_open(struct prepared *prepared, const char *directory, int kvm_fd)
{
	int directory_fd;

	prepared->mounts_fd = PREPARED_NONE;
	prepared->network_fd = PREPARED_NONE;
	prepared->cpuid.nent = 0;
	if (!directory)
		return 0;
	directory_fd = prepared_open_directory(directory);
	if (directory_fd < 0)
		return directory_fd;
	open_room(prepared, directory_fd);
	open_cpuid(prepared, directory_fd, kvm_fd);
	close(directory_fd);
	return 0;
}

void prepared_close(struct prepared *prepared)
{
	if (prepared->mounts_fd >= 0)
		close(prepared->mounts_fd);
	if (prepared->network_fd >= 0)
		close(prepared->network_fd);
	prepared->mounts_fd = PREPARED_NONE;
	prepared->network_fd = PREPARED_NONE;
}
