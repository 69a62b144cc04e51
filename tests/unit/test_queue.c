/* SPDX-License-Identifier: MIT */
/* tests/unit/test_queue.c - chains as the driver meant them, and every fault it can make. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_driver.h"
#include "virtio/queue.h"

enum {
	SIZE = 8,
	BIG_BYTES = FAKE_DATA_BYTES,
};

struct pair {
	struct fake_driver driver;
	struct queue queue;
	struct queue_chain chain;
	enum virtio_fault fault;
};

static struct pair pair;

static void begin(uint16_t size)
{
	memset(&pair, 0, sizeof(pair));
	fake_driver_init(&pair.driver, size);
	fake_driver_place(&pair.driver, &pair.queue);
	pair.queue.has_indirect = true;
	assert_int_equal(queue_start(&pair.queue, &pair.driver.memory, &pair.fault), 0);
}

static int set_up(void **state)
{
	(void)state;
	begin(SIZE);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_driver_release(&pair.driver);
	return 0;
}

static int start_again(void)
{
	queue_stop(&pair.queue);
	pair.fault = VIRTIO_FAULT_NONE;
	return queue_start(&pair.queue, &pair.driver.memory, &pair.fault);
}

static int pop(void)
{
	pair.fault = VIRTIO_FAULT_NONE;
	return queue_pop(&pair.queue, &pair.chain, &pair.fault);
}

/* A fault takes nothing, and the chain holds nothing. */
static void expect_fault(enum virtio_fault fault)
{
	uint16_t before = pair.queue.next_avail;

	pair.chain.readable_count = pair.chain.writable_count = 7;
	pair.chain.readable_bytes = pair.chain.writable_bytes = 7;
	assert_int_equal(pop(), -EPROTO);
	assert_int_equal(pair.fault, fault);
	assert_int_equal(pair.queue.next_avail, before);
	assert_int_equal(pair.chain.readable_count, 0);
	assert_int_equal(pair.chain.writable_count, 0);
	assert_int_equal(pair.chain.readable_bytes, 0);
	assert_int_equal(pair.chain.writable_bytes, 0);
}

static void expect_segment(unsigned int index, uint64_t gpa, size_t length)
{
	assert_ptr_equal(pair.chain.segments[index].iov_base, fake_at(&pair.driver, gpa));
	assert_int_equal(pair.chain.segments[index].iov_len, length);
}

static const struct fake_buffer request[] = {
	{FAKE_DATA_GPA, 16, false},
	{FAKE_DATA_GPA + 4096, 512, true},
	{FAKE_DATA_GPA + 64, 1, true},
};

static void expect_request(uint16_t head)
{
	assert_int_equal(pop(), 1);
	assert_int_equal(pair.chain.head, head);
	assert_int_equal(pair.chain.readable_count, 1);
	assert_int_equal(pair.chain.writable_count, 2);
	assert_int_equal(pair.chain.readable_bytes, 16);
	assert_int_equal(pair.chain.writable_bytes, 513);
	expect_segment(0, FAKE_DATA_GPA, 16);
	expect_segment(1, FAKE_DATA_GPA + 4096, 512);
	expect_segment(2, FAKE_DATA_GPA + 64, 1);
}

static void add_one(void)
{
	fake_driver_add(&pair.driver, request, 1);
}

/* -- Starting and stopping -- */

static void starts_only_with_an_allowed_size(void **state)
{
	static const uint16_t bad[] = {0, 3, 255, 257, 512, 0x8000, 0xffff};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pair.queue.size = bad[i];
		assert_int_equal(start_again(), -EINVAL);
		assert_int_equal(pair.fault, VIRTIO_FAULT_RING_ADDRESS);
		assert_false(pair.queue.ready);
	}
	for (uint16_t size = 1; size <= SIZE; size = (uint16_t)(size * 2)) {
		pair.queue.size = size;
		assert_int_equal(start_again(), 0);
		assert_true(pair.queue.ready);
	}
}

static void starts_with_the_largest_size(void **state)
{
	(void)state;
	tear_down(NULL);
	begin(QUEUE_SIZE_MAX);
	assert_int_equal(pop(), 0);
}

static void refuse_ring(uint64_t *gpa, uint64_t value)
{
	uint64_t good = *gpa;

	*gpa = value;
	assert_int_equal(start_again(), -EINVAL);
	assert_int_equal(pair.fault, VIRTIO_FAULT_RING_ADDRESS);
	assert_null(pair.queue.descriptors);
	assert_null(pair.queue.avail);
	assert_null(pair.queue.used);
	*gpa = good;
	assert_int_equal(start_again(), 0);
}

static void refuses_a_misaligned_ring(void **state)
{
	(void)state;
	refuse_ring(&pair.queue.descriptor_gpa, pair.driver.descriptor_gpa - 8);
	refuse_ring(&pair.queue.avail_gpa, pair.driver.avail_gpa - 1);
	refuse_ring(&pair.queue.used_gpa, pair.driver.used_gpa - 2);
}

static void refuses_a_ring_outside_memory(void **state)
{
	uint64_t end = FAKE_BASE_GPA + FAKE_MEMORY_BYTES;
	uint64_t *rings[] = {&pair.queue.descriptor_gpa, &pair.queue.avail_gpa,
			     &pair.queue.used_gpa};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		refuse_ring(rings[i], 0);
		refuse_ring(rings[i], end);
		refuse_ring(rings[i], FAKE_BASE_GPA - 16);
		refuse_ring(rings[i], UINT64_MAX - 15);
	}
	/* One byte short, the event fields included. */
	refuse_ring(&pair.queue.descriptor_gpa, end - 16 * SIZE + 16);
	refuse_ring(&pair.queue.avail_gpa, end - (6 + 2 * SIZE) + 2);
	refuse_ring(&pair.queue.used_gpa, end - (6 + 8 * SIZE) + 2);
}

static void a_ring_may_end_where_memory_does(void **state)
{
	uint64_t end = FAKE_BASE_GPA + FAKE_MEMORY_BYTES;

	(void)state;
	pair.queue.descriptor_gpa = end - 16 * SIZE;
	assert_int_equal(start_again(), 0);
	pair.queue.avail_gpa = end - (6 + 2 * SIZE);
	assert_int_equal(start_again(), 0);
	pair.queue.used_gpa = end - (6 + 8 * SIZE) - 2;
	assert_int_equal(start_again(), 0);
}

static void start_begins_at_zero_and_resume_goes_on(void **state)
{
	(void)state;
	add_one();
	assert_int_equal(pop(), 1);
	queue_push(&pair.queue, pair.chain.head, 0);
	assert_true(queue_interrupt_due(&pair.queue));

	queue_stop(&pair.queue);
	assert_false(pair.queue.ready);
	assert_null(pair.queue.descriptors);
	assert_null(pair.queue.avail);
	assert_null(pair.queue.used);
	assert_null(pair.queue.memory);
	assert_int_equal(queue_resume(&pair.queue, &pair.driver.memory, &pair.fault), 0);
	assert_true(pair.queue.ready);
	assert_int_equal(pair.queue.next_avail, 1);
	assert_int_equal(pair.queue.next_used, 1);
	assert_int_equal(pair.queue.signalled_used, 1);
	assert_true(pair.queue.was_signalled);
	assert_int_equal(pop(), 0);

	assert_int_equal(start_again(), 0);
	assert_int_equal(pair.queue.next_avail, 0);
	assert_int_equal(pair.queue.next_used, 0);
	assert_int_equal(pair.queue.signalled_used, 0);
	assert_false(pair.queue.was_signalled);
	assert_int_equal(pop(), 1);
}

static void resume_checks_as_start_does(void **state)
{
	(void)state;
	queue_stop(&pair.queue);
	pair.queue.next_avail = 77;
	pair.queue.used_gpa = 0;
	assert_int_equal(queue_resume(&pair.queue, &pair.driver.memory, &pair.fault), -EINVAL);
	assert_int_equal(pair.fault, VIRTIO_FAULT_RING_ADDRESS);
	assert_int_equal(pair.queue.next_avail, 77);
	assert_false(pair.queue.ready);
}

/* -- Popping -- */

static void an_empty_queue_pops_nothing(void **state)
{
	(void)state;
	assert_int_equal(pop(), 0);
	assert_int_equal(pair.fault, VIRTIO_FAULT_NONE);
}

static void pops_a_direct_chain(void **state)
{
	(void)state;
	pair.driver.next_descriptor = 2;
	expect_request(fake_driver_add(&pair.driver, request, 3));
	assert_int_equal(pop(), 0);
}

static void pops_an_indirect_chain(void **state)
{
	(void)state;
	pair.driver.next_descriptor = 3;
	expect_request(fake_driver_add_indirect(&pair.driver, request, 3));
	assert_int_equal(pop(), 0);
}

/* 2.7.5.3.2: normal descriptors may come before the one that names the table. */
static void pops_direct_descriptors_and_a_table(void **state)
{
	struct fake_buffer both[] = {request[0], {0, 0, false}};
	uint16_t head;

	(void)state;
	both[1] = fake_driver_table(&pair.driver, request + 1, 2);
	head = fake_driver_chain(&pair.driver, both, 2);
	pair.driver.descriptors[head + 1].flags = QUEUE_DESCRIPTOR_INDIRECT;
	fake_driver_offer(&pair.driver, head);
	expect_request(head);
}

/* 2.7.5.3.2: the device ignores this flag there. */
static void the_write_flag_of_an_indirect_descriptor_counts_for_nothing(void **state)
{
	uint16_t head;

	(void)state;
	head = fake_driver_add_indirect(&pair.driver, request, 3);
	pair.driver.descriptors[head].flags |= QUEUE_DESCRIPTOR_WRITE;
	expect_request(head);
}

static void an_indirect_table_needs_no_alignment(void **state)
{
	struct queue_descriptor table[3];
	struct fake_buffer moved = fake_driver_table(&pair.driver, request, 3);
	uint16_t head;

	(void)state;
	memcpy(table, fake_at(&pair.driver, moved.gpa), sizeof(table));
	moved.gpa = FAKE_DATA_GPA + 8191;
	memcpy(fake_at(&pair.driver, moved.gpa), table, sizeof(table));
	head = fake_driver_chain(&pair.driver, &moved, 1);
	pair.driver.descriptors[head].flags = QUEUE_DESCRIPTOR_INDIRECT;
	fake_driver_offer(&pair.driver, head);
	expect_request(head);
}

static void pops_in_the_order_of_the_ring(void **state)
{
	(void)state;
	for (uint16_t head = SIZE; head-- > 0;) {
		pair.driver.next_descriptor = head;
		add_one();
	}
	for (uint16_t head = SIZE; head-- > 0;) {
		assert_int_equal(pop(), 1);
		assert_int_equal(pair.chain.head, head);
	}
	assert_int_equal(pop(), 0);
}

static void segments_without_a_length_are_left_out(void **state)
{
	/* Neither the address nor the direction of nothing matters. */
	const struct fake_buffer buffers[] = {
		{0, 0, true},  request[0], {UINT64_MAX, 0, false}, request[1],
		{7, 0, false}, request[2], {0, 0, true},
	};

	(void)state;
	expect_request(fake_driver_add(&pair.driver, buffers, 7));
}

static void a_chain_of_nothing_is_a_chain(void **state)
{
	const struct fake_buffer nothing = {0, 0, false};
	uint16_t head = fake_driver_add(&pair.driver, &nothing, 1);

	(void)state;
	assert_int_equal(pop(), 1);
	assert_int_equal(pair.chain.head, head);
	assert_int_equal(pair.chain.readable_count + pair.chain.writable_count, 0);
}

static void only_readable_or_only_writable(void **state)
{
	(void)state;
	fake_driver_add(&pair.driver, request, 1);
	fake_driver_add(&pair.driver, request + 1, 2);
	assert_int_equal(pop(), 1);
	assert_int_equal(pair.chain.readable_count, 1);
	assert_int_equal(pair.chain.writable_count, 0);
	assert_int_equal(pair.chain.writable_bytes, 0);
	assert_int_equal(pop(), 1);
	assert_int_equal(pair.chain.readable_count, 0);
	assert_int_equal(pair.chain.readable_bytes, 0);
	assert_int_equal(pair.chain.writable_count, 2);
	expect_segment(0, FAKE_DATA_GPA + 4096, 512);
}

/* What the driver changes after the pop changes nothing. */
static void a_chain_is_a_snapshot(void **state)
{
	(void)state;
	fake_driver_add(&pair.driver, request, 3);
	assert_int_equal(pop(), 1);
	memset(pair.driver.descriptors, 0xff, SIZE * sizeof(struct queue_descriptor));
	expect_segment(0, FAKE_DATA_GPA, 16);
	expect_segment(2, FAKE_DATA_GPA + 64, 1);
}

static void the_largest_table_and_a_full_ring(void **state)
{
	struct fake_buffer buffers[QUEUE_SIZE_MAX];

	(void)state;
	tear_down(NULL);
	begin(QUEUE_SIZE_MAX);
	for (unsigned int i = 0; i < QUEUE_SIZE_MAX; i++)
		buffers[i] = (struct fake_buffer){FAKE_DATA_GPA + i, i + 1, i >= 200};
	fake_driver_add_indirect(&pair.driver, buffers, QUEUE_SIZE_MAX);
	assert_int_equal(pop(), 1);
	assert_int_equal(pair.chain.readable_count, 200);
	assert_int_equal(pair.chain.writable_count, 56);
	assert_int_equal(pair.chain.readable_bytes, 200 * 201 / 2);
	assert_int_equal(pair.chain.readable_bytes + pair.chain.writable_bytes, 256 * 257 / 2);
	expect_segment(255, FAKE_DATA_GPA + 255, 256);
	for (uint16_t head = 0; head < QUEUE_SIZE_MAX; head++)
		fake_driver_offer(&pair.driver, 0);
	for (uint16_t head = 0; head < QUEUE_SIZE_MAX; head++)
		assert_int_equal(pop(), 1);
	assert_int_equal(pop(), 0);
}

static void a_direct_chain_as_long_as_the_largest_table(void **state)
{
	struct fake_buffer buffers[QUEUE_SIZE_MAX];

	(void)state;
	tear_down(NULL);
	begin(QUEUE_SIZE_MAX);
	for (unsigned int i = 0; i < QUEUE_SIZE_MAX; i++)
		buffers[i] = (struct fake_buffer){FAKE_DATA_GPA + i, 1, false};
	pair.driver.next_descriptor = 100;
	assert_int_equal(fake_driver_add(&pair.driver, buffers, QUEUE_SIZE_MAX), 100);
	assert_int_equal(pop(), 1);
	assert_int_equal(pair.chain.head, 100);
	assert_int_equal(pair.chain.readable_count, QUEUE_SIZE_MAX);
	expect_segment(255, FAKE_DATA_GPA + 255, 1);
}

static void unpop_gives_the_chain_back_to_be_read_afresh(void **state)
{
	uint16_t head = fake_driver_add(&pair.driver, request, 3);

	(void)state;
	expect_request(head);
	pair.driver.descriptors[head].length = 24;
	queue_unpop(&pair.queue);
	assert_int_equal(pop(), 1);
	assert_int_equal(pair.chain.readable_bytes, 24);
	assert_int_equal(pop(), 0);
}

static void has_more_is_what_the_next_pop_finds(void **state)
{
	(void)state;
	assert_false(queue_has_more(&pair.queue));
	add_one();
	assert_true(queue_has_more(&pair.queue));
	assert_int_equal(pop(), 1);
	assert_false(queue_has_more(&pair.queue));
	queue_unpop(&pair.queue);
	assert_true(queue_has_more(&pair.queue));
}

/* -- Faults -- */

static void fault_avail_index(void **state)
{
	(void)state;
	pair.driver.avail[1] = SIZE + 1;
	expect_fault(VIRTIO_FAULT_AVAIL_INDEX);
	pair.driver.avail[1] = 0xffff; /* backwards */
	expect_fault(VIRTIO_FAULT_AVAIL_INDEX);
	pair.driver.avail[1] = 0x8000;
	expect_fault(VIRTIO_FAULT_AVAIL_INDEX);
	pair.driver.avail[1] = SIZE; /* as far ahead as it may be */
	assert_int_equal(pop(), 1);
}

static void fault_head(void **state)
{
	(void)state;
	fake_driver_offer(&pair.driver, SIZE);
	expect_fault(VIRTIO_FAULT_HEAD);
	pair.driver.avail[2] = 0xffff;
	expect_fault(VIRTIO_FAULT_HEAD);
	pair.driver.avail[2] = SIZE - 1;
	assert_int_equal(pop(), 1);
}

static void fault_next(void **state)
{
	uint16_t head = fake_driver_add(&pair.driver, request, 3);

	(void)state;
	pair.driver.descriptors[head + 1].next = SIZE;
	expect_fault(VIRTIO_FAULT_NEXT);
	pair.driver.descriptors[head + 1].next = 0xffff;
	expect_fault(VIRTIO_FAULT_NEXT);
	/* Without the flag the field means nothing. */
	pair.driver.descriptors[head + 1].flags = QUEUE_DESCRIPTOR_WRITE;
	assert_int_equal(pop(), 1);
	assert_int_equal(pair.chain.writable_count, 1);
}

static void fault_next_in_a_table(void **state)
{
	struct queue_descriptor *table;

	(void)state;
	fake_driver_add_indirect(&pair.driver, request, 3);
	table = fake_at(&pair.driver, fake_indirect_gpa(3));
	table[1].next = 3;
	expect_fault(VIRTIO_FAULT_NEXT);
	table[1].next = 2;
	assert_int_equal(pop(), 1);
}

static void fault_loop(void **state)
{
	uint16_t head = fake_driver_add(&pair.driver, request, 3);

	(void)state;
	pair.driver.descriptors[head + 2].flags |= QUEUE_DESCRIPTOR_NEXT;
	pair.driver.descriptors[head + 2].next = (uint16_t)(head + 1);
	expect_fault(VIRTIO_FAULT_LOOP);
	/* A loop of nothing ends as well. */
	pair.driver.descriptors[head] = (struct queue_descriptor){
		.flags = QUEUE_DESCRIPTOR_NEXT,
		.next = head,
	};
	expect_fault(VIRTIO_FAULT_LOOP);
}

static void fault_loop_in_a_table(void **state)
{
	struct queue_descriptor *table;

	(void)state;
	fake_driver_add_indirect(&pair.driver, request, 3);
	table = fake_at(&pair.driver, fake_indirect_gpa(3));
	table[2].flags |= QUEUE_DESCRIPTOR_NEXT;
	table[2].next = 2;
	expect_fault(VIRTIO_FAULT_LOOP);
}

/* A table may be longer than the queue, but in all no chain has more than 256 segments. */
static void fault_loop_by_too_many_segments(void **state)
{
	struct fake_buffer buffers[QUEUE_SEGMENTS_MAX];
	struct fake_buffer both[] = {{FAKE_DATA_GPA, 1, false}, {0, 0, false}};
	uint16_t head;

	(void)state;
	for (unsigned int i = 0; i < QUEUE_SEGMENTS_MAX; i++)
		buffers[i] = (struct fake_buffer){FAKE_DATA_GPA + i, 1, true};
	both[1] = fake_driver_table(&pair.driver, buffers, QUEUE_SEGMENTS_MAX);
	head = fake_driver_chain(&pair.driver, both, 2);
	pair.driver.descriptors[head + 1].flags = QUEUE_DESCRIPTOR_INDIRECT;
	fake_driver_offer(&pair.driver, head);
	expect_fault(VIRTIO_FAULT_LOOP);

	pair.driver.descriptors[head].length = 0;
	assert_int_equal(pop(), 1);
	assert_int_equal(pair.chain.writable_count, QUEUE_SEGMENTS_MAX);
}

static void fault_indirect_that_was_not_negotiated(void **state)
{
	(void)state;
	pair.queue.has_indirect = false;
	fake_driver_add_indirect(&pair.driver, request, 3);
	expect_fault(VIRTIO_FAULT_INDIRECT);
}

static void fault_indirect_length(void **state)
{
	static const uint32_t bad[] = {0, 1, 15, 17, 47, 16 * 257, 0xfffffff0, 0xffffffff};
	uint16_t head = fake_driver_add_indirect(&pair.driver, request, 3);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pair.driver.descriptors[head].length = bad[i];
		expect_fault(VIRTIO_FAULT_INDIRECT);
	}
	/* Long enough for nothing: the first descriptor's next is outside. */
	pair.driver.descriptors[head].length = 16;
	expect_fault(VIRTIO_FAULT_NEXT);
	pair.driver.descriptors[head].length = 48;
	expect_request(head);
}

static void fault_indirect_address(void **state)
{
	static const uint64_t bad[] = {0, FAKE_BASE_GPA - 16,
				       FAKE_BASE_GPA + FAKE_MEMORY_BYTES - 47,
				       FAKE_BASE_GPA + FAKE_MEMORY_BYTES, UINT64_MAX - 15};
	uint16_t head = fake_driver_add_indirect(&pair.driver, request, 3);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pair.driver.descriptors[head].gpa = bad[i];
		expect_fault(VIRTIO_FAULT_INDIRECT);
	}
}

static void fault_indirect_that_is_nested(void **state)
{
	struct queue_descriptor *table;

	(void)state;
	fake_driver_add_indirect(&pair.driver, request, 3);
	table = fake_at(&pair.driver, fake_indirect_gpa(3));
	table[1] = (struct queue_descriptor){
		.gpa = fake_indirect_gpa(3),
		.length = 48,
		.flags = QUEUE_DESCRIPTOR_INDIRECT,
	};
	expect_fault(VIRTIO_FAULT_INDIRECT);
}

static void fault_indirect_with_a_next(void **state)
{
	uint16_t head = fake_driver_add_indirect(&pair.driver, request, 3);

	(void)state;
	pair.driver.descriptors[head].flags |= QUEUE_DESCRIPTOR_NEXT;
	expect_fault(VIRTIO_FAULT_INDIRECT);
}

static void fault_buffer_address(void **state)
{
	static const struct fake_buffer bad[] = {
		{0, 1, false},
		{FAKE_BASE_GPA - 1, 1, false},
		{FAKE_BASE_GPA - 1, 2, true},
		{FAKE_BASE_GPA + FAKE_MEMORY_BYTES - 1, 2, true},
		{FAKE_BASE_GPA + FAKE_MEMORY_BYTES, 1, false},
		{FAKE_BASE_GPA, UINT32_MAX, false},
		{UINT64_MAX, 1, false},
		{UINT64_MAX, UINT32_MAX, true},
	};
	uint16_t head = fake_driver_add(&pair.driver, request, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pair.driver.descriptors[head] = fake_descriptor(&bad[i]);
		expect_fault(VIRTIO_FAULT_BUFFER_ADDRESS);
	}
	pair.driver.descriptors[head].gpa = FAKE_BASE_GPA + FAKE_MEMORY_BYTES - 1;
	pair.driver.descriptors[head].length = 1;
	assert_int_equal(pop(), 1);
}

/* Two ranges side by side are two mappings: no buffer lies across. */
static void fault_buffer_across_two_ranges(void **state)
{
	static uint8_t second[64];
	const uint64_t border = FAKE_BASE_GPA + FAKE_MEMORY_BYTES;
	const struct fake_buffer buffers[] = {{border - 8, 8, false}, {border, 8, false}};
	uint16_t head;

	(void)state;
	assert_int_equal(guest_memory_add(&pair.driver.memory, border, sizeof(second), second), 0);
	head = fake_driver_add(&pair.driver, buffers, 2);
	assert_int_equal(pop(), 1);
	assert_ptr_equal(pair.chain.segments[1].iov_base, second);
	pair.driver.descriptors[head].length = 9;
	fake_driver_offer(&pair.driver, head);
	expect_fault(VIRTIO_FAULT_BUFFER_ADDRESS);
}

static void fault_order(void **state)
{
	const struct fake_buffer buffers[] = {request[1], request[0]};

	(void)state;
	fake_driver_add(&pair.driver, buffers, 2);
	expect_fault(VIRTIO_FAULT_ORDER);
}

static void fault_order_in_a_table(void **state)
{
	const struct fake_buffer buffers[] = {request[0], request[1], request[0]};

	(void)state;
	fake_driver_add_indirect(&pair.driver, buffers, 3);
	expect_fault(VIRTIO_FAULT_ORDER);
}

static void fault_order_between_direct_and_table(void **state)
{
	struct fake_buffer both[] = {request[1], {0, 0, false}};
	uint16_t head;

	(void)state;
	both[1] = fake_driver_table(&pair.driver, request, 1);
	head = fake_driver_chain(&pair.driver, both, 2);
	pair.driver.descriptors[head + 1].flags = QUEUE_DESCRIPTOR_INDIRECT;
	fake_driver_offer(&pair.driver, head);
	expect_fault(VIRTIO_FAULT_ORDER);
}

/* The sum over both directions: exactly what 32 bits hold passes, one byte more does not. */
static void fault_length(void **state)
{
	struct fake_buffer buffers[QUEUE_SIZE_MAX];
	uint16_t head;

	(void)state;
	for (unsigned int i = 0; i < QUEUE_SIZE_MAX; i++)
		buffers[i] = (struct fake_buffer){FAKE_DATA_GPA, BIG_BYTES, i >= 128};
	buffers[255].length--;
	head = fake_driver_add_indirect(&pair.driver, buffers, QUEUE_SIZE_MAX);
	assert_int_equal(pop(), 1);
	assert_int_equal(pair.chain.readable_bytes, UINT32_C(0x80000000));
	assert_int_equal(pair.chain.writable_bytes, UINT32_C(0x7fffffff));
	buffers[255].length++;
	fake_driver_table(&pair.driver, buffers, QUEUE_SIZE_MAX);
	fake_driver_offer(&pair.driver, head);
	expect_fault(VIRTIO_FAULT_LENGTH);
}

static void every_fault_has_words(void **state)
{
	(void)state;
	for (int i = 0; i < VIRTIO_FAULTS; i++) {
		assert_true(strlen(virtio_fault_text((enum virtio_fault)i)) > 0);
		for (int other = 0; other < i; other++)
			assert_string_not_equal(virtio_fault_text((enum virtio_fault)i),
						virtio_fault_text((enum virtio_fault)other));
	}
	assert_non_null(virtio_fault_text(VIRTIO_FAULTS));
	assert_non_null(virtio_fault_text((enum virtio_fault) - 1));
}

/* -- Pushing and indices -- */

static void push_tells_head_and_length(void **state)
{
	struct fake_used entry;

	(void)state;
	queue_push(&pair.queue, 5, 0x12345678);
	queue_push(&pair.queue, 2, 0);
	assert_int_equal(pair.driver.used[1], 2);
	assert_true(fake_driver_take_used(&pair.driver, &entry));
	assert_int_equal(entry.head, 5);
	assert_int_equal(entry.written_bytes, 0x12345678);
	assert_true(fake_driver_take_used(&pair.driver, &entry));
	assert_int_equal(entry.head, 2);
	assert_int_equal(entry.written_bytes, 0);
	assert_false(fake_driver_take_used(&pair.driver, &entry));
}

static void go_around(uint16_t size, unsigned int rounds)
{
	struct fake_used entry;
	unsigned int in_flight = 0;

	tear_down(NULL);
	begin(size);
	for (unsigned int i = 0; i < rounds; i++) {
		uint16_t head = fake_driver_add(&pair.driver, request, 1);

		assert_int_equal(pop(), 1);
		assert_int_equal(pair.chain.head, head);
		queue_push(&pair.queue, head, i);
		/* Let the ring fill up before the driver looks. */
		if (++in_flight < size)
			continue;
		for (; in_flight > 0; in_flight--) {
			assert_true(fake_driver_take_used(&pair.driver, &entry));
			assert_int_equal(entry.written_bytes, i + 1 - in_flight);
		}
	}
	assert_int_equal(pair.queue.next_avail, (uint16_t)rounds);
	assert_int_equal(pair.queue.next_used, (uint16_t)rounds);
}

static void indices_wrap_at_65536(void **state)
{
	(void)state;
	go_around(1, 65536 + 3);
	go_around(4, 65536 + 4);
	go_around(QUEUE_SIZE_MAX, 2 * 65536 + QUEUE_SIZE_MAX);
}

static void the_avail_index_is_checked_across_the_wrap(void **state)
{
	(void)state;
	fake_driver_begin_at(&pair.driver, 0xfffe);
	pair.queue.next_avail = 0xfffe;
	for (unsigned int i = 0; i < SIZE; i++)
		add_one();
	assert_int_equal(pair.driver.avail[1], SIZE - 2);
	pair.driver.avail[1] = SIZE - 1;
	expect_fault(VIRTIO_FAULT_AVAIL_INDEX);
	pair.driver.avail[1] = SIZE - 2;
	for (unsigned int i = 0; i < SIZE; i++)
		assert_int_equal(pop(), 1);
	assert_int_equal(pop(), 0);
	queue_unpop(&pair.queue);
	assert_int_equal(pop(), 1);
}

/* -- Interrupts wanted -- */

static void push_many(unsigned int count)
{
	while (count-- > 0)
		queue_push(&pair.queue, 0, 0);
}

static void nothing_pushed_is_no_interrupt(void **state)
{
	(void)state;
	for (int has_event_index = 0; has_event_index < 2; has_event_index++) {
		pair.queue.has_event_index = has_event_index;
		assert_int_equal(start_again(), 0);
		assert_false(queue_interrupt_due(&pair.queue));
		push_many(1);
		assert_true(queue_interrupt_due(&pair.queue));
		assert_false(queue_interrupt_due(&pair.queue));
	}
}

static void interrupts_by_flag(void **state)
{
	(void)state;
	push_many(3);
	assert_true(queue_interrupt_due(&pair.queue));
	fake_driver_set_no_interrupt(&pair.driver, true);
	push_many(1);
	assert_false(queue_interrupt_due(&pair.queue));
	fake_driver_set_no_interrupt(&pair.driver, false);
	/* What was decided once is not decided again. */
	assert_false(queue_interrupt_due(&pair.queue));
	push_many(1);
	/* Other bits, and the event index that was not negotiated, mean nothing. */
	pair.driver.avail[0] = 0xfffe;
	fake_driver_set_used_event(&pair.driver, 1000);
	assert_true(queue_interrupt_due(&pair.queue));
}

static void interrupts_by_event_index(void **state)
{
	(void)state;
	pair.queue.has_event_index = true;
	/* The flag means nothing now. */
	fake_driver_set_no_interrupt(&pair.driver, true);
	push_many(1);
	assert_true(queue_interrupt_due(&pair.queue));
	fake_driver_set_used_event(&pair.driver, 3);
	push_many(2);
	assert_false(queue_interrupt_due(&pair.queue)); /* now at 3: entry 3 is still to come */
	push_many(1);
	assert_true(queue_interrupt_due(&pair.queue));
	push_many(1);
	assert_false(queue_interrupt_due(&pair.queue)); /* passed before */
	fake_driver_set_used_event(&pair.driver, 7);
	push_many(5);
	assert_true(queue_interrupt_due(&pair.queue)); /* passed in the middle of a batch */
}

/* A driver that starts over may have left anything there. */
static void the_first_batch_interrupts_wherever_the_event_is(void **state)
{
	(void)state;
	pair.queue.has_event_index = true;
	fake_driver_set_used_event(&pair.driver, 500);
	push_many(2);
	assert_true(queue_interrupt_due(&pair.queue));
	push_many(2);
	assert_false(queue_interrupt_due(&pair.queue));
}

static void event_index_across_the_wrap(void **state)
{
	(void)state;
	pair.queue.has_event_index = true;
	pair.queue.next_used = pair.queue.signalled_used = 0xfffd;
	pair.queue.was_signalled = true;
	fake_driver_set_used_event(&pair.driver, 0xffff);
	push_many(2);
	assert_false(queue_interrupt_due(&pair.queue));
	push_many(1);
	assert_true(queue_interrupt_due(&pair.queue));
	fake_driver_set_used_event(&pair.driver, 1);
	push_many(1);
	assert_false(queue_interrupt_due(&pair.queue));
	push_many(1);
	assert_true(queue_interrupt_due(&pair.queue));
}

/* A batch so long that the index comes around to where it was. */
static void a_batch_of_65536_interrupts(void **state)
{
	static const unsigned int batches[] = {65535, 65536, 65537, 2 * 65536};

	(void)state;
	for (int has_event_index = 0; has_event_index < 2; has_event_index++) {
		pair.queue.has_event_index = has_event_index;
		for (size_t i = 0; i < 4; i++) {
			assert_int_equal(start_again(), 0);
			push_many(5);
			assert_true(queue_interrupt_due(&pair.queue));
			fake_driver_set_used_event(&pair.driver, 5);
			push_many(batches[i]);
			assert_true(queue_interrupt_due(&pair.queue));
			assert_false(queue_interrupt_due(&pair.queue));
		}
	}
}

/* -- Notifications wanted -- */

static void hush_and_listen_by_flag(void **state)
{
	(void)state;
	queue_hush(&pair.queue);
	assert_int_equal(pair.driver.used[0], QUEUE_USED_NO_NOTIFY);
	add_one();
	assert_false(fake_driver_must_kick(&pair.driver, false));
	assert_true(queue_listen(&pair.queue));
	assert_int_equal(pair.driver.used[0], 0);
	assert_int_equal(pop(), 1);
	assert_false(queue_listen(&pair.queue));
	add_one();
	assert_true(fake_driver_must_kick(&pair.driver, false));
	/* No event index was negotiated, so none is written. */
	assert_int_equal(pair.driver.used[2 + 4 * SIZE], 0);
}

static void hush_and_listen_by_event_index(void **state)
{
	(void)state;
	pair.queue.has_event_index = true;
	queue_hush(&pair.queue);
	assert_int_equal(pair.driver.used[0], 0);
	add_one();
	assert_true(fake_driver_must_kick(&pair.driver, true));
	assert_int_equal(pop(), 1);
	add_one();
	/* Avail event still at 0: passed before, so the device is not told. */
	assert_false(fake_driver_must_kick(&pair.driver, true));
	assert_true(queue_listen(&pair.queue));
	assert_int_equal(pop(), 1);
	assert_false(queue_listen(&pair.queue));
	assert_int_equal(pair.driver.used[2 + 4 * SIZE], 2);
	add_one();
	assert_true(fake_driver_must_kick(&pair.driver, true));
	assert_int_equal(pair.driver.used[0], 0);
}

static void a_bad_index_is_something_to_look_at(void **state)
{
	(void)state;
	pair.driver.avail[1] = 0x7777;
	assert_true(queue_listen(&pair.queue));
	expect_fault(VIRTIO_FAULT_AVAIL_INDEX);
}

/* -- Both at once -- */

enum {
	RACE_CHAINS = 50000,
};

struct bell {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool rung;
};

static struct bell kicks = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
static struct bell interrupts = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};

static void bell_ring(struct bell *bell)
{
	pthread_mutex_lock(&bell->lock);
	bell->rung = true;
	pthread_cond_signal(&bell->changed);
	pthread_mutex_unlock(&bell->lock);
}

/* Waits as long as it takes: a lost notification is a test that never ends. */
static void bell_wait(struct bell *bell)
{
	pthread_mutex_lock(&bell->lock);
	while (!bell->rung)
		pthread_cond_wait(&bell->changed, &bell->lock);
	bell->rung = false;
	pthread_mutex_unlock(&bell->lock);
}

static void *serve(void *unused)
{
	unsigned int served = 0;

	(void)unused;
	while (served < RACE_CHAINS) {
		bell_wait(&kicks);
		do {
			queue_hush(&pair.queue);
			while (pop() > 0) {
				/* The answer is the question: written before it is pushed. */
				memcpy(pair.chain.segments[1].iov_base,
				       pair.chain.segments[0].iov_base, sizeof(uint32_t));
				queue_push(&pair.queue, pair.chain.head, sizeof(uint32_t));
				served++;
			}
			if (queue_interrupt_due(&pair.queue))
				bell_ring(&interrupts);
		} while (queue_listen(&pair.queue));
	}
	return NULL;
}

/* 2.7.14: ask for the interrupt, look again, and only then sleep. */
static void wait_for_used(void)
{
	if (pair.queue.has_event_index)
		fake_driver_set_used_event(&pair.driver, pair.driver.taken);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	while (__atomic_load_n(&pair.driver.used[1], __ATOMIC_RELAXED) == pair.driver.taken)
		bell_wait(&interrupts);
}

static uint32_t *question_of(uint16_t head)
{
	return fake_at(&pair.driver, FAKE_DATA_GPA + head * UINT64_C(8));
}

static void add_question(uint16_t head, uint32_t question)
{
	uint64_t gpa = FAKE_DATA_GPA + head * UINT64_C(8);
	const struct fake_buffer buffers[] = {{gpa, 4, false}, {gpa + 4, 4, true}};

	*question_of(head) = question;
	pair.driver.next_descriptor = head;
	fake_driver_add(&pair.driver, buffers, 2);
}

static void race(bool has_event_index)
{
	pthread_t device;
	struct fake_used entry;
	unsigned int done = 0;

	assert_int_equal(start_again(), 0);
	fake_driver_begin_at(&pair.driver, 0);
	fake_driver_set_used_event(&pair.driver, 0);
	pair.queue.has_event_index = has_event_index;
	kicks.rung = interrupts.rung = false;
	assert_int_equal(pthread_create(&device, NULL, serve, NULL), 0);
	while (done < RACE_CHAINS) {
		unsigned int batch = done % 3 + 1; /* heads 0, 2 and 4 */

		for (unsigned int i = 0; i < batch && done + i < RACE_CHAINS; i++)
			add_question((uint16_t)(2 * i), done + i);
		if (fake_driver_must_kick(&pair.driver, has_event_index))
			bell_ring(&kicks);
		while (pair.driver.taken != pair.driver.added) {
			wait_for_used();
			while (fake_driver_take_used(&pair.driver, &entry)) {
				const uint32_t *question = question_of((uint16_t)entry.head);

				assert_int_equal(question[0], done++);
				assert_int_equal(question[1], question[0]);
			}
		}
	}
	assert_int_equal(pthread_join(device, NULL), 0);
}

static void nothing_is_lost_between_two_threads(void **state)
{
	(void)state;
	race(false);
	race(true);
}

#define WITH_QUEUE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_QUEUE(starts_only_with_an_allowed_size),
		WITH_QUEUE(starts_with_the_largest_size),
		WITH_QUEUE(refuses_a_misaligned_ring),
		WITH_QUEUE(refuses_a_ring_outside_memory),
		WITH_QUEUE(a_ring_may_end_where_memory_does),
		WITH_QUEUE(start_begins_at_zero_and_resume_goes_on),
		WITH_QUEUE(resume_checks_as_start_does),
		WITH_QUEUE(an_empty_queue_pops_nothing),
		WITH_QUEUE(pops_a_direct_chain),
		WITH_QUEUE(pops_an_indirect_chain),
		WITH_QUEUE(pops_direct_descriptors_and_a_table),
		WITH_QUEUE(the_write_flag_of_an_indirect_descriptor_counts_for_nothing),
		WITH_QUEUE(an_indirect_table_needs_no_alignment),
		WITH_QUEUE(pops_in_the_order_of_the_ring),
		WITH_QUEUE(segments_without_a_length_are_left_out),
		WITH_QUEUE(a_chain_of_nothing_is_a_chain),
		WITH_QUEUE(only_readable_or_only_writable),
		WITH_QUEUE(a_chain_is_a_snapshot),
		WITH_QUEUE(the_largest_table_and_a_full_ring),
		WITH_QUEUE(a_direct_chain_as_long_as_the_largest_table),
		WITH_QUEUE(unpop_gives_the_chain_back_to_be_read_afresh),
		WITH_QUEUE(has_more_is_what_the_next_pop_finds),
		WITH_QUEUE(fault_avail_index),
		WITH_QUEUE(fault_head),
		WITH_QUEUE(fault_next),
		WITH_QUEUE(fault_next_in_a_table),
		WITH_QUEUE(fault_loop),
		WITH_QUEUE(fault_loop_in_a_table),
		WITH_QUEUE(fault_loop_by_too_many_segments),
		WITH_QUEUE(fault_indirect_that_was_not_negotiated),
		WITH_QUEUE(fault_indirect_length),
		WITH_QUEUE(fault_indirect_address),
		WITH_QUEUE(fault_indirect_that_is_nested),
		WITH_QUEUE(fault_indirect_with_a_next),
		WITH_QUEUE(fault_buffer_address),
		WITH_QUEUE(fault_buffer_across_two_ranges),
		WITH_QUEUE(fault_order),
		WITH_QUEUE(fault_order_in_a_table),
		WITH_QUEUE(fault_order_between_direct_and_table),
		WITH_QUEUE(fault_length),
		cmocka_unit_test(every_fault_has_words),
		WITH_QUEUE(push_tells_head_and_length),
		WITH_QUEUE(indices_wrap_at_65536),
		WITH_QUEUE(the_avail_index_is_checked_across_the_wrap),
		WITH_QUEUE(nothing_pushed_is_no_interrupt),
		WITH_QUEUE(interrupts_by_flag),
		WITH_QUEUE(interrupts_by_event_index),
		WITH_QUEUE(the_first_batch_interrupts_wherever_the_event_is),
		WITH_QUEUE(event_index_across_the_wrap),
		WITH_QUEUE(a_batch_of_65536_interrupts),
		WITH_QUEUE(hush_and_listen_by_flag),
		WITH_QUEUE(hush_and_listen_by_event_index),
		WITH_QUEUE(a_bad_index_is_something_to_look_at),
		WITH_QUEUE(nothing_is_lost_between_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
