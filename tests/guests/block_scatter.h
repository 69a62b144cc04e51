/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/block_scatter.h - one stream of bytes as many segments.
 *
 * A stream is cut anywhere, into parts of any length from 1 byte on, which lie in an area of
 * memory with gaps in between.
 */
#ifndef GUEST_BLOCK_SCATTER_H
#define GUEST_BLOCK_SCATTER_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/guests/lib/random.h"
#include "tests/guests/lib/virtio.h"

enum {
	SCATTER_GAP_BYTES_MAX = 64,
};

/* What an area must hold for a stream of so many bytes in so many segments. */
#define SCATTER_AREA_BYTES(stream_bytes, segments) \
	((stream_bytes) + (segments)*SCATTER_GAP_BYTES_MAX)

/*
 * Make up to `count` segments with these flags; fewer if there are fewer bytes.  Returns how
 * many there are.
 */
unsigned int scatter_cut(struct random *random, struct virtqueue_segment *segments,
			 unsigned int count, uint8_t *area, uint32_t stream_bytes, uint16_t flags);

/* Copy a stream into its segments, or out of them. */
void scatter_put(const struct virtqueue_segment *segments, unsigned int count,
		 const uint8_t *stream);
void scatter_get(const struct virtqueue_segment *segments, unsigned int count, uint8_t *stream);

#endif
