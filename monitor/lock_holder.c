/* SPDX-License-Identifier: MIT */
/*
 * monitor/lock_holder.c - see lock_holder.h.
 *
 * The kernel tells the owner of a process's lock to whoever asks, but a lock of an open file
 * description has no owner; /proc/PID/fdinfo/FD shows it where the description is open (proc(5)).
 */
#include "monitor/lock_holder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PROC_PATH_BYTES = 64,
	FDINFO_MAX_BYTES = 4096,
};

/* Read a file under /proc as a string.  Returns whether anything was there. */
static bool read_proc(char *text, size_t text_bytes, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t count;

	if (fd < 0)
		return false;
	count = read(fd, text, text_bytes - 1);
	close(fd);
	text[count > 0 ? count : 0] = '\0';
	return count > 0;
}

static int found(struct lock_holder *holder, pid_t pid)
{
	char path[PROC_PATH_BYTES];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	*holder = (struct lock_holder){.pid = pid};
	if (read_proc(holder->name, sizeof(holder->name), path))
		holder->name[strcspn(holder->name, "\n")] = '\0';
	return 0;
}

/* "lock:\t1: OFDLCK ADVISORY  WRITE ..."; one of flock(2) or a lease forbids nothing here. */
static bool forbids(const char *line, short wanted)
{
	if (strncmp(line, "lock:", strlen("lock:")) != 0)
		return false;
	if (!strstr(line, " OFDLCK ") && !strstr(line, " POSIX "))
		return false;
	return wanted == F_WRLCK || strstr(line, " WRITE ");
}

static bool descriptor_holds(const char *pid, const char *fd, short wanted)
{
	char path[PROC_PATH_BYTES];
	char text[FDINFO_MAX_BYTES];
	char *rest;

	snprintf(path, sizeof(path), "/proc/%.20s/fdinfo/%.20s", pid, fd);
	if (!read_proc(text, sizeof(text), path))
		return false;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (forbids(line, wanted))
			return true;
	return false;
}

static bool process_holds(const char *pid, const struct stat *file, short wanted)
{
	char path[PROC_PATH_BYTES];
	bool holds = false;
	DIR *descriptors;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	descriptors = opendir(path);
	if (!descriptors)
		return false;
	for (struct dirent *entry; !holds && (entry = readdir(descriptors)) != NULL;) {
		struct stat status;

		holds = fstatat(dirfd(descriptors), entry->d_name, &status, 0) == 0 &&
			status.st_dev == file->st_dev && status.st_ino == file->st_ino &&
			descriptor_holds(pid, entry->d_name, wanted);
	}
	closedir(descriptors);
	return holds;
}

/* Whoever asks shares the description where it was handed over, and is not who is meant. */
static bool is_other_process(const char *name)
{
	return isdigit((unsigned char)name[0]) && strtol(name, NULL, 10) != getpid();
}

static int search(struct lock_holder *holder, const struct stat *file, short wanted)
{
	DIR *processes = opendir("/proc");
	pid_t pid = 0;

	if (!processes)
		return -ENOENT;
	for (struct dirent *entry; !pid && (entry = readdir(processes)) != NULL;)
		if (is_other_process(entry->d_name) && process_holds(entry->d_name, file, wanted))
			pid = (pid_t)strtol(entry->d_name, NULL, 10);
	closedir(processes);
	return pid ? found(holder, pid) : -ENOENT;
}

int lock_holder_find(struct lock_holder *holder, int fd, short wanted)
{
	struct flock lock = {.l_type = wanted, .l_whence = SEEK_SET};
	struct stat file;

	if (fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0)
		return found(holder, lock.l_pid);
	if (fstat(fd, &file))
		return -ENOENT;
	return search(holder, &file, wanted);
}
