/* SPDX-License-Identifier: MIT */
/* tests/guests/block_scatter.c - see block_scatter.h. */
#include "tests/guests/block_scatter.h"

#include "tests/guests/lib/string.h"

/* Around the mean, and such that a byte remains for each segment that follows. */
static uint32_t pick_length(struct random *random, uint32_t stream_bytes, uint32_t segments)
{
	uint32_t most = stream_bytes - (segments - 1);
	uint32_t length;

	if (segments == 1)
		return stream_bytes;
	length = 1 + (uint32_t)random_below(random, 2 * stream_bytes / segments - 1);
	return length < most ? length : most;
}

unsigned int scatter_cut(struct random *random, struct virtqueue_segment *segments,
			 unsigned int count, uint8_t *area, uint32_t stream_bytes, uint16_t flags)
{
	unsigned int at;

	if (count > stream_bytes)
		count = stream_bytes;
	for (at = 0; at < count; at++) {
		uint32_t length = pick_length(random, stream_bytes, count - at);

		segments[at] = (struct virtqueue_segment){area, length, flags};
		area += length + random_below(random, SCATTER_GAP_BYTES_MAX);
		stream_bytes -= length;
	}
	return count;
}

void scatter_put(const struct virtqueue_segment *segments, unsigned int count,
		 const uint8_t *stream)
{
	for (unsigned int at = 0; at < count; at++) {
		memcpy((void *)(uint64_t)segments[at].address, stream, segments[at].length);
		stream += segments[at].length;
	}
}

void scatter_get(const struct virtqueue_segment *segments, unsigned int count, uint8_t *stream)
{
	for (unsigned int at = 0; at < count; at++) {
		memcpy(stream, (const void *)(uint64_t)segments[at].address, segments[at].length);
		stream += segments[at].length;
	}
}
