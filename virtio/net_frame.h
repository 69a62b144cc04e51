/* SPDX-License-Identifier: MIT */
/*
 * virtio/net_frame.h - which frames a NIC lets out, and the one that it sends itself.
 *
 * Pure.  Sources: virtio 1.2, section 5.1.6.2, for what a driver may send; IEEE 802.3 for the
 * Ethernet header; RFC 903 for the announcement.
 */
#ifndef VIRTIO_NET_FRAME_H
#define VIRTIO_NET_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "virtio/net_header.h"

enum {
	NET_ADDRESS_BYTES = 6,
	NET_ANNOUNCEMENT_BYTES = 60, /* the least that a frame may have on a wire */
};

struct net_settings {
	uint8_t address[NET_ADDRESS_BYTES];
	uint16_t mtu_bytes; /* 0: the driver is not told */
	bool anti_spoof;    /* drop frames whose source is another address */
};

/* What decides over a frame, as it lies in front of a chain. */
struct net_sent_headers {
	struct net_header header;
	uint8_t ethernet[NET_ETHERNET_BYTES];
};

/* Why a frame of that length may not go out, in words that never change; or NULL. */
const char *net_frame_refusal(const struct net_sent_headers *headers,
			      const struct net_offloads *offloads,
			      const struct net_settings *settings, uint32_t frame_bytes);

/*
 * A reverse ARP request with the NIC's own address, for everybody: whoever forwards it learns
 * where the address is now.
 */
void net_frame_announce(uint8_t frame[NET_ANNOUNCEMENT_BYTES],
			const uint8_t address[NET_ADDRESS_BYTES]);

#endif
