/* SPDX-License-Identifier: MIT */
/* monitor/prepare.c - see prepare.h. */
#include "monitor/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/root.h"
#include "monitor/log.h"
#include "monitor/outcome.h"
#include "monitor/prepared.h"

enum {
	DIRECTORY_MODE = 0755,
	FILE_MODE = 0644,
	PATH_BYTES = 64,
};

/* Where the directory is, while things are put into it. */
struct place {
	const char *directory;
	int fd;
};

static int failed(const char *what, const char *name, int error)
{
	log_error("prepare: %s %s: %s", what, name, strerror(-error));
	return error;
}

/* No other mount is mote's to remove. */
static bool is_ours(const char *directory)
{
	char magic[sizeof(((struct prepared_source *)0)->magic)];
	int directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(directory_fd, PREPARED_CPUID, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool has_magic = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
			 memcmp(magic, PREPARED_MAGIC, sizeof(magic)) == 0;

	if (fd >= 0)
		close(fd);
	if (directory_fd >= 0)
		close(directory_fd);
	return has_magic;
}

/* Whatever else is there stays and is an error: a directory with files, another mount. */
static int remove_old(const char *directory)
{
	if (is_ours(directory) && umount2(directory, MNT_DETACH | UMOUNT_NOFOLLOW))
		return failed("cannot unmount", directory, -errno);
	if (rmdir(directory) && errno != ENOENT)
		return failed("cannot remove", directory, -errno);
	return 0;
}

/* Private, as a mount namespace cannot be kept by a mount that is passed on to others. */
static int mount_directory(const char *directory)
{
	if (mkdir(directory, DIRECTORY_MODE))
		return failed("cannot make", directory, -errno);
	if (mount("mote", directory, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0755,size=64k") ||
	    mount(NULL, directory, NULL, MS_PRIVATE, NULL))
		return failed("cannot mount a tmpfs on", directory, -errno);
	return 0;
}

static int write_answer(int file_fd, int kvm_fd)
{
	static struct cpuid_table table = {.nent = CPUID_ENTRIES_MAX};
	struct prepared_source source;
	struct iovec parts[2] = {{&source, sizeof(source)}, {table.entries, 0}};
	int error;

	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, &table) < 0)
		return -errno;
	error = prepared_identify(&source, kvm_fd);
	if (error)
		return error;
	source.entry_count = table.nent;
	parts[1].iov_len = table.nent * sizeof(*table.entries);
	if (writev(file_fd, parts, 2) != (ssize_t)(sizeof(source) + parts[1].iov_len))
		return -EIO;
	return 0;
}

static int keep_cpuid(const struct place *place)
{
	int kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int error = kvm_fd < 0 ? -errno : 0;
	int file_fd;

	if (error)
		return failed("cannot open", "/dev/kvm", error);
	file_fd = openat(place->fd, PREPARED_CPUID, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			 FILE_MODE);
	error = file_fd < 0 ? -errno : write_answer(file_fd, kvm_fd);
	if (file_fd >= 0)
		close(file_fd);
	close(kvm_fd);
	return error ? failed("cannot keep what KVM answers in", PREPARED_CPUID, error) : 0;
}

static int keep_namespace(const struct place *place, pid_t pid, const char *kind, const char *name)
{
	char from[PATH_BYTES];
	char to[PATH_BYTES];
	int fd = openat(place->fd, name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	int error = fd < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	snprintf(from, sizeof(from), "/proc/%d/ns/%s", (int)pid, kind);
	snprintf(to, sizeof(to), "/proc/self/fd/%d/%s", place->fd, name);
	if (!error && mount(from, to, NULL, MS_BIND, NULL))
		error = -errno;
	return error ? failed("cannot keep a namespace as", name, error) : 0;
}

/* Empty namespaces, held by a process for as long as somebody reads from it. */
static void hold_room(int told_fd) __attribute__((noreturn));
static void hold_room(int told_fd)
{
	int error = unshare(CLONE_NEWNS | CLONE_NEWNET) ? -errno : root_make_empty();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write(told_fd, &error, sizeof(error)) != sizeof(error))
		_exit(1);
	for (;;)
		pause();
}

static int keep_room_of(const struct place *place, pid_t holder, int tell_fd)
{
	int error;

	if (read(tell_fd, &error, sizeof(error)) != sizeof(error))
		error = -EIO;
	if (error)
		return failed("cannot make", "empty namespaces", error);
	error = keep_namespace(place, holder, "mnt", PREPARED_MOUNTS);
	return error ? error : keep_namespace(place, holder, "net", PREPARED_NETWORK);
}

static int keep_room(const struct place *place)
{
	int ends[2];
	pid_t holder;
	int error;

	if (pipe2(ends, O_CLOEXEC))
		return failed("cannot make", "a pipe", -errno);
	holder = fork();
	if (holder == 0)
		hold_room(ends[1]);
	close(ends[1]);
	error = holder < 0 ? failed("cannot start", "a process", -errno)
			   : keep_room_of(place, holder, ends[0]);
	close(ends[0]);
	if (holder > 0) {
		kill(holder, SIGKILL);
		waitpid(holder, NULL, 0);
	}
	return error;
}

static int fill(const char *directory)
{
	struct place place = {directory, open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC)};
	int error;

	if (place.fd < 0)
		return failed("cannot open", directory, -errno);
	error = keep_cpuid(&place);
	if (!error)
		error = keep_room(&place);
	close(place.fd);
	return error;
}

static int make_new(const char *directory)
{
	int error;

	umask(S_IWGRP | S_IWOTH);
	error = mount_directory(directory);
	if (error)
		return error;
	error = fill(directory);
	if (error)
		remove_old(directory);
	return error;
}

int prepare_command(const char *directory, bool undo)
{
	int error;

	if (!directory)
		directory = PREPARED_DIRECTORY;
	if (geteuid() != 0) {
		log_error("prepare: only root can prepare this host");
		return OUTCOME_STATUS_HOST;
	}
	error = remove_old(directory);
	if (!error && !undo)
		error = make_new(directory);
	return error ? OUTCOME_STATUS_HOST : 0;
}
