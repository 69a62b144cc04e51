/* SPDX-License-Identifier: MIT */
/* monitor/prepared.c - see prepared.h. */
#include "monitor/prepared.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/cpuid_file.h"
#include "monitor/root_owned.h"

int prepared_open_directory(const char *directory)
{
	return root_owned_open(AT_FDCWD, directory, O_PATH | O_DIRECTORY, S_IFDIR);
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
	cpuid_file_read(&prepared->cpuid, directory_fd, kvm_fd);
	close(directory_fd);
	return 0;
}

static bool is_ours(const char *name)
{
	static const char *const ours[] = {".", "..", CPUID_FILE_NAME, PREPARED_MOUNTS,
					   PREPARED_NETWORK};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	return false;
}

/* Not a directory that serves another purpose, named by mistake. */
static bool has_nothing_else(int directory_fd)
{
	int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry = NULL;

	if (!directory) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	do
		entry = readdir(directory);
	while (entry && is_ours(entry->d_name));
	closedir(directory);
	return !entry;
}

static void keep_in(struct prepared *prepared, int directory_fd, int kvm_fd)
{
	if (faccessat(directory_fd, ".", W_OK, 0) == 0 && has_nothing_else(directory_fd) &&
	    cpuid_file_ask(&prepared->cpuid, kvm_fd) == 0)
		cpuid_file_write(&prepared->cpuid, directory_fd, kvm_fd);
}

void prepared_keep_cpuid(struct prepared *prepared, const char *directory, int kvm_fd)
{
	mode_t mask;
	int directory_fd;

	if (geteuid() != 0)
		return;
	/* For ordinary users' starts too, whatever root keeps from them elsewhere. */
	mask = umask(S_IWGRP | S_IWOTH);
	if (strcmp(directory, PREPARED_DIRECTORY) == 0)
		mkdir(directory, PREPARED_DIRECTORY_MODE);
	directory_fd = prepared_open_directory(directory);
	if (directory_fd >= 0) {
		keep_in(prepared, directory_fd, kvm_fd);
		close(directory_fd);
	}
	umask(mask);
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
