/* SPDX-License-Identifier: MIT */
/*
 * virtio/net_header.h - the header in front of each frame, and what it may ask for.
 *
 * Source of the ABI: virtio 1.2, section 5.1.6.  The header says what is left to do with a frame:
 * a checksum to fill in, a large TCP segment to cut.  Both directions are checked against what was
 * negotiated, and against the frame itself.  Pure.
 *
 * Trust: sent headers come from the guest, and go on into the host's kernel; received ones come
 * from there, but may be of a time when another driver had negotiated something else.
 */
#ifndef VIRTIO_NET_HEADER_H
#define VIRTIO_NET_HEADER_H

#include <stdbool.h>
#include <stdint.h>

enum {
	NET_ETHERNET_BYTES = 14,
	NET_VLAN_TAG_BYTES = 4,
	NET_FRAME_MIN_BYTES = NET_ETHERNET_BYTES,
	/* With a VLAN tag; what segmentation offload allows. */
	NET_FRAME_MAX_BYTES = NET_ETHERNET_BYTES + NET_VLAN_TAG_BYTES + 65535,
};

/* struct virtio_net_hdr, section 5.1.6, as VIRTIO_F_VERSION_1 has it. */
struct net_header {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t header_bytes; /* hdr_len, a hint */
	uint16_t gso_bytes;
	uint16_t checksum_start;
	uint16_t checksum_offset;
	uint16_t buffer_count; /* num_buffers; of received frames only */
};

enum {
	NET_HEADER_NEEDS_CHECKSUM = 1,
	NET_HEADER_DATA_VALID = 2,
	NET_GSO_NONE = 0,
	NET_GSO_TCPV4 = 1,
	NET_GSO_TCPV6 = 4,
};

/* What one direction was negotiated to carry.  Segments without checksums do not exist. */
struct net_offloads {
	bool checksum;
	bool tso4;
	bool tso6;
};

/*
 * Whether a header that the guest sends is right for its frame of `frame_bytes`.  Returns NULL, or
 * in words that never change what is wrong.
 */
const char *net_header_refusal(const struct net_header *header, const struct net_offloads *offloads,
			       uint32_t frame_bytes);

/*
 * Whether the guest can take a received frame with this header.  What it did not negotiate and
 * does not need is taken out.
 */
bool net_header_admit(struct net_header *header, const struct net_offloads *offloads);

#endif
