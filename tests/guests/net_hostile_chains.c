/* SPDX-License-Identifier: MIT */
/* tests/guests/net_hostile_chains.c - what can be wrong with a chain of either queue. */
#include "tests/guests/net_hostile.h"

#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/string.h"

#define MIB (UINT64_C(1) << 20)

/* 0, or VIRTQUEUE_WRITE in what is received. */
static uint16_t direction(void)
{
	return hostile.ring[1].flags & VIRTQUEUE_WRITE;
}

/* Both descriptors as an indirect table. */
static void use_table(void)
{
	memcpy(hostile.table, hostile.ring, 2 * sizeof(*hostile.table));
	hostile_put(hostile.ring, 0, (uint64_t)hostile.table, 2 * sizeof(*hostile.table),
		    VIRTQUEUE_INDIRECT);
}

static void twist_nothing(void)
{
}

static void twist_loop(void)
{
	hostile.ring[1].flags |= VIRTQUEUE_NEXT;
	hostile.ring[1].next = 0;
}

static void twist_loop_of_one(void)
{
	hostile.ring[0].next = 0;
}

static void twist_loop_of_all(void)
{
	uint16_t flags = direction() | VIRTQUEUE_NEXT;

	for (uint16_t at = 0; at < HOSTILE_QUEUE_SIZE; at++)
		hostile_put(hostile.ring, at, (uint64_t)hostile.data, 16, flags);
	hostile.ring[HOSTILE_QUEUE_SIZE - 1].next = 0;
}

static void twist_next_out_of_range(void)
{
	hostile.ring[0].next = HOSTILE_QUEUE_SIZE;
}

static void twist_head_out_of_range(void)
{
	hostile.head = HOSTILE_QUEUE_SIZE;
}

static void twist_head_far_out_of_range(void)
{
	hostile.head = UINT16_MAX;
}

static void twist_index_jump(void)
{
	hostile.avail_index = HOSTILE_QUEUE_SIZE + 1;
}

/* As if the index had gone back by one: 65535 ahead. */
static void twist_index_back(void)
{
	hostile.avail_index = UINT16_MAX;
}

/* The same buffers 256 times: foolish, but each is a whole chain. */
static void twist_same_head_for_all(void)
{
	hostile.avail_index = HOSTILE_QUEUE_SIZE;
}

static void twist_indirect(void)
{
	use_table();
}

static void twist_indirect_nested(void)
{
	use_table();
	hostile_put(hostile.table, 1, (uint64_t)hostile.table, 2 * sizeof(*hostile.table),
		    VIRTQUEUE_INDIRECT);
}

static void twist_indirect_odd_length(void)
{
	use_table();
	hostile.ring[0].length++;
}

static void twist_indirect_empty(void)
{
	use_table();
	hostile.ring[0].length = 0;
}

static void twist_indirect_too_long(void)
{
	use_table();
	hostile.ring[0].length = (HOSTILE_QUEUE_SIZE + 1) * sizeof(*hostile.table);
}

static void twist_indirect_4_gib(void)
{
	use_table();
	hostile.ring[0].length = UINT32_MAX - 15;
}

static void twist_indirect_outside(void)
{
	use_table();
	hostile.ring[0].address = heap_end();
}

static void twist_indirect_across_end(void)
{
	use_table();
	hostile.ring[0].address = heap_end() - 16;
}

static void twist_indirect_overflow(void)
{
	use_table();
	hostile.ring[0].address = UINT64_MAX - 15;
}

static void twist_indirect_and_next(void)
{
	use_table();
	hostile.ring[0].flags |= VIRTQUEUE_NEXT;
}

static void twist_indirect_loop(void)
{
	use_table();
	hostile.table[0].next = 0;
}

static void twist_buffer_outside(void)
{
	hostile.ring[1].address = heap_end();
}

static void twist_buffer_far_outside(void)
{
	hostile.ring[1].address = UINT64_C(1) << 40;
}

static void twist_buffer_across_end(void)
{
	hostile.ring[1].address = heap_end() - 59;
}

static void twist_buffer_overflow(void)
{
	hostile.ring[1].address = UINT64_MAX - 15;
}

static void twist_buffer_4_gib(void)
{
	hostile.ring[1].length = UINT32_MAX;
}

static void twist_buffer_in_a_device(void)
{
	hostile.ring[1].address = hostile.nic.device.base;
}

static void twist_header_outside(void)
{
	hostile.ring[0].address = heap_end();
}

/* All of memory again and again: more than 32 bits can tell. */
static void twist_lengths_overflow(void)
{
	uint16_t flags = direction() | VIRTQUEUE_NEXT;

	for (uint16_t at = 1; at < HOSTILE_QUEUE_SIZE; at++)
		hostile_put(hostile.ring, at, MIB, (uint32_t)(heap_end() - MIB), flags);
	hostile.ring[HOSTILE_QUEUE_SIZE - 1].flags = direction();
}

/* A segment of nothing is left out, wherever it claims to be. */
static void twist_segment_empty(void)
{
	uint16_t flags = direction();
	struct virtqueue_descriptor last = hostile.ring[1];

	hostile_put(hostile.ring, 1, UINT64_MAX, 0, flags | VIRTQUEUE_NEXT);
	hostile_put(hostile.ring, 2, last.address, last.length, flags);
}

static void twist_chain_empty(void)
{
	hostile.ring[0].length = 0;
	hostile.ring[0].flags &= (uint16_t)~VIRTQUEUE_NEXT;
}

static void twist_header_short(void)
{
	hostile.ring[0].length--;
	hostile.ring[0].flags &= (uint16_t)~VIRTQUEUE_NEXT;
}

/* The frame the other way round than its header. */
static void twist_frame_of_other_direction(void)
{
	hostile.ring[1].flags ^= VIRTQUEUE_WRITE;
}

static void twist_header_of_other_direction(void)
{
	hostile.ring[0].flags ^= VIRTQUEUE_WRITE;
}

static void twist_all_of_other_direction(void)
{
	hostile.ring[0].flags ^= VIRTQUEUE_WRITE;
	hostile.ring[1].flags ^= VIRTQUEUE_WRITE;
}

/* Header and frame, each byte in a descriptor of its own; of a frame to receive, the first. */
static void twist_bytes(void)
{
	uint16_t flags = direction() | VIRTQUEUE_NEXT;
	uint16_t count = sizeof(*hostile.header) + HOSTILE_FRAME_BYTES;

	for (uint16_t at = 0; at < count; at++) {
		uint16_t of_frame = (uint16_t)(at - sizeof(*hostile.header));
		const uint8_t *address = at < sizeof(*hostile.header)
						 ? (const uint8_t *)hostile.header + at
						 : hostile.data + of_frame;

		hostile_put(hostile.ring, at, (uint64_t)address, 1, flags);
	}
	hostile_put(hostile.ring, count, (uint64_t)hostile.data + HOSTILE_FRAME_BYTES,
		    direction() ? HOSTILE_BUFFER_BYTES : 0, direction());
}

/* What is sent shows the rings; what is received overwrites them as they are worked through. */
static void twist_over_rings(void)
{
	hostile.ring[1].address = (uint64_t)hostile.ring;
	hostile.avail_index = 16;
}

const struct hostile_case hostile_chain_cases[] = {
	{"nothing-wrong", VERDICT_SENT, twist_nothing, NULL},
	{"loop", VERDICT_NEEDS_RESET, twist_loop, NULL},
	{"loop-of-one", VERDICT_NEEDS_RESET, twist_loop_of_one, NULL},
	{"loop-of-all", VERDICT_NEEDS_RESET, twist_loop_of_all, NULL},
	{"next-out-of-range", VERDICT_NEEDS_RESET, twist_next_out_of_range, NULL},
	{"head-out-of-range", VERDICT_NEEDS_RESET, twist_head_out_of_range, NULL},
	{"head-far-out-of-range", VERDICT_NEEDS_RESET, twist_head_far_out_of_range, NULL},
	{"index-jump", VERDICT_NEEDS_RESET, twist_index_jump, NULL},
	{"index-back", VERDICT_NEEDS_RESET, twist_index_back, NULL},
	{"same-head-for-all", VERDICT_SENT, twist_same_head_for_all, NULL},
	{"indirect", VERDICT_SENT, twist_indirect, NULL},
	{"indirect-nested", VERDICT_NEEDS_RESET, twist_indirect_nested, NULL},
	{"indirect-odd-length", VERDICT_NEEDS_RESET, twist_indirect_odd_length, NULL},
	{"indirect-empty", VERDICT_NEEDS_RESET, twist_indirect_empty, NULL},
	{"indirect-too-long", VERDICT_NEEDS_RESET, twist_indirect_too_long, NULL},
	{"indirect-4-gib", VERDICT_NEEDS_RESET, twist_indirect_4_gib, NULL},
	{"indirect-outside", VERDICT_NEEDS_RESET, twist_indirect_outside, NULL},
	{"indirect-across-end", VERDICT_NEEDS_RESET, twist_indirect_across_end, NULL},
	{"indirect-overflow", VERDICT_NEEDS_RESET, twist_indirect_overflow, NULL},
	{"indirect-and-next", VERDICT_NEEDS_RESET, twist_indirect_and_next, NULL},
	{"indirect-loop", VERDICT_NEEDS_RESET, twist_indirect_loop, NULL},
	{"buffer-outside", VERDICT_NEEDS_RESET, twist_buffer_outside, NULL},
	{"buffer-far-outside", VERDICT_NEEDS_RESET, twist_buffer_far_outside, NULL},
	{"buffer-across-end", VERDICT_NEEDS_RESET, twist_buffer_across_end, NULL},
	{"buffer-overflow", VERDICT_NEEDS_RESET, twist_buffer_overflow, NULL},
	{"buffer-4-gib", VERDICT_NEEDS_RESET, twist_buffer_4_gib, NULL},
	{"buffer-in-a-device", VERDICT_NEEDS_RESET, twist_buffer_in_a_device, NULL},
	{"header-outside", VERDICT_NEEDS_RESET, twist_header_outside, NULL},
	{"lengths-overflow", VERDICT_NEEDS_RESET, twist_lengths_overflow, NULL},
	{"segment-empty", VERDICT_SENT, twist_segment_empty, NULL},
	{"chain-empty", VERDICT_NEEDS_RESET, twist_chain_empty, NULL},
	{"header-short", VERDICT_NEEDS_RESET, twist_header_short, NULL},
	{"frame-of-other-direction", VERDICT_NEEDS_RESET, twist_frame_of_other_direction, NULL},
	{"header-of-other-direction", VERDICT_NEEDS_RESET, twist_header_of_other_direction, NULL},
	{"all-of-other-direction", VERDICT_NEEDS_RESET, twist_all_of_other_direction, NULL},
	{"byte-by-byte", VERDICT_SENT, twist_bytes, NULL},
	{"over-rings", VERDICT_ANY, twist_over_rings, NULL},
	{NULL, VERDICT_ANY, NULL, NULL},
};
