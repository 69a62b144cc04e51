/* SPDX-License-Identifier: MIT */
/* monitor/doctor_files.c - see doctor_files.h. */
#include "monitor/doctor_files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

int doctor_files_open(const struct doctor_files *files, const char *path, int flags)
{
	char full[PATH_MAX];
	int length = snprintf(full, sizeof(full), "%s%s", files->root, path);
	int fd;

	if (length < 0 || (size_t)length >= sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int doctor_files_read(const struct doctor_files *files, const char *path, char *text, size_t size)
{
	int fd = doctor_files_open(files, path, O_RDONLY);
	ssize_t length;

	if (fd < 0)
		return fd;
	length = read(fd, text, size - 1);
	if (length < 0)
		length = -errno;
	close(fd);
	if (length < 0)
		return (int)length;
	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	text[length] = '\0';
	return 0;
}

FILE *doctor_files_stream(const struct doctor_files *files, const char *path)
{
	int fd = doctor_files_open(files, path, O_RDONLY);
	FILE *stream;

	if (fd < 0)
		return NULL;
	stream = fdopen(fd, "r");
	if (stream == NULL)
		close(fd);
	return stream;
}

DIR *doctor_files_directory(const struct doctor_files *files, const char *path)
{
	int fd = doctor_files_open(files, path, O_RDONLY | O_DIRECTORY);
	DIR *directory;

	if (fd < 0)
		return NULL;
	directory = fdopendir(fd);
	if (directory == NULL)
		close(fd);
	return directory;
}

unsigned long doctor_files_kernel(const struct doctor_files *files)
{
	char release[128];
	unsigned long major;
	char *end;

	if (doctor_files_read(files, "/proc/sys/kernel/osrelease", release, sizeof(release)) != 0)
		return 0;
	major = strtoul(release, &end, 10);
	if (end == release || *end != '.' || major > 999)
		return 0;
	return DOCTOR_KERNEL(major, strtoul(end + 1, NULL, 10) % 1000);
}
