/* SPDX-License-Identifier: MIT */
/* tests/guests/block_hostile_chains.c - what can be wrong with a chain, before anyone looks inside.
 */
#include "tests/guests/block_hostile.h"

#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/string.h"

#define MIB (UINT64_C(1) << 20)

/* The three descriptors as an indirect table. */
static void use_table(void)
{
	memcpy(hostile.table, hostile.ring, 3 * sizeof(*hostile.table));
	hostile_put(hostile.ring, 0, (uint64_t)hostile.table, 3 * sizeof(*hostile.table),
		    VIRTQUEUE_INDIRECT);
}

static void twist_loop_readable(void)
{
	hostile.ring[1].next = 1;
}

static void twist_loop_writable(void)
{
	hostile.ring[1].next = 1;
}

static void twist_loop_of_all(void)
{
	for (uint16_t at = 0; at < HOSTILE_QUEUE_SIZE; at++)
		hostile_put(hostile.ring, at, (uint64_t)hostile.data, 16, VIRTQUEUE_NEXT);
	hostile.ring[HOSTILE_QUEUE_SIZE - 1].next = 0;
}

static void twist_next_out_of_range(void)
{
	hostile.ring[0].next = HOSTILE_QUEUE_SIZE;
}

static void twist_next_far_out_of_range(void)
{
	hostile.ring[1].next = UINT16_MAX;
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

/* The same buffers 256 times: foolish, but each is a whole request. */
static void twist_same_head_for_all(void)
{
	hostile.avail_index = HOSTILE_QUEUE_SIZE;
}

static void twist_indirect(void)
{
	use_table();
}

static void twist_indirect_unaligned(void)
{
	use_table();
	memmove((uint8_t *)hostile.table + 1, hostile.table, 3 * sizeof(*hostile.table));
	hostile.ring[0].address++;
}

static void twist_indirect_behind_direct(void)
{
	use_table();
	hostile_put(hostile.ring, 1, (uint64_t)(hostile.table + 1), 2 * sizeof(*hostile.table),
		    VIRTQUEUE_INDIRECT);
	hostile.table[1].next = 1;
	hostile_put(hostile.ring, 0, (uint64_t)hostile.header, sizeof(*hostile.header),
		    VIRTQUEUE_NEXT);
}

static void twist_indirect_nested(void)
{
	use_table();
	hostile.table[1].flags = VIRTQUEUE_INDIRECT;
	hostile.table[1].address = (uint64_t)hostile.table;
	hostile.table[1].length = 3 * sizeof(*hostile.table);
}

static void twist_indirect_odd_length(void)
{
	use_table();
	hostile.ring[0].length++;
}

static void twist_indirect_less_than_one(void)
{
	use_table();
	hostile.ring[0].length = 15;
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
	hostile.ring[0].address = heap_end() - 32;
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

static void twist_indirect_next_out_of_range(void)
{
	use_table();
	hostile.table[1].next = 3;
}

static void twist_indirect_loop(void)
{
	use_table();
	hostile.table[1].next = 1;
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
	hostile.ring[1].address = heap_end() - 511;
}

static void twist_buffer_overflow(void)
{
	hostile.ring[1].address = UINT64_MAX - 255;
}

static void twist_buffer_4_gib(void)
{
	hostile.ring[1].length = UINT32_MAX;
}

static void twist_buffer_in_a_device(void)
{
	hostile.ring[1].address = hostile.disk.device.base;
}

static void twist_header_outside(void)
{
	hostile.ring[0].address = heap_end();
}

static void twist_status_outside(void)
{
	hostile.ring[2].address = heap_end();
}

/* All of memory again and again: more than 32 bits can tell. */
static void twist_lengths_overflow(void)
{
	for (uint16_t at = 1; at < HOSTILE_QUEUE_SIZE; at++)
		hostile_put(hostile.ring, at, MIB, (uint32_t)(heap_end() - MIB), VIRTQUEUE_NEXT);
	hostile_put(hostile.ring, HOSTILE_QUEUE_SIZE - 1, (uint64_t)hostile.status, 1,
		    VIRTQUEUE_WRITE);
}

/* A segment of nothing is left out, wherever it claims to be. */
static void twist_segment_empty(void)
{
	hostile_put(hostile.ring, 2, UINT64_MAX, 0, VIRTQUEUE_NEXT | VIRTQUEUE_WRITE);
	hostile_put(hostile.ring, 3, (uint64_t)hostile.status, 1, VIRTQUEUE_WRITE);
}

static void twist_readable_behind_writable(void)
{
	hostile_put(hostile.ring, 2, (uint64_t)hostile.data, 512, VIRTQUEUE_NEXT);
	hostile_put(hostile.ring, 3, (uint64_t)hostile.status, 1, VIRTQUEUE_WRITE);
}

static void twist_header_short(void)
{
	hostile.ring[0].length = 15;
}

static void twist_header_writable(void)
{
	hostile.ring[0].flags |= VIRTQUEUE_WRITE;
}

static void twist_no_header(void)
{
	hostile.head = 1;
}

static void twist_no_status(void)
{
	hostile.ring[1].flags = 0;
}

static void twist_status_readable(void)
{
	hostile.ring[2].flags = 0;
}

static void twist_chain_empty(void)
{
	hostile.ring[0].length = 0;
	hostile.ring[0].flags = 0;
}

/* The disk overwrites descriptors and avail ring while they are being worked through. */
static void twist_read_over_rings(void)
{
	hostile.ring[1].address = (uint64_t)hostile.ring;
	hostile.ring[1].length = 8192;
	hostile.avail_index = 16;
}

static enum verdict run_indirect_not_negotiated(void)
{
	if (!block_start(&hostile.disk, BLOCK_FEATURES & ~VIRTIO_F_INDIRECT_DESC,
			 HOSTILE_QUEUE_SIZE))
		return VERDICT_WRONG;
	hostile_prepare(BLOCK_IN);
	use_table();
	return hostile_offer();
}

/* The used ring where the avail ring is: each answer changes what is offered. */
static enum verdict run_rings_on_top_of_each_other(void)
{
	struct virtqueue crossed = hostile.disk.queue;

	crossed.used = crossed.avail;
	virtio_write(crossed.device, VIRTIO_QUEUE_SELECT, 0);
	virtio_write(crossed.device, VIRTIO_QUEUE_READY, 0);
	virtqueue_announce(&crossed);
	hostile_prepare(BLOCK_IN);
	hostile.disk.queue.avail[1] = 1;
	virtqueue_notify(&hostile.disk.queue);
	hostile_pause(2000);
	return VERDICT_ANY;
}

const struct hostile_case hostile_chain_cases[] = {
	{"loop-readable", VERDICT_NEEDS_RESET, BLOCK_OUT, twist_loop_readable, NULL},
	{"loop-writable", VERDICT_NEEDS_RESET, BLOCK_IN, twist_loop_writable, NULL},
	{"loop-of-all", VERDICT_NEEDS_RESET, BLOCK_FLUSH, twist_loop_of_all, NULL},
	{"next-out-of-range", VERDICT_NEEDS_RESET, BLOCK_IN, twist_next_out_of_range, NULL},
	{"next-far-out-of-range", VERDICT_NEEDS_RESET, BLOCK_IN, twist_next_far_out_of_range, NULL},
	{"head-out-of-range", VERDICT_NEEDS_RESET, BLOCK_IN, twist_head_out_of_range, NULL},
	{"head-far-out-of-range", VERDICT_NEEDS_RESET, BLOCK_IN, twist_head_far_out_of_range, NULL},
	{"index-jump", VERDICT_NEEDS_RESET, BLOCK_IN, twist_index_jump, NULL},
	{"index-back", VERDICT_NEEDS_RESET, BLOCK_IN, twist_index_back, NULL},
	{"same-head-for-all", VERDICT_DONE, BLOCK_IN, twist_same_head_for_all, NULL},
	{"indirect", VERDICT_DONE, BLOCK_IN, twist_indirect, NULL},
	{"indirect-unaligned", VERDICT_DONE, BLOCK_IN, twist_indirect_unaligned, NULL},
	{"indirect-behind-direct", VERDICT_DONE, BLOCK_IN, twist_indirect_behind_direct, NULL},
	{"indirect-nested", VERDICT_NEEDS_RESET, BLOCK_IN, twist_indirect_nested, NULL},
	{"indirect-odd-length", VERDICT_NEEDS_RESET, BLOCK_IN, twist_indirect_odd_length, NULL},
	{"indirect-less-than-one", VERDICT_NEEDS_RESET, BLOCK_IN, twist_indirect_less_than_one,
	 NULL},
	{"indirect-empty", VERDICT_NEEDS_RESET, BLOCK_IN, twist_indirect_empty, NULL},
	{"indirect-too-long", VERDICT_NEEDS_RESET, BLOCK_IN, twist_indirect_too_long, NULL},
	{"indirect-4-gib", VERDICT_NEEDS_RESET, BLOCK_IN, twist_indirect_4_gib, NULL},
	{"indirect-outside", VERDICT_NEEDS_RESET, BLOCK_IN, twist_indirect_outside, NULL},
	{"indirect-across-end", VERDICT_NEEDS_RESET, BLOCK_IN, twist_indirect_across_end, NULL},
	{"indirect-overflow", VERDICT_NEEDS_RESET, BLOCK_IN, twist_indirect_overflow, NULL},
	{"indirect-and-next", VERDICT_NEEDS_RESET, BLOCK_IN, twist_indirect_and_next, NULL},
	{"indirect-next-out-of-range", VERDICT_NEEDS_RESET, BLOCK_IN,
	 twist_indirect_next_out_of_range, NULL},
	{"indirect-loop", VERDICT_NEEDS_RESET, BLOCK_IN, twist_indirect_loop, NULL},
	{"indirect-not-negotiated", VERDICT_NEEDS_RESET, 0, NULL, run_indirect_not_negotiated},
	{"buffer-outside", VERDICT_NEEDS_RESET, BLOCK_IN, twist_buffer_outside, NULL},
	{"buffer-far-outside", VERDICT_NEEDS_RESET, BLOCK_OUT, twist_buffer_far_outside, NULL},
	{"buffer-across-end", VERDICT_NEEDS_RESET, BLOCK_IN, twist_buffer_across_end, NULL},
	{"buffer-overflow", VERDICT_NEEDS_RESET, BLOCK_OUT, twist_buffer_overflow, NULL},
	{"buffer-4-gib", VERDICT_NEEDS_RESET, BLOCK_OUT, twist_buffer_4_gib, NULL},
	{"buffer-in-a-device", VERDICT_NEEDS_RESET, BLOCK_IN, twist_buffer_in_a_device, NULL},
	{"header-outside", VERDICT_NEEDS_RESET, BLOCK_IN, twist_header_outside, NULL},
	{"status-outside", VERDICT_NEEDS_RESET, BLOCK_IN, twist_status_outside, NULL},
	{"lengths-overflow", VERDICT_NEEDS_RESET, BLOCK_OUT, twist_lengths_overflow, NULL},
	{"segment-empty", VERDICT_DONE, BLOCK_IN, twist_segment_empty, NULL},
	{"readable-behind-writable", VERDICT_NEEDS_RESET, BLOCK_IN, twist_readable_behind_writable,
	 NULL},
	{"header-short", VERDICT_NEEDS_RESET, BLOCK_FLUSH, twist_header_short, NULL},
	{"header-writable", VERDICT_NEEDS_RESET, BLOCK_IN, twist_header_writable, NULL},
	{"no-header", VERDICT_NEEDS_RESET, BLOCK_IN, twist_no_header, NULL},
	{"no-status", VERDICT_NEEDS_RESET, BLOCK_OUT, twist_no_status, NULL},
	{"status-readable", VERDICT_NEEDS_RESET, BLOCK_OUT, twist_status_readable, NULL},
	{"chain-empty", VERDICT_NEEDS_RESET, BLOCK_IN, twist_chain_empty, NULL},
	{"read-over-rings", VERDICT_ANY, BLOCK_IN, twist_read_over_rings, NULL},
	{"rings-on-top-of-each-other", VERDICT_ANY, 0, NULL, run_rings_on_top_of_each_other},
	{NULL, VERDICT_ANY, 0, NULL, NULL},
};
