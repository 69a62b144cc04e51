/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/vsock_hostile_races.c - a second processor that changes things while the device
 * reads them.
 *
 * What is written never leads the device into this image: a guest may harm itself, but then it
 * could not tell what became of the device.
 */
#include "tests/guests/vsock_hostile.h"

#include "tests/guests/lib/clock.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/disturber.h"
#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/random.h"

enum {
	ROUNDS = 20,
	ROUND_US = 3000,
	BATCH = 16,
	RACED_DESCRIPTORS = 4,
	PAYLOAD_BYTES = 100,
	PORTS = 8,
	OPS = 9,
};

static struct virtqueue *raced;

/* -- What is disturbed -- */

static uint32_t random_length(struct random *random)
{
	switch (random_below(random, 4)) {
	case 0: return 0;
	case 1: return PAYLOAD_BYTES + 1;
	case 2: return (uint32_t)random_next(random);
	default: return (uint32_t)random_below(random, PAYLOAD_BYTES + 1);
	}
}

/* Mostly what a connection lives through, so that not all are broken off at once. */
static uint16_t random_op(struct random *random)
{
	static const uint16_t usual[] = {VSOCK_OP_RW, VSOCK_OP_CREDIT_UPDATE,
					 VSOCK_OP_CREDIT_REQUEST};

	if (random_below(random, 32) == 0)
		return (uint16_t)random_below(random, OPS);
	return usual[random_below(random, sizeof(usual) / sizeof(usual[0]))];
}

static void disturb_header(struct random *random)
{
	volatile struct vsock_header *header = (volatile struct vsock_header *)(void *)hostile.raw;

	header->op = random_op(random);
	header->src_port = (uint32_t)random_below(random, PORTS);
	header->size_bytes = random_length(random);
	header->flags = (uint32_t)random_below(random, 4);
	header->type = random_below(random, 64) == 0 ? 2 : VSOCK_TYPE_STREAM;
	header->src_cid = random_below(random, 64) == 0 ? UINT64_MAX : hostile.vsock.cid;
	header->allocated = (uint32_t)random_next(random);
	header->forwarded = (uint32_t)random_next(random);
}

static uint64_t random_address(struct random *random)
{
	switch (random_below(random, 5)) {
	case 0: return heap_end() - 32;
	case 1: return UINT64_MAX - 15;
	case 2: return (uint64_t)raced->descriptors;
	case 3: return hostile.vsock.device.base;
	default: return (uint64_t)hostile.data;
	}
}

static void disturb_descriptors(struct random *random)
{
	volatile struct virtqueue_descriptor *descriptor =
		&raced->descriptors[random_below(random, RACED_DESCRIPTORS)];

	switch (random_below(random, 4)) {
	case 0: descriptor->address = random_address(random); break;
	case 1: descriptor->length = (uint32_t)random_below(random, HOSTILE_DATA_BYTES); break;
	case 2: descriptor->flags = (uint16_t)random_below(random, 8); break;
	default: descriptor->next = (uint16_t)random_below(random, raced->size + 8); break;
	}
}

static void disturb_avail(struct random *random)
{
	raced->avail[random_below(random, BATCH)] = (uint16_t)random_below(random, raced->size + 2);
}

/* -- The race -- */

static bool is_up(void)
{
	return (virtio_read(&hostile.vsock.device, VIRTIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET) == 0;
}

static void put(struct virtqueue *queue, uint16_t index, void *address, uint32_t length,
		uint16_t flags)
{
	volatile struct virtqueue_descriptor *descriptor = &queue->descriptors[index];

	descriptor->address = (uint64_t)address;
	descriptor->length = length;
	descriptor->flags = flags;
	descriptor->next = (uint16_t)(index + 1);
}

/* A packet that is sent over and over, and, if the device is to have none of its own, a buffer. */
static void prepare_chains(bool with_buffer)
{
	const struct vsock_header stray = hostile_header_for(VSOCK_OP_CREDIT_REQUEST);

	*(volatile struct vsock_header *)(void *)hostile.raw = stray;
	put(&hostile.vsock.transmit, 0, hostile.raw, sizeof(stray), VIRTQUEUE_NEXT);
	put(&hostile.vsock.transmit, 1, hostile.data, PAYLOAD_BYTES, 0);
	if (with_buffer)
		put(&hostile.vsock.receive, 0, hostile.data, HOSTILE_DATA_BYTES, VIRTQUEUE_WRITE);
}

/* Offer the same chain many times over, as often as the ring takes it. */
static void offer(struct virtqueue *queue)
{
	for (uint32_t at = 0; at < BATCH && (uint16_t)(queue->next_avail - queue->used[1]) <
						    (uint16_t)(queue->size - BATCH);
	     at++)
		virtqueue_offer(queue, 0);
	__atomic_store_n(&queue->avail[1], queue->next_avail, __ATOMIC_RELEASE);
	virtqueue_notify(queue);
}

/* Packets go out, and an RST comes in for most of them. */
static void exchange_for_a_while(bool with_buffer)
{
	uint64_t end_tsc = tsc_read() + clock_ns_to_ticks(ROUND_US * UINT64_C(1000));

	do {
		if (with_buffer)
			offer(&hostile.vsock.receive);
		offer(&hostile.vsock.transmit);
		while (!with_buffer && vsock_take_packet(&hostile.vsock, &hostile.answer))
			;
	} while (tsc_read() < end_tsc && is_up());
}

/* Connections for the race to be about.  Returns whether all were made. */
static bool connect_all(void)
{
	struct vsock_header request = hostile_header_for(VSOCK_OP_REQUEST);

	for (request.src_port = 0; request.src_port < PORTS; request.src_port++) {
		hostile_send_header(&request, 0);
		if (!hostile_await(HOSTILE_ANSWER_MS) || hostile.answer.op != VSOCK_OP_RESPONSE)
			return false;
	}
	return true;
}

/* Returns how often the device wanted a reset; more than ROUNDS if it did not come up again. */
static uint32_t race(struct virtqueue *queue, void (*what)(struct random *random))
{
	bool with_buffer = queue == &hostile.vsock.receive;
	uint32_t resets = 0;

	raced = queue;
	if (!disturber_start())
		return ROUNDS + 1;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		hostile.vsock.offers_nothing = with_buffer;
		if (!vsock_restart(&hostile.vsock) || (!with_buffer && !connect_all()))
			return ROUNDS + 1;
		prepare_chains(with_buffer);
		disturber_begin(what);
		exchange_for_a_while(with_buffer);
		disturber_end();
		resets += !is_up();
	}
	return resets;
}

/* Whatever stands in a header, the chain is whole: it is taken or answered, that is all. */
static enum verdict judge_header(void)
{
	uint32_t resets = race(&hostile.vsock.transmit, disturb_header);

	if (resets > ROUNDS)
		return VERDICT_WRONG;
	return resets == 0 ? VERDICT_ANY : VERDICT_NEEDS_RESET;
}

static enum verdict judge_anything(struct virtqueue *queue, void (*what)(struct random *random))
{
	return race(queue, what) <= ROUNDS ? VERDICT_ANY : VERDICT_WRONG;
}

static enum verdict judge_transmit_descriptors(void)
{
	return judge_anything(&hostile.vsock.transmit, disturb_descriptors);
}

static enum verdict judge_transmit_avail(void)
{
	return judge_anything(&hostile.vsock.transmit, disturb_avail);
}

static enum verdict judge_receive_descriptors(void)
{
	return judge_anything(&hostile.vsock.receive, disturb_descriptors);
}

static enum verdict judge_receive_avail(void)
{
	return judge_anything(&hostile.vsock.receive, disturb_avail);
}

const struct hostile_case hostile_race_cases[] = {
	{"race-header", VERDICT_ANY, NULL, judge_header},
	{"race-tx-descriptors", VERDICT_ANY, NULL, judge_transmit_descriptors},
	{"race-tx-avail", VERDICT_ANY, NULL, judge_transmit_avail},
	{"race-rx-descriptors", VERDICT_ANY, NULL, judge_receive_descriptors},
	{"race-rx-avail", VERDICT_ANY, NULL, judge_receive_avail},
	{NULL, VERDICT_ANY, NULL, NULL},
};
