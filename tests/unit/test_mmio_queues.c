/* SPDX-License-Identifier: MIT */
/* tests/unit/test_mmio_queues.c - queues over their registers, notifications and interrupts. */
#include "tests/unit/echo_device.h"

/* -- Queues -- */

static void tells_how_large_its_queues_may_be(void **state)
{
	(void)state;
	for (uint32_t index = 0; index < 2; index++) {
		put(QUEUE_SELECT, index);
		assert_int_equal(get(QUEUE_SIZE_MAX_REGISTER), 64);
	}
	put(QUEUE_SELECT, 2);
	assert_int_equal(get(QUEUE_SIZE_MAX_REGISTER), 0);
	put(QUEUE_SELECT, 0xffffffff);
	assert_int_equal(get(QUEUE_SIZE_MAX_REGISTER), 0);
	assert_int_equal(get(QUEUE_READY), 0);
}

static void a_queue_that_is_not_there_cannot_be_set_up(void **state)
{
	struct virtio_device before;

	(void)state;
	negotiate(FEATURES);
	before = echo.device;
	place_queue(2);
	put(QUEUE_READY, 1);
	put(QUEUE_SELECT, 0x80000000);
	put(QUEUE_READY, 1);
	assert_memory_equal(&before, &echo.device, sizeof(before));
	assert_int_equal(echo.failures, 0);
}

static void no_queue_before_features_ok(void **state)
{
	(void)state;
	put(STATUS, ACKNOWLEDGE | DRIVER);
	place_queue(0);
	put(QUEUE_READY, 1);
	assert_int_equal(get(QUEUE_READY), 0);
	assert_int_equal(echo.device.queues[0].size, 0);
	assert_true(echo.device.queues[0].descriptor_gpa == 0);
	assert_int_equal(echo.failures, 0);
}

static void addresses_have_two_halves(void **state)
{
	const struct queue *queue = &echo.device.queues[1];

	(void)state;
	negotiate(FEATURES);
	put(QUEUE_SELECT, 1);
	put_address(DESCRIPTORS, UINT64_C(0x123456789abcdef0));
	put_address(AVAIL, UINT64_C(0xfedcba9876543210));
	put_address(USED, UINT64_C(0x0f1e2d3c4b5a6978));
	assert_true(queue->descriptor_gpa == UINT64_C(0x123456789abcdef0));
	assert_true(queue->avail_gpa == UINT64_C(0xfedcba9876543210));
	assert_true(queue->used_gpa == UINT64_C(0x0f1e2d3c4b5a6978));
	put(USED, 0x11111111);
	assert_true(queue->used_gpa == UINT64_C(0x0f1e2d3c11111111));
	put(USED + 4, 0x22222222);
	assert_true(queue->used_gpa == UINT64_C(0x2222222211111111));
}

static void a_queue_that_is_ready_is_left_alone(void **state)
{
	struct queue before;

	(void)state;
	negotiate(FEATURES);
	place_queue(0);
	put(QUEUE_READY, 1);
	before = echo.device.queues[0];
	put(QUEUE_SIZE, 2);
	put_address(DESCRIPTORS, 0);
	put_address(AVAIL, 0);
	put_address(USED, 0);
	put(QUEUE_READY, 1);
	put(QUEUE_READY, 2);
	assert_memory_equal(&before, &echo.device.queues[0], sizeof(before));
	assert_int_equal(echo.failures, 0);
}

static void only_one_makes_a_queue_ready(void **state)
{
	(void)state;
	negotiate(FEATURES);
	place_queue(0);
	put(QUEUE_READY, 2);
	put(QUEUE_READY, 0x100);
	assert_int_equal(get(QUEUE_READY), 0);
	put(QUEUE_READY, 0); /* stopping what is stopped */
	assert_int_equal(echo.stopped, 0);
	put(QUEUE_READY, 1);
	assert_int_equal(get(QUEUE_READY), 1);
}

static void a_bad_size_stops_the_device(void **state)
{
	static const uint32_t bad[] = {0, 3, 128, 0x10008, 0x80000008, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		negotiate(FEATURES);
		place_queue(0);
		put(QUEUE_SIZE, bad[i]);
		put(QUEUE_READY, 1);
		assert_int_equal(get(QUEUE_READY), 0);
		assert_int_equal(get(STATUS), 11 | NEEDS_RESET);
		assert_int_equal(echo.failures, i + 1);
		assert_int_equal(echo.fault, VIRTIO_FAULT_RING_ADDRESS);
	}
	bring_up(FEATURES);
}

static void a_ring_outside_memory_stops_the_device(void **state)
{
	static const uint64_t rings[] = {DESCRIPTORS, AVAIL, USED};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		negotiate(FEATURES);
		place_queue(0);
		put_address(rings[i], UINT64_C(1) << 40);
		put(QUEUE_READY, 1);
		assert_int_equal(get(STATUS), 11 | NEEDS_RESET);
		assert_int_equal(echo.fault, VIRTIO_FAULT_RING_ADDRESS);
		/* 2.1.2: no interrupt before DRIVER_OK. */
		assert_int_equal(echo.interrupts, 0);
	}
}

static void a_bad_ring_after_driver_ok_interrupts(void **state)
{
	(void)state;
	bring_up(FEATURES);
	place_queue(1);
	put_address(USED, 0);
	put(QUEUE_READY, 1);
	assert_int_equal(get(STATUS), 15 | NEEDS_RESET);
	assert_int_equal(get(INTERRUPT_STATUS), VIRTIO_INTERRUPT_CONFIG_CHANGE);
	assert_int_equal(echo.interrupts, 1);
}

static void queues_know_what_was_negotiated(void **state)
{
	(void)state;
	bring_up(VIRTIO_F_VERSION_1);
	assert_false(echo.device.queues[0].has_event_index);
	assert_false(echo.device.queues[0].has_indirect);
	bring_up(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX);
	assert_true(echo.device.queues[0].has_event_index);
	assert_false(echo.device.queues[0].has_indirect);
	bring_up(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC);
	assert_false(echo.device.queues[0].has_event_index);
	assert_true(echo.device.queues[0].has_indirect);
}

static void stopping_a_queue_asks_the_device_first(void **state)
{
	(void)state;
	bring_up(FEATURES);
	put(QUEUE_READY, 0);
	assert_int_equal(echo.stopped, 1);
	assert_int_equal(echo.stopped_queue, 0);
	assert_true(echo.was_ready_when_stopped);
	assert_int_equal(get(QUEUE_READY), 0);
	assert_null(echo.device.queues[0].used);
	put(QUEUE_NOTIFY, 0);
	assert_int_equal(echo.notified, 0);
	assert_int_equal(get(STATUS), 15);
	/* And again, from the start. */
	put(QUEUE_READY, 1);
	assert_int_equal(get(QUEUE_READY), 1);
	put(QUEUE_NOTIFY, 0);
	assert_int_equal(echo.notified, 1);
}

static void a_stopped_device_still_lets_go_of_a_queue(void **state)
{
	(void)state;
	bring_up(FEATURES);
	virtio_device_fail(&echo.device, 0, VIRTIO_FAULT_LOOP);
	put(QUEUE_READY, 0);
	assert_int_equal(echo.stopped, 1);
	assert_int_equal(get(QUEUE_READY), 0);
}

/* -- Notifications and interrupts -- */

static void notifications_that_do_not_count(void **state)
{
	(void)state;
	put(QUEUE_NOTIFY, 0);
	negotiate(FEATURES);
	place_queue(0);
	put(QUEUE_READY, 1);
	put(QUEUE_NOTIFY, 0); /* before DRIVER_OK */
	put(STATUS, 15);
	put(QUEUE_NOTIFY, 1); /* not ready */
	put(QUEUE_NOTIFY, 2); /* not there */
	put(QUEUE_NOTIFY, 0x10000);
	put(QUEUE_NOTIFY, 0xffffffff);
	assert_int_equal(echo.notified, 0);
	put(QUEUE_SELECT, 1);
	put(QUEUE_NOTIFY, 0); /* the value counts, not the selector */
	assert_int_equal(echo.notified, 1);
	assert_int_equal(echo.notified_queue, 0);
	virtio_device_fail(&echo.device, 0, VIRTIO_FAULT_LOOP);
	put(QUEUE_NOTIFY, 0);
	assert_int_equal(echo.notified, 1);
}

static void acknowledging_clears_what_is_named(void **state)
{
	(void)state;
	echo.device.interrupt_status = 3;
	assert_int_equal(get(INTERRUPT_STATUS), 3);
	put(INTERRUPT_ACK, 1);
	assert_int_equal(get(INTERRUPT_STATUS), 2);
	put(INTERRUPT_ACK, 0);
	put(INTERRUPT_ACK, 1);
	assert_int_equal(get(INTERRUPT_STATUS), 2);
	put(INTERRUPT_ACK, 0xffffffff);
	assert_int_equal(get(INTERRUPT_STATUS), 0);
}

static void ask(char letter)
{
	const struct fake_buffer request[] = {{FAKE_DATA_GPA, 1, false},
					      {FAKE_DATA_GPA + 1, 1, true}};
	char *data = fake_at(&echo.driver, FAKE_DATA_GPA);
	struct fake_used entry;
	uint16_t head;

	data[0] = letter;
	data[1] = 0;
	head = fake_driver_add(&echo.driver, request, 2);
	put(QUEUE_NOTIFY, 0);
	assert_true(fake_driver_take_used(&echo.driver, &entry));
	assert_int_equal(entry.head, head);
	assert_int_equal(entry.written_bytes, 1);
	assert_int_equal(data[1], letter);
}

static void a_request_goes_through(void **state)
{
	(void)state;
	bring_up(VIRTIO_F_VERSION_1);
	for (unsigned int i = 1; i <= 20; i++) {
		ask((char)('a' + i));
		assert_int_equal(echo.interrupts, i);
		assert_int_equal(get(INTERRUPT_STATUS), VIRTIO_INTERRUPT_USED_BUFFER);
		put(INTERRUPT_ACK, VIRTIO_INTERRUPT_USED_BUFFER);
	}
}

static void a_fault_stops_and_a_reset_brings_it_back(void **state)
{
	(void)state;
	bring_up(VIRTIO_F_VERSION_1);
	ask('x');
	echo.interrupts = 0;
	fake_driver_offer(&echo.driver, RING_SIZE);
	put(QUEUE_NOTIFY, 0);
	assert_int_equal(get(STATUS), 15 | NEEDS_RESET);
	assert_int_equal(echo.failures, 1);
	assert_int_equal(echo.fault, VIRTIO_FAULT_HEAD);
	assert_int_equal(echo.interrupts, 1);
	assert_true(get(INTERRUPT_STATUS) & VIRTIO_INTERRUPT_CONFIG_CHANGE);
	put(QUEUE_NOTIFY, 0);
	assert_int_equal(echo.failures, 1);

	put(STATUS, 0);
	fake_driver_release(&echo.driver);
	fake_driver_init(&echo.driver, RING_SIZE);
	bring_up(VIRTIO_F_VERSION_1);
	ask('y');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ECHO(tells_how_large_its_queues_may_be),
		WITH_ECHO(a_queue_that_is_not_there_cannot_be_set_up),
		WITH_ECHO(no_queue_before_features_ok),
		WITH_ECHO(addresses_have_two_halves),
		WITH_ECHO(a_queue_that_is_ready_is_left_alone),
		WITH_ECHO(only_one_makes_a_queue_ready),
		WITH_ECHO(a_bad_size_stops_the_device),
		WITH_ECHO(a_ring_outside_memory_stops_the_device),
		WITH_ECHO(a_bad_ring_after_driver_ok_interrupts),
		WITH_ECHO(queues_know_what_was_negotiated),
		WITH_ECHO(stopping_a_queue_asks_the_device_first),
		WITH_ECHO(a_stopped_device_still_lets_go_of_a_queue),
		WITH_ECHO(notifications_that_do_not_count),
		WITH_ECHO(acknowledging_clears_what_is_named),
		WITH_ECHO(a_request_goes_through),
		WITH_ECHO(a_fault_stops_and_a_reset_brings_it_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
