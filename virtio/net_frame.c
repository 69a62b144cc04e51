/* SPDX-License-Identifier: MIT */
/* virtio/net_frame.c - see net_frame.h. */
#include "virtio/net_frame.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static_assert(sizeof(struct net_sent_headers) == 26, "as they lie in a chain");

enum {
	SOURCE_OFFSET = NET_ADDRESS_BYTES, /* in an Ethernet header, behind the destination */
	TYPE_OFFSET = 2 * NET_ADDRESS_BYTES,
	IP_ADDRESS_BYTES = 4,
};

const char *net_frame_refusal(const struct net_sent_headers *headers,
			      const struct net_offloads *offloads,
			      const struct net_settings *settings, uint32_t frame_bytes)
{
	uint32_t mtu_bytes = settings->mtu_bytes ? settings->mtu_bytes : UINT16_MAX;
	uint32_t whole_bytes = NET_ETHERNET_BYTES + NET_VLAN_TAG_BYTES + mtu_bytes;

	if (frame_bytes < NET_FRAME_MIN_BYTES)
		return "a frame without an Ethernet header";
	if (frame_bytes > NET_FRAME_MAX_BYTES)
		return "a frame longer than any can be";
	if (headers->header.gso_type == NET_GSO_NONE && frame_bytes > whole_bytes)
		return "a frame longer than the MTU";
	if (settings->anti_spoof &&
	    memcmp(headers->ethernet + SOURCE_OFFSET, settings->address, NET_ADDRESS_BYTES) != 0)
		return "a frame with the source address of somebody else";
	return net_header_refusal(&headers->header, offloads, frame_bytes);
}

void net_frame_announce(uint8_t frame[NET_ANNOUNCEMENT_BYTES],
			const uint8_t address[NET_ADDRESS_BYTES])
{
	static const uint8_t arp[] = {
		0x80, 0x35,             /* EtherType: reverse ARP */
		0x00, 0x01, 0x08, 0x00, /* Ethernet, IPv4 */
		6,    4,    0x00, 0x03, /* lengths of addresses, request reverse */
	};
	enum {
		SENDER_OFFSET = TYPE_OFFSET + sizeof(arp),
		/* No IP address is known; who asks is whom it asks about. */
		TARGET_OFFSET = SENDER_OFFSET + NET_ADDRESS_BYTES + IP_ADDRESS_BYTES,
	};

	memset(frame, 0, NET_ANNOUNCEMENT_BYTES);
	memset(frame, 0xff, NET_ADDRESS_BYTES);
	memcpy(frame + SOURCE_OFFSET, address, NET_ADDRESS_BYTES);
	memcpy(frame + TYPE_OFFSET, arp, sizeof(arp));
	memcpy(frame + SENDER_OFFSET, address, NET_ADDRESS_BYTES);
	memcpy(frame + TARGET_OFFSET, address, NET_ADDRESS_BYTES);
}
