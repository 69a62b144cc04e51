/* SPDX-License-Identifier: MIT */
/*
 * virtio/segments.h - bytes that lie in pieces, in the order of an iovec list.
 *
 * Pure over list and buffer.  An offset counts from the first segment's beginning, whatever the
 * division is; what lies beyond the last segment is left out.
 */
#ifndef VIRTIO_SEGMENTS_H
#define VIRTIO_SEGMENTS_H

#include <stddef.h>
#include <sys/uio.h>

/* Copy [offset, offset + bytes) out of the segments.  Returns how many bytes there were. */
size_t segments_read(const struct iovec *segments, unsigned int count, size_t offset, void *target,
		     size_t bytes);

/* The same in the other direction. */
size_t segments_write(const struct iovec *segments, unsigned int count, size_t offset,
		      const void *source, size_t bytes);

/* The list without its first `bytes`, into `rest`, which has room for `count`.  Returns its length.
 */
unsigned int segments_skip(const struct iovec *segments, unsigned int count, size_t bytes,
			   struct iovec *rest);

#endif
