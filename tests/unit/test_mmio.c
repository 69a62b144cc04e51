/* SPDX-License-Identifier: MIT */
/* tests/unit/test_mmio.c - the registers of virtio-mmio, and a driver that breaks every rule. */
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

static void on_config_read(struct virtio_device *device, uint32_t offset, uint8_t *data,
			   uint32_t size_bytes)
{
	assert_ptr_equal(device, &echo.device);
	virtio_device_copy_config(echo.config, sizeof(echo.config), offset, data, size_bytes);
}

static void on_config_write(struct virtio_device *device, uint32_t offset, const uint8_t *data,
			    uint32_t size_bytes)
{
	assert_ptr_equal(device, &echo.device);
	if (offset <= CONFIG_BYTES && size_bytes <= CONFIG_BYTES - offset)
		memcpy(echo.config + offset, data, size_bytes);
}

static void on_activate(struct virtio_device *device)
{
	/* The features are final by now. */
	assert_true(virtio_device_is_live(device));
	echo.activated++;
}

/* As queue.h says that a queue is served. */
static void on_notify(struct virtio_device *device, unsigned int index)
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

static void on_queue_stopped(struct virtio_device *device, unsigned int index)
{
	echo.stopped++;
	echo.stopped_queue = index;
	echo.was_ready_when_stopped = device->queues[index].ready && device->queues[index].used;
}

static void on_reset(struct virtio_device *device)
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

static void on_interrupt(void *owner)
{
	((struct echo *)owner)->interrupts++;
}

static void on_failed(void *owner, unsigned int queue, enum virtio_fault fault)
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

static int set_up(void **state)
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

static int tear_down(void **state)
{
	(void)state;
	fake_driver_release(&echo.driver);
	return 0;
}

static void put(uint64_t offset, uint32_t value)
{
	struct guard data = guard_copy(&value, sizeof(value));

	mmio_write(&echo.mmio, offset, data.bytes, sizeof(value));
	guard_release(&data);
}

static uint64_t get_sized(uint64_t offset, uint32_t size_bytes)
{
	uint64_t value = 0;
	struct guard data = guard_copy(&value, size_bytes);

	mmio_read(&echo.mmio, offset, data.bytes, size_bytes);
	memcpy(&value, data.bytes, size_bytes);
	guard_release(&data);
	return value;
}

static uint32_t get(uint64_t offset)
{
	return (uint32_t)get_sized(offset, 4);
}

static void put_features(uint64_t features)
{
	for (uint32_t half = 0; half < 2; half++) {
		put(DRIVER_FEATURES_SELECT, half);
		put(DRIVER_FEATURES, (uint32_t)(features >> half * 32));
	}
}

static void put_address(uint64_t offset, uint64_t gpa)
{
	put(offset, (uint32_t)gpa);
	put(offset + 4, (uint32_t)(gpa >> 32));
}

static void negotiate(uint64_t features)
{
	put(STATUS, 0);
	put(STATUS, ACKNOWLEDGE);
	put(STATUS, ACKNOWLEDGE | DRIVER);
	put_features(features);
	put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	assert_int_equal(get(STATUS), ACKNOWLEDGE | DRIVER | FEATURES_OK);
}

static void place_queue(uint32_t index)
{
	put(QUEUE_SELECT, index);
	put(QUEUE_SIZE, RING_SIZE);
	put_address(DESCRIPTORS, echo.driver.descriptor_gpa);
	put_address(AVAIL, echo.driver.avail_gpa);
	put_address(USED, echo.driver.used_gpa);
}

static void bring_up(uint64_t features)
{
	negotiate(features);
	place_queue(0);
	put(QUEUE_READY, 1);
	put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
	assert_int_equal(get(STATUS), 15);
}

/* -- Identity -- */

static void says_what_it_is(void **state)
{
	(void)state;
	assert_int_equal(get(MAGIC), 0x74726976);
	assert_int_equal(get(VERSION), 2);
	assert_int_equal(get(DEVICE_ID), 42);
	assert_int_not_equal(get(VENDOR_ID), 0);
	assert_int_equal(get(STATUS), 0);
	assert_int_equal(get(INTERRUPT_STATUS), 0);
	assert_int_equal(get(CONFIG_GENERATION), 7);
}

static void there_is_no_shared_memory_region(void **state)
{
	(void)state;
	for (uint32_t id = 0; id < 2; id++) {
		put(SHARED_SELECT, id);
		assert_int_equal(get(SHARED_LENGTH), 0xffffffff);
		assert_int_equal(get(SHARED_LENGTH + 4), 0xffffffff);
		assert_int_equal(get(SHARED_BASE), 0xffffffff);
		assert_int_equal(get(SHARED_BASE + 4), 0xffffffff);
	}
}

static bool is_readable(uint64_t offset)
{
	static const uint16_t readable[] = {
		MAGIC,
		VERSION,
		DEVICE_ID,
		VENDOR_ID,
		DEVICE_FEATURES,
		SHARED_LENGTH,
		SHARED_LENGTH + 4,
		SHARED_BASE,
		SHARED_BASE + 4,
		QUEUE_READY,
		STATUS,
		INTERRUPT_STATUS,
		QUEUE_SIZE_MAX_REGISTER,
		CONFIG_GENERATION,
	};

	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		if (readable[i] == offset)
			return true;
	return false;
}

static void all_else_reads_zero(void **state)
{
	(void)state;
	bring_up(FEATURES);
	for (uint64_t offset = 0; offset < CONFIG; offset += 4)
		if (!is_readable(offset))
			assert_int_equal(get(offset), 0);
}

static void writes_to_what_is_read_only_do_nothing(void **state)
{
	struct virtio_device before;

	(void)state;
	bring_up(FEATURES);
	before = echo.device;
	for (uint64_t offset = 0; offset < CONFIG; offset += 4)
		if (is_readable(offset) && offset != QUEUE_READY && offset != STATUS)
			put(offset, 0xffffffff);
	put(SHARED_SELECT, 0xffffffff);
	put(QUEUE_RESET, 1); /* was not offered */
	assert_memory_equal(&before, &echo.device, sizeof(before));
}

static void registers_are_32_bits_wide(void **state)
{
	static const uint8_t bytes[8] = {0, 0, 0, 0, 0, 0, 0, 0};

	(void)state;
	bring_up(FEATURES);
	for (uint32_t size_bytes = 1; size_bytes <= 8; size_bytes++) {
		if (size_bytes == 4)
			continue;
		assert_int_equal(get_sized(MAGIC, size_bytes), 0);
		/* Would be a reset. */
		mmio_write(&echo.mmio, STATUS, bytes, size_bytes);
		assert_int_equal(get(STATUS), 15);
	}
	for (uint64_t offset = 1; offset < 4; offset++) {
		assert_int_equal(get_sized(MAGIC + offset, 4), 0);
		mmio_write(&echo.mmio, STATUS + offset, bytes, 4);
		mmio_write(&echo.mmio, STATUS - offset, bytes, 4);
		assert_int_equal(get(STATUS), 15);
	}
	/* From the last register into the configuration space. */
	assert_int_equal(get_sized(CONFIG - 2, 4), 0);
	assert_int_equal(get_sized(CONFIG - 4, 8), 0);
}

/* -- The configuration space -- */

static void configuration_reads_of_any_width(void **state)
{
	uint8_t six[6] = {0};

	(void)state;
	assert_int_equal(get_sized(CONFIG, 1), 'c');
	assert_int_equal(get_sized(CONFIG + 1, 2), 'o' | 'n' << 8);
	assert_int_equal(get(CONFIG + 2), 'n' | 'f' << 8 | 'i' << 16 | 'g' << 24);
	mmio_read(&echo.mmio, CONFIG + 3, six, 6);
	assert_memory_equal(six, "figura", 6);
	assert_int_equal(get(CONFIG + 11), 'r');
	assert_int_equal(get(CONFIG + 12), 0);
	assert_int_equal(get_sized(0xff8, 8), 0);
}

static void configuration_writes_reach_the_device(void **state)
{
	(void)state;
	mmio_write(&echo.mmio, CONFIG + 3, (const uint8_t *)"xy", 2);
	assert_memory_equal(echo.config, "conxyg", 6);
	echo.device.ops = &bare_ops;
	mmio_write(&echo.mmio, CONFIG + 3, (const uint8_t *)"zz", 2);
	assert_memory_equal(echo.config, "conxyg", 6);
}

static void the_generation_is_the_devices(void **state)
{
	(void)state;
	echo.device.config_generation++;
	assert_int_equal(get(CONFIG_GENERATION), 8);
	put(STATUS, 0);
	assert_int_equal(get(CONFIG_GENERATION), 8);
}

/* -- Features -- */

static void offers_features_in_two_words(void **state)
{
	(void)state;
	put(DEVICE_FEATURES_SELECT, 0);
	assert_int_equal(get(DEVICE_FEATURES), (uint32_t)FEATURES);
	put(DEVICE_FEATURES_SELECT, 1);
	assert_int_equal(get(DEVICE_FEATURES), 1);
	put(DEVICE_FEATURES_SELECT, 2);
	assert_int_equal(get(DEVICE_FEATURES), 0);
	put(DEVICE_FEATURES_SELECT, 0xffffffff);
	assert_int_equal(get(DEVICE_FEATURES), 0);
}

static void features_are_taken_between_driver_and_features_ok(void **state)
{
	(void)state;
	put_features(FEATURES);
	assert_int_equal(echo.device.driver_features, 0);
	put(STATUS, ACKNOWLEDGE);
	put_features(FEATURES);
	assert_int_equal(echo.device.driver_features, 0);
	put(STATUS, ACKNOWLEDGE | DRIVER);
	put_features(FEATURES);
	assert_int_equal(echo.device.driver_features, FEATURES);
	put_features(VIRTIO_F_VERSION_1);
	assert_int_equal(echo.device.driver_features, VIRTIO_F_VERSION_1);
	put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	put_features(FEATURES);
	assert_int_equal(echo.device.driver_features, VIRTIO_F_VERSION_1);
}

static void there_are_no_features_beyond_64(void **state)
{
	(void)state;
	put(STATUS, ACKNOWLEDGE | DRIVER);
	put_features(VIRTIO_F_VERSION_1);
	for (uint32_t select = 2; select < 40; select++) {
		put(DRIVER_FEATURES_SELECT, select);
		put(DRIVER_FEATURES, 0xffffffff);
	}
	put(DRIVER_FEATURES_SELECT, 0x08000001); /* times 32 it would be 32 again */
	put(DRIVER_FEATURES, 0xffffffff);
	assert_int_equal(echo.device.driver_features, VIRTIO_F_VERSION_1);
}

static void features_ok_needs_version_1(void **state)
{
	(void)state;
	put(STATUS, ACKNOWLEDGE | DRIVER);
	put_features(FEATURES & ~VIRTIO_F_VERSION_1);
	put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	assert_int_equal(get(STATUS), ACKNOWLEDGE | DRIVER);
	/* The driver may think again. */
	put_features(VIRTIO_F_VERSION_1);
	put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	assert_int_equal(get(STATUS), ACKNOWLEDGE | DRIVER | FEATURES_OK);
}

static void features_ok_refuses_what_was_not_offered(void **state)
{
	(void)state;
	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t feature = UINT64_C(1) << bit;

		put(STATUS, 0);
		put(STATUS, ACKNOWLEDGE | DRIVER);
		put_features(VIRTIO_F_VERSION_1 | feature);
		put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
		assert_int_equal(get(STATUS) == 11, (FEATURES & feature) != 0);
	}
}

/* -- Status -- */

static void driver_ok_needs_features_ok(void **state)
{
	(void)state;
	put(STATUS, ACKNOWLEDGE | DRIVER);
	put(STATUS, ACKNOWLEDGE | DRIVER | DRIVER_OK);
	assert_int_equal(get(STATUS), ACKNOWLEDGE | DRIVER);
	/* Refused features refuse the bit that comes with them, too. */
	put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
	assert_int_equal(get(STATUS), ACKNOWLEDGE | DRIVER);
	assert_int_equal(echo.activated, 0);
}

static void features_ok_needs_driver(void **state)
{
	(void)state;
	put(STATUS, ACKNOWLEDGE | DRIVER);
	put_features(FEATURES);
	echo.device.status = ACKNOWLEDGE;
	put(STATUS, ACKNOWLEDGE | FEATURES_OK);
	assert_int_equal(get(STATUS), ACKNOWLEDGE);
}

static void several_bits_at_once_are_taken_in_order(void **state)
{
	(void)state;
	put(STATUS, ACKNOWLEDGE | DRIVER);
	assert_int_equal(get(STATUS), ACKNOWLEDGE | DRIVER);
	put_features(FEATURES);
	put(STATUS, 15);
	assert_int_equal(get(STATUS), 15);
	assert_int_equal(echo.activated, 1);
	/* Queues may still be set up then. */
	place_queue(0);
	put(QUEUE_READY, 1);
	assert_int_equal(get(QUEUE_READY), 1);
}

static void a_write_that_clears_a_bit_is_ignored(void **state)
{
	(void)state;
	bring_up(FEATURES);
	for (uint32_t value = 1; value < 256; value++)
		if ((value & 15) != 15)
			put(STATUS, value);
	assert_int_equal(get(STATUS), 15);
	assert_int_equal(echo.activated, 1);
	assert_int_equal(echo.reset, 1); /* the one of bring_up() */
}

static void activates_once(void **state)
{
	(void)state;
	bring_up(FEATURES);
	put(STATUS, 15);
	put(STATUS, 15);
	assert_int_equal(echo.activated, 1);
	echo.device.ops = &bare_ops;
	bring_up(FEATURES);
	assert_int_equal(echo.activated, 1);
}

static void bits_of_nobody_are_not_stored(void **state)
{
	(void)state;
	put(STATUS, 0xffffff00 | 16 | 32 | NEEDS_RESET | ACKNOWLEDGE);
	assert_int_equal(get(STATUS), ACKNOWLEDGE);
}

static void a_driver_that_gives_up_stops_the_device(void **state)
{
	(void)state;
	bring_up(FEATURES);
	put(STATUS, 15 | FAILED);
	assert_int_equal(get(STATUS), 15 | FAILED);
	put(QUEUE_NOTIFY, 0);
	assert_int_equal(echo.notified, 0);
	assert_int_equal(echo.interrupts, 0);
	put(STATUS, 15);
	assert_int_equal(get(STATUS), 15 | FAILED);
	put(STATUS, 0);
	assert_int_equal(get(STATUS), 0);
}

static void a_driver_may_give_up_early_and_then_only_reset(void **state)
{
	(void)state;
	put(STATUS, FAILED);
	assert_int_equal(get(STATUS), FAILED);
	put(STATUS, FAILED | ACKNOWLEDGE | DRIVER);
	assert_int_equal(get(STATUS), FAILED);
	bring_up(FEATURES);
}

static void after_needs_reset_only_a_reset_helps(void **state)
{
	(void)state;
	negotiate(FEATURES);
	virtio_device_fail(&echo.device, 0, VIRTIO_FAULT_LOOP);
	put(STATUS, 15);
	put(STATUS, 15 | NEEDS_RESET);
	assert_int_equal(get(STATUS), 11 | NEEDS_RESET);
	assert_int_equal(echo.activated, 0);
	place_queue(0);
	put(QUEUE_READY, 1);
	assert_int_equal(get(QUEUE_READY), 0);
	put(STATUS, 11 | FAILED);
	assert_int_equal(get(STATUS), 11 | NEEDS_RESET | FAILED);
	bring_up(FEATURES);
	assert_int_equal(get(QUEUE_READY), 1);
}

/* -- Reset -- */

static void reset_makes_it_new(void **state)
{
	(void)state;
	bring_up(FEATURES);
	put(DEVICE_FEATURES_SELECT, 1);
	put(QUEUE_SELECT, 1);
	echo.device.due_ns = 5;
	echo.device.interrupt_status = 3;
	echo.reset = 0;
	put(STATUS, 0);
	assert_int_equal(echo.reset, 1);
	/* The device is asked while everything is still there. */
	assert_int_equal(echo.status_at_reset, 15);
	assert_int_equal(get(STATUS), 0);
	assert_int_equal(get(INTERRUPT_STATUS), 0);
	assert_int_equal(get(DEVICE_FEATURES), (uint32_t)FEATURES); /* the selector as well */
	assert_int_equal(echo.device.driver_features, 0);
	assert_true(echo.device.due_ns == VIRTIO_NEVER);
	assert_int_equal(echo.device.service_fd, -1);
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++) {
		const struct queue *queue = &echo.device.queues[i];

		assert_false(queue->ready);
		assert_int_equal(queue->size, 0);
		assert_null(queue->used);
		assert_true(queue->descriptor_gpa == 0 && queue->avail_gpa == 0 &&
			    queue->used_gpa == 0);
	}
	put(QUEUE_NOTIFY, 0);
	assert_int_equal(echo.notified, 0);
}

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

#define WITH_ECHO(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ECHO(says_what_it_is),
		WITH_ECHO(there_is_no_shared_memory_region),
		WITH_ECHO(all_else_reads_zero),
		WITH_ECHO(writes_to_what_is_read_only_do_nothing),
		WITH_ECHO(registers_are_32_bits_wide),
		WITH_ECHO(configuration_reads_of_any_width),
		WITH_ECHO(configuration_writes_reach_the_device),
		WITH_ECHO(the_generation_is_the_devices),
		WITH_ECHO(offers_features_in_two_words),
		WITH_ECHO(features_are_taken_between_driver_and_features_ok),
		WITH_ECHO(there_are_no_features_beyond_64),
		WITH_ECHO(features_ok_needs_version_1),
		WITH_ECHO(features_ok_refuses_what_was_not_offered),
		WITH_ECHO(driver_ok_needs_features_ok),
		WITH_ECHO(features_ok_needs_driver),
		WITH_ECHO(several_bits_at_once_are_taken_in_order),
		WITH_ECHO(a_write_that_clears_a_bit_is_ignored),
		WITH_ECHO(activates_once),
		WITH_ECHO(bits_of_nobody_are_not_stored),
		WITH_ECHO(a_driver_that_gives_up_stops_the_device),
		WITH_ECHO(a_driver_may_give_up_early_and_then_only_reset),
		WITH_ECHO(after_needs_reset_only_a_reset_helps),
		WITH_ECHO(reset_makes_it_new),
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
