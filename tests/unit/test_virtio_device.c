/* SPDX-License-Identifier: MIT */
/* tests/unit/test_virtio_device.c - what all devices share: signals, failure, time, configuration.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_driver.h"
#include "tests/unit/guard.h"
#include "virtio/device.h"

enum {
	LIVE = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK |
	       VIRTIO_STATUS_DRIVER_OK,
};

struct board {
	struct virtio_device device;
	struct fake_driver driver;
	unsigned int interrupts;
	unsigned int wakes;
	unsigned int failures;
	unsigned int failed_queue;
	enum virtio_fault fault;
};

static struct board board;

static void on_interrupt(void *owner)
{
	((struct board *)owner)->interrupts++;
}

static void on_wake(void *owner)
{
	((struct board *)owner)->wakes++;
}

static void on_failed(void *owner, unsigned int queue, enum virtio_fault fault)
{
	struct board *failed = owner;

	failed->failures++;
	failed->failed_queue = queue;
	failed->fault = fault;
}

static const struct virtio_device_links links = {
	.interrupt = on_interrupt,
	.wake = on_wake,
	.failed = on_failed,
	.owner = &board,
};

static int set_up(void **state)
{
	enum virtio_fault fault;

	(void)state;
	memset(&board, 0, sizeof(board));
	fake_driver_init(&board.driver, 4);
	board.device.links = &links;
	board.device.memory = &board.driver.memory;
	board.device.queue_count = 2;
	board.device.status = LIVE;
	board.device.due_ns = VIRTIO_NEVER;
	fake_driver_place(&board.driver, &board.device.queues[1]);
	return queue_start(&board.device.queues[1], board.device.memory, &fault);
}

static int tear_down(void **state)
{
	(void)state;
	fake_driver_release(&board.driver);
	return 0;
}

static void live_is_driver_ok_and_nothing_worse(void **state)
{
	(void)state;
	for (uint32_t status = 0; status < 256; status++) {
		bool expected = (status & 4) && !(status & 64) && !(status & 128);

		board.device.status = status;
		assert_int_equal(virtio_device_is_live(&board.device), expected);
	}
}

static void has_asks_for_all_the_bits(void **state)
{
	(void)state;
	board.device.driver_features = VIRTIO_F_VERSION_1;
	assert_true(virtio_device_has(&board.device, VIRTIO_F_VERSION_1));
	assert_false(virtio_device_has(&board.device, VIRTIO_F_EVENT_IDX));
	assert_false(virtio_device_has(&board.device, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX));
}

static void a_signal_is_one_edge_for_each_batch(void **state)
{
	(void)state;
	virtio_device_signal(&board.device, 1);
	assert_int_equal(board.interrupts, 0);
	assert_int_equal(board.device.interrupt_status, 0);
	queue_push(&board.device.queues[1], 0, 0);
	queue_push(&board.device.queues[1], 1, 0);
	virtio_device_signal(&board.device, 1);
	virtio_device_signal(&board.device, 1);
	assert_int_equal(board.interrupts, 1);
	assert_int_equal(board.device.interrupt_status, VIRTIO_INTERRUPT_USED_BUFFER);
}

/* The edge does not depend on the status register: a driver may be slow to acknowledge. */
static void a_second_batch_is_a_second_edge(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 3; i++) {
		queue_push(&board.device.queues[1], 0, 0);
		virtio_device_signal(&board.device, 1);
		assert_int_equal(board.interrupts, i);
	}
}

static void no_signal_for_a_driver_that_does_not_want_it(void **state)
{
	(void)state;
	fake_driver_set_no_interrupt(&board.driver, true);
	queue_push(&board.device.queues[1], 0, 0);
	virtio_device_signal(&board.device, 1);
	assert_int_equal(board.interrupts, 0);
	assert_int_equal(board.device.interrupt_status, 0);
}

static void no_signal_of_a_queue_that_is_stopped(void **state)
{
	(void)state;
	virtio_device_signal(&board.device, 0);
	queue_push(&board.device.queues[1], 0, 0);
	queue_stop(&board.device.queues[1]);
	virtio_device_signal(&board.device, 1);
	assert_int_equal(board.interrupts, 0);
}

static void failure_stops_tells_the_driver_and_the_log(void **state)
{
	(void)state;
	virtio_device_fail(&board.device, 1, VIRTIO_FAULT_LOOP);
	assert_false(virtio_device_is_live(&board.device));
	assert_int_equal(board.device.status, LIVE | VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(board.device.interrupt_status, VIRTIO_INTERRUPT_CONFIG_CHANGE);
	assert_int_equal(board.interrupts, 1);
	assert_int_equal(board.failures, 1);
	assert_int_equal(board.failed_queue, 1);
	assert_int_equal(board.fault, VIRTIO_FAULT_LOOP);
}

static void failing_again_does_nothing(void **state)
{
	(void)state;
	virtio_device_fail(&board.device, 1, VIRTIO_FAULT_LOOP);
	board.device.interrupt_status = 0;
	virtio_device_fail(&board.device, 0, VIRTIO_FAULT_HEAD);
	assert_int_equal(board.interrupts, 1);
	assert_int_equal(board.device.interrupt_status, 0);
	assert_int_equal(board.failures, 1);
	assert_int_equal(board.fault, VIRTIO_FAULT_LOOP);
}

/* 2.1.2: no notification to a driver that has not said DRIVER_OK. */
static void failure_before_driver_ok_interrupts_nobody(void **state)
{
	(void)state;
	board.device.status = LIVE & ~VIRTIO_STATUS_DRIVER_OK;
	virtio_device_fail(&board.device, 0, VIRTIO_FAULT_RING_ADDRESS);
	assert_true(board.device.status & VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(board.interrupts, 0);
	assert_int_equal(board.device.interrupt_status, 0);
	assert_int_equal(board.failures, 1);
}

static void what_was_done_before_the_failure_is_still_told(void **state)
{
	(void)state;
	queue_push(&board.device.queues[1], 0, 0);
	virtio_device_fail(&board.device, 1, VIRTIO_FAULT_LOOP);
	virtio_device_signal(&board.device, 1);
	assert_int_equal(board.interrupts, 2);
	assert_int_equal(board.device.interrupt_status,
			 VIRTIO_INTERRUPT_USED_BUFFER | VIRTIO_INTERRUPT_CONFIG_CHANGE);
}

static void only_an_earlier_time_wakes(void **state)
{
	static const struct {
		uint64_t due_ns;
		unsigned int wakes;
	} steps[] = {{VIRTIO_NEVER, 0}, {1000, 1}, {1000, 1}, {2000, 1},
		     {1999, 2},         {0, 3},    {0, 3},    {VIRTIO_NEVER, 3}};

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		virtio_device_set_due(&board.device, steps[i].due_ns);
		assert_int_equal(board.device.due_ns, steps[i].due_ns);
		assert_int_equal(board.wakes, steps[i].wakes);
	}
}

static void waiting_for_more_wakes(void **state)
{
	static const struct {
		short events;
		unsigned int wakes;
	} steps[] = {{0, 0},      {POLLIN, 1}, {POLLIN, 1},           {POLLIN | POLLOUT, 2},
		     {POLLIN, 2}, {0, 2},      {POLLOUT | POLLIN, 3}, {POLLOUT, 3},
		     {POLLIN, 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		virtio_device_expect(&board.device, steps[i].events);
		assert_int_equal(board.device.service_events, steps[i].events);
		assert_int_equal(board.wakes, steps[i].wakes);
	}
}

static void a_change_of_configuration_is_a_generation_and_an_interrupt(void **state)
{
	(void)state;
	board.device.config_generation = UINT32_MAX;
	virtio_device_config_changed(&board.device);
	assert_int_equal(board.device.config_generation, 0);
	assert_int_equal(board.device.interrupt_status, VIRTIO_INTERRUPT_CONFIG_CHANGE);
	assert_int_equal(board.interrupts, 1);
}

/* Who reads the configuration before or between has to see that it is another one. */
static void a_change_without_a_driver_is_a_generation_only(void **state)
{
	static const uint32_t quiet[] = {0, LIVE & ~VIRTIO_STATUS_DRIVER_OK,
					 LIVE | VIRTIO_STATUS_FAILED};

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		board.device.status = quiet[i];
		virtio_device_config_changed(&board.device);
		assert_int_equal(board.device.config_generation, i + 1);
	}
	assert_int_equal(board.device.interrupt_status, 0);
	assert_int_equal(board.interrupts, 0);
}

/* Both the structure and the reader's buffer end where the address space does. */
static void copy_config(uint32_t offset, uint32_t size_bytes, const char *expected)
{
	static const uint8_t zeros[16];
	struct guard config = guard_copy("abcdefg", 7);
	struct guard data = guard_copy(zeros, size_bytes);

	virtio_device_copy_config(config.bytes, 7, offset, data.bytes, size_bytes);
	assert_memory_equal(data.bytes, expected, size_bytes);
	guard_release(&data);
	guard_release(&config);
}

static void configuration_reads_end_with_it(void **state)
{
	(void)state;
	copy_config(0, 1, "a");
	copy_config(0, 7, "abcdefg");
	copy_config(0, 9, "abcdefg\0\0");
	copy_config(3, 2, "de");
	copy_config(6, 4, "g\0\0\0");
	copy_config(7, 4, "\0\0\0\0");
	copy_config(8, 1, "\0");
	copy_config(UINT32_MAX, 8, "\0\0\0\0\0\0\0\0");
	copy_config(UINT32_MAX - 3, 8, "\0\0\0\0\0\0\0\0");
	copy_config(3, 0, "");
}

#define WITH_DEVICE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DEVICE(live_is_driver_ok_and_nothing_worse),
		WITH_DEVICE(has_asks_for_all_the_bits),
		WITH_DEVICE(a_signal_is_one_edge_for_each_batch),
		WITH_DEVICE(a_second_batch_is_a_second_edge),
		WITH_DEVICE(no_signal_for_a_driver_that_does_not_want_it),
		WITH_DEVICE(no_signal_of_a_queue_that_is_stopped),
		WITH_DEVICE(failure_stops_tells_the_driver_and_the_log),
		WITH_DEVICE(failing_again_does_nothing),
		WITH_DEVICE(failure_before_driver_ok_interrupts_nobody),
		WITH_DEVICE(what_was_done_before_the_failure_is_still_told),
		WITH_DEVICE(only_an_earlier_time_wakes),
		WITH_DEVICE(waiting_for_more_wakes),
		WITH_DEVICE(a_change_of_configuration_is_a_generation_and_an_interrupt),
		WITH_DEVICE(a_change_without_a_driver_is_a_generation_only),
		cmocka_unit_test(configuration_reads_end_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
