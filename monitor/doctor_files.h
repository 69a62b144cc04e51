/* SPDX-License-Identifier: MIT */
/*
 * monitor/doctor_files.h - the host's files, below a prefix.
 *
 * Everything doctor knows from /proc, /sys and /dev it reads through here, so a test
 * can point a check at a made-up host.  Paths are absolute and the root goes in front.
 */
#ifndef MONITOR_DOCTOR_FILES_H
#define MONITOR_DOCTOR_FILES_H

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>

struct doctor_files {
	const char *root; /* "" is the host itself */
};

/*
 * The text of a small file without the white space at its end; what does not fit is
 * cut.  Returns 0 or a negative errno.
 */
int doctor_files_read(const struct doctor_files *files, const char *path, char *text, size_t size);

/* Opens without waiting, whatever the path turns out to be.  A descriptor or a negative errno. */
int doctor_files_open(const struct doctor_files *files, const char *path, int flags);

/* For files of any length, and for folders.  NULL if there is none; the caller closes. */
FILE *doctor_files_stream(const struct doctor_files *files, const char *path);
DIR *doctor_files_directory(const struct doctor_files *files, const char *path);

/* Version as DOCTOR_KERNEL(major, minor), or 0 if it cannot be told. */
#define DOCTOR_KERNEL(major, minor) ((unsigned long)(major)*1000 + (minor))
unsigned long doctor_files_kernel(const struct doctor_files *files);

#endif
