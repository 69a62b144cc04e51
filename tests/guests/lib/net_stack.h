/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/net_stack.h - as much of IPv4 as a test needs: ARP, ICMP echo, UDP.
 *
 * Sources: RFC 826 and 5227 (ARP), 791 (IPv4), 792 (ICMP), 768 (UDP), 1071 (checksums).
 *
 * One address, from the boot arguments ip=10.0.0.2 mask=24 gw=10.0.0.1.  Fragments and options are
 * not understood: such packets are counted as foreign.  Where the NIC has CSUM, checksums of UDP
 * that go out are left to the device, and those that come in may be.
 *
 * Call order: net_stack_start(); then net_stack_receive() answers ARP and pings on the way to the
 * next datagram, and net_stack_send() adds one.  Nothing leaves before net_publish() of the NIC.
 */
#ifndef GUEST_NET_STACK_H
#define GUEST_NET_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/guests/lib/virtio_net.h"

enum {
	NET_NEIGHBOURS_MAX = 16,
	NET_IPV4_BYTES = 20,
	NET_UDP_BYTES = 8,
	NET_TCP_BYTES = 20,
	NET_PAYLOAD_AT = NET_ETHERNET_BYTES + NET_IPV4_BYTES + NET_UDP_BYTES,
	NET_PROTOCOL_ICMP = 1,
	NET_PROTOCOL_TCP = 6,
	NET_PROTOCOL_UDP = 17,
};

struct net_neighbour {
	uint32_t ip;
	uint8_t address[NET_ADDRESS_BYTES];
};

/* Addresses and ports in the processor's byte order. */
struct net_stack {
	struct net_nic *nic;
	uint32_t ip;
	uint32_t mask;
	uint32_t gateway;
	struct net_neighbour neighbours[NET_NEIGHBOURS_MAX];
	uint32_t next_neighbour;

	uint64_t arp_answered;
	uint64_t pings_answered;
	uint64_t datagrams;
	uint64_t foreign; /* not for this address, or nothing this stack knows */
	uint64_t wrong;   /* a checksum or a length */
};

struct net_datagram {
	uint8_t address[NET_ADDRESS_BYTES]; /* of who sent it, or is to get it */
	uint32_t ip;
	uint16_t port;
	uint16_t own_port;
	const uint8_t *payload; /* of what was received: good until net_release() */
	uint32_t size_bytes;
};

/* Read the boot arguments, and tell everyone whose address this is (announce=0: do not). */
void net_stack_start(struct net_stack *stack, struct net_nic *nic);

/* The next datagram.  Returns false if nothing more has arrived. */
bool net_stack_receive(struct net_stack *stack, struct net_datagram *datagram);

/* Add a datagram, to the MAC address that it names.  Returns false if it is too large. */
bool net_stack_send(struct net_stack *stack, const struct net_datagram *datagram);

/* The MAC address on the way to an IP address; asks for it, for up to two seconds. */
bool net_stack_resolve(struct net_stack *stack, uint32_t ip, uint8_t *address);

/*
 * Write Ethernet and IPv4 headers in front of `payload_bytes` of a protocol.  Returns the
 * length of the frame.
 */
uint32_t net_write_headers(const struct net_stack *stack, uint8_t *frame, const uint8_t *address,
			   uint32_t ip, uint8_t protocol, uint32_t payload_bytes);

/* The sum that goes into a UDP or TCP header which the device completes. */
uint16_t net_pseudo_sum(uint32_t from_ip, uint32_t to_ip, uint8_t protocol, uint32_t size_bytes);

/* "10.0.0.1" as a number; 0 if it is none. */
uint32_t net_parse_ip(const char *text);

static inline uint16_t net_load16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline void net_store16(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

static inline uint32_t net_load32(const uint8_t *bytes)
{
	return (uint32_t)net_load16(bytes) << 16 | net_load16(bytes + 2);
}

static inline void net_store32(uint8_t *bytes, uint32_t value)
{
	net_store16(bytes, value >> 16);
	net_store16(bytes + 2, value);
}

#endif
