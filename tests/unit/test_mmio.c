/* SPDX-License-Identifier: MIT */
/* tests/unit/test_mmio.c - identity, configuration, features and status, and a driver that breaks
 * the rules. */
#include "tests/unit/echo_device.h"

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

static void a_write_clears_no_bit(void **state)
{
	(void)state;
	bring_up(FEATURES);
	for (uint32_t value = 1; value < 128; value++)
		put(STATUS, value);
	assert_int_equal(get(STATUS), 15);
	assert_int_equal(echo.activated, 1);
	assert_int_equal(echo.reset, 1); /* the one of bring_up() */
}

static void bits_may_be_written_alone(void **state)
{
	(void)state;
	put(STATUS, ACKNOWLEDGE);
	put(STATUS, DRIVER);
	put_features(FEATURES);
	put(STATUS, FEATURES_OK);
	put(STATUS, DRIVER_OK);
	assert_int_equal(get(STATUS), 15);
	assert_int_equal(echo.activated, 1);
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
		WITH_ECHO(a_write_clears_no_bit),
		WITH_ECHO(bits_may_be_written_alone),
		WITH_ECHO(activates_once),
		WITH_ECHO(bits_of_nobody_are_not_stored),
		WITH_ECHO(a_driver_that_gives_up_stops_the_device),
		WITH_ECHO(a_driver_may_give_up_early_and_then_only_reset),
		WITH_ECHO(after_needs_reset_only_a_reset_helps),
		WITH_ECHO(reset_makes_it_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
