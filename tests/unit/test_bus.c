/* SPDX-License-Identifier: MIT */
/* tests/unit/test_bus.c - each access reaches the one region that contains it, or none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/bus.h"

struct device {
	struct bus_access last;
	uint64_t value;
	unsigned int calls;
	pthread_mutex_t *lock;
	bool was_locked;
};

static void device_access(void *owner, const struct bus_access *access)
{
	struct device *device = owner;

	device->calls++;
	device->last = *access;
	if (device->lock)
		device->was_locked = pthread_mutex_trylock(device->lock) == EBUSY;
	if (access->is_write) {
		device->value = 0;
		memcpy(&device->value, access->data, access->size_bytes);
	} else {
		for (uint32_t i = 0; i < access->size_bytes; i++)
			device->value |= (uint64_t)access->data[i] << (8 * i);
		access->data[0] = 0x5a;
	}
}

static int add(struct bus *bus, uint64_t base, uint64_t size, struct device *device)
{
	const struct bus_region region = {
		.base = base,
		.size = size,
		.name = "device",
		.lock = device ? device->lock : NULL,
		.owner = device,
		.access = device_access,
	};

	return bus_add(bus, &region);
}

static void finds_the_region_and_the_offset(void **state)
{
	struct bus bus = {0};
	struct device devices[3] = {0};
	uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};

	(void)state;
	/* Added out of order on purpose. */
	assert_int_equal(add(&bus, 0x3f8, 8, &devices[1]), 0);
	assert_int_equal(add(&bus, 0x604, 4, &devices[2]), 0);
	assert_int_equal(add(&bus, 0x60, 5, &devices[0]), 0);
	assert_true(bus_access(&bus, 0x64, data, 1, true));
	assert_int_equal(devices[0].last.offset, 4);
	assert_true(bus_access(&bus, 0x3fa, data, 4, true));
	assert_int_equal(devices[1].last.offset, 2);
	assert_int_equal(devices[1].value, 0x04030201);
	assert_true(bus_access(&bus, 0x607, data, 1, false));
	assert_int_equal(devices[2].last.offset, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(devices[i].calls, 1);
	assert_int_equal(bus.unclaimed_reads, 0);
	assert_int_equal(bus.unclaimed_writes, 0);
}

static void reads_arrive_zeroed(void **state)
{
	struct bus bus = {0};
	struct device device = {0};
	uint8_t data[8];

	(void)state;
	assert_int_equal(add(&bus, 0x100, 8, &device), 0);
	memset(data, 0xff, sizeof(data));
	assert_true(bus_access(&bus, 0x100, data, 4, false));
	assert_int_equal(device.value, 0); /* nothing of the stack's old content */
	assert_int_equal(data[0], 0x5a);
	assert_int_equal(data[3], 0);
	assert_int_equal(data[4], 0xff);
}

static void unclaimed_reads_zero_and_are_counted(void **state)
{
	struct bus bus = {0};
	struct device device = {0};
	uint8_t data[8];

	(void)state;
	memset(data, 0xff, sizeof(data));
	assert_false(bus_access(&bus, 0x100, data, 8, false)); /* an empty bus */
	assert_int_equal(data[7], 0);
	assert_int_equal(add(&bus, 0x100, 4, &device), 0);
	memset(data, 0xff, sizeof(data));
	assert_false(bus_access(&bus, 0xff, data, 1, false));
	assert_false(bus_access(&bus, 0x104, data, 2, false));
	assert_int_equal(data[1], 0);
	assert_int_equal(data[2], 0xff);
	assert_false(bus_access(&bus, 0xff, data, 2, true));  /* begins before */
	assert_false(bus_access(&bus, 0x102, data, 4, true)); /* ends behind */
	assert_false(bus_access(&bus, UINT64_MAX, data, 8, true));
	assert_int_equal(bus.unclaimed_reads, 3);
	assert_int_equal(bus.unclaimed_writes, 3);
	assert_int_equal(device.calls, 0);
}

static void refuses_absurd_sizes(void **state)
{
	struct bus bus = {0};
	struct device device = {0};
	uint8_t data[16] = {0};

	(void)state;
	assert_int_equal(add(&bus, 0, 4096, &device), 0);
	assert_false(bus_access(&bus, 0, data, 0, true));
	assert_false(bus_access(&bus, 0, data, 9, true));
	assert_int_equal(device.calls, 0);
}

static void holds_the_lock_around_the_device(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct bus bus = {0};
	struct device device = {.lock = &lock};
	uint8_t data[1] = {0};

	(void)state;
	assert_int_equal(add(&bus, 0, 1, &device), 0);
	assert_true(bus_access(&bus, 0, data, 1, true));
	assert_true(device.was_locked);
	assert_int_equal(pthread_mutex_trylock(&lock), 0);
	pthread_mutex_unlock(&lock);
}

static void add_refuses_empty_and_wrapping(void **state)
{
	struct bus bus = {0};
	struct device device = {0};
	uint8_t data[1] = {0};

	(void)state;
	assert_int_equal(add(&bus, 5, 0, &device), -EINVAL);
	assert_int_equal(add(&bus, UINT64_MAX, 2, &device), -EINVAL);
	assert_int_equal(add(&bus, 1, UINT64_MAX, &device), 0); /* ends exactly at the end */
	assert_int_equal(bus.count, 1);
	assert_true(bus_access(&bus, UINT64_MAX, data, 1, true));
	assert_int_equal(device.last.offset, UINT64_MAX - 1);
	assert_false(bus_access(&bus, UINT64_MAX, data, 2, true));
}

static void add_refuses_overlap(void **state)
{
	struct bus bus = {0};

	(void)state;
	assert_int_equal(add(&bus, 100, 10, NULL), 0);
	assert_int_equal(add(&bus, 120, 10, NULL), 0);
	assert_int_equal(add(&bus, 100, 10, NULL), -EEXIST);
	assert_int_equal(add(&bus, 109, 1, NULL), -EEXIST);
	assert_int_equal(add(&bus, 95, 6, NULL), -EEXIST);
	assert_int_equal(add(&bus, 90, 100, NULL), -EEXIST);
	assert_int_equal(add(&bus, 105, 20, NULL), -EEXIST);
	assert_int_equal(add(&bus, 110, 11, NULL), -EEXIST);
	assert_int_equal(bus.count, 2);
	assert_int_equal(add(&bus, 110, 10, NULL), 0); /* fits exactly between */
}

static void add_refuses_one_too_many(void **state)
{
	struct bus bus = {0};
	struct device devices[BUS_REGIONS_MAX] = {0};
	uint8_t data[1] = {0};

	(void)state;
	for (uint64_t i = 0; i < BUS_REGIONS_MAX; i++)
		assert_int_equal(add(&bus, (BUS_REGIONS_MAX - i) * 16, 16, &devices[i]), 0);
	assert_int_equal(add(&bus, 4096, 1, NULL), -ENOSPC);
	for (uint64_t i = 0; i < BUS_REGIONS_MAX; i++) {
		assert_true(bus_access(&bus, (BUS_REGIONS_MAX - i) * 16 + 15, data, 1, true));
		assert_int_equal(devices[i].calls, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_region_and_the_offset),
		cmocka_unit_test(reads_arrive_zeroed),
		cmocka_unit_test(unclaimed_reads_zero_and_are_counted),
		cmocka_unit_test(refuses_absurd_sizes),
		cmocka_unit_test(holds_the_lock_around_the_device),
		cmocka_unit_test(add_refuses_empty_and_wrapping),
		cmocka_unit_test(add_refuses_overlap),
		cmocka_unit_test(add_refuses_one_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
