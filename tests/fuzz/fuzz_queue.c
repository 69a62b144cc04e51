/* SPDX-License-Identifier: MIT */
/*
 * tests/fuzz/fuzz_queue.c - a driver that writes anything into its rings.
 *
 * The input begins with a byte that sets up the queue (bits 0-3 the size's exponent, bit 4 event
 * index, bit 5 indirect); then it is a list of steps, each a byte that says what to do (modulo
 * the number of kinds) and its operands.  The rings are at first where they should be.
 *
 * Besides what the sanitizers see, the claims of queue.h are checked after each step: above
 * all that each segment lies in guest memory, and that sums and counts are those of the segments.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/input.h"
#include "virtio/queue.h"

#define BASE_GPA UINT64_C(0x10000)

enum {
	DESCRIPTORS = 0, /* offsets from the base */
	AVAIL = 0x1000,
	USED = 0x1400,
	TABLE = 0x2000, /* a table of 256, up to the end of the first range */
	FIRST_BYTES = 0x3000,
	SECOND_BYTES = 0x800, /* right behind the first for the guest, elsewhere for the host */
	ALL_BYTES = FIRST_BYTES + SECOND_BYTES,
};

struct fuzz {
	struct guest_memory memory;
	uint8_t *ranges[2];
	struct queue queue;
	struct queue_chain chain;
	bool has_chain;         /* the last step popped it */
	uint32_t pushed;        /* since the last question about an interrupt */
	unsigned int floods;    /* many pushes at once: slow, so a few of them must do */
	bool must_not_be_asked; /* a fault was found, so the queue waits for stop and start */
};

/* In or a little outside of memory; the top bits bring what is far away. */
static uint64_t take_gpa(struct input *input)
{
	uint16_t value = take_u16(input);
	uint64_t offset = value & 0x3fff;

	switch (value >> 14) {
	case 0:
	case 1: return BASE_GPA + offset;
	case 2: return BASE_GPA + ALL_BYTES - 128 + offset % 256;
	default: return offset & 1 ? offset - 8 : offset << 50;
	}
}

/* Mostly small. */
static uint32_t take_length(struct input *input)
{
	uint16_t value = take_u16(input);

	return value < 0xf000 ? value & 0x1fff : (uint32_t)(value & 0xfff) << 20 | 0xffff0;
}

/* A write that may lie anywhere, also across the border of the two ranges. */
static void poke(struct fuzz *fuzz, uint64_t offset, const void *source, size_t bytes)
{
	const uint8_t *from = source;

	for (size_t i = 0; i < bytes; i++) {
		uint8_t *byte = guest_memory_at(&fuzz->memory, BASE_GPA + offset + i, 1);

		if (byte)
			*byte = from[i];
	}
}

static void place_rings(struct queue *queue)
{
	queue->descriptor_gpa = BASE_GPA + DESCRIPTORS;
	queue->avail_gpa = BASE_GPA + AVAIL;
	queue->used_gpa = BASE_GPA + USED;
}

static void begin(struct fuzz *fuzz)
{
	enum virtio_fault fault = VIRTIO_FAULT_NONE;
	struct queue *queue = &fuzz->queue;
	int err = queue_start(queue, &fuzz->memory, &fault);

	fuzz->has_chain = false;
	fuzz->must_not_be_asked = false;
	if (err) {
		require(fault == VIRTIO_FAULT_RING_ADDRESS);
		require(!queue->ready && !queue->descriptors && !queue->avail && !queue->used);
		return;
	}
	require(queue->ready && queue->size <= QUEUE_SIZE_MAX);
	require(queue->next_avail == 0 && queue->next_used == 0);
	fuzz->pushed = 0;
}

static void power_on(struct fuzz *fuzz, uint8_t set_up)
{
	*fuzz = (struct fuzz){0};
	fuzz->ranges[0] = calloc(1, FIRST_BYTES);
	fuzz->ranges[1] = calloc(1, SECOND_BYTES);
	require(fuzz->ranges[0] && fuzz->ranges[1]);
	require(!guest_memory_add(&fuzz->memory, BASE_GPA, FIRST_BYTES, fuzz->ranges[0]));
	require(!guest_memory_add(&fuzz->memory, BASE_GPA + FIRST_BYTES, SECOND_BYTES,
				  fuzz->ranges[1]));
	place_rings(&fuzz->queue);
	fuzz->queue.size = (uint16_t)(1U << (set_up & 15));
	fuzz->queue.has_event_index = set_up & 16;
	fuzz->queue.has_indirect = set_up & 32;
	begin(fuzz);
}

static void power_off(struct fuzz *fuzz)
{
	free(fuzz->ranges[0]);
	free(fuzz->ranges[1]);
}

static void require_in_memory(const struct fuzz *fuzz, const struct iovec *segment)
{
	const uint8_t *start = segment->iov_base;
	bool in_first = start >= fuzz->ranges[0] && start < fuzz->ranges[0] + FIRST_BYTES;
	const uint8_t *end = in_first ? fuzz->ranges[0] + FIRST_BYTES
				      : fuzz->ranges[1] + SECOND_BYTES;

	require(in_first || (start >= fuzz->ranges[1] && start < end));
	require(segment->iov_len > 0 && segment->iov_len <= (size_t)(end - start));
}

static void check_chain(const struct fuzz *fuzz)
{
	const struct queue_chain *chain = &fuzz->chain;
	uint64_t readable_bytes = 0;
	uint64_t writable_bytes = 0;

	require(chain->head < fuzz->queue.size);
	require(chain->readable_count <= QUEUE_SEGMENTS_MAX);
	require(chain->writable_count <= QUEUE_SEGMENTS_MAX - chain->readable_count);
	for (unsigned int i = 0; i < chain->readable_count + chain->writable_count; i++) {
		require_in_memory(fuzz, &chain->segments[i]);
		if (i < chain->readable_count)
			readable_bytes += chain->segments[i].iov_len;
		else
			writable_bytes += chain->segments[i].iov_len;
	}
	require(readable_bytes == chain->readable_bytes);
	require(writable_bytes == chain->writable_bytes);
	require(readable_bytes + writable_bytes <= UINT32_MAX);
}

static void check_fault(const struct fuzz *fuzz, enum virtio_fault fault)
{
	const struct queue_chain *chain = &fuzz->chain;

	require(fault > VIRTIO_FAULT_RING_ADDRESS && fault < VIRTIO_FAULT_REQUEST);
	require(chain->readable_count == 0 && chain->writable_count == 0);
	require(chain->readable_bytes == 0 && chain->writable_bytes == 0);
}

static bool step_pop(struct fuzz *fuzz)
{
	enum virtio_fault fault = VIRTIO_FAULT_NONE;
	uint16_t before = fuzz->queue.next_avail;
	bool has_more = queue_has_more(&fuzz->queue);
	int popped = queue_pop(&fuzz->queue, &fuzz->chain, &fault);

	require(has_more == (popped != 0));
	fuzz->has_chain = popped > 0;
	fuzz->must_not_be_asked = popped < 0;
	require(fuzz->queue.next_avail == (uint16_t)(before + fuzz->has_chain));
	if (popped > 0)
		check_chain(fuzz);
	else if (popped < 0)
		check_fault(fuzz, fault);
	else
		require(fault == VIRTIO_FAULT_NONE);
	return fuzz->has_chain;
}

static void push(struct fuzz *fuzz, uint16_t head, uint32_t bytes)
{
	uint16_t before = fuzz->queue.next_used;

	queue_push(&fuzz->queue, head, bytes);
	require(fuzz->queue.next_used == (uint16_t)(before + 1));
	fuzz->pushed++;
	fuzz->has_chain = false;
}

static void step_flood(struct fuzz *fuzz, unsigned int count)
{
	if (fuzz->floods++ < 3)
		while (count-- > 0)
			push(fuzz, 0, 0);
}

static void step_interrupt(struct fuzz *fuzz)
{
	bool due = queue_interrupt_due(&fuzz->queue);

	require(!due || fuzz->pushed > 0);
	/* Further than the driver can have set its event. */
	if (fuzz->queue.has_event_index && fuzz->pushed > UINT16_MAX)
		require(due);
	fuzz->pushed = 0;
	require(!queue_interrupt_due(&fuzz->queue));
}

/* As queue.h says, with an end in case the rings go in circles. */
static void step_serve(struct fuzz *fuzz)
{
	unsigned int rounds = 0;

	do {
		queue_hush(&fuzz->queue);
		while (rounds++ < 2 * QUEUE_SIZE_MAX && step_pop(fuzz))
			push(fuzz, fuzz->chain.head, fuzz->chain.writable_bytes);
	} while (!fuzz->must_not_be_asked && rounds < 2 * QUEUE_SIZE_MAX &&
		 queue_listen(&fuzz->queue));
	step_interrupt(fuzz);
}

static void step_restart(struct fuzz *fuzz, struct input *input)
{
	struct queue *queue = &fuzz->queue;
	uint8_t how = take(input);

	queue_stop(queue);
	require(!queue->ready && !queue->memory);
	place_rings(queue);
	if (how & 1)
		queue->descriptor_gpa = take_gpa(input);
	if (how & 2)
		queue->avail_gpa = take_gpa(input);
	if (how & 4)
		queue->used_gpa = take_gpa(input);
	if (how & 8)
		queue->size = take_u16(input);
	if (how & 16)
		queue->has_event_index = !queue->has_event_index;
	if (how & 32)
		queue->has_indirect = !queue->has_indirect;
	begin(fuzz);
}

static void step_descriptor(struct fuzz *fuzz, struct input *input, bool is_in_table)
{
	uint8_t index = take(input);
	uint64_t table = is_in_table ? take_gpa(input) - BASE_GPA : DESCRIPTORS;
	struct queue_descriptor descriptor = {
		.gpa = take_gpa(input),
		.length = take_length(input),
	};
	uint8_t flags = take(input);

	/* Few bits for the flags, so that the rest can vary next; 0xff is far outside. */
	descriptor.flags = flags & 7;
	descriptor.next = (flags & 0xf8) == 0xf8 ? take_u16(input)
						 : (uint16_t)(index + (flags >> 3) - 3);
	poke(fuzz, table + index * sizeof(descriptor), &descriptor, sizeof(descriptor));
}

static void offer(struct fuzz *fuzz, uint16_t head)
{
	uint16_t size = fuzz->queue.size ? fuzz->queue.size : 1;
	uint16_t index = 0;

	(void)guest_memory_read(&fuzz->memory, BASE_GPA + AVAIL + 2, &index, sizeof(index));
	poke(fuzz, AVAIL + 4 + index % size * sizeof(head), &head, sizeof(head));
	index++;
	poke(fuzz, AVAIL + 2, &index, sizeof(index));
}

/* An honest chain of many, for the other steps to spoil: in the queue's table or in another. */
static void step_chain(struct fuzz *fuzz, struct input *input)
{
	uint16_t how = take_u16(input); /* bits 0-7 the length, 8-14 what is readable, 15 where */
	bool is_indirect = how & 0x8000;
	uint16_t length = how & 0xff;
	struct queue_descriptor descriptor = {
		.gpa = take_gpa(input),
		.length = take_length(input),
	};
	struct queue_descriptor outer = {
		.gpa = BASE_GPA + TABLE,
		.length = (length + 1U) * (uint32_t)sizeof(descriptor),
		.flags = QUEUE_DESCRIPTOR_INDIRECT,
	};

	for (uint16_t i = 0; i <= length; i++) {
		descriptor.flags = i < length ? QUEUE_DESCRIPTOR_NEXT : 0;
		if (i >= (how >> 8 & 0x7f))
			descriptor.flags |= QUEUE_DESCRIPTOR_WRITE;
		descriptor.next = (uint16_t)(i + 1);
		poke(fuzz, (is_indirect ? TABLE : DESCRIPTORS) + i * sizeof(descriptor),
		     &descriptor, sizeof(descriptor));
	}
	if (is_indirect)
		poke(fuzz, DESCRIPTORS, &outer, sizeof(outer));
	offer(fuzz, 0);
}

/* What the driver writes into memory. */
static void step_driver(struct fuzz *fuzz, struct input *input, uint8_t kind)
{
	uint64_t size = fuzz->queue.size;
	uint64_t offset;
	uint16_t value;

	switch (kind) {
	case 0: step_descriptor(fuzz, input, false); return;
	case 1: step_descriptor(fuzz, input, true); return;
	case 2: offer(fuzz, take(input)); return;
	case 3: offset = AVAIL + 2; break;            /* the index */
	case 4: offset = AVAIL; break;                /* flags */
	case 5: offset = AVAIL + 4 + 2 * size; break; /* the used event */
	case 6: step_chain(fuzz, input); return;
	default: offset = take_u16(input); break;
	}
	value = take_u16(input);
	poke(fuzz, offset, &value, sizeof(value));
}

/* What the device does; only with a queue that runs. */
static void step_device(struct fuzz *fuzz, struct input *input, uint8_t kind)
{
	switch (kind) {
	case 0: step_pop(fuzz); break;
	case 1: push(fuzz, fuzz->chain.head, fuzz->chain.writable_bytes); break;
	case 2: push(fuzz, take_u16(input), take_u16(input)); break;
	case 3:
		if (fuzz->has_chain)
			queue_unpop(&fuzz->queue);
		fuzz->has_chain = false;
		break;
	case 4: queue_hush(&fuzz->queue); break;
	case 5: queue_listen(&fuzz->queue); break;
	case 6: step_interrupt(fuzz); break;
	case 7: step_flood(fuzz, take_u16(input)); break;
	default: step_serve(fuzz); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum {
		KINDS_DRIVER = 8,
		KINDS_DEVICE = 9,
		KINDS = KINDS_DRIVER + KINDS_DEVICE + 1,
	};
	static struct fuzz fuzz;
	struct input input = {data, size};
	unsigned int steps = 0;

	power_on(&fuzz, take(&input));
	while (input.size && steps++ < 500) {
		uint8_t kind = take(&input) % KINDS;

		if (kind < KINDS_DRIVER)
			step_driver(&fuzz, &input, kind);
		else if (kind == KINDS - 1)
			step_restart(&fuzz, &input);
		else if (fuzz.queue.ready && !fuzz.must_not_be_asked)
			step_device(&fuzz, &input, (uint8_t)(kind - KINDS_DRIVER));
	}
	power_off(&fuzz);
	return 0;
}
