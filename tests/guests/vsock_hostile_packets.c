/* SPDX-License-Identifier: MIT */
/* tests/guests/vsock_hostile_packets.c - packets that make no sense. */
#include "tests/guests/vsock_hostile.h"

enum {
	CID_OTHER = 99,
	REQUESTS = 1100, /* more than there can be connections */
	LONG_BYTES = 64 * 1024,
};

/* -- Packets that belong to nothing -- */

static void from_other_cid(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_REQUEST);

	header.src_cid = CID_OTHER;
	hostile_send_header(&header, 0);
}

static void to_other_cid(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_REQUEST);

	header.dst_cid = CID_OTHER;
	hostile_send_header(&header, 0);
}

static void to_itself(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_REQUEST);

	header.dst_cid = hostile.vsock.cid;
	hostile_send_header(&header, 0);
}

static void type_0(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_REQUEST);

	header.type = 0;
	hostile_send_header(&header, 0);
}

static void type_seqpacket(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_REQUEST);

	header.type = 2;
	hostile_send_header(&header, 0);
}

static void stray_op_0(void)
{
	hostile_send_op(0, 0);
}

static void stray_op_99(void)
{
	hostile_send_op(99, 0);
}

static void stray_response(void)
{
	hostile_send_op(VSOCK_OP_RESPONSE, 0);
}

static void stray_reset(void)
{
	hostile_send_op(VSOCK_OP_RST, 0);
}

static void stray_shutdown(void)
{
	hostile_send_op(VSOCK_OP_SHUTDOWN, 0);
}

static void stray_bytes(void)
{
	hostile_send_op(VSOCK_OP_RW, 100);
}

static void stray_credit(void)
{
	hostile_send_op(VSOCK_OP_CREDIT_UPDATE, 0);
}

static void to_nobody(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_REQUEST);

	header.dst_port = PORT_NOBODY;
	hostile_send_header(&header, 0);
}

static void request_flood(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_REQUEST);

	header.dst_port = PORT_NOBODY;
	for (uint32_t at = 0; at < REQUESTS; at++) {
		header.src_port = at;
		vsock_send_packet(&hostile.vsock, &header, NULL, 0);
	}
	vsock_publish(&hostile.vsock);
}

static enum verdict judge_requests(void)
{
	return hostile_judge_all(REQUESTS);
}

/* -- On a connection -- */

static void op_0(void)
{
	hostile_send_op(0, 0);
}

static void op_99(void)
{
	hostile_send_op(99, 0);
}

static void request_again(void)
{
	hostile_send_op(VSOCK_OP_REQUEST, 0);
}

static void response_unasked(void)
{
	hostile_send_op(VSOCK_OP_RESPONSE, 0);
}

/*
 * All at once, so that the device cannot tell of new credit in between.  How much there is was in
 * its last packet.
 */
static void beyond_credit(void)
{
	struct vsock_header *header = (struct vsock_header *)(void *)hostile.raw;
	const struct virtqueue_segment segments[] = {
		{header, sizeof(*header), 0},
		{hostile.raw + HOSTILE_RAW_BYTES - LONG_BYTES, LONG_BYTES, 0},
	};

	*header = hostile_header_for(VSOCK_OP_RW);
	header->size_bytes = LONG_BYTES;
	for (uint32_t at = 0; at <= hostile.answer.allocated / LONG_BYTES; at++)
		virtqueue_add(&hostile.vsock.transmit, segments, 2, false);
	vsock_publish(&hostile.vsock);
}

static void bytes_after_shutdown(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_SHUTDOWN);

	header.flags = VSOCK_SHUTDOWN_SEND;
	vsock_send_packet(&hostile.vsock, &header, NULL, 0);
	hostile_send_op(VSOCK_OP_RW, 100);
}

static void longer_than_chain(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_RW);

	header.size_bytes = 101;
	hostile_send_header(&header, 100);
}

static void longest(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_RW);

	header.size_bytes = UINT32_MAX;
	hostile_send_header(&header, 100);
}

static void shorter_than_chain(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_RW);

	header.size_bytes = 1;
	hostile_send_header(&header, 100);
}

static void no_bytes(void)
{
	hostile_send_op(VSOCK_OP_RW, 0);
}

static void took_more_than_came(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_CREDIT_UPDATE);

	header.forwarded = UINT32_C(1) << 31;
	hostile_send_header(&header, 0);
}

static void takes_credit_back(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_CREDIT_UPDATE);

	header.allocated = 0;
	hostile_send_header(&header, 0);
}

static void unknown_flags(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_SHUTDOWN);

	header.flags = ~(uint32_t)VSOCK_SHUTDOWN_BOTH;
	hostile_send_header(&header, 0);
}

/* -- The lists -- */

const struct hostile_case hostile_stray_cases[] = {
	{"from-other-cid", VERDICT_RESET, from_other_cid, hostile_judge},
	{"to-other-cid", VERDICT_RESET, to_other_cid, hostile_judge},
	{"to-itself", VERDICT_RESET, to_itself, hostile_judge},
	{"type-0", VERDICT_RESET, type_0, hostile_judge},
	{"type-seqpacket", VERDICT_RESET, type_seqpacket, hostile_judge},
	{"stray-op-0", VERDICT_REFUSED, stray_op_0, hostile_judge_refusal},
	{"stray-op-99", VERDICT_REFUSED, stray_op_99, hostile_judge_refusal},
	{"stray-response", VERDICT_REFUSED, stray_response, hostile_judge_refusal},
	{"stray-reset", VERDICT_SILENT, stray_reset, hostile_judge},
	{"stray-shutdown", VERDICT_REFUSED, stray_shutdown, hostile_judge_refusal},
	{"stray-bytes", VERDICT_REFUSED, stray_bytes, hostile_judge_refusal},
	{"stray-credit", VERDICT_REFUSED, stray_credit, hostile_judge_refusal},
	{"to-nobody", VERDICT_REFUSED, to_nobody, hostile_judge_refusal},
	{"request-flood", VERDICT_REFUSED, request_flood, judge_requests},
	{NULL, VERDICT_WRONG, NULL, NULL},
};

const struct hostile_case hostile_stream_cases[] = {
	{"op-0", VERDICT_RESET, op_0, hostile_judge},
	{"op-99", VERDICT_RESET, op_99, hostile_judge},
	{"request-again", VERDICT_RESET, request_again, hostile_judge},
	{"response-unasked", VERDICT_RESET, response_unasked, hostile_judge},
	{"beyond-credit", VERDICT_RESET, beyond_credit, hostile_judge},
	{"bytes-after-shutdown", VERDICT_RESET, bytes_after_shutdown, hostile_judge},
	{"longer-than-chain", VERDICT_RESET, longer_than_chain, hostile_judge},
	{"longest", VERDICT_RESET, longest, hostile_judge},
	{"shorter-than-chain", VERDICT_OPEN, shorter_than_chain, hostile_judge_open},
	{"no-bytes", VERDICT_OPEN, no_bytes, hostile_judge_open},
	{"took-more-than-came", VERDICT_OPEN, took_more_than_came, hostile_judge_open},
	{"takes-credit-back", VERDICT_OPEN, takes_credit_back, hostile_judge_open},
	{"unknown-flags", VERDICT_OPEN, unknown_flags, hostile_judge_open},
	{NULL, VERDICT_WRONG, NULL, NULL},
};
