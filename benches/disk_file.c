/* SPDX-License-Identifier: MIT */
/* benches/disk_file.c - see disk_file.h. */
#include "benches/disk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/param.h>
#include <sys/random.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	FILE_MODE = 0600,
	PIECE_BYTES = 1 << 20,
	PIECE_WORDS = PIECE_BYTES / sizeof(uint64_t),
};

static uint64_t piece[PIECE_WORDS];

/* splitmix64: data that no storage can compress or deduplicate, at the speed of memory. */
static uint64_t next_word(uint64_t *state)
{
	uint64_t word = *state += UINT64_C(0x9e3779b97f4a7c15);

	word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
	return word ^ (word >> 31);
}

static int write_all(int fd, const void *bytes, size_t count)
{
	const char *from = bytes;

	while (count > 0) {
		ssize_t written = write(fd, from, count);

		if (written < 0)
			return -errno;
		from += written;
		count -= (size_t)written;
	}
	return 0;
}

static int fill(int fd, uint64_t size_bytes)
{
	uint64_t state;
	int error = 0;

	if (getrandom(&state, sizeof(state), 0) != sizeof(state))
		return -errno;
	while (error == 0 && size_bytes > 0) {
		size_t count = MIN(size_bytes, sizeof(piece));

		for (size_t at = 0; at < PIECE_WORDS; at++)
			piece[at] = next_word(&state);
		error = write_all(fd, piece, count);
		size_bytes -= count;
	}
	if (error == 0 && fsync(fd) != 0)
		error = -errno;
	return error;
}

int disk_file_make(const char *path, uint64_t size_bytes)
{
	struct statfs file_system;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
	int error;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &file_system) != 0)
		error = -errno;
	else if (file_system.f_type == TMPFS_MAGIC || file_system.f_type == RAMFS_MAGIC)
		error = -ENOTSUP;
	else
		error = fill(fd, size_bytes);
	close(fd);
	return error;
}

static int read_all(int fd)
{
	ssize_t got;

	do {
		got = read(fd, piece, sizeof(piece));
	} while (got > 0);
	return got < 0 ? -errno : 0;
}

int disk_file_warm(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return -errno;
	error = fsync(fd) == 0 ? read_all(fd) : -errno;
	close(fd);
	return error;
}

int disk_file_cool(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return -errno;
	error = fsync(fd) == 0 ? -posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) : -errno;
	close(fd);
	return error;
}
