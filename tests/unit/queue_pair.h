/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/queue_pair.h - a queue and a fake driver around the same rings.
 *
 * Each test begins with a queue of 8 that has just been started, with indirect tables and
 * without the event index.
 */
#ifndef TESTS_UNIT_QUEUE_PAIR_H
#define TESTS_UNIT_QUEUE_PAIR_H

#include <errno.h>
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
};

struct pair {
	struct fake_driver driver;
	struct queue queue;
	struct queue_chain chain;
	enum virtio_fault fault;
};

static struct pair pair;

static inline void begin(uint16_t size)
{
	memset(&pair, 0, sizeof(pair));
	fake_driver_init(&pair.driver, size);
	fake_driver_place(&pair.driver, &pair.queue);
	pair.queue.has_indirect = true;
	assert_int_equal(queue_start(&pair.queue, &pair.driver.memory, &pair.fault), 0);
}

static inline int set_up(void **state)
{
	(void)state;
	begin(SIZE);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	fake_driver_release(&pair.driver);
	return 0;
}

static inline int start_again(void)
{
	queue_stop(&pair.queue);
	pair.fault = VIRTIO_FAULT_NONE;
	return queue_start(&pair.queue, &pair.driver.memory, &pair.fault);
}

static inline int pop(void)
{
	pair.fault = VIRTIO_FAULT_NONE;
	return queue_pop(&pair.queue, &pair.chain, &pair.fault);
}

/* A fault takes nothing, and the chain holds nothing. */
static inline void expect_fault(enum virtio_fault fault)
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

static inline void expect_segment(unsigned int index, uint64_t gpa, size_t length)
{
	assert_ptr_equal(pair.chain.segments[index].iov_base, fake_at(&pair.driver, gpa));
	assert_int_equal(pair.chain.segments[index].iov_len, length);
}

static const struct fake_buffer request[] = {
	{FAKE_DATA_GPA, 16, false},
	{FAKE_DATA_GPA + 4096, 512, true},
	{FAKE_DATA_GPA + 64, 1, true},
};

static inline void expect_request(uint16_t head)
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

static inline void add_one(void)
{
	fake_driver_add(&pair.driver, request, 1);
}

#define WITH_QUEUE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
