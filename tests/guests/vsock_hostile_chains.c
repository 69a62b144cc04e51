/* SPDX-License-Identifier: MIT */
/* tests/guests/vsock_hostile_chains.c - chains that cannot hold a packet, or none in time. */
#include "tests/guests/vsock_hostile.h"

#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/string.h"

enum {
	FLOOD = 180, /* the queue holds them, but the device not their answers */
};

/* -- Chains -- */

static void offer(struct virtqueue *queue, uint64_t address, uint32_t length, uint16_t flags)
{
	const struct virtqueue_segment segment = {(void *)address, length, flags};

	virtqueue_add(queue, &segment, 1, false);
	virtqueue_publish(queue);
	virtqueue_notify(queue);
}

static void transmit_short(void)
{
	offer(&hostile.vsock.transmit, (uint64_t)hostile.raw, sizeof(struct vsock_header) - 1, 0);
}

static void transmit_empty(void)
{
	offer(&hostile.vsock.transmit, (uint64_t)hostile.raw, 0, 0);
}

static void transmit_writable(void)
{
	offer(&hostile.vsock.transmit, (uint64_t)hostile.raw, sizeof(struct vsock_header),
	      VIRTQUEUE_WRITE);
}

static void transmit_outside(void)
{
	offer(&hostile.vsock.transmit, heap_end() - 8, sizeof(struct vsock_header), 0);
}

static void transmit_wraps(void)
{
	offer(&hostile.vsock.transmit, UINT64_MAX - 8, sizeof(struct vsock_header), 0);
}

static void transmit_loop(void)
{
	struct virtqueue *queue = &hostile.vsock.transmit;

	queue->descriptors[queue->free_head].next = queue->free_head;
	queue->descriptors[queue->free_head].address = (uint64_t)hostile.raw;
	queue->descriptors[queue->free_head].length = sizeof(struct vsock_header);
	queue->descriptors[queue->free_head].flags = VIRTQUEUE_NEXT;
	virtqueue_offer(queue, queue->free_head);
	virtqueue_publish(queue);
	virtqueue_notify(queue);
}

static void transmit_head(void)
{
	virtqueue_offer(&hostile.vsock.transmit, hostile.vsock.transmit.size);
	virtqueue_publish(&hostile.vsock.transmit);
	virtqueue_notify(&hostile.vsock.transmit);
}

static void transmit_jump(void)
{
	hostile.vsock.transmit.next_avail = (uint16_t)(hostile.vsock.transmit.size + 1);
	virtqueue_publish(&hostile.vsock.transmit);
	virtqueue_notify(&hostile.vsock.transmit);
}

/* A header of one byte in each descriptor is a header. */
static void transmit_bytes(void)
{
	struct virtqueue_segment segments[sizeof(struct vsock_header)];

	for (uint32_t at = 0; at < sizeof(struct vsock_header); at++)
		segments[at] = (struct virtqueue_segment){hostile.raw + at, 1, 0};
	virtqueue_add(&hostile.vsock.transmit, segments, sizeof(struct vsock_header), false);
	virtqueue_publish(&hostile.vsock.transmit);
}

static enum verdict judge_response(void)
{
	return hostile_await(HOSTILE_ANSWER_MS) && hostile.answer.op == VSOCK_OP_RESPONSE
		       ? VERDICT_OPEN
		       : VERDICT_WRONG;
}

static void receive_as(uint64_t address, uint32_t length, uint16_t flags)
{
	offer(&hostile.vsock.receive, address, length, flags);
	hostile_send_op(VSOCK_OP_REQUEST, 0);
}

static void receive_short(void)
{
	receive_as((uint64_t)hostile.raw, sizeof(struct vsock_header) - 1, VIRTQUEUE_WRITE);
}

static void receive_header_only(void)
{
	receive_as((uint64_t)hostile.raw, sizeof(struct vsock_header), VIRTQUEUE_WRITE);
}

static void receive_readable(void)
{
	receive_as((uint64_t)hostile.raw, HOSTILE_DATA_BYTES, 0);
}

static void receive_outside(void)
{
	receive_as(heap_end() - 8, HOSTILE_DATA_BYTES, VIRTQUEUE_WRITE);
}

static void receive_device(void)
{
	receive_as(hostile.vsock.device.base, HOSTILE_DATA_BYTES, VIRTQUEUE_WRITE);
}

/* More answers are due than the device keeps, and it has no buffer for any at first. */
static void flood(void)
{
	struct vsock_header header = hostile_header_for(VSOCK_OP_RW);

	for (uint32_t at = 0; at < FLOOD; at++) {
		header.src_port = at;
		vsock_send_packet(&hostile.vsock, &header, NULL, 0);
		vsock_publish(&hostile.vsock);
	}
	vsock_offer_buffers(&hostile.vsock);
}

static enum verdict judge_flood(void)
{
	return hostile_judge_all(FLOOD);
}

/* -- The lists -- */

const struct hostile_case hostile_transmit_cases[] = {
	{"tx-short", VERDICT_NEEDS_RESET, transmit_short, hostile_judge},
	{"tx-empty", VERDICT_NEEDS_RESET, transmit_empty, hostile_judge},
	{"tx-writable", VERDICT_NEEDS_RESET, transmit_writable, hostile_judge},
	{"tx-outside", VERDICT_NEEDS_RESET, transmit_outside, hostile_judge},
	{"tx-wraps", VERDICT_NEEDS_RESET, transmit_wraps, hostile_judge},
	{"tx-loop", VERDICT_NEEDS_RESET, transmit_loop, hostile_judge},
	{"tx-head-out-of-range", VERDICT_NEEDS_RESET, transmit_head, hostile_judge},
	{"tx-index-jump", VERDICT_NEEDS_RESET, transmit_jump, hostile_judge},
	{"tx-byte-by-byte", VERDICT_OPEN, transmit_bytes, judge_response},
	{NULL, VERDICT_WRONG, NULL, NULL},
};

const struct hostile_case hostile_receive_cases[] = {
	{"rx-short", VERDICT_NEEDS_RESET, receive_short, hostile_judge},
	{"rx-header-only", VERDICT_NEEDS_RESET, receive_header_only, hostile_judge},
	{"rx-readable", VERDICT_NEEDS_RESET, receive_readable, hostile_judge},
	{"rx-outside", VERDICT_NEEDS_RESET, receive_outside, hostile_judge},
	{"rx-device", VERDICT_NEEDS_RESET, receive_device, hostile_judge},
	{"flood", VERDICT_REFUSED, flood, judge_flood},
	{NULL, VERDICT_WRONG, NULL, NULL},
};
