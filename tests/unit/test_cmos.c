/* SPDX-License-Identifier: MIT */
/* tests/unit/test_cmos.c - the date is right on every day, and never torn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "monitor/cmos.h"
#include "tests/unit/chip.h"

enum {
	SECOND = 0x00,
	MINUTE = 0x02,
	HOUR = 0x04,
	WEEKDAY = 0x06,
	DAY = 0x07,
	MONTH = 0x08,
	YEAR = 0x09,
	CENTURY = 0x32,
};

struct board {
	struct cmos cmos;
	int64_t time_s;
};

static int64_t on_now(void *owner)
{
	return ((struct board *)owner)->time_s;
}

static const struct cmos_ops ops = {.now = on_now};

static struct board *power_on(int64_t time_s)
{
	static struct board board;

	board = (struct board){.time_s = time_s};
	cmos_init(&board.cmos, &ops, &board);
	return &board;
}

/* Without the guard page of chip.h: the walk through the calendar makes many accesses. */
static uint8_t get(struct board *board, uint8_t index)
{
	uint8_t data = index;
	struct bus_access access = {.offset = 0, .data = &data, .size_bytes = 1, .is_write = true};

	cmos_access(&board->cmos, &access);
	data = 0;
	access.offset = 1;
	access.is_write = false;
	cmos_access(&board->cmos, &access);
	return data;
}

static void put(struct board *board, uint8_t index, uint8_t value)
{
	chip_write(cmos_access, &board->cmos, 0, 1, index);
	chip_write(cmos_access, &board->cmos, 1, 1, value);
}

static int decimal(uint8_t bcd)
{
	assert_true((bcd & 0x0f) < 10 && bcd >> 4 < 10);
	return (bcd >> 4) * 10 + (bcd & 0x0f);
}

static void check_against_libc(struct board *board)
{
	time_t time_s = board->time_s;
	struct tm tm;

	assert_non_null(gmtime_r(&time_s, &tm));
	assert_int_equal(get(board, 0x0a) & 0x80, 0);
	assert_int_equal(decimal(get(board, SECOND)), tm.tm_sec);
	assert_int_equal(decimal(get(board, MINUTE)), tm.tm_min);
	assert_int_equal(decimal(get(board, HOUR)), tm.tm_hour);
	assert_int_equal(decimal(get(board, WEEKDAY)), tm.tm_wday + 1);
	assert_int_equal(decimal(get(board, DAY)), tm.tm_mday);
	assert_int_equal(decimal(get(board, MONTH)), tm.tm_mon + 1);
	assert_int_equal(decimal(get(board, YEAR)), (tm.tm_year + 1900) % 100);
	assert_int_equal(decimal(get(board, CENTURY)), (tm.tm_year + 1900) / 100);
}

static void a_known_moment(void **state)
{
	struct board *board = power_on(951827696); /* 2000-02-29 12:34:56, a Tuesday */

	(void)state;
	assert_int_equal(get(board, SECOND), 0x56);
	assert_int_equal(get(board, MINUTE), 0x34);
	assert_int_equal(get(board, HOUR), 0x12);
	assert_int_equal(get(board, WEEKDAY), 0x03);
	assert_int_equal(get(board, DAY), 0x29);
	assert_int_equal(get(board, MONTH), 0x02);
	assert_int_equal(get(board, YEAR), 0x00);
	assert_int_equal(get(board, CENTURY), 0x20);
}

static void every_day_of_four_centuries(void **state)
{
	struct board *board = power_on(0);

	(void)state;
	for (int64_t day = 0; day <= 146097; day++) {
		board->time_s = day * 86400 + day % 86400;
		check_against_libc(board);
	}
}

static void the_range_is_clamped(void **state)
{
	struct board *board = power_on(253402300799);

	(void)state;
	check_against_libc(board);
	board->time_s = INT64_MAX;
	assert_int_equal(get(board, CENTURY), 0x99);
	assert_int_equal(get(board, SECOND), 0x59);
	board->time_s = INT64_MIN;
	get(board, 0x0a);
	assert_int_equal(get(board, CENTURY), 0x19);
	assert_int_equal(get(board, YEAR), 0x70);
}

static void status_registers(void **state)
{
	struct board *board = power_on(0);

	(void)state;
	assert_int_equal(get(board, 0x0a), 0x26);
	assert_int_equal(get(board, 0x0b), 0x02);
	assert_int_equal(get(board, 0x0c), 0x00);
	assert_int_equal(get(board, 0x0d), 0x80);
	for (uint8_t index = 0x0a; index <= 0x0d; index++)
		put(board, index, 0xff);
	assert_int_equal(get(board, 0x0a), 0x7f);
	assert_int_equal(get(board, 0x0b), 0x06); /* no interrupts to enable */
	assert_int_equal(get(board, 0x0c), 0x00);
	assert_int_equal(get(board, 0x0d), 0x80);
}

static void other_formats(void **state)
{
	struct board *board = power_on(23 * 3600 + 45 * 60);

	(void)state;
	put(board, 0x0b, 0x06);
	assert_int_equal(get(board, HOUR), 23);
	assert_int_equal(get(board, MINUTE), 45);
	put(board, 0x0b, 0x00);
	assert_int_equal(get(board, HOUR), 0x80 | 0x11);
	board->time_s = 0;
	get(board, 0x0a);
	assert_int_equal(get(board, HOUR), 0x12); /* midnight is 12 AM */
	board->time_s = 12 * 3600;
	get(board, 0x0a);
	assert_int_equal(get(board, HOUR), 0x80 | 0x12);
}

/* The second turns while the guest reads: all it reads belongs to one second. */
static void a_reading_is_never_torn(void **state)
{
	struct board *board = power_on(86399);

	(void)state;
	get(board, 0x0a);
	assert_int_equal(get(board, SECOND), 0x59);
	board->time_s++;
	assert_int_equal(get(board, MINUTE), 0x59);
	assert_int_equal(get(board, HOUR), 0x23);
	assert_int_equal(get(board, DAY), 0x01);
	assert_int_equal(get(board, SECOND), 0x00); /* read again: time goes on */
	assert_int_equal(get(board, DAY), 0x02);
	board->time_s = 3 * 86400 - 1;
	assert_int_equal(get(board, SECOND), 0x59);
	board->time_s++;
	get(board, 0x0a); /* the question whether it may be read lets it go on, too */
	assert_int_equal(get(board, DAY), 0x04);
}

static void a_standing_clock_goes_on(void **state)
{
	struct board *board = power_on(10);

	(void)state;
	assert_int_equal(get(board, MINUTE), 0);
	board->time_s = 60;
	assert_int_equal(get(board, SECOND), 0); /* not the 10 of long ago */
	for (int i = 1; i < 60; i++) {
		board->time_s++;
		assert_int_equal(decimal(get(board, SECOND)), i);
	}
	board->time_s = 5; /* the host's clock was set back */
	assert_int_equal(get(board, MINUTE), 0);
	assert_int_equal(get(board, SECOND), 5);
}

static void memory_is_kept_and_time_is_not_written(void **state)
{
	struct board *board = power_on(0);

	(void)state;
	for (unsigned int index = 0; index < CMOS_REGISTERS; index++)
		put(board, (uint8_t)index, (uint8_t)(index ^ 0x5a));
	put(board, 0x0b, 0x02);
	for (uint8_t index = 0x0e; index < CMOS_REGISTERS; index++)
		if (index != CENTURY)
			assert_int_equal(get(board, index), index ^ 0x5a);
	assert_int_equal(get(board, SECOND), 0);
	assert_int_equal(get(board, YEAR), 0x70);
	assert_int_equal(get(board, CENTURY), 0x19);
	assert_int_equal(get(board, 0x80 | 0x7f), 0x7f ^ 0x5a); /* the NMI switch */
	assert_int_equal(chip_read(cmos_access, &board->cmos, 0, 1), 0x7f);
}

static void a_wide_write_sets_index_and_data(void **state)
{
	struct board *board = power_on(0);

	(void)state;
	chip_write(cmos_access, &board->cmos, 0, 2, 0xab40);
	assert_int_equal(get(board, 0x40), 0xab);
	assert_int_equal(chip_read(cmos_access, &board->cmos, 0, 2), 0xab40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_moment),
		cmocka_unit_test(every_day_of_four_centuries),
		cmocka_unit_test(the_range_is_clamped),
		cmocka_unit_test(status_registers),
		cmocka_unit_test(other_formats),
		cmocka_unit_test(a_reading_is_never_torn),
		cmocka_unit_test(a_standing_clock_goes_on),
		cmocka_unit_test(memory_is_kept_and_time_is_not_written),
		cmocka_unit_test(a_wide_write_sets_index_and_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
