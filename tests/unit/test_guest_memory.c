/* SPDX-License-Identifier: MIT */
/* tests/unit/test_guest_memory.c - the gate refuses all that is not wholly inside. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "virtio/guest_memory.h"

static uint8_t low[4096];
static uint8_t high[8192];

#define HIGH_GPA UINT64_C(0x100000000)

static struct guest_memory two_ranges(void)
{
	struct guest_memory memory = {0};

	assert_int_equal(guest_memory_add(&memory, 0, sizeof(low), low), 0);
	assert_int_equal(guest_memory_add(&memory, HIGH_GPA, sizeof(high), high), 0);
	return memory;
}

static void finds_both_ranges(void **state)
{
	struct guest_memory memory = two_ranges();

	(void)state;
	assert_ptr_equal(guest_memory_at(&memory, 0, sizeof(low)), low);
	assert_ptr_equal(guest_memory_at(&memory, 4095, 1), low + 4095);
	assert_ptr_equal(guest_memory_at(&memory, HIGH_GPA + 5, 8192 - 5), high + 5);
	assert_ptr_equal(guest_memory_at(&memory, 17, 0), low + 17);
}

static void refuses_what_crosses_an_end(void **state)
{
	struct guest_memory memory = two_ranges();

	(void)state;
	assert_null(guest_memory_at(&memory, 4095, 2));
	assert_null(guest_memory_at(&memory, 4096, 0));
	assert_null(guest_memory_at(&memory, HIGH_GPA - 1, 1));
	assert_null(guest_memory_at(&memory, HIGH_GPA - 1, 2));
	assert_null(guest_memory_at(&memory, HIGH_GPA, 8193));
}

static void refuses_what_wraps(void **state)
{
	struct guest_memory memory = two_ranges();

	(void)state;
	assert_null(guest_memory_at(&memory, 1, UINT64_MAX));
	assert_null(guest_memory_at(&memory, UINT64_MAX, 2));
	assert_null(guest_memory_at(&memory, HIGH_GPA + 1, UINT64_MAX - HIGH_GPA));
}

static void add_checks_its_arguments(void **state)
{
	struct guest_memory memory = {0};

	(void)state;
	assert_int_equal(guest_memory_add(&memory, 0, 0, low), -EINVAL);
	assert_int_equal(guest_memory_add(&memory, 0, 1, NULL), -EINVAL);
	assert_int_equal(guest_memory_add(&memory, UINT64_MAX, 2, low), -EOVERFLOW);
	assert_int_equal(guest_memory_add(&memory, 4096, 4096, low), 0);
	assert_int_equal(guest_memory_add(&memory, 8191, 1, high), -EINVAL);
	assert_int_equal(guest_memory_add(&memory, 4000, 97, high), -EINVAL);
	assert_int_equal(guest_memory_add(&memory, 0, 4096, high), 0);
	assert_int_equal(guest_memory_add(&memory, HIGH_GPA, 1, high), -ENOSPC);
	assert_int_equal(memory.count, 2);
}

static void copies_all_or_nothing(void **state)
{
	struct guest_memory memory = two_ranges();
	uint8_t source[4] = {1, 2, 3, 4};
	uint8_t target[4] = {9, 9, 9, 9};

	(void)state;
	memset(low, 0, sizeof(low));
	assert_int_equal(guest_memory_write(&memory, 4094, source, 4), -EFAULT);
	assert_int_equal(low[4094], 0);
	assert_int_equal(guest_memory_write(&memory, 4092, source, 4), 0);
	assert_int_equal(guest_memory_read(&memory, 4093, target, 4), -EFAULT);
	assert_int_equal(target[0], 9);
	assert_int_equal(guest_memory_read(&memory, 4092, target, 4), 0);
	assert_memory_equal(target, source, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_both_ranges),
		cmocka_unit_test(refuses_what_crosses_an_end),
		cmocka_unit_test(refuses_what_wraps),
		cmocka_unit_test(add_checks_its_arguments),
		cmocka_unit_test(copies_all_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
