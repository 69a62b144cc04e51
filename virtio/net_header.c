/* SPDX-License-Identifier: MIT */
/* virtio/net_header.c - see net_header.h. */
#include "virtio/net_header.h"

#include <assert.h>
#include <stddef.h>

static_assert(sizeof(struct net_header) == 12, "virtio 1.2, section 5.1.6");
static_assert(offsetof(struct net_header, header_bytes) == 2, "virtio 1.2, section 5.1.6");
static_assert(offsetof(struct net_header, checksum_start) == 6, "virtio 1.2, section 5.1.6");
static_assert(offsetof(struct net_header, buffer_count) == 10, "virtio 1.2, section 5.1.6");

enum {
	CHECKSUM_BYTES = 2,
};

static bool may_segment(const struct net_offloads *offloads, uint8_t gso_type)
{
	switch (gso_type) {
	case NET_GSO_NONE: return true;
	case NET_GSO_TCPV4: return offloads->checksum && offloads->tso4;
	case NET_GSO_TCPV6: return offloads->checksum && offloads->tso6;
	default: return false;
	}
}

const char *net_header_refusal(const struct net_header *header, const struct net_offloads *offloads,
			       uint32_t frame_bytes)
{
	bool needs_checksum = header->flags & NET_HEADER_NEEDS_CHECKSUM;
	/* 16-bit numbers, of which no sum wraps. */
	uint32_t checksum_end = (uint32_t)header->checksum_start + header->checksum_offset +
				CHECKSUM_BYTES;

	if (header->flags & ~NET_HEADER_NEEDS_CHECKSUM)
		return "a frame with unknown flags";
	if (needs_checksum && !offloads->checksum)
		return "a checksum to fill in that was not negotiated";
	if (needs_checksum && checksum_end > frame_bytes)
		return "a checksum beyond the end of its frame";
	if (header->header_bytes > frame_bytes)
		return "headers beyond the end of their frame";
	if (!may_segment(offloads, header->gso_type))
		return "segmentation that was not negotiated";
	if (header->gso_type != NET_GSO_NONE && !needs_checksum)
		return "segmentation without a checksum to fill in";
	if (header->gso_type != NET_GSO_NONE && header->gso_bytes == 0)
		return "segments of no size";
	return NULL;
}

bool net_header_admit(struct net_header *header, const struct net_offloads *offloads)
{
	/* Without the checksum it is only a packet in part (5.1.6.4.1). */
	if ((header->flags & NET_HEADER_NEEDS_CHECKSUM) && !offloads->checksum)
		return false;
	if (!may_segment(offloads, header->gso_type))
		return false;
	header->flags &= offloads->checksum ? NET_HEADER_NEEDS_CHECKSUM | NET_HEADER_DATA_VALID : 0;
	return true;
}
