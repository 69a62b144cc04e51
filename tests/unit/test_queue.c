/* SPDX-License-Identifier: MIT */
/* tests/unit/test_queue.c - chains as the driver meant them, and indices that go around. */
#include "tests/unit/queue_pair.h"

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

static void stop_forgets_and_start_begins_at_zero(void **state)
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

	assert_int_equal(start_again(), 0);
	assert_int_equal(pair.queue.next_avail, 0);
	assert_int_equal(pair.queue.next_used, 0);
	assert_int_equal(pair.queue.signalled_used, 0);
	assert_false(pair.queue.was_signalled);
	assert_int_equal(pop(), 1);
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

/* What is placed lies in the ring, but the driver's index does not tell of it yet. */
static void placed_chains_are_seen_together(void **state)
{
	struct fake_used entry;

	(void)state;
	queue_place(&pair.queue, 5, 100);
	queue_place(&pair.queue, 2, 0);
	queue_place(&pair.queue, 7, 1);
	assert_int_equal(pair.driver.used[1], 0);
	assert_false(fake_driver_take_used(&pair.driver, &entry));
	queue_publish(&pair.queue);
	assert_int_equal(pair.driver.used[1], 3);
	assert_true(queue_interrupt_due(&pair.queue));
	assert_false(queue_interrupt_due(&pair.queue));
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(fake_driver_take_used(&pair.driver, &entry));
		assert_int_equal(entry.head, i == 0 ? 5 : i == 1 ? 2 : 7);
		assert_int_equal(entry.written_bytes, i == 0 ? 100 : i == 1 ? 0 : 1);
	}
}

static void publishing_nothing_is_nothing(void **state)
{
	(void)state;
	queue_push(&pair.queue, 1, 1);
	assert_true(queue_interrupt_due(&pair.queue));
	queue_publish(&pair.queue);
	assert_int_equal(pair.driver.used[1], 1);
	assert_false(queue_interrupt_due(&pair.queue));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_QUEUE(starts_only_with_an_allowed_size),
		WITH_QUEUE(starts_with_the_largest_size),
		WITH_QUEUE(refuses_a_misaligned_ring),
		WITH_QUEUE(refuses_a_ring_outside_memory),
		WITH_QUEUE(a_ring_may_end_where_memory_does),
		WITH_QUEUE(stop_forgets_and_start_begins_at_zero),
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
		WITH_QUEUE(push_tells_head_and_length),
		WITH_QUEUE(placed_chains_are_seen_together),
		WITH_QUEUE(publishing_nothing_is_nothing),
		WITH_QUEUE(indices_wrap_at_65536),
		WITH_QUEUE(the_avail_index_is_checked_across_the_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
