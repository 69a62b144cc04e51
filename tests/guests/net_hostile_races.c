/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/net_hostile_races.c - a second processor that changes things while the device reads
 * them.
 *
 * What is written never leads the device into this image: a guest may harm itself, but then it
 * could not tell what became of the device.
 */
#include "tests/guests/net_hostile.h"

#include "tests/guests/lib/clock.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/disturber.h"
#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/random.h"

enum {
	ROUNDS = 20,
	ROUND_US = 3000,
	BATCH = 32,
	RACED_DESCRIPTORS = 4,
};

static void disturb_header(struct random *random)
{
	volatile uint64_t *words = (volatile uint64_t *)(void *)hostile.header;
	volatile uint8_t *bytes = (volatile uint8_t *)hostile.header;

	words[0] = random_next(random);
	bytes[8 + random_below(random, 4)] = (uint8_t)random_next(random);
	bytes[random_below(random, 2)] = (uint8_t)random_below(random, 5);
}

static uint64_t random_address(struct random *random)
{
	switch (random_below(random, 5)) {
	case 0: return heap_end() - 32;
	case 1: return UINT64_MAX - 15;
	case 2: return (uint64_t)hostile.ring;
	case 3: return hostile.nic.device.base;
	default: return (uint64_t)hostile.data;
	}
}

static void disturb_descriptors(struct random *random)
{
	volatile struct virtqueue_descriptor *descriptor =
		&hostile.ring[random_below(random, RACED_DESCRIPTORS)];

	switch (random_below(random, 4)) {
	case 0: descriptor->address = random_address(random); break;
	case 1: descriptor->length = (uint32_t)random_below(random, 4096); break;
	case 2: descriptor->flags = (uint16_t)random_below(random, 8); break;
	default: descriptor->next = (uint16_t)random_below(random, HOSTILE_QUEUE_SIZE + 8); break;
	}
}

static void disturb_avail(struct random *random)
{
	hostile.queue->avail[random_below(random, BATCH)] =
		(uint16_t)random_below(random, HOSTILE_QUEUE_SIZE + 2);
}

static bool is_up(void)
{
	return (virtio_read(&hostile.nic.device, VIRTIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET) == 0;
}

/* Whether the ring takes a batch more; what it says of that may have been written over. */
static bool has_place(const struct virtqueue *queue)
{
	return (uint16_t)(queue->next_avail - queue->used[1]) <= HOSTILE_QUEUE_SIZE - BATCH;
}

/* Offer the same chain many times over, and notify, for a while; received ones with questions. */
static void offer_for_a_while(uint32_t which)
{
	uint64_t end_tsc = tsc_read() + clock_ns_to_ticks(ROUND_US * UINT64_C(1000));

	do {
		for (uint32_t at = 0; at < BATCH && has_place(hostile.queue); at++)
			virtqueue_offer(hostile.queue, 0);
		__atomic_store_n(&hostile.queue->avail[1], hostile.queue->next_avail,
				 __ATOMIC_RELEASE);
		virtqueue_notify(hostile.queue);
		if (which == NET_RECEIVE)
			hostile_provoke();
		hostile.queue->last_used = hostile.queue->used[1];
	} while (tsc_read() < end_tsc && is_up());
}

/* Returns how often the device wanted a reset. */
static uint32_t race(uint32_t which, void (*what)(struct random *random))
{
	uint32_t resets = 0;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		if (!hostile_start(NET_FEATURES))
			return ROUNDS + 1;
		hostile_prepare(which);
		disturber_begin(what);
		offer_for_a_while(which);
		disturber_end();
		resets += !is_up();
	}
	return resets;
}

/* Whatever stands in a header, the chain is whole: its frame is sent or dropped, that is all. */
static enum verdict run_header(void)
{
	if (!disturber_start())
		return VERDICT_WRONG;
	return race(NET_TRANSMIT, disturb_header) == 0 ? VERDICT_ANSWERED : VERDICT_NEEDS_RESET;
}

static enum verdict run_anything(uint32_t which, void (*what)(struct random *random))
{
	if (!disturber_start())
		return VERDICT_WRONG;
	return race(which, what) <= ROUNDS ? VERDICT_ANY : VERDICT_SILENCE;
}

static enum verdict run_transmit_descriptors(void)
{
	return run_anything(NET_TRANSMIT, disturb_descriptors);
}

static enum verdict run_transmit_avail(void)
{
	return run_anything(NET_TRANSMIT, disturb_avail);
}

static enum verdict run_receive_descriptors(void)
{
	return run_anything(NET_RECEIVE, disturb_descriptors);
}

static enum verdict run_receive_avail(void)
{
	return run_anything(NET_RECEIVE, disturb_avail);
}

const struct hostile_case hostile_race_cases[] = {
	{"tx-header", VERDICT_ANSWERED, NULL, run_header},
	{"tx-descriptors", VERDICT_ANY, NULL, run_transmit_descriptors},
	{"tx-avail", VERDICT_ANY, NULL, run_transmit_avail},
	{"rx-descriptors", VERDICT_ANY, NULL, run_receive_descriptors},
	{"rx-avail", VERDICT_ANY, NULL, run_receive_avail},
	{NULL, VERDICT_ANY, NULL, NULL},
};
