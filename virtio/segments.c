/* SPDX-License-Identifier: MIT */
/* virtio/segments.c - see segments.h. */
#include "virtio/segments.h"

#include <stdint.h>
#include <string.h>

static size_t smaller(size_t one, size_t other)
{
	return one < other ? one : other;
}

size_t segments_read(const struct iovec *segments, unsigned int count, size_t offset, void *target,
		     size_t bytes)
{
	uint8_t *place = target;
	size_t done = 0;

	for (unsigned int i = 0; i < count && done < bytes; i++) {
		size_t skipped = smaller(offset, segments[i].iov_len);
		size_t length = smaller(segments[i].iov_len - skipped, bytes - done);

		offset -= skipped;
		memcpy(place + done, (const uint8_t *)segments[i].iov_base + skipped, length);
		done += length;
	}
	return done;
}

size_t segments_write(const struct iovec *segments, unsigned int count, size_t offset,
		      const void *source, size_t bytes)
{
	const uint8_t *place = source;
	size_t done = 0;

	for (unsigned int i = 0; i < count && done < bytes; i++) {
		size_t skipped = smaller(offset, segments[i].iov_len);
		size_t length = smaller(segments[i].iov_len - skipped, bytes - done);

		offset -= skipped;
		memcpy((uint8_t *)segments[i].iov_base + skipped, place + done, length);
		done += length;
	}
	return done;
}

unsigned int segments_skip(const struct iovec *segments, unsigned int count, size_t bytes,
			   struct iovec *rest)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < count; i++) {
		size_t skipped = smaller(bytes, segments[i].iov_len);

		bytes -= skipped;
		if (skipped < segments[i].iov_len)
			rest[kept++] = (struct iovec){
				.iov_base = (uint8_t *)segments[i].iov_base + skipped,
				.iov_len = segments[i].iov_len - skipped,
			};
	}
	return kept;
}
