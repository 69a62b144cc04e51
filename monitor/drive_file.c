/* SPDX-License-Identifier: MIT */
/* monitor/drive_file.c - see drive_file.h. */
#include "monitor/drive_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "monitor/lock_holder.h"
#include "monitor/open_path.h"

enum {
	PATH_SHOWN_MAX_BYTES = 96, /* so that what is wrong with it fits as well */
	LOCK_ATTEMPTS = 50,
	LOCK_PAUSE_NS = 5000000,
};

/* One call of drive_file_open(). */
struct opening {
	const struct drive_file *earlier;
	const struct config_drive *drive;
	unsigned int index;
	struct reason *reason;
};

/* Say what is wrong with the drive, after its key and its path, of which the end tells most. */
__attribute__((format(printf, 3, 4))) static int refuse(const struct opening *opening, int error,
							const char *format, ...)
{
	const char *path = opening->drive->path_on_host;
	size_t path_bytes = strlen(path);
	size_t cut_bytes = path_bytes > PATH_SHOWN_MAX_BYTES ? path_bytes - PATH_SHOWN_MAX_BYTES
							     : 0;
	struct reason what;
	va_list arguments;

	va_start(arguments, format);
	reason_vset(&what, error, format, arguments);
	va_end(arguments);
	return reason_set(opening->reason, error, "drives[%u].path_on_host: %s%s %s",
			  opening->index, cut_bytes ? "..." : "", path + cut_bytes, what.text);
}

static short lock_type(const struct config_drive *drive)
{
	return drive->is_read_only ? F_RDLCK : F_WRLCK;
}

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return "a directory";
	case S_IFCHR: return "a character device";
	case S_IFIFO: return "a FIFO";
	case S_IFSOCK: return "a socket";
	default: return "something else";
	}
}

static int check_kind(const struct opening *opening, mode_t mode)
{
	if (S_ISREG(mode) || S_ISBLK(mode))
		return 0;
	return refuse(opening, -EINVAL, "is %s, not a regular file or a block device",
		      kind_of(mode));
}

/* A device is itself under every name. */
static bool same_file(const struct stat *one, const struct stat *other)
{
	if (S_ISBLK(one->st_mode) && S_ISBLK(other->st_mode))
		return one->st_rdev == other->st_rdev;
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* The drive before this one that has the same file, or this one's index if none has. */
static unsigned int find_twin(const struct opening *opening, const struct stat *file)
{
	struct stat other;

	for (unsigned int i = 0; i < opening->index; i++)
		if (fstat(opening->earlier[i].fd, &other) == 0 && same_file(file, &other))
			return i;
	return opening->index;
}

/* Who has the file that is not to be had?  Says it, and returns whether anybody was found. */
static bool explain_use(const struct opening *opening)
{
	const char *why;
	int fd = open_path(opening->drive->path_on_host, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &why);
	struct lock_holder holder = {.pid = 0};
	struct stat file = {.st_mode = 0};
	unsigned int twin = opening->index;

	if (fd >= 0) {
		if (fstat(fd, &file) == 0)
			twin = find_twin(opening, &file);
		if (twin == opening->index)
			(void)lock_holder_find(&holder, fd, lock_type(opening->drive));
		close(fd);
	}
	if (twin != opening->index)
		refuse(opening, -EBUSY,
		       "is the file of drives[%u].path_on_host, for which this process has "
		       "locked it; both would have to be is_read_only",
		       twin);
	else if (holder.pid)
		refuse(opening, -EBUSY, "is in use by another process (pid %d%s%s)", holder.pid,
		       holder.name[0] ? ", " : "", holder.name);
	else if (S_ISBLK(file.st_mode))
		refuse(opening, -EBUSY,
		       "is in use: mounted here, part of another device, or held by another "
		       "process");
	else
		refuse(opening, -EBUSY, "is in use by another process");
	return twin != opening->index || holder.pid;
}

/* -EBUSY has no words yet. */
static int explain_open(const struct opening *opening, int error)
{
	bool read_only = opening->drive->is_read_only;
	const char *hint = "";

	if (error == EBUSY)
		return -EBUSY;
	if (error == EINVAL && opening->drive->direct)
		return refuse(opening, -error,
			      "is in mote.direct_io, and its file system has no direct I/O");
	if (!read_only && (error == EACCES || error == EROFS || error == EPERM))
		hint = " (is_read_only is false)";
	return refuse(opening, -error, "cannot be opened for reading%s: %s%s",
		      read_only ? "" : " and writing", strerror(error), hint);
}

/*
 * Locks keep no two apart who share a description, as drives do that were given the same one; so
 * that is looked for.  Asked about a lock of this process, the kernel tells of those of
 * descriptions, this one included.
 */
static int check_sharers(const struct opening *opening, int fd)
{
	struct flock lock = {.l_type = lock_type(opening->drive), .l_whence = SEEK_SET};

	return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? -EBUSY : 0;
}

static int adopt_file(const struct opening *opening, struct drive_file *file)
{
	bool read_only = opening->drive->is_read_only;
	const char *why;
	int fd = open_path(opening->drive->path_on_host, read_only ? O_RDONLY : O_RDWR, 0, &why);

	if (fd < 0)
		return refuse(opening, fd, "%s%s", why ? why : strerror(-fd),
			      fd == -EACCES && !read_only ? ", and is_read_only is false" : "");
	file->fd = fd;
	return check_sharers(opening, fd);
}

/* Looked at first by name: to open the wrong kind of device may already do something. */
static int open_file(const struct opening *opening, struct drive_file *file)
{
	const struct config_drive *drive = opening->drive;
	int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (drive->direct ? O_DIRECT : 0);
	struct stat status;
	int error;

	if (stat(drive->path_on_host, &status))
		return explain_open(opening, errno);
	error = check_kind(opening, status.st_mode);
	if (error)
		return error;
	flags |= drive->is_read_only ? O_RDONLY : O_RDWR;
	if (S_ISBLK(status.st_mode) && !drive->is_read_only)
		flags |= O_EXCL;
	file->fd = open(drive->path_on_host, flags);
	return file->fd < 0 ? explain_open(opening, errno) : 0;
}

static int set_lock(int fd, short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &lock) ? -errno : 0;
}

static int lock_file(const struct opening *opening, const struct drive_file *file)
{
	int error = set_lock(file->fd, lock_type(opening->drive));

	if (error == -EAGAIN || error == -EACCES)
		return -EBUSY;
	return error ? refuse(opening, error, "cannot be locked: %s", strerror(-error)) : 0;
}

/* Returns -EBUSY, without words, where somebody has the file. */
static int acquire(const struct opening *opening, struct drive_file *file)
{
	bool is_given = open_path_is_descriptor(opening->drive->path_on_host);
	int error = is_given ? adopt_file(opening, file) : open_file(opening, file);

	if (!error)
		error = lock_file(opening, file);
	if (error)
		drive_file_close(file);
	return error;
}

/*
 * The ring of a VM process that was killed keeps its file for a moment after the process is
 * gone; who starts the next VM at once shall not be told that the disk is in use.
 */
static int acquire_patiently(const struct opening *opening, struct drive_file *file)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
	int error = acquire(opening, file);

	if (error != -EBUSY || explain_use(opening))
		return error;
	for (int attempt = 0; error == -EBUSY && attempt < LOCK_ATTEMPTS; attempt++) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		error = acquire(opening, file);
	}
	if (error == -EBUSY)
		explain_use(opening);
	return error;
}

static int examine_device(struct drive_file *file)
{
	int block_bytes;
	unsigned int physical_bytes;

	if (ioctl(file->fd, BLKGETSIZE64, &file->size_bytes) ||
	    ioctl(file->fd, BLKSSZGET, &block_bytes) ||
	    ioctl(file->fd, BLKPBSZGET, &physical_bytes))
		return -errno;
	file->block_bytes = (uint32_t)block_bytes;
	file->physical_block_bytes = physical_bytes;
	return 0;
}

static int examine_regular(struct drive_file *file, const struct stat *status)
{
	struct statfs system;

	if (fstatfs(file->fd, &system))
		return -errno;
	file->in_memory = system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC ||
			  system.f_type == HUGETLBFS_MAGIC;
	file->size_bytes = (uint64_t)status->st_size;
	file->block_bytes = DRIVE_FILE_SECTOR_BYTES;
	file->physical_block_bytes = status->st_blksize < DRIVE_FILE_BLOCK_MAX_BYTES
					     ? (uint32_t)status->st_blksize
					     : DRIVE_FILE_BLOCK_MAX_BYTES;
	return 0;
}

static uint32_t larger(uint32_t one, uint32_t other)
{
	return one > other ? one : other;
}

/* Buffers on physical blocks are right for every device; the kernel may know of less. */
static int examine_direct(const struct opening *opening, struct drive_file *file)
{
	struct statx status;

	file->buffer_alignment_bytes = larger(file->physical_block_bytes, file->block_bytes);
	if (statx(file->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) ||
	    !(status.stx_mask & STATX_DIOALIGN))
		return 0;
	if (status.stx_dio_offset_align == 0)
		return refuse(opening, -EINVAL,
			      "is in mote.direct_io, and its file system has no direct I/O for it");
	file->buffer_alignment_bytes = larger(status.stx_dio_mem_align, 1);
	file->block_bytes = larger(file->block_bytes, status.stx_dio_offset_align);
	return 0;
}

static bool is_power_of_two(uint32_t number)
{
	return number && (number & (number - 1)) == 0;
}

/* Whole blocks are what the guest gets. */
static int settle_size(const struct opening *opening, struct drive_file *file)
{
	if (!is_power_of_two(file->block_bytes) || file->block_bytes < DRIVE_FILE_SECTOR_BYTES ||
	    file->block_bytes > DRIVE_FILE_BLOCK_MAX_BYTES)
		return refuse(opening, -ENOTSUP, "has blocks of %u bytes, and guests use %d to %d",
			      file->block_bytes, DRIVE_FILE_SECTOR_BYTES,
			      DRIVE_FILE_BLOCK_MAX_BYTES);
	if (!is_power_of_two(file->physical_block_bytes) ||
	    file->physical_block_bytes < file->block_bytes)
		file->physical_block_bytes = file->block_bytes;
	if (file->size_bytes < file->block_bytes)
		return refuse(opening, -EINVAL, "holds no whole block of %u bytes",
			      file->block_bytes);
	file->left_out_bytes = (uint32_t)(file->size_bytes % file->block_bytes);
	file->size_bytes -= file->left_out_bytes;
	return 0;
}

static int examine(const struct opening *opening, struct drive_file *file)
{
	struct stat status;
	int error;

	if (fstat(file->fd, &status))
		return refuse(opening, -errno, "cannot be examined: %s", strerror(errno));
	error = check_kind(opening, status.st_mode);
	if (error)
		return error;
	error = S_ISBLK(status.st_mode) ? examine_device(file) : examine_regular(file, &status);
	/* Non-blocking was for the look at it only: io_uring would fail requests with EAGAIN. */
	if (!error && fcntl(file->fd, F_SETFL, file->is_direct ? O_DIRECT : 0))
		error = -errno;
	if (error == -EINVAL && file->is_direct)
		return explain_open(opening, EINVAL);
	if (error)
		return refuse(opening, error, "cannot be examined: %s", strerror(-error));
	file->buffer_alignment_bytes = 1;
	if (file->is_direct)
		error = examine_direct(opening, file);
	return error ? error : settle_size(opening, file);
}

int drive_file_open(struct drive_file *files, const struct config_drive *drives, unsigned int index,
		    struct reason *reason)
{
	const struct opening opening = {files, &drives[index], index, reason};
	struct drive_file file = {.fd = DRIVE_FILE_NONE, .is_direct = drives[index].direct};
	int error = acquire_patiently(&opening, &file);

	if (error)
		return error;
	error = examine(&opening, &file);
	if (error) {
		drive_file_unlock(&file);
		drive_file_close(&file);
		return error;
	}
	files[index] = file;
	return 0;
}

void drive_file_close(struct drive_file *file)
{
	if (file->fd != DRIVE_FILE_NONE)
		close(file->fd);
	file->fd = DRIVE_FILE_NONE;
}

void drive_file_unlock(const struct drive_file *file)
{
	(void)set_lock(file->fd, F_UNLCK);
}
