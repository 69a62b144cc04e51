/* SPDX-License-Identifier: MIT */
/*
 * monitor/file_view.h - a file's bytes, read only through bounds checks.
 *
 * The parsers of kernel images get the whole file mapped read-only and copy
 * out the few structures that they need.  Copies rather than pointers: nothing
 * is promised about alignment, and a structure that was checked cannot change
 * afterwards when somebody writes to the file.
 */
#ifndef MONITOR_FILE_VIEW_H
#define MONITOR_FILE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct file_view {
	const uint8_t *bytes;
	size_t length_bytes;
};

/* Whether [offset, offset + length) lies inside the file; sums cannot wrap. */
static inline bool file_view_holds(const struct file_view *file, uint64_t offset, uint64_t length)
{
	return offset <= file->length_bytes && length <= file->length_bytes - offset;
}

/* Copy `length` bytes out: false, with nothing copied, if they are not all there. */
static inline bool file_view_copy(const struct file_view *file, uint64_t offset, void *target,
				  size_t length)
{
	if (!file_view_holds(file, offset, length))
		return false;
	if (length)
		memcpy(target, file->bytes + offset, length);
	return true;
}

/* Whether the file has exactly these bytes there. */
static inline bool file_view_has(const struct file_view *file, uint64_t offset, const void *wanted,
				 size_t length)
{
	return file_view_holds(file, offset, length) &&
	       (length == 0 || memcmp(file->bytes + offset, wanted, length) == 0);
}

#endif
