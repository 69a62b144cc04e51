/* SPDX-License-Identifier: MIT */
/* tests/guests/net_hostile_frames.c - whole chains with headers and frames that make no sense. */
#include "tests/guests/net_hostile.h"

#include "tests/guests/lib/memory.h"
#include "tests/guests/lib/string.h"

enum {
	FRAME_MAX_BYTES = 14 + 4 + 65535, /* with a VLAN tag */
	TCP_AT = NET_ETHERNET_BYTES + NET_IPV4_BYTES,
	TCP_CHECKSUM_AT = 16,
	MSS = 1448,
	FLOOD = 64,
	UNKNOWN_FLAG = 0x80,
	GSO_UNKNOWN = 2,
	QUIET_US = 150000,
};

/* -- What is sent -- */

static void twist_frame_empty(void)
{
	hostile.ring[0].flags = 0;
}

static void twist_frame_of_one_byte(void)
{
	hostile.ring[1].length = 1;
}

static void twist_frame_of_13(void)
{
	hostile.ring[1].length = NET_ETHERNET_BYTES - 1;
}

static void twist_frame_of_14(void)
{
	hostile.ring[1].length = NET_ETHERNET_BYTES;
}

/* One descriptor for header and frame: allowed (2.7.4). */
static void twist_in_one(void)
{
	memmove(hostile.data + sizeof(*hostile.header), hostile.data, HOSTILE_FRAME_BYTES);
	memset(hostile.data, 0, sizeof(*hostile.header));
	hostile_put(hostile.ring, 0, (uint64_t)hostile.data,
		    sizeof(*hostile.header) + HOSTILE_FRAME_BYTES, 0);
}

static void twist_frame_too_long(void)
{
	hostile.ring[1].length = FRAME_MAX_BYTES + 1;
}

static void twist_frame_of_1_mib(void)
{
	hostile.ring[1].length = HOSTILE_DATA_BYTES;
}

static void twist_frame_of_254_mib(void)
{
	for (uint16_t at = 1; at < HOSTILE_QUEUE_SIZE; at++)
		hostile_put(hostile.ring, at, (uint64_t)hostile.data, HOSTILE_DATA_BYTES,
			    at + 1 < HOSTILE_QUEUE_SIZE ? VIRTQUEUE_NEXT : 0);
}

/* No cable carries it, but the kernel behind a tap may. */
static void twist_frame_largest(void)
{
	hostile.ring[1].length = FRAME_MAX_BYTES;
}

static void twist_flags_unknown(void)
{
	hostile.header->flags = UNKNOWN_FLAG;
}

static void twist_flags_all(void)
{
	memset(hostile.header, 0xff, sizeof(*hostile.header));
}

static void twist_flags_of_received(void)
{
	hostile.header->flags = NET_HEADER_DATA_VALID;
}

static void twist_buffer_count(void)
{
	hostile.header->buffer_count = UINT16_MAX;
}

static void want_checksum(uint16_t start, uint16_t offset)
{
	hostile.header->flags = NET_HEADER_NEEDS_CHECKSUM;
	hostile.header->checksum_start = start;
	hostile.header->checksum_offset = offset;
}

/* Behind as many bytes as an IP header has: Linux takes no other. */
static void twist_checksum_at_the_end(void)
{
	want_checksum(TCP_AT, HOSTILE_FRAME_BYTES - TCP_AT - 2);
}

static void twist_checksum_across_the_end(void)
{
	want_checksum(TCP_AT, HOSTILE_FRAME_BYTES - TCP_AT - 1);
}

static void twist_checksum_start_beyond(void)
{
	want_checksum(HOSTILE_FRAME_BYTES, 0);
}

static void twist_checksum_offset_beyond(void)
{
	want_checksum(0, HOSTILE_FRAME_BYTES);
}

/* The sum of both is small in 16 bits. */
static void twist_checksum_overflow(void)
{
	want_checksum(UINT16_MAX, 15);
}

static void twist_checksum_far_beyond(void)
{
	want_checksum(UINT16_MAX, UINT16_MAX);
}

static void twist_checksum_in_ethernet(void)
{
	want_checksum(0, 0);
}

static void twist_header_length_beyond(void)
{
	hostile.header->header_bytes = HOSTILE_FRAME_BYTES + 1;
}

static void twist_header_length_far_beyond(void)
{
	hostile.header->header_bytes = UINT16_MAX;
}

/* A large TCP segment as it should be, to the gateway, which knows nothing of it. */
static void make_segment(uint8_t gso_type, uint16_t gso_bytes, uint32_t frame_bytes)
{
	uint32_t tcp_bytes = frame_bytes - TCP_AT;

	net_write_headers(&hostile.stack, hostile.data, hostile.data, hostile.stack.gateway,
			  NET_PROTOCOL_TCP, tcp_bytes);
	hostile.data[0] = 2; /* to nobody */
	memset(hostile.data + TCP_AT, 0, tcp_bytes);
	hostile.data[TCP_AT + 12] = NET_TCP_BYTES / 4 << 4;
	net_store16(hostile.data + TCP_AT + TCP_CHECKSUM_AT,
		    net_pseudo_sum(hostile.stack.ip, hostile.stack.gateway, NET_PROTOCOL_TCP,
				   tcp_bytes));
	want_checksum(TCP_AT, TCP_CHECKSUM_AT);
	hostile.header->gso_type = gso_type;
	hostile.header->gso_bytes = gso_bytes;
	hostile.header->header_bytes = TCP_AT + NET_TCP_BYTES;
	hostile.ring[1].length = frame_bytes;
}

static void twist_segment(void)
{
	make_segment(NET_GSO_TCPV4, MSS, NET_ETHERNET_BYTES + 65535);
}

static void twist_gso_size_zero(void)
{
	make_segment(NET_GSO_TCPV4, 0, 9014);
}

static void twist_gso_size_one(void)
{
	make_segment(NET_GSO_TCPV4, 1, NET_ETHERNET_BYTES + 65535);
}

/* A size that means something else inside Linux. */
static void twist_gso_size_all_ones(void)
{
	make_segment(NET_GSO_TCPV4, UINT16_MAX, 9014);
}

static void twist_gso_size_beyond_frame(void)
{
	make_segment(NET_GSO_TCPV4, 20000, 9014);
}

static void twist_gso_without_checksum(void)
{
	make_segment(NET_GSO_TCPV4, MSS, 9014);
	hostile.header->flags = 0;
}

static void twist_gso_unknown(void)
{
	make_segment(GSO_UNKNOWN, MSS, 9014);
}

static void twist_gso_udp(void)
{
	make_segment(NET_GSO_UDP, MSS, 9014);
}

static void twist_gso_all_ones(void)
{
	make_segment(0xff, MSS, 9014);
}

/* Of a feature that was not offered. */
static void twist_gso_ecn(void)
{
	make_segment(NET_GSO_TCPV4 | NET_GSO_ECN, MSS, 9014);
}

static void twist_gso_ecn_alone(void)
{
	hostile.header->gso_type = NET_GSO_ECN;
}

static void twist_gso_of_ipv6_on_ipv4(void)
{
	make_segment(NET_GSO_TCPV6, MSS, 9014);
}

static void twist_gso_on_arp(void)
{
	want_checksum(NET_ETHERNET_BYTES, 4);
	hostile.header->gso_type = NET_GSO_TCPV4;
	hostile.header->gso_bytes = MSS;
}

/* The headers end in the middle of TCP's. */
static void twist_gso_headers_cut(void)
{
	make_segment(NET_GSO_TCPV4, MSS, TCP_AT + TCP_CHECKSUM_AT + 2);
	hostile.header->header_bytes = TCP_AT;
}

static void twist_gso_headers_of_nothing(void)
{
	make_segment(NET_GSO_TCPV4, MSS, 9014);
	hostile.header->header_bytes = 0;
}

static void twist_gso_too_long(void)
{
	make_segment(NET_GSO_TCPV4, MSS, FRAME_MAX_BYTES + 1);
}

/* TCP says that its header is longer than the frame. */
static void twist_gso_tcp_header_beyond(void)
{
	make_segment(NET_GSO_TCPV4, MSS, TCP_AT + NET_TCP_BYTES + 8);
	hostile.data[TCP_AT + 12] = 0xf0;
}

static void twist_ip_length_lies(void)
{
	make_segment(NET_GSO_TCPV4, MSS, 9014);
	net_store16(hostile.data + NET_ETHERNET_BYTES + 2, UINT16_MAX);
}

static void twist_flood_of_wrong_ones(void)
{
	hostile.ring[1].length = 1;
	hostile.avail_index = HOSTILE_QUEUE_SIZE;
}

/* With a driver that has not asked for any offload. */
static enum verdict offer_without_offloads(void (*twist)(void))
{
	if (!hostile_start(NET_FEATURES & ~NET_OFFLOADS))
		return VERDICT_WRONG;
	hostile_prepare(NET_TRANSMIT);
	twist();
	return hostile_offer();
}

static enum verdict run_checksum_not_negotiated(void)
{
	return offer_without_offloads(twist_checksum_at_the_end);
}

static enum verdict run_segment_not_negotiated(void)
{
	return offer_without_offloads(twist_segment);
}

/* TSO without CSUM is no agreement that makes sense (5.1.3.1). */
static enum verdict run_segment_without_csum(void)
{
	if (!hostile_start(NET_FEATURES & ~NET_F_CSUM))
		return VERDICT_WRONG;
	hostile_prepare(NET_TRANSMIT);
	twist_segment();
	return hostile_offer();
}

const struct hostile_case hostile_transmit_cases[] = {
	{"frame-empty", VERDICT_DROPPED, twist_frame_empty, NULL},
	{"frame-of-one-byte", VERDICT_DROPPED, twist_frame_of_one_byte, NULL},
	{"frame-of-13", VERDICT_DROPPED, twist_frame_of_13, NULL},
	{"frame-of-14", VERDICT_ANSWERED, twist_frame_of_14, NULL},
	{"in-one", VERDICT_SENT, twist_in_one, NULL},
	{"frame-largest", VERDICT_ANSWERED, twist_frame_largest, NULL},
	{"frame-too-long", VERDICT_DROPPED, twist_frame_too_long, NULL},
	{"frame-of-1-mib", VERDICT_DROPPED, twist_frame_of_1_mib, NULL},
	{"frame-of-254-mib", VERDICT_DROPPED, twist_frame_of_254_mib, NULL},
	{"flags-unknown", VERDICT_DROPPED, twist_flags_unknown, NULL},
	{"flags-all", VERDICT_DROPPED, twist_flags_all, NULL},
	{"flags-of-received", VERDICT_DROPPED, twist_flags_of_received, NULL},
	{"buffer-count", VERDICT_SENT, twist_buffer_count, NULL},
	{"checksum-at-the-end", VERDICT_OFFLOADED, twist_checksum_at_the_end, NULL},
	{"checksum-across-the-end", VERDICT_DROPPED, twist_checksum_across_the_end, NULL},
	{"checksum-start-beyond", VERDICT_DROPPED, twist_checksum_start_beyond, NULL},
	{"checksum-offset-beyond", VERDICT_DROPPED, twist_checksum_offset_beyond, NULL},
	{"checksum-overflow", VERDICT_DROPPED, twist_checksum_overflow, NULL},
	{"checksum-far-beyond", VERDICT_DROPPED, twist_checksum_far_beyond, NULL},
	{"checksum-in-ethernet", VERDICT_ANSWERED, twist_checksum_in_ethernet, NULL},
	{"checksum-not-negotiated", VERDICT_DROPPED, NULL, run_checksum_not_negotiated},
	{"header-length-beyond", VERDICT_DROPPED, twist_header_length_beyond, NULL},
	{"header-length-far-beyond", VERDICT_DROPPED, twist_header_length_far_beyond, NULL},
	{"segment", VERDICT_OFFLOADED, twist_segment, NULL},
	{"segment-not-negotiated", VERDICT_DROPPED, NULL, run_segment_not_negotiated},
	{"segment-without-csum", VERDICT_DROPPED, NULL, run_segment_without_csum},
	{"gso-size-zero", VERDICT_DROPPED, twist_gso_size_zero, NULL},
	{"gso-size-one", VERDICT_ANSWERED, twist_gso_size_one, NULL},
	{"gso-size-all-ones", VERDICT_ANSWERED, twist_gso_size_all_ones, NULL},
	{"gso-size-beyond-frame", VERDICT_ANSWERED, twist_gso_size_beyond_frame, NULL},
	{"gso-without-checksum", VERDICT_DROPPED, twist_gso_without_checksum, NULL},
	{"gso-unknown", VERDICT_DROPPED, twist_gso_unknown, NULL},
	{"gso-udp", VERDICT_DROPPED, twist_gso_udp, NULL},
	{"gso-all-ones", VERDICT_DROPPED, twist_gso_all_ones, NULL},
	{"gso-ecn", VERDICT_DROPPED, twist_gso_ecn, NULL},
	{"gso-ecn-alone", VERDICT_DROPPED, twist_gso_ecn_alone, NULL},
	{"gso-of-ipv6-on-ipv4", VERDICT_ANSWERED, twist_gso_of_ipv6_on_ipv4, NULL},
	{"gso-on-arp", VERDICT_ANSWERED, twist_gso_on_arp, NULL},
	{"gso-headers-cut", VERDICT_ANSWERED, twist_gso_headers_cut, NULL},
	{"gso-headers-of-nothing", VERDICT_ANSWERED, twist_gso_headers_of_nothing, NULL},
	{"gso-too-long", VERDICT_DROPPED, twist_gso_too_long, NULL},
	{"gso-tcp-header-beyond", VERDICT_ANSWERED, twist_gso_tcp_header_beyond, NULL},
	{"ip-length-lies", VERDICT_ANSWERED, twist_ip_length_lies, NULL},
	{"flood-of-wrong-ones", VERDICT_DROPPED, twist_flood_of_wrong_ones, NULL},
	{NULL, VERDICT_ANY, NULL, NULL},
};

/* -- What is received -- */

static void twist_one_byte(void)
{
	hostile_put(hostile.ring, 0, (uint64_t)hostile.data, 1, VIRTQUEUE_WRITE);
}

/* A ring full of buffers that the header alone fills: a frame takes several (5.1.6.4). */
static void twist_headers_only(void)
{
	for (uint16_t at = 0; at < HOSTILE_QUEUE_SIZE; at++) {
		hostile_put(hostile.ring, at, (uint64_t)hostile.data + at * 64,
			    sizeof(*hostile.header), VIRTQUEUE_WRITE);
		virtqueue_offer(hostile.queue, at);
	}
	hostile.avail_index = HOSTILE_QUEUE_SIZE;
}

/* Good buffers in front, a bad one behind, which comes into the same frame. */
static void twist_bad_one_in_the_middle(void)
{
	twist_headers_only();
	hostile.ring[2].length = 1;
}

static void twist_mergeable_too_few(void)
{
	hostile_put(hostile.ring, 0, (uint64_t)hostile.data, 40, VIRTQUEUE_WRITE);
}

static enum verdict offer_unmerged(uint32_t buffer_bytes)
{
	if (!hostile_start(NET_FEATURES & ~NET_F_MRG_RXBUF))
		return VERDICT_WRONG;
	hostile_prepare(NET_RECEIVE);
	hostile_put(hostile.ring, 0, (uint64_t)hostile.data, buffer_bytes, VIRTQUEUE_WRITE);
	return hostile_offer();
}

static enum verdict run_unmerged_one_byte(void)
{
	return offer_unmerged(1);
}

static enum verdict run_unmerged_header_only(void)
{
	return offer_unmerged(sizeof(*hostile.header));
}

static enum verdict run_unmerged_too_short(void)
{
	return offer_unmerged(sizeof(*hostile.header) + NET_ETHERNET_BYTES);
}

/* Shorter than it has to be (5.1.6.3.1), but what comes fits. */
static enum verdict run_unmerged_short(void)
{
	return offer_unmerged(sizeof(*hostile.header) + NET_MTU_BYTES);
}

/* All that arrives while there is no buffer waits outside, or is lost; then a buffer comes. */
static enum verdict run_no_buffers(void)
{
	for (uint32_t at = 0; at < FLOOD; at++)
		hostile_provoke();
	hostile_pause(QUIET_US);
	hostile_prepare(NET_RECEIVE);
	return hostile_offer();
}

const struct hostile_case hostile_receive_cases[] = {
	{"one-byte", VERDICT_NEEDS_RESET, twist_one_byte, NULL},
	{"headers-only", VERDICT_RECEIVED, twist_headers_only, NULL},
	{"bad-one-in-the-middle", VERDICT_NEEDS_RESET, twist_bad_one_in_the_middle, NULL},
	{"mergeable-too-few", VERDICT_DROPPED, twist_mergeable_too_few, NULL},
	{"unmerged-one-byte", VERDICT_NEEDS_RESET, NULL, run_unmerged_one_byte},
	{"unmerged-header-only", VERDICT_DROPPED, NULL, run_unmerged_header_only},
	{"unmerged-too-short", VERDICT_DROPPED, NULL, run_unmerged_too_short},
	{"unmerged-short", VERDICT_RECEIVED, NULL, run_unmerged_short},
	{"no-buffers", VERDICT_RECEIVED, NULL, run_no_buffers},
	{NULL, VERDICT_ANY, NULL, NULL},
};
