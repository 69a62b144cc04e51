/* SPDX-License-Identifier: MIT */
/* tests/unit/test_queue_faults.c - every fault that a driver can make. */
#include "tests/unit/queue_pair.h"

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
		buffers[i] = (struct fake_buffer){FAKE_DATA_GPA, FAKE_DATA_BYTES, i >= 128};
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
