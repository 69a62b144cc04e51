/* SPDX-License-Identifier: MIT */
/* tests/unit/test_boot_timer.c - which writes are stamps, and of which stage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/boot_timer.h"
#include "tests/unit/chip.h"

struct stamps {
	unsigned int count;
	unsigned int last;
};

static void on_stamp(void *owner, unsigned int stage)
{
	struct stamps *stamps = owner;

	stamps->count++;
	stamps->last = stage;
}

static void check_write(uint64_t offset, uint32_t size_bytes, uint64_t value, unsigned int count,
			unsigned int stage)
{
	struct stamps stamps = {.last = 999};
	struct boot_timer timer = {.stamp = on_stamp, .owner = &stamps};

	chip_write(boot_timer_access, &timer, offset, size_bytes, value);
	assert_int_equal(stamps.count, count);
	assert_int_equal(stamps.last, count ? stage : 999);
}

static void writes_are_stamps(void **state)
{
	(void)state;
	check_write(0, 1, 123, 1, BOOT_TIMER_BOOTED);
	check_write(0, 4, 123, 1, BOOT_TIMER_BOOTED);
	check_write(0, 1, 1, 1, 1);
	check_write(0, 8, 0xffffffffffffff07, 1, 7);
	check_write(0, 1, 255, 1, 255);
	check_write(4095, 1, 9, 1, 9);
	check_write(8, 1, 123, 1, 123);
	check_write(0, 1, 0, 0, 0);
	check_write(16, 4, 0x100, 0, 0);
}

static void reads_are_zero(void **state)
{
	struct stamps stamps = {0};
	struct boot_timer timer = {.stamp = on_stamp, .owner = &stamps};

	(void)state;
	assert_int_equal(chip_read(boot_timer_access, &timer, 0, 8), 0);
	assert_int_equal(chip_read(boot_timer_access, &timer, 4095, 1), 0);
	assert_int_equal(stamps.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_are_stamps),
		cmocka_unit_test(reads_are_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
