/* SPDX-License-Identifier: MIT */
/* benches/net_traffic.c - see net_traffic.h. */
#include "benches/net_traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	PORT_ECHO = 7,
	PORT_GUEST = 4000,
	SMALL_FRAME_BYTES = 64,
	LARGE_FRAME_BYTES = 65535, /* a device takes none whole that is larger */
	SEGMENT_BYTES = TAP_LINK_MTU_BYTES - sizeof(struct iphdr) - sizeof(struct tcphdr),
	AT_ONCE = 64, /* small frames of one system call */
	LOOK_US = 20000,
	REST_NS = 200000,
	SOCKET_BUFFER_BYTES = 8 << 20,
	TIME_TO_LIVE = 64,
};

/* As a packet socket with PACKET_VNET_HDR takes it. */
struct frame {
	struct virtio_net_hdr header;
	struct ether_header ethernet;
	struct iphdr ip;
	union {
		struct udphdr udp;
		struct tcphdr tcp;
	};
	uint8_t payload[];
} __attribute__((packed));

/* The frame lies where this union does; what it says of nothing is zero. */
static union {
	struct frame frame;
	uint8_t bytes[sizeof(struct virtio_net_hdr) + LARGE_FRAME_BYTES];
} small, large;

static uint32_t sum_words(const void *bytes, size_t count)
{
	const uint8_t *at = bytes;
	uint32_t sum = 0;

	for (; count > 1; count -= 2, at += 2)
		sum += (uint32_t)at[0] << 8 | at[1];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum > UINT16_MAX)
		sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

static void make_packet(struct frame *frame, const struct tap_link *link, uint8_t protocol,
			size_t frame_bytes)
{
	char text[TAP_LINK_TEXT_BYTES];
	struct ether_addr to;

	memset(frame, 0, sizeof(*frame));
	tap_link_guest_mac(link, text);
	ether_aton_r(text, &to);
	memcpy(frame->ethernet.ether_dhost, &to, ETH_ALEN);
	memcpy(frame->ethernet.ether_shost, &to, ETH_ALEN);
	frame->ethernet.ether_shost[ETH_ALEN - 1] ^= UINT8_MAX;
	frame->ethernet.ether_type = htons(ETHERTYPE_IP);
	frame->ip.version = IPVERSION;
	frame->ip.ihl = sizeof(frame->ip) / sizeof(uint32_t);
	frame->ip.tot_len = htons((uint16_t)(frame_bytes - sizeof(frame->ethernet)));
	frame->ip.ttl = TIME_TO_LIVE;
	frame->ip.protocol = protocol;
	tap_link_host_ip(link, text);
	inet_pton(AF_INET, text, &frame->ip.saddr);
	tap_link_guest_ip(link, text);
	inet_pton(AF_INET, text, &frame->ip.daddr);
	frame->ip.check = htons((uint16_t)~fold(sum_words(&frame->ip, sizeof(frame->ip))));
}

/* A checksum of zero is none, RFC 768. */
static void make_small(const struct tap_link *link)
{
	struct frame *frame = &small.frame;

	make_packet(frame, link, IPPROTO_UDP, SMALL_FRAME_BYTES);
	frame->udp.source = htons(PORT_ECHO);
	frame->udp.dest = htons(PORT_GUEST);
	frame->udp.len = htons(SMALL_FRAME_BYTES - sizeof(frame->ethernet) - sizeof(frame->ip));
}

/* Virtio 1.2, 5.1.6.2: the sum of the pseudo-header stands where that of each segment is to be. */
static void make_large(const struct tap_link *link)
{
	const uint16_t tcp_bytes = LARGE_FRAME_BYTES - sizeof(struct ether_header) -
				   sizeof(struct iphdr);
	struct frame *frame = &large.frame;
	uint32_t sum;

	make_packet(frame, link, IPPROTO_TCP, LARGE_FRAME_BYTES);
	frame->tcp.source = htons(PORT_ECHO);
	frame->tcp.dest = htons(PORT_GUEST);
	frame->tcp.doff = sizeof(frame->tcp) / sizeof(uint32_t);
	frame->tcp.ack = 1;
	sum = sum_words(&frame->ip.saddr, sizeof(frame->ip.saddr)) +
	      sum_words(&frame->ip.daddr, sizeof(frame->ip.daddr)) + IPPROTO_TCP + tcp_bytes;
	frame->tcp.check = htons(fold(sum));
	frame->header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	frame->header.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	frame->header.gso_size = SEGMENT_BYTES;
	frame->header.hdr_len = sizeof(frame->ethernet) + sizeof(frame->ip) + sizeof(frame->tcp);
	frame->header.csum_start = sizeof(frame->ethernet) + sizeof(frame->ip);
	frame->header.csum_offset = offsetof(struct tcphdr, check);
}

static void rest(void)
{
	const struct timespec moment = {.tv_nsec = REST_NS};

	nanosleep(&moment, NULL);
}

/* Whatever is not taken now has gone, as on a wire; a full queue is told as a lack of room. */
static void *send_small(void *argument)
{
	struct net_traffic *traffic = argument;
	struct iovec part = {&small, sizeof(small.frame.header) + SMALL_FRAME_BYTES};
	struct mmsghdr messages[AT_ONCE];

	for (unsigned int at = 0; at < AT_ONCE; at++)
		messages[at] = (struct mmsghdr){.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
	while (!traffic->is_over)
		if (sendmmsg(traffic->fd, messages, AT_ONCE, 0) < AT_ONCE)
			rest();
	return NULL;
}

static void *send_large(void *argument)
{
	struct net_traffic *traffic = argument;
	const size_t first_bytes = sizeof(small.frame.header) + SMALL_FRAME_BYTES;

	while (send(traffic->fd, &small, first_bytes, 0) < 0 && !traffic->is_over)
		rest();
	while (!traffic->is_over)
		if (send(traffic->fd, &large, sizeof(large), 0) < 0)
			rest();
	return NULL;
}

static void *echo(void *argument)
{
	struct net_traffic *traffic = argument;
	struct sockaddr_in from;
	uint8_t datagram[TAP_LINK_MTU_BYTES];

	while (!traffic->is_over) {
		socklen_t from_bytes = sizeof(from);
		ssize_t got = recvfrom(traffic->fd, datagram, sizeof(datagram), 0,
				       (struct sockaddr *)&from, &from_bytes);

		if (got >= 0)
			sendto(traffic->fd, datagram, (size_t)got, 0, (struct sockaddr *)&from,
			       from_bytes);
	}
	return NULL;
}

static int open_echo(int fd, const struct tap_link *link)
{
	const struct timeval look = {.tv_usec = LOOK_US};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT_ECHO)};
	char text[TAP_LINK_TEXT_BYTES];

	tap_link_host_ip(link, text);
	inet_pton(AF_INET, text, &at.sin_addr);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof(look)) != 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		return -errno;
	return 0;
}

/* Nothing is received here: the protocol is none. */
static int open_packets(int fd, const struct tap_link *link)
{
	const struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(link->name),
	};
	const int room_bytes = SOCKET_BUFFER_BYTES;
	const int on = 1;

	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room_bytes, sizeof(room_bytes)) != 0 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return -errno;
	make_small(link);
	make_large(link);
	return 0;
}

int net_traffic_start(struct net_traffic *traffic, enum net_traffic_kind kind,
		      const struct tap_link *link)
{
	static void *(*const work[])(void *) = {
		[NET_TRAFFIC_ECHO] = echo,
		[NET_TRAFFIC_SMALL] = send_small,
		[NET_TRAFFIC_LARGE] = send_large,
	};
	bool is_echo = kind == NET_TRAFFIC_ECHO;
	int error;

	traffic->is_over = false;
	traffic->fd = is_echo ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)
			      : socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (traffic->fd < 0)
		return -errno;
	error = is_echo ? open_echo(traffic->fd, link) : open_packets(traffic->fd, link);
	if (error == 0)
		error = -pthread_create(&traffic->thread, NULL, work[kind], traffic);
	if (error != 0)
		close(traffic->fd);
	return error;
}

void net_traffic_stop(struct net_traffic *traffic)
{
	traffic->is_over = true;
	pthread_join(traffic->thread, NULL);
	close(traffic->fd);
}
