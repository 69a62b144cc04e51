/* SPDX-License-Identifier: MIT */
/* tests/unit/test_i8042.c - Linux's probe ends at once, and the reset works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/i8042.h"
#include "tests/unit/chip.h"

enum {
	DATA = 0,
	COMMAND = 4,
	FULL = 0x01,
};

struct board {
	struct i8042 i8042;
	unsigned int resets;
	unsigned int interrupts;
};

static void on_reset(void *owner)
{
	((struct board *)owner)->resets++;
}

static void on_interrupt(void *owner)
{
	((struct board *)owner)->interrupts++;
}

static const struct i8042_ops ops = {.reset = on_reset, .interrupt = on_interrupt};

static struct board *power_on(void)
{
	static struct board board;

	board = (struct board){0};
	i8042_init(&board.i8042, &ops, &board);
	return &board;
}

static void out(struct board *board, uint64_t offset, uint8_t value)
{
	chip_write(i8042_access, &board->i8042, offset, 1, value);
}

static uint8_t in(struct board *board, uint64_t offset)
{
	return (uint8_t)chip_read(i8042_access, &board->i8042, offset, 1);
}

/* The one byte of an answer; fails if there is none, or more. */
static uint8_t answer(struct board *board)
{
	uint8_t byte;

	assert_true(in(board, COMMAND) & FULL);
	byte = in(board, DATA);
	assert_false(in(board, COMMAND) & FULL);
	return byte;
}

static void after_reset(void **state)
{
	struct board *board = power_on();

	(void)state;
	assert_int_equal(in(board, COMMAND), 0x14); /* tested, unlocked, both buffers empty */
	assert_int_equal(in(board, DATA), 0);
	for (uint64_t offset = 1; offset < COMMAND; offset++) {
		out(board, offset, 0xfe);
		assert_int_equal(in(board, offset), 0);
	}
	assert_int_equal(board->resets, 0);
}

static void the_self_tests_pass(void **state)
{
	struct board *board = power_on();

	(void)state;
	out(board, COMMAND, 0xaa);
	assert_int_equal(in(board, COMMAND), 0x1d);
	assert_int_equal(answer(board), 0x55);
	out(board, COMMAND, 0xab);
	assert_int_equal(answer(board), 0x00);
}

static void the_command_byte_is_kept(void **state)
{
	struct board *board = power_on();

	(void)state;
	out(board, COMMAND, 0x20);
	assert_int_equal(answer(board), 0x65);
	out(board, COMMAND, 0x60);
	assert_int_equal(in(board, COMMAND), 0x1c);
	out(board, DATA, 0x54);
	assert_int_equal(in(board, COMMAND), 0x14);
	out(board, COMMAND, 0x20);
	assert_int_equal(answer(board), 0x74); /* the mouse port stays off */
	out(board, COMMAND, 0xae);
	out(board, COMMAND, 0x20);
	assert_int_equal(answer(board), 0x64);
	out(board, COMMAND, 0xad);
	out(board, COMMAND, 0x20);
	assert_int_equal(answer(board), 0x74);
	out(board, COMMAND, 0x60);
	out(board, DATA, 0x00);
	assert_int_equal(in(board, COMMAND), 0x10); /* the system bit shows in the status */
}

/* The steps of Linux's i8042_check_aux(), which must give up without a time-out. */
static void linux_finds_no_mouse_port(void **state)
{
	struct board *board = power_on();

	(void)state;
	out(board, COMMAND, 0xd3);
	out(board, DATA, 0x5a);
	assert_int_equal(in(board, COMMAND) & 0x21, 0x01); /* a byte, but not the mouse's: unread */
	out(board, COMMAND, 0xa9);
	assert_int_equal(answer(board), 0x01); /* in place of the byte before */
	out(board, COMMAND, 0xa8);
	out(board, COMMAND, 0x20);
	assert_int_equal(answer(board) & 0x20, 0x20);
	out(board, COMMAND, 0xd4);
	out(board, DATA, 0xff);
	assert_false(in(board, COMMAND) & FULL); /* and nobody answers there */
}

static void the_keyboard_acknowledges(void **state)
{
	struct board *board = power_on();

	(void)state;
	out(board, DATA, 0xff);
	assert_int_equal(in(board, DATA), 0xfa);
	assert_int_equal(answer(board), 0xaa);
	out(board, DATA, 0xf2);
	assert_int_equal(in(board, DATA), 0xfa);
	assert_int_equal(in(board, DATA), 0xab);
	assert_int_equal(answer(board), 0x41);
	out(board, DATA, 0xed);
	assert_int_equal(answer(board), 0xfa);
	out(board, DATA, 0xff); /* the parameter, not a reset */
	assert_int_equal(answer(board), 0xfa);
	out(board, DATA, 0xf0);
	assert_int_equal(answer(board), 0xfa);
	out(board, DATA, 0x00);
	assert_int_equal(in(board, DATA), 0xfa);
	assert_int_equal(answer(board), 0x02);
	out(board, DATA, 0xee);
	assert_int_equal(answer(board), 0xee);
	out(board, DATA, 0x77);
	assert_int_equal(answer(board), 0xfa);
	out(board, COMMAND, 0x60);
	out(board, DATA, 0x05); /* no translation: another identity */
	out(board, DATA, 0xf2);
	in(board, DATA);
	in(board, DATA);
	assert_int_equal(answer(board), 0x83);
}

static void each_byte_interrupts_if_asked(void **state)
{
	struct board *board = power_on();

	(void)state;
	out(board, DATA, 0xff);
	assert_int_equal(board->interrupts, 1);
	in(board, DATA);
	assert_int_equal(board->interrupts, 2);
	in(board, DATA);
	assert_int_equal(board->interrupts, 2);
	out(board, COMMAND, 0x60);
	out(board, DATA, 0x44);
	out(board, DATA, 0xff);
	in(board, DATA);
	assert_int_equal(board->interrupts, 2);
}

static void unread_replies_do_not_pile_up(void **state)
{
	struct board *board = power_on();

	(void)state;
	for (int i = 0; i < 100; i++)
		out(board, DATA, 0xf4);
	for (int i = 0; i < I8042_REPLY_BYTES; i++)
		assert_int_equal(in(board, DATA), 0xfa);
	assert_false(in(board, COMMAND) & FULL);
}

static void the_reset_line_can_be_pulled(void **state)
{
	struct board *board = power_on();

	(void)state;
	out(board, COMMAND, 0xfe);
	assert_int_equal(board->resets, 1);
	out(board, COMMAND, 0xf0);
	assert_int_equal(board->resets, 2);
	out(board, COMMAND, 0xff); /* pulses nothing */
	assert_int_equal(board->resets, 2);
	out(board, DATA, 0xfe); /* a keyboard command */
	assert_int_equal(board->resets, 2);
	out(board, COMMAND, 0xd1);
	out(board, DATA, 0xdf); /* A20 on, as every boot loader does */
	assert_int_equal(board->resets, 2);
	out(board, COMMAND, 0xd0);
	assert_int_equal(in(board, DATA), 0xdf);
	out(board, COMMAND, 0xd1);
	out(board, DATA, 0xfe);
	assert_int_equal(board->resets, 3);
}

static void an_unknown_command_ends_a_parameter(void **state)
{
	struct board *board = power_on();

	(void)state;
	out(board, COMMAND, 0xd1);
	out(board, COMMAND, 0x76);
	assert_false(in(board, COMMAND) & FULL);
	out(board, DATA, 0x00); /* would have been a reset */
	assert_int_equal(board->resets, 0);
	assert_int_equal(in(board, DATA), 0xfa);
}

static void wide_accesses_reach_the_next_ports(void **state)
{
	struct board *board = power_on();

	(void)state;
	out(board, COMMAND, 0xaa);
	assert_int_equal(chip_read(i8042_access, &board->i8042, 3, 2), 0x1d00);
	assert_int_equal(chip_read(i8042_access, &board->i8042, 0, 4), 0x55);
	chip_write(i8042_access, &board->i8042, 1, 4, 0xfe000000);
	assert_int_equal(board->resets, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_reset),
		cmocka_unit_test(the_self_tests_pass),
		cmocka_unit_test(the_command_byte_is_kept),
		cmocka_unit_test(linux_finds_no_mouse_port),
		cmocka_unit_test(the_keyboard_acknowledges),
		cmocka_unit_test(each_byte_interrupts_if_asked),
		cmocka_unit_test(unread_replies_do_not_pile_up),
		cmocka_unit_test(the_reset_line_can_be_pulled),
		cmocka_unit_test(an_unknown_command_ends_a_parameter),
		cmocka_unit_test(wide_accesses_reach_the_next_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
