/* SPDX-License-Identifier: MIT */
/* tests/unit/test_ioapic.c - registers as in the data sheet, and messages as KVM wants them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/ioapic.h"
#include "tests/unit/chip.h"

enum {
	SELECT = 0x00,
	WINDOW = 0x10,
	IOAPIC_ID = 32, /* does not fit four bits */

	INDEX_ID = 0,
	INDEX_VERSION = 1,
	INDEX_ARBITRATION = 2,
};

struct board {
	struct ioapic ioapic;
	unsigned int changes;
	unsigned int pin;
	struct ioapic_message message;
};

static void on_route(void *owner, unsigned int pin, const struct ioapic_message *message)
{
	struct board *board = owner;

	board->changes++;
	board->pin = pin;
	board->message = *message;
}

static const struct ioapic_ops ops = {.route_changed = on_route};

static struct board *power_on(void)
{
	static struct board board;

	board = (struct board){0};
	ioapic_init(&board.ioapic, IOAPIC_ID, &ops, &board);
	return &board;
}

static void put(struct board *board, uint8_t index, uint32_t value)
{
	chip_write(ioapic_access, &board->ioapic, SELECT, 4, index);
	chip_write(ioapic_access, &board->ioapic, WINDOW, 4, value);
}

static uint32_t get(struct board *board, uint8_t index)
{
	chip_write(ioapic_access, &board->ioapic, SELECT, 4, index);
	return (uint32_t)chip_read(ioapic_access, &board->ioapic, WINDOW, 4);
}

static uint8_t low(unsigned int pin)
{
	return (uint8_t)(0x10 + 2 * pin);
}

static uint8_t high(unsigned int pin)
{
	return (uint8_t)(0x11 + 2 * pin);
}

static void after_reset(void **state)
{
	struct board *board = power_on();

	(void)state;
	assert_int_equal(get(board, INDEX_ID), 32U << 24);
	assert_int_equal(get(board, INDEX_VERSION), 0x000f0011);
	assert_int_equal(get(board, INDEX_ARBITRATION), 32U << 24);
	for (unsigned int pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++) {
		assert_int_equal(get(board, low(pin)), 0x00010000);
		assert_int_equal(get(board, high(pin)), 0);
	}
	assert_int_equal(board->changes, 0);
}

static void only_writable_bits_are_written(void **state)
{
	struct board *board = power_on();

	(void)state;
	put(board, low(3), 0xffffffff);
	put(board, high(3), 0xffffffff);
	assert_int_equal(get(board, low(3)), 0x0001afff);
	assert_int_equal(get(board, high(3)), 0xff000000);
	put(board, INDEX_ID, 0x5fffffff);
	assert_int_equal(get(board, INDEX_ID), 0x5f000000);
	assert_int_equal(get(board, INDEX_ARBITRATION), 0x5f000000);
	put(board, INDEX_VERSION, 0);
	assert_int_equal(get(board, INDEX_VERSION), 0x000f0011);
	assert_int_equal(get(board, low(2)), 0x00010000); /* the neighbours are untouched */
	assert_int_equal(get(board, low(4)), 0x00010000);
}

static void indices_that_do_not_exist_read_zero(void **state)
{
	struct board *board = power_on();

	(void)state;
	for (unsigned int index = 3; index < 256; index++) {
		if (index >= 0x10 && index < 0x30)
			continue;
		put(board, (uint8_t)index, 0xffffffff);
		assert_int_equal(get(board, (uint8_t)index), 0);
	}
	for (unsigned int pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++)
		assert_int_equal(get(board, low(pin)), 0x00010000);
	assert_int_equal(board->changes, 0);
}

static void unmasking_makes_a_route(void **state)
{
	struct board *board = power_on();

	(void)state;
	put(board, high(4), 3U << 24);
	put(board, low(4), 0x00010031);
	assert_int_equal(board->changes, 0); /* masked: nothing to tell */
	put(board, low(4), 0x00000031);
	assert_int_equal(board->changes, 1);
	assert_int_equal(board->pin, 4);
	assert_true(board->message.enabled);
	assert_int_equal(board->message.address_lo, 0xfee03000);
	assert_int_equal(board->message.address_hi, 0);
	assert_int_equal(board->message.data, 0x31);
	put(board, low(4), 0x00000031);
	assert_int_equal(board->changes, 1); /* nothing new */
	put(board, low(4), 0x00002031);
	assert_int_equal(board->changes, 1); /* polarity is not in the message */
	put(board, high(4), 0xff000000);
	assert_int_equal(board->changes, 2);
	assert_int_equal(board->message.address_lo, 0xfeeff000);
	put(board, low(4), 0x00010031);
	assert_int_equal(board->changes, 3);
	assert_false(board->message.enabled);
	assert_int_equal(board->message.address_lo, 0);
	assert_int_equal(board->message.data, 0);
}

static void modes_reach_the_message(void **state)
{
	struct board *board = power_on();

	(void)state;
	put(board, high(9), 0x01000000);
	put(board, low(9), 0x00000941); /* logical, lowest priority */
	assert_int_equal(board->message.address_lo, 0xfee01004);
	assert_int_equal(board->message.data, 0x141);
	put(board, low(9), 0x00000400); /* NMI: the vector does not matter */
	assert_true(board->message.enabled);
	assert_int_equal(board->message.data, 0x400);
	put(board, low(9), 0x00008041); /* level is sent as an edge */
	assert_int_equal(board->message.address_lo, 0xfee01000);
	assert_int_equal(board->message.data, 0x41);
}

static void what_cannot_be_delivered_is_not_sent(void **state)
{
	static const uint32_t entries[] = {
		0x00000000, /* fixed, vector 0 */
		0x0000000f, /* fixed, an exception's vector */
		0x00000341, /* reserved mode */
		0x00000641, /* reserved mode */
		0x00000741, /* ExtINT without a PIC */
	};
	struct board *board = power_on();

	(void)state;
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		put(board, low(1), entries[i]);
		assert_int_equal(get(board, low(1)), entries[i]);
		assert_int_equal(board->changes, 0);
	}
	put(board, low(1), 0x10);
	assert_int_equal(board->changes, 1);
}

static void narrow_accesses_reach_their_bytes(void **state)
{
	struct board *board = power_on();

	(void)state;
	chip_write(ioapic_access, &board->ioapic, SELECT, 1, low(5));
	assert_int_equal(chip_read(ioapic_access, &board->ioapic, SELECT, 4), low(5));
	chip_write(ioapic_access, &board->ioapic, SELECT + 1, 2, 0xffff);
	assert_int_equal(chip_read(ioapic_access, &board->ioapic, SELECT, 8), low(5));
	chip_write(ioapic_access, &board->ioapic, WINDOW, 1, 0x44);
	assert_int_equal(get(board, low(5)), 0x00010044);
	chip_write(ioapic_access, &board->ioapic, WINDOW + 2, 1, 0);
	assert_int_equal(get(board, low(5)), 0x00000044);
	assert_true(board->message.enabled);
	assert_int_equal(chip_read(ioapic_access, &board->ioapic, WINDOW, 8), 0x44);
	assert_int_equal(chip_read(ioapic_access, &board->ioapic, WINDOW - 2, 4), 0x440000);
	chip_write(ioapic_access, &board->ioapic, WINDOW + 4, 8, UINT64_MAX);
	chip_write(ioapic_access, &board->ioapic, WINDOW - 8, 8, UINT64_MAX);
	assert_int_equal(get(board, low(5)), 0x00000044);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_reset),
		cmocka_unit_test(only_writable_bits_are_written),
		cmocka_unit_test(indices_that_do_not_exist_read_zero),
		cmocka_unit_test(unmasking_makes_a_route),
		cmocka_unit_test(modes_reach_the_message),
		cmocka_unit_test(what_cannot_be_delivered_is_not_sent),
		cmocka_unit_test(narrow_accesses_reach_their_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
