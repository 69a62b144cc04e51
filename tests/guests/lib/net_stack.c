/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/net_stack.c - see net_stack.h. */
#include "tests/guests/lib/net_stack.h"

#include "tests/guests/lib/boot.h"
#include "tests/guests/lib/clock.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/string.h"

enum {
	TYPE_IPV4 = 0x0800,
	TYPE_ARP = 0x0806,
	ARP_BYTES = 28,
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
	ICMP_BYTES = 8,
	ICMP_ECHO_REPLY = 0,
	ICMP_ECHO = 8,
	IP_VERSION_AND_LENGTH = 0x45,
	IP_DO_NOT_FRAGMENT = 0x4000,
	IP_FRAGMENT_MASK = 0x3fff,
	TIME_TO_LIVE = 64,
	UDP_CHECKSUM_AT = 6,
	RESOLVE_TRIES = 10,
	RESOLVE_TRY_MS = 200,
};

static const uint8_t everyone[NET_ADDRESS_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* One's complement sum, not inverted, of what `sum` already holds and these bytes. */
static uint16_t add_up(const uint8_t *bytes, uint32_t size_bytes, uint32_t sum)
{
	uint32_t at = 0;

	for (; at + 1 < size_bytes; at += 2)
		sum += net_load16(bytes + at);
	if (at < size_bytes)
		sum += (uint32_t)bytes[at] << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t checksum(const uint8_t *bytes, uint32_t size_bytes, uint32_t sum)
{
	return (uint16_t)~add_up(bytes, size_bytes, sum);
}

uint16_t net_pseudo_sum(uint32_t from_ip, uint32_t to_ip, uint8_t protocol, uint32_t size_bytes)
{
	uint8_t header[12] = {0};

	net_store32(header, from_ip);
	net_store32(header + 4, to_ip);
	header[9] = protocol;
	net_store16(header + 10, size_bytes);
	return add_up(header, sizeof(header), 0);
}

uint32_t net_parse_ip(const char *text)
{
	uint32_t ip = 0;

	for (uint32_t part = 0; part < 4; part++) {
		ip = ip << 8 | (uint8_t)string_to_number(text);
		while (*text >= '0' && *text <= '9')
			text++;
		if (part < 3 && *text++ != '.')
			return 0;
	}
	return ip;
}

static uint32_t ip_option(const char *name)
{
	const char *option = boot_option(name);

	return option == NULL ? 0 : net_parse_ip(option);
}

static void write_ethernet(const struct net_stack *stack, uint8_t *frame, const uint8_t *address,
			   uint16_t type)
{
	memcpy(frame, address, NET_ADDRESS_BYTES);
	memcpy(frame + 6, stack->nic->address, NET_ADDRESS_BYTES);
	net_store16(frame + 12, type);
}

/* RFC 826; from this host, about `ip`. */
static void send_arp(struct net_stack *stack, uint16_t operation, const uint8_t *address,
		     uint32_t ip)
{
	static const uint8_t ethernet_and_ipv4[6] = {0, 1, 8, 0, 6, 4};
	struct net_slot *slot = net_slot(stack->nic);
	uint8_t *arp = slot->frame + NET_ETHERNET_BYTES;

	write_ethernet(stack, slot->frame, address, TYPE_ARP);
	memcpy(arp, ethernet_and_ipv4, sizeof(ethernet_and_ipv4));
	net_store16(arp + 6, operation);
	memcpy(arp + 8, stack->nic->address, NET_ADDRESS_BYTES);
	net_store32(arp + 14, stack->ip);
	memset(arp + 18, 0, NET_ADDRESS_BYTES);
	if (operation == ARP_REPLY)
		memcpy(arp + 18, address, NET_ADDRESS_BYTES);
	net_store32(arp + 24, ip);
	net_submit(stack->nic, slot, NET_ETHERNET_BYTES + ARP_BYTES);
}

void net_stack_start(struct net_stack *stack, struct net_nic *nic)
{
	uint64_t mask_bits = boot_number("mask=", 24);

	memset(stack, 0, sizeof(*stack));
	stack->nic = nic;
	stack->ip = ip_option("ip=");
	stack->mask = mask_bits == 0 ? 0 : UINT32_MAX << (32 - mask_bits % 33);
	stack->gateway = ip_option("gw=");
	if (stack->ip != 0 && boot_number("announce=", 1) != 0) {
		send_arp(stack, ARP_REQUEST, everyone, stack->ip);
		net_publish(nic);
	}
}

static struct net_neighbour *find_neighbour(struct net_stack *stack, uint32_t ip)
{
	for (uint32_t at = 0; at < NET_NEIGHBOURS_MAX; at++)
		if (stack->neighbours[at].ip == ip)
			return &stack->neighbours[at];
	return NULL;
}

static void learn(struct net_stack *stack, uint32_t ip, const uint8_t *address)
{
	struct net_neighbour *neighbour = find_neighbour(stack, ip);

	if (ip == 0)
		return;
	if (neighbour == NULL)
		neighbour = &stack->neighbours[stack->next_neighbour++ % NET_NEIGHBOURS_MAX];
	neighbour->ip = ip;
	memcpy(neighbour->address, address, NET_ADDRESS_BYTES);
}

static void take_arp(struct net_stack *stack, const struct net_frame *frame)
{
	const uint8_t *arp = frame->bytes + NET_ETHERNET_BYTES;

	if (frame->size_bytes < NET_ETHERNET_BYTES + ARP_BYTES) {
		stack->wrong++;
		return;
	}
	learn(stack, net_load32(arp + 14), arp + 8);
	if (net_load16(arp + 6) == ARP_REQUEST && net_load32(arp + 24) == stack->ip) {
		send_arp(stack, ARP_REPLY, arp + 8, net_load32(arp + 14));
		stack->arp_answered++;
	}
}

uint32_t net_write_headers(const struct net_stack *stack, uint8_t *frame, const uint8_t *address,
			   uint32_t ip, uint8_t protocol, uint32_t payload_bytes)
{
	uint8_t *packet = frame + NET_ETHERNET_BYTES;

	write_ethernet(stack, frame, address, TYPE_IPV4);
	memset(packet, 0, NET_IPV4_BYTES);
	packet[0] = IP_VERSION_AND_LENGTH;
	net_store16(packet + 2, NET_IPV4_BYTES + payload_bytes);
	net_store16(packet + 6, IP_DO_NOT_FRAGMENT);
	packet[8] = TIME_TO_LIVE;
	packet[9] = protocol;
	net_store32(packet + 12, stack->ip);
	net_store32(packet + 16, ip);
	net_store16(packet + 10, checksum(packet, NET_IPV4_BYTES, 0));
	return NET_ETHERNET_BYTES + NET_IPV4_BYTES + payload_bytes;
}

/* `packet` starts at the IP header and is as long as that says. */
static void take_icmp(struct net_stack *stack, const struct net_frame *frame, uint32_t size_bytes)
{
	const uint8_t *packet = frame->bytes + NET_ETHERNET_BYTES;
	const uint8_t *icmp = packet + NET_IPV4_BYTES;
	uint32_t icmp_bytes = size_bytes - NET_IPV4_BYTES;
	struct net_slot *slot;
	uint8_t *reply;

	if (icmp_bytes < ICMP_BYTES || checksum(icmp, icmp_bytes, 0) != 0 ||
	    NET_ETHERNET_BYTES + size_bytes > stack->nic->frame_max_bytes) {
		stack->wrong++;
		return;
	}
	if (icmp[0] != ICMP_ECHO) {
		stack->foreign++;
		return;
	}
	slot = net_slot(stack->nic);
	net_write_headers(stack, slot->frame, frame->bytes + 6, net_load32(packet + 12),
			  NET_PROTOCOL_ICMP, icmp_bytes);
	reply = slot->frame + NET_ETHERNET_BYTES + NET_IPV4_BYTES;
	memcpy(reply, icmp, icmp_bytes);
	reply[0] = ICMP_ECHO_REPLY;
	net_store16(reply + 2, 0);
	net_store16(reply + 2, checksum(reply, icmp_bytes, 0));
	net_submit(stack->nic, slot, NET_ETHERNET_BYTES + size_bytes);
	stack->pings_answered++;
}

/* A sum that the device vouches for, or has left undone, is not looked at (5.1.6.4.1). */
static bool udp_is_sound(const struct net_frame *frame, const uint8_t *packet, uint32_t udp_bytes)
{
	const uint8_t *udp = packet + NET_IPV4_BYTES;
	uint16_t sum = net_pseudo_sum(net_load32(packet + 12), net_load32(packet + 16),
				      NET_PROTOCOL_UDP, udp_bytes);

	if (udp_bytes < NET_UDP_BYTES || net_load16(udp + 4) != udp_bytes)
		return false;
	if ((frame->header->flags & (NET_HEADER_NEEDS_CHECKSUM | NET_HEADER_DATA_VALID)) != 0)
		return true;
	return net_load16(udp + UDP_CHECKSUM_AT) == 0 || checksum(udp, udp_bytes, sum) == 0;
}

static bool take_udp(struct net_stack *stack, const struct net_frame *frame, uint32_t size_bytes,
		     struct net_datagram *datagram)
{
	const uint8_t *packet = frame->bytes + NET_ETHERNET_BYTES;
	const uint8_t *udp = packet + NET_IPV4_BYTES;

	if (!udp_is_sound(frame, packet, size_bytes - NET_IPV4_BYTES)) {
		stack->wrong++;
		return false;
	}
	memcpy(datagram->address, frame->bytes + 6, NET_ADDRESS_BYTES);
	datagram->ip = net_load32(packet + 12);
	datagram->port = net_load16(udp);
	datagram->own_port = net_load16(udp + 2);
	datagram->payload = udp + NET_UDP_BYTES;
	datagram->size_bytes = size_bytes - NET_IPV4_BYTES - NET_UDP_BYTES;
	stack->datagrams++;
	return true;
}

/* A frame may be longer than its packet, as short ones are padded, but not shorter. */
static bool take_ipv4(struct net_stack *stack, const struct net_frame *frame,
		      struct net_datagram *datagram)
{
	const uint8_t *packet = frame->bytes + NET_ETHERNET_BYTES;
	uint32_t room_bytes = frame->size_bytes - NET_ETHERNET_BYTES;
	uint32_t size_bytes;

	if (room_bytes < NET_IPV4_BYTES || checksum(packet, NET_IPV4_BYTES, 0) != 0) {
		stack->wrong++;
		return false;
	}
	size_bytes = net_load16(packet + 2);
	if (packet[0] != IP_VERSION_AND_LENGTH || net_load32(packet + 16) != stack->ip ||
	    (net_load16(packet + 6) & IP_FRAGMENT_MASK) != 0) {
		stack->foreign++;
		return false;
	}
	if (size_bytes < NET_IPV4_BYTES || size_bytes > room_bytes) {
		stack->wrong++;
		return false;
	}
	if (packet[9] == NET_PROTOCOL_UDP)
		return take_udp(stack, frame, size_bytes, datagram);
	if (packet[9] == NET_PROTOCOL_ICMP)
		take_icmp(stack, frame, size_bytes);
	else
		stack->foreign++;
	return false;
}

static bool take_frame(struct net_stack *stack, const struct net_frame *frame,
		       struct net_datagram *datagram)
{
	if (frame->size_bytes < NET_ETHERNET_BYTES) {
		stack->wrong++;
		return false;
	}
	switch (net_load16(frame->bytes + 12)) {
	case TYPE_ARP: take_arp(stack, frame); return false;
	case TYPE_IPV4: return take_ipv4(stack, frame, datagram);
	default: stack->foreign++; return false;
	}
}

bool net_stack_receive(struct net_stack *stack, struct net_datagram *datagram)
{
	struct net_frame frame;

	while (net_receive(stack->nic, &frame)) {
		if (take_frame(stack, &frame, datagram))
			return true;
		net_release(stack->nic);
	}
	return false;
}

bool net_stack_send(struct net_stack *stack, const struct net_datagram *datagram)
{
	uint32_t udp_bytes = NET_UDP_BYTES + datagram->size_bytes;
	uint16_t sum = net_pseudo_sum(stack->ip, datagram->ip, NET_PROTOCOL_UDP, udp_bytes);
	struct net_slot *slot;
	uint8_t *udp;

	if (NET_PAYLOAD_AT + datagram->size_bytes > stack->nic->frame_max_bytes)
		return false;
	slot = net_slot(stack->nic);
	udp = slot->frame + NET_ETHERNET_BYTES + NET_IPV4_BYTES;
	net_write_headers(stack, slot->frame, datagram->address, datagram->ip, NET_PROTOCOL_UDP,
			  udp_bytes);
	net_store16(udp, datagram->own_port);
	net_store16(udp + 2, datagram->port);
	net_store16(udp + 4, udp_bytes);
	memcpy(udp + NET_UDP_BYTES, datagram->payload, datagram->size_bytes);
	if (net_has(stack->nic, NET_F_CSUM)) {
		net_store16(udp + UDP_CHECKSUM_AT, sum);
		slot->header.flags = NET_HEADER_NEEDS_CHECKSUM;
		slot->header.checksum_start = NET_ETHERNET_BYTES + NET_IPV4_BYTES;
		slot->header.checksum_offset = UDP_CHECKSUM_AT;
	} else {
		net_store16(udp + UDP_CHECKSUM_AT, 0);
		sum = checksum(udp, udp_bytes, sum);
		net_store16(udp + UDP_CHECKSUM_AT, sum == 0 ? 0xffff : sum);
	}
	return net_submit(stack->nic, slot, NET_PAYLOAD_AT + datagram->size_bytes);
}

bool net_stack_resolve(struct net_stack *stack, uint32_t ip, uint8_t *address)
{
	uint32_t next = ((ip ^ stack->ip) & stack->mask) == 0 ? ip : stack->gateway;
	struct net_neighbour *neighbour = find_neighbour(stack, next);
	struct net_datagram datagram;

	for (uint32_t try = 0; neighbour == NULL && try < RESOLVE_TRIES; try++) {
		uint64_t end = tsc_read() + clock_ns_to_ticks(RESOLVE_TRY_MS * UINT64_C(1000000));

		send_arp(stack, ARP_REQUEST, everyone, next);
		net_publish(stack->nic);
		while (neighbour == NULL && net_wait_until(stack->nic, end)) {
			while (net_stack_receive(stack, &datagram))
				net_release(stack->nic);
			net_publish(stack->nic);
			neighbour = find_neighbour(stack, next);
		}
	}
	if (neighbour == NULL)
		return false;
	memcpy(address, neighbour->address, NET_ADDRESS_BYTES);
	return true;
}
