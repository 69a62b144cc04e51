/* SPDX-License-Identifier: MIT */
/*
 * monitor/drive_file.h - the file or block device behind one entry of "drives".
 *
 * Opened once, locked for as long as a descriptor of it is open, and asked for all that
 * a virtual disk needs to know; below, no path is known any more.
 *
 * The lock is one of the open file description (fcntl(2), F_OFD_SETLK) on the whole file, so a
 * VM process that inherits the descriptor holds it too: for writing, or for reading where
 * is_read_only is true.  A block device that is not read-only is claimed (O_EXCL) as
 * well, which the host refuses while it is mounted.
 *
 * Ownership: the caller's, until drive_file_close().
 * Errors: 0 or negative errno; the reason names key and path.
 */
#ifndef MONITOR_DRIVE_FILE_H
#define MONITOR_DRIVE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "monitor/config.h"
#include "monitor/reason.h"

enum {
	DRIVE_FILE_NONE = -1,
	DRIVE_FILE_SECTOR_BYTES = 512,
	DRIVE_FILE_BLOCK_MAX_BYTES = 4096, /* more than a page, and no guest takes it */
};

struct drive_file {
	int fd;
	uint64_t size_bytes;     /* whole logical blocks, at least one */
	uint32_t left_out_bytes; /* at the end, less than a block */
	uint32_t block_bytes;    /* logical; powers of two, as all of these */
	uint32_t physical_block_bytes;
	uint32_t buffer_alignment_bytes; /* 1 without direct I/O */
	bool in_memory;                  /* on tmpfs, ramfs or hugetlbfs */
	bool is_direct;
};

/*
 * Open drives[index] into files[index].  All before it are open: a file that is
 * refused because one of them has locked it is told apart from one in use elsewhere.
 */
int drive_file_open(struct drive_file *files, const struct config_drive *drives, unsigned int index,
		    struct reason *reason);

/*
 * Let go of the lock, for all processes that have this descriptor: once the VM process is reaped,
 * so that who starts the next VM at once finds the disk free, whatever the kernel still has to
 * tidy up; and whenever there will be no VM, since a description that was handed over stays open.
 * Accepts one that is not open.
 */
void drive_file_unlock(const struct drive_file *file);

/* Accepts one that is not open. */
void drive_file_close(struct drive_file *file);

#endif
