/* SPDX-License-Identifier: MIT */
/* monitor/prepare.c - see prepare.h.  Read make_new() first. */
#include "monitor/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "jail/root.h"
#include "monitor/cpuid_file.h"
#include "monitor/log.h"
#include "monitor/outcome.h"
#include "monitor/prepared.h"

#define DIRECTORY_MODE_TEXT "0755"

enum {
	NAME_MODE = 0644,
	PATH_BYTES = 64,
	ANY_CPU = CPU_SETSIZE,
	DIRECTORY_TRIES = 8,
	TURN_TRIES = 50,
	TURN_TRY_NS = 100000000,
	MOUNT_ATTRIBUTES = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
};

/* What has to exist before anything is put into the host's tree. */
struct parts {
	int kvm_fd;
	struct cpuid_table cpuid;
	int mounts_fd;
	int network_fd;
	int room_error;
	size_t cpu; /* to make the room on, or ANY_CPU */
};

static int failed(const char *what, const char *name, int error)
{
	log_error("prepare: %s %s: %s", what, name, strerror(-error));
	return error;
}

/* --- The parts --- */

/* The device stays open: which one has answered is looked at when the answer is written. */
static int ask_kvm(struct parts *parts)
{
	int error;

	parts->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	error = parts->kvm_fd < 0 ? -errno : cpuid_file_ask(&parts->cpuid, parts->kvm_fd);
	return error ? failed("cannot ask", "/dev/kvm", error) : 0;
}

/* Both, or an error; what is open then ends with the process. */
static int open_new_namespaces(struct parts *parts, int names_fd)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET))
		return -errno;
	parts->mounts_fd = openat(names_fd, "mnt", O_RDONLY | O_CLOEXEC);
	parts->network_fd = openat(names_fd, "net", O_RDONLY | O_CLOEXEC);
	return parts->mounts_fd < 0 || parts->network_fd < 0 ? -errno : root_make_empty();
}

static int stay_on(size_t cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one) ? -errno : 0;
}

/* A thread has namespaces and a root of its own, but descriptors together with all others. */
static void *make_namespaces(void *argument)
{
	struct parts *parts = argument;
	/* Not by number: /proc may be that of another pid namespace. */
	int names_fd = open("/proc/thread-self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);

	parts->room_error = names_fd < 0 ? -errno : 0;
	if (!parts->room_error && parts->cpu != ANY_CPU)
		parts->room_error = stay_on(parts->cpu);
	if (!parts->room_error)
		parts->room_error = open_new_namespaces(parts, names_fd);
	if (names_fd >= 0)
		close(names_fd);
	return NULL;
}

static int make_room(struct parts *parts, size_t cpu)
{
	pthread_t thread;
	int error;

	parts->cpu = cpu;
	error = -pthread_create(&thread, NULL, make_namespaces, parts);
	if (error)
		return error;
	pthread_join(thread, NULL);
	return parts->room_error;
}

/* --- The directory --- */

static bool is_mount(int directory_fd)
{
	struct statx status;

	return statx(directory_fd, "", AT_EMPTY_PATH, 0, &status) == 0 &&
	       status.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

static bool has_name(int directory_fd, const char *name)
{
	return faccessat(directory_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* No other mount is mote's to remove, not even one where a start has kept KVM's answer. */
static bool is_room(int directory_fd)
{
	return is_mount(directory_fd) && cpuid_file_exists(directory_fd) &&
	       has_name(directory_fd, PREPARED_MOUNTS) && has_name(directory_fd, PREPARED_NETWORK);
}

/* Of what was looked at, whatever its name leads to now. */
static int unmount(int directory_fd)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", directory_fd);
	return umount2(path, MNT_DETACH) ? -errno : 0;
}

static int unmount_room(const char *directory)
{
	int fd = prepared_open_directory(directory);
	int error = fd >= 0 && is_room(fd) ? unmount(fd) : 0;

	if (fd >= 0)
		close(fd);
	return error;
}

static int remove_answer(const char *directory)
{
	int fd = prepared_open_directory(directory);
	int error = fd < 0 ? fd : cpuid_file_remove(fd);

	if (fd >= 0)
		close(fd);
	return error;
}

/* A start may keep an answer there between one look and the next. */
static int remove_directory(const char *directory)
{
	int error;

	do
		error = rmdir(directory) ? -errno : 0;
	while (error == -ENOTEMPTY && remove_answer(directory) == 0);
	return error == -ENOENT ? 0 : error;
}

/* Whatever else is there stays and is an error: a directory with files, another mount. */
static int remove_old(const char *directory)
{
	int error = unmount_room(directory);

	if (error)
		return failed("cannot unmount", directory, error);
	error = remove_directory(directory);
	return error ? failed("cannot remove", directory, error) : 0;
}

static int set(int context, const char *key, const char *value)
{
	return fsconfig(context, FSCONFIG_SET_STRING, key, value, 0);
}

static int open_tmpfs(void)
{
	int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int fd;

	if (context < 0)
		return -errno;
	if (set(context, "source", "mote") || set(context, "mode", DIRECTORY_MODE_TEXT) ||
	    set(context, "size", "64k") || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = -errno;
	else
		fd = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTRIBUTES);
	if (fd == -1)
		fd = -errno;
	close(context);
	return fd;
}

static int make_name(int directory_fd, const char *name)
{
	int fd = openat(directory_fd, name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, NAME_MODE);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int keep_namespace(int directory_fd, int namespace_fd, const char *name)
{
	char from[PATH_BYTES];
	char to[PATH_BYTES];

	snprintf(from, sizeof(from), "/proc/self/fd/%d", namespace_fd);
	snprintf(to, sizeof(to), "/proc/self/fd/%d/%s", directory_fd, name);
	return mount(from, to, NULL, MS_BIND, NULL) ? -errno : 0;
}

static int make_room_anew(struct parts *parts, size_t cpu)
{
	close(parts->mounts_fd);
	close(parts->network_fd);
	parts->mounts_fd = PREPARED_NONE;
	parts->network_fd = PREPARED_NONE;
	return make_room(parts, cpu);
}

/*
 * A mount namespace can be kept only in one that is older.  What is older goes by numbers, of which
 * each CPU has a stock of its own (Linux 6.18): where a new one has the lower number, EINVAL, one
 * that is made on another CPU will do.
 */
static int keep_mounts(struct parts *parts, int directory_fd)
{
	int error = keep_namespace(directory_fd, parts->mounts_fd, PREPARED_MOUNTS);

	/* How many there are is not asked: some C libraries tell of those that mote may run on. */
	for (size_t cpu = 0; error == -EINVAL && cpu < ANY_CPU; cpu++)
		if (make_room_anew(parts, cpu) == 0)
			error = keep_namespace(directory_fd, parts->mounts_fd, PREPARED_MOUNTS);
	return error;
}

/* Private first, as a mount namespace cannot be kept by a mount that is passed on to others. */
static int keep_room(struct parts *parts, int directory_fd)
{
	char path[PATH_BYTES];
	int error;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", directory_fd);
	if (mount(NULL, path, NULL, MS_PRIVATE, NULL))
		return -errno;
	error = keep_mounts(parts, directory_fd);
	return error ? error : keep_namespace(directory_fd, parts->network_fd, PREPARED_NETWORK);
}

static int attach(const char *directory, struct parts *parts, int tmpfs_fd)
{
	int error;

	if (move_mount(tmpfs_fd, "", AT_FDCWD, directory, MOVE_MOUNT_F_EMPTY_PATH))
		return -errno;
	error = keep_room(parts, tmpfs_fd);
	if (error)
		unmount(tmpfs_fd);
	return error;
}

static int write_names(const struct parts *parts, int directory_fd)
{
	int error = cpuid_file_write(&parts->cpuid, directory_fd, parts->kvm_fd);

	if (!error)
		error = make_name(directory_fd, PREPARED_MOUNTS);
	return error ? error : make_name(directory_fd, PREPARED_NETWORK);
}

/* All names are in it before it can be seen: a tmpfs without them could be anybody's. */
static int fill(const char *directory, struct parts *parts)
{
	int tmpfs_fd = open_tmpfs();
	int error = tmpfs_fd < 0 ? tmpfs_fd : write_names(parts, tmpfs_fd);

	if (!error)
		error = attach(directory, parts, tmpfs_fd);
	if (tmpfs_fd >= 0)
		close(tmpfs_fd);
	return error;
}

/* It is there again if a start has made it meanwhile. */
static int make_directory(const char *directory)
{
	int error = -EEXIST;

	for (int i = 0; error == -EEXIST && i < DIRECTORY_TRIES; i++) {
		error = remove_directory(directory);
		if (!error && mkdir(directory, PREPARED_DIRECTORY_MODE))
			error = -errno;
	}
	return error;
}

static int put(const char *directory, struct parts *parts)
{
	int error;

	error = make_directory(directory);
	if (error)
		return failed("cannot make", directory, error);
	error = fill(directory, parts);
	if (!error)
		return 0;
	remove_directory(directory);
	return failed("cannot mount on", directory, error);
}

/* What is there stays until all that takes its place exists. */
static int make_new(const char *directory)
{
	static struct parts parts;
	int error = ask_kvm(&parts);

	if (error)
		return error;
	error = make_room(&parts, ANY_CPU);
	if (error)
		return failed("cannot make", "empty namespaces", error);
	error = remove_old(directory);
	return error ? error : put(directory, &parts);
}

/* --- The command --- */

/*
 * One at a time in this mount namespace.  Who holds the lock for longer than this takes is not
 * another `mote prepare`, and cannot keep anybody from it.
 */
static void take_turn(void)
{
	static const struct timespec pause = {.tv_nsec = TURN_TRY_NS};
	int fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);

	for (int i = 0; fd >= 0 && i < TURN_TRIES && flock(fd, LOCK_EX | LOCK_NB); i++)
		nanosleep(&pause, NULL);
}

/* As services and containers have them: no mistake, but seldom what was meant. */
static void warn_of_own_mounts(const char *directory)
{
	struct stat first;
	struct stat own;

	if (stat("/proc/1/ns/mnt", &first) == 0 && stat("/proc/self/ns/mnt", &own) == 0 &&
	    first.st_ino != own.st_ino)
		log_warning("prepare: %s is prepared for this mount namespace alone, which is not "
			    "that of process 1",
			    directory);
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
	umask(S_IWGRP | S_IWOTH);
	take_turn();
	error = undo ? remove_old(directory) : make_new(directory);
	if (error)
		return OUTCOME_STATUS_HOST;
	if (!undo)
		warn_of_own_mounts(directory);
	return 0;
}
