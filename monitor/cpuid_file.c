/* SPDX-License-Identifier: MIT */
/* monitor/cpuid_file.c - see cpuid_file.h. */
#include "monitor/cpuid_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "monitor/root_owned.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static_assert(sizeof(struct cpuid_source) ==
		      8 + 2 * 4 + (2 + CPUID_FILE_MODULES) * 8 + CPUID_FILE_BOOT_BYTES,
	      "no padding: it is compared as bytes");

enum {
	FILE_MODE = 0644,
	PATH_BYTES = 64,
};

/* A module that is loaded anew has another inode in sysfs. */
static uint64_t inode_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_ino : 0;
}

static int read_boot(char *boot)
{
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t bytes = fd < 0 ? -1 : read(fd, boot, CPUID_FILE_BOOT_BYTES);

	if (fd >= 0)
		close(fd);
	return bytes > 0 ? 0 : -ENOENT;
}

int cpuid_file_identify(struct cpuid_source *source, int kvm_fd)
{
	struct stat device;

	if (fstat(kvm_fd, &device))
		return -errno;
	*source = (struct cpuid_source){
		.magic = CPUID_FILE_MAGIC,
		.entry_bytes = sizeof(struct kvm_cpuid_entry2),
		.device_number = device.st_rdev,
		.device_inode = device.st_ino,
		.module_inodes = {inode_of("/sys/module/kvm"), inode_of("/sys/module/kvm_intel"),
				  inode_of("/sys/module/kvm_amd"), inode_of("/sys/module/kvm_pvm")},
	};
	return read_boot(source->boot);
}

int cpuid_file_ask(struct cpuid_table *table, int kvm_fd)
{
	table->nent = CPUID_ENTRIES_MAX;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, table) == 0)
		return 0;
	table->nent = 0;
	/* Whatever it is, it is not KVM. */
	return errno == ENOTTY ? -ENODEV : -errno;
}

/* Without waiting, whatever is there. */
static int open_file(int directory_fd)
{
	return root_owned_open(directory_fd, CPUID_FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
			       S_IFREG);
}

/* Whole, from the KVM that is asked, and no more than there is room for. */
static int read_from(struct cpuid_table *table, int file_fd, int kvm_fd)
{
	struct cpuid_source source;
	struct cpuid_source found;
	struct iovec parts[] = {
		{&found, sizeof(found)},
		{table->entries, sizeof(table->entries)},
	};
	ssize_t bytes = readv(file_fd, parts, 2);

	if (bytes < (ssize_t)sizeof(found) || cpuid_file_identify(&source, kvm_fd))
		return -ESTALE;
	source.entry_count = found.entry_count;
	if (memcmp(&source, &found, sizeof(found)) != 0 || found.entry_count > CPUID_ENTRIES_MAX ||
	    (size_t)bytes != sizeof(found) + found.entry_count * sizeof(*table->entries))
		return -ESTALE;
	table->nent = found.entry_count;
	return 0;
}

int cpuid_file_read(struct cpuid_table *table, int directory_fd, int kvm_fd)
{
	int fd = open_file(directory_fd);
	int error = fd < 0 ? fd : read_from(table, fd, kvm_fd);

	if (fd >= 0)
		close(fd);
	return error;
}

bool cpuid_file_exists(int directory_fd)
{
	char magic[sizeof(((struct cpuid_source *)0)->magic)];
	int fd = open_file(directory_fd);
	bool has_magic = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
			 memcmp(magic, CPUID_FILE_MAGIC, sizeof(magic)) == 0;

	if (fd >= 0)
		close(fd);
	return has_magic;
}

int cpuid_file_remove(int directory_fd)
{
	if (!cpuid_file_exists(directory_fd))
		return -ENOENT;
	return unlinkat(directory_fd, CPUID_FILE_NAME, 0) ? -errno : 0;
}

static int write_all(int fd, const void *bytes, size_t count)
{
	return write(fd, bytes, count) == (ssize_t)count ? 0 : -EIO;
}

static int fill(int file_fd, const struct cpuid_table *table, int kvm_fd)
{
	struct cpuid_source source;
	int error = cpuid_file_identify(&source, kvm_fd);

	if (error)
		return error;
	source.entry_count = table->nent;
	error = write_all(file_fd, &source, sizeof(source));
	return error ? error
		     : write_all(file_fd, table->entries, table->nent * sizeof(*table->entries));
}

/* It gets its name when it is whole. */
static int name_file(int file_fd, int directory_fd)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd);
	return linkat(AT_FDCWD, path, directory_fd, CPUID_FILE_NAME, AT_SYMLINK_FOLLOW) ? -errno
											: 0;
}

int cpuid_file_write(const struct cpuid_table *table, int directory_fd, int kvm_fd)
{
	int fd = openat(directory_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, FILE_MODE);
	int error;

	if (fd < 0)
		return -errno;
	error = fill(fd, table, kvm_fd);
	if (!error)
		error = cpuid_file_remove(directory_fd);
	if (!error || error == -ENOENT)
		error = name_file(fd, directory_fd);
	close(fd);
	return error;
}
