/* SPDX-License-Identifier: MIT */
/*
 * benches/disk_file.h - a file that serves as a disk, and the state of its pages.
 *
 * Returns 0 or negative errno.
 */
#ifndef BENCHES_DISK_FILE_H
#define BENCHES_DISK_FILE_H

#include <stdint.h>

/*
 * Make the file, write random data to all of it and bring that to the medium.  -ENOTSUP where
 * the file system lives in memory, because O_DIRECT means nothing there.
 */
int disk_file_make(const char *path, uint64_t size_bytes);

/* Write back what is dirty, then read everything, so that reads find it in the page cache. */
int disk_file_warm(const char *path);

/* Write back what is dirty, then drop the file's pages from the page cache. */
int disk_file_cool(const char *path);

#endif
