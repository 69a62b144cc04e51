/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/echo_device.h - a device that echoes, behind the registers of virtio-mmio.
 *
 * It has two queues.  A request's first byte comes back as its answer; all calls
 * of the transport and of the links are counted.  put() and get() are the driver's accesses, each
 * with its data against an inaccessible page.
 */
#ifndef TESTS_UNIT_ECHO_DEVICE_H
#define TESTS_UNIT_ECHO_DEVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_driver.h"
#include "tests/unit/guard.h"
#include "virtio/mmio.h"

enum {
	MAGIC = 0x000,
	VERSION = 0x004,
	DEVICE_ID = 0x008,
	VENDOR_ID = 0x00c,
	DEVICE_FEATURES = 0x010,
	DEVICE_FEATURES_SELECT = 0x014,
	DRIVER_FEATURES = 0x020,
	DRIVER_FEATURES_SELECT = 0x024,
	QUEUE_SELECT = 0x030,
	QUEUE_SIZE_MAX_REGISTER = 0x034,
	QUEUE_SIZE = 0x038,
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = 0x050,
	INTERRUPT_STATUS = 0x060,
	INTERRUPT_ACK = 0x064,
	STATUS = 0x070,
	DESCRIPTORS = 0x080,
	AVAIL = 0x090,
	USED = 0x0a0,
	SHARED_SELECT = 0x0ac,
	SHARED_LENGTH = 0x0b0,
	SHARED_BASE = 0x0b8,
	QUEUE_RESET = 0x0c0,
	CONFIG_GENERATION = 0x0fc,
	CONFIG = 0x100,

	ACKNOWLEDGE = 1,
	DRIVER = 2,
	DRIVER_OK = 4,
	FEATURES_OK = 8,
	NEEDS_RESET = 64,
	FAILED = 128,

	RING_SIZE = 8,
	CONFIG_BYTES = 12,
};

#define FEATURE_OWN (UINT64_C(1) << 5)
#define FEATURES    (VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC | FEATURE_OWN)

/* A device that copies what it is asked into its answer, and notes what it was called for. */
struct echo {
	struct virtio_device device;
	struct mmio mmio;
	struct fake_driver driver;
	struct queue_chain chain;
	uint8_t config[CONFIG_BYTES];
	unsigned int activated;
	unsigned int notified;
	unsigned int notified_queue;
	unsigned int stopped;
	unsigned int stopped_queue;
	bool was_ready_when_stopped;
	unsigned int reset;
	uint32_t status_at_reset;
	unsigned int interrupts;
	unsigned int failures;
	enum virtio_fault fault;
};

static struct echo echo;

static inline void on_config_read(struct virtio_device *device, uint32_t offset, uint8_t *data,
				  uint32_t size_bytes)
{
	assert_ptr_equal(device, &echo.device);
	virtio_device_copy_config(echo.config, sizeof(echo.config), offset, data, size_bytes);
}

static inline void on_config_write(struct virtio_device *device, uint32_t offset,
				   const uint8_t *data, uint32_t size_bytes)
{
	assert_ptr_equal(device, &echo.device);
	if (offset <= CONFIG_BYTES && size_bytes <= CONFIG_BYTES - offset)
		memcpy(echo.config + offset, data, size_bytes);
}

static inline void on_activate(struct virtio_device *device)
{
	/* The features are final by now. */
	assert_true(virtio_device_is_live(device));
	echo.activated++;
}

/* As queue.h says that a queue is served. */
static inline void on_notify(struct virtio_device *device, unsigned int index)
{
	struct queue *queue = &device->queues[index];
	enum virtio_fault fault = VIRTIO_FAULT_NONE;
	int result;

	echo.notified++;
	echo.notified_queue = index;
	do {
		queue_hush(queue);
		while ((result = queue_pop(queue, &echo.chain, &fault)) > 0) {
			struct iovec *answer = &echo.chain.segments[echo.chain.readable_count];

			if (echo.chain.readable_count == 0 || echo.chain.writable_count == 0) {
				virtio_device_fail(device, index, VIRTIO_FAULT_REQUEST);
				return;
			}
			memcpy(answer->iov_base, echo.chain.segments[0].iov_base, 1);
			queue_push(queue, echo.chain.head, 1);
		}
		virtio_device_signal(device, index);
		if (result < 0) {
			virtio_device_fail(device, index, fault);
			return;
		}
	} while (queue_listen(queue));
}

static inline void on_queue_stopped(struct virtio_device *device, unsigned int index)
{
	echo.stopped++;
	echo.stopped_queue = index;
	echo.was_ready_when_stopped = device->queues[index].ready && device->queues[index].used;
}

static inline void on_reset(struct virtio_device *device)
{
	echo.reset++;
	echo.status_at_reset = device->status;
}

static const struct virtio_device_ops ops = {
	.config_read = on_config_read,
	.config_write = on_config_write,
	.activate = on_activate,
	.notify = on_notify,
	.queue_stopped = on_queue_stopped,
	.reset = on_reset,
};

/* What a device may leave out. */
static const struct virtio_device_ops bare_ops = {
	.config_read = on_config_read,
	.notify = on_notify,
	.queue_stopped = on_queue_stopped,
	.reset = on_reset,
};

static inline void on_interrupt(void *owner)
{
	((struct echo *)owner)->interrupts++;
}

static inline void on_failed(void *owner, unsigned int queue, enum virtio_fault fault)
{
	(void)queue;
	((struct echo *)owner)->failures++;
	((struct echo *)owner)->fault = fault;
}

static const struct virtio_device_links links = {
	.interrupt = on_interrupt,
	.failed = on_failed,
	.owner = &echo,
};

static inline int set_up(void **state)
{
	(void)state;
	memset(&echo, 0, sizeof(echo));
	fake_driver_init(&echo.driver, RING_SIZE);
	memcpy(echo.config, "configurator", CONFIG_BYTES);
	echo.device = (struct virtio_device){
		.ops = &ops,
		.links = &links,
		.memory = &echo.driver.memory,
		.type = 42,
		.queue_count = 2,
		.queue_size_max = 64,
		.features = FEATURES,
		.config_generation = 7,
		.service_fd = -1,
		.due_ns = VIRTIO_NEVER,
	};
	mmio_init(&echo.mmio, &echo.device);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	fake_driver_release(&echo.driver);
	return 0;
}

static inline void put(uint64_t offset, uint32_t value)
{
	struct guard data = guard_copy(&value, sizeof(value));

	mmio_write(&echo.mmio, offset, data.bytes, sizeof(value));
	guard_release(&data);
}

static inline uint64_t get_sized(uint64_t offset, uint32_t size_bytes)
{
	uint64_t value = 0;
	struct guard data = guard_copy(&value, size_bytes);

	mmio_read(&echo.mmio, offset, data.bytes, size_bytes);
	memcpy(&value, data.bytes, size_bytes);
	guard_release(&data);
	return value;
}

static inline uint32_t get(uint64_t offset)
{
	return (uint32_t)get_sized(offset, 4);
}

static inline void put_features(uint64_t features)
{
	for (uint32_t half = 0; half < 2; half++) {
		put(DRIVER_FEATURES_SELECT, half);
		put(DRIVER_FEATURES, (uint32_t)(features >> half * 32));
	}
}

static inline void put_address(uint64_t offset, uint64_t gpa)
{
	put(offset, (uint32_t)gpa);
	put(offset + 4, (uint32_t)(gpa >> 32));
}

static inline void negotiate(uint64_t features)
{
	put(STATUS, 0);
	put(STATUS, ACKNOWLEDGE);
	put(STATUS, ACKNOWLEDGE | DRIVER);
	put_features(features);
	put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	assert_int_equal(get(STATUS), ACKNOWLEDGE | DRIVER | FEATURES_OK);
}

static inline void place_queue(uint32_t index)
{
	put(QUEUE_SELECT, index);
	put(QUEUE_SIZE, RING_SIZE);
	put_address(DESCRIPTORS, echo.driver.descriptor_gpa);
	put_address(AVAIL, echo.driver.avail_gpa);
	put_address(USED, echo.driver.used_gpa);
}

static inline void bring_up(uint64_t features)
{
	negotiate(features);
	place_queue(0);
	put(QUEUE_READY, 1);
	put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
	assert_int_equal(get(STATUS), 15);
}

#define WITH_ECHO(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
