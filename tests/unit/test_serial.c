/* SPDX-License-Identifier: MIT */
/* tests/unit/test_serial.c - what Linux's 8250 driver and simpler ones rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/serial.h"
#include "tests/unit/chip.h"

enum {
	DATA,
	IER,
	IIR,
	LCR,
	MCR,
	LSR,
	MSR,
	SCR,
	FCR = IIR
};

struct wire {
	struct serial serial;
	char output[64];
	size_t output_bytes;
	unsigned int interrupts;
	unsigned int drained;
	unsigned int wanted;
};

static void on_output(void *owner, uint8_t byte)
{
	struct wire *wire = owner;

	assert_true(wire->output_bytes < sizeof(wire->output));
	wire->output[wire->output_bytes++] = (char)byte;
}

static void on_interrupt(void *owner)
{
	((struct wire *)owner)->interrupts++;
}

static void on_wanted(void *owner)
{
	((struct wire *)owner)->wanted++;
}

static void on_drained(void *owner)
{
	((struct wire *)owner)->drained++;
}

static const struct serial_ops ops = {
	.output = on_output,
	.interrupt = on_interrupt,
	.wanted = on_wanted,
	.drained = on_drained,
};

static struct wire *plug_in(void)
{
	static struct wire wire;

	wire = (struct wire){0};
	serial_init(&wire.serial, &ops, &wire);
	return &wire;
}

static void out(struct wire *wire, uint64_t offset, uint8_t value)
{
	chip_write(serial_access, &wire->serial, offset, 1, value);
}

static uint8_t in(struct wire *wire, uint64_t offset)
{
	return (uint8_t)chip_read(serial_access, &wire->serial, offset, 1);
}

static void receive(struct wire *wire, const char *text)
{
	size_t length = strlen(text);

	assert_int_equal(serial_receive(&wire->serial, (const uint8_t *)text, length), length);
}

/* How many interrupts came since this was asked last. */
static unsigned int interrupts(struct wire *wire)
{
	unsigned int count = wire->interrupts;

	wire->interrupts = 0;
	return count;
}

static void after_reset(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	assert_int_equal(in(wire, IER), 0);
	assert_int_equal(in(wire, IIR), 0x01);
	assert_int_equal(in(wire, LCR), 0);
	assert_int_equal(in(wire, MCR), 0);
	assert_int_equal(in(wire, LSR), 0x60);
	assert_int_equal(in(wire, MSR), 0xb0);
	assert_int_equal(in(wire, DATA), 0);
	assert_false(serial_interrupt_pending(&wire->serial));
	assert_int_equal(interrupts(wire), 0);
}

static void writes_come_out_in_order(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	out(wire, DATA, 'h');
	out(wire, DATA, 'i');
	assert_int_equal(wire->output_bytes, 2);
	assert_memory_equal(wire->output, "hi", 2);
	assert_int_equal(in(wire, LSR), 0x60);
	assert_int_equal(interrupts(wire), 0);
}

static void the_divisor_latch_hides_data_and_ier(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	receive(wire, "x");
	out(wire, IER, 0x01);
	out(wire, LCR, 0x83);
	out(wire, DATA, 0x34);
	out(wire, IER, 0x12);
	assert_int_equal(in(wire, DATA), 0x34);
	assert_int_equal(in(wire, IER), 0x12);
	assert_int_equal(wire->output_bytes, 0);
	out(wire, LCR, 0x03);
	assert_int_equal(in(wire, IER), 0x01);
	assert_int_equal(in(wire, DATA), 'x');
	out(wire, LCR, 0x80);
	assert_int_equal(in(wire, DATA), 0x34);
}

/* The steps of Linux's autoconfig() and autoconfig_16550a(). */
static void linux_finds_a_16550a(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	out(wire, IER, 0);
	assert_int_equal(in(wire, IER) & 0x0f, 0);
	out(wire, IER, 0xff);
	assert_int_equal(in(wire, IER), 0x0f); /* bit 6 sticking would make it an XScale */
	out(wire, IER, 0);
	out(wire, MCR, 0x10 | 0x0a);
	assert_int_equal(in(wire, MSR) & 0xf0, 0x90);
	out(wire, MCR, 0);
	out(wire, LCR, 0xbf);
	out(wire, FCR, 0);
	out(wire, LCR, 0);
	out(wire, FCR, 0x01);
	assert_int_equal(in(wire, IIR) >> 6, 3);
	out(wire, LCR, 0x80);
	assert_int_not_equal(in(wire, IIR), 0); /* no EFR of a 16650 there */
	out(wire, LCR, 0xbf);
	assert_int_not_equal(in(wire, IIR), 0);
	out(wire, LCR, 0);
	out(wire, FCR, 0x21);
	assert_int_equal(in(wire, IIR) >> 5, 6); /* 7 would be a 16750 */
	assert_int_equal(wire->wanted, 0);
}

/* The THRE and TXEN tests of serial8250_do_startup(). */
static void the_empty_transmitter_interrupts_each_time_it_is_asked(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	for (int i = 0; i < 3; i++) {
		out(wire, IER, 0x02);
		assert_int_equal(interrupts(wire), 1);
		assert_true(serial_interrupt_pending(&wire->serial));
		assert_int_equal(in(wire, IIR), 0x02);
		assert_int_equal(in(wire, IIR), 0x01); /* reading it was the acknowledgement */
		assert_false(serial_interrupt_pending(&wire->serial));
		out(wire, IER, 0x02); /* asked for already */
		assert_false(serial_interrupt_pending(&wire->serial));
		out(wire, IER, 0);
	}
	assert_int_equal(interrupts(wire), 0);
}

static void each_byte_written_interrupts(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	out(wire, IER, 0x02);
	assert_int_equal(interrupts(wire), 1);
	out(wire, DATA, 'a'); /* with and without reading IIR in between */
	assert_int_equal(interrupts(wire), 1);
	assert_int_equal(in(wire, IIR), 0x02);
	out(wire, DATA, 'b');
	assert_int_equal(interrupts(wire), 1);
	assert_int_equal(in(wire, IIR), 0x02);
	in(wire, LSR);
	assert_int_equal(interrupts(wire), 0);
}

static void received_data_interrupts_and_is_read_in_order(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	receive(wire, "ab");
	assert_int_equal(interrupts(wire), 0); /* not enabled */
	assert_int_equal(in(wire, LSR), 0x61);
	out(wire, IER, 0x01);
	assert_int_equal(interrupts(wire), 1);
	assert_int_equal(in(wire, IIR), 0x04);
	assert_int_equal(in(wire, DATA), 'a');
	assert_int_equal(in(wire, DATA), 'b');
	assert_int_equal(in(wire, LSR), 0x60);
	assert_int_equal(in(wire, IIR), 0x01);
	interrupts(wire);
	receive(wire, "c");
	assert_int_equal(interrupts(wire), 1);
}

static void the_trigger_level_splits_data_from_timeout(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	out(wire, FCR, 0x81); /* trigger at 8 */
	out(wire, IER, 0x01);
	receive(wire, "1234567");
	assert_int_equal(in(wire, IIR), 0xcc);
	receive(wire, "8");
	assert_int_equal(in(wire, IIR), 0xc4);
	in(wire, DATA);
	assert_int_equal(in(wire, IIR), 0xcc);
}

/* A driver that takes one byte for each interrupt must get them all, FIFO or not. */
static void one_byte_per_interrupt_never_hangs(void **state)
{
	static const uint8_t fifo_controls[] = {0x00, 0x01, 0x41, 0x81, 0xc1};

	(void)state;
	for (size_t i = 0; i < sizeof(fifo_controls); i++) {
		for (int reads_iir = 0; reads_iir < 2; reads_iir++) {
			struct wire *wire = plug_in();
			char seen[8] = {0};
			size_t count = 0;

			out(wire, FCR, fifo_controls[i]);
			out(wire, IER, 0x01);
			receive(wire, "hello");
			while (interrupts(wire) && count < sizeof(seen)) {
				if (reads_iir)
					assert_int_not_equal(in(wire, IIR) & 0x01, 0x01);
				seen[count++] = (char)in(wire, DATA);
			}
			assert_string_equal(seen, "hello");
		}
	}
}

/* One condition served for each interrupt: the other must interrupt again. */
static void a_second_condition_is_not_lost(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	out(wire, IER, 0x03);
	receive(wire, "x");
	assert_true(interrupts(wire) > 0);
	assert_int_equal(in(wire, IIR), 0x04);
	assert_int_equal(in(wire, DATA), 'x');
	assert_int_equal(interrupts(wire), 1);
	assert_int_equal(in(wire, IIR), 0x02);
	assert_int_equal(interrupts(wire), 0);
}

/* The guest knows of the data, so taking away the other condition is no news. */
static void what_the_guest_was_told_of_is_not_repeated(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	out(wire, IER, 0x09);
	receive(wire, "x");
	out(wire, MCR, 0x01);
	out(wire, MCR, 0x10);
	assert_int_equal(in(wire, IIR), 0x04);
	interrupts(wire);
	in(wire, MSR);
	assert_int_equal(interrupts(wire), 0);
	assert_true(serial_interrupt_pending(&wire->serial));
}

static void polling_does_not_interrupt(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	out(wire, FCR, 0x01);
	out(wire, IER, 0x01);
	receive(wire, "abc");
	assert_int_equal(interrupts(wire), 1);
	for (int i = 0; i < 10; i++)
		in(wire, LSR);
	assert_int_equal(interrupts(wire), 0);
	receive(wire, "d"); /* but more data does, told of or not */
	assert_int_equal(interrupts(wire), 1);
}

static void loopback_returns_bytes_and_lines(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	out(wire, IER, 0x01);
	out(wire, MCR, 0x10);
	assert_int_equal(in(wire, MSR) & 0xf0, 0);
	out(wire, DATA, 0xa5);
	assert_int_equal(wire->output_bytes, 0);
	assert_int_equal(in(wire, LSR), 0x61);
	assert_true(interrupts(wire) > 0);
	assert_int_equal(in(wire, DATA), 0xa5);
	assert_int_equal(serial_receive_room(&wire->serial), 0);
	assert_int_equal(serial_receive(&wire->serial, (const uint8_t *)"z", 1), 0);
	out(wire, MCR, 0x11);
	assert_int_equal(in(wire, MSR), 0x22);
	out(wire, MCR, 0x12);
	assert_int_equal(in(wire, MSR), 0x13);
	out(wire, MCR, 0x14);
	assert_int_equal(in(wire, MSR), 0x41);
	out(wire, MCR, 0x18);
	assert_int_equal(in(wire, MSR), 0x8c); /* RI fell: its trailing edge */
	assert_int_equal(in(wire, MSR), 0x80);
	assert_int_equal(wire->drained, 0);
	out(wire, MCR, 0x00);
	assert_int_equal(wire->drained, 1);
	assert_int_equal(in(wire, MSR), 0xb3);
}

static void modem_changes_interrupt(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	out(wire, IER, 0x08);
	assert_int_equal(interrupts(wire), 0);
	out(wire, MCR, 0x10);
	assert_int_equal(interrupts(wire), 1);
	assert_int_equal(in(wire, IIR), 0x00);
	in(wire, MSR);
	assert_int_equal(in(wire, IIR), 0x01);
}

static void an_overrun_is_reported_once(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	out(wire, IER, 0x04);
	out(wire, MCR, 0x10);
	for (int i = 0; i < SERIAL_FIFO_BYTES; i++)
		out(wire, DATA, (uint8_t)i);
	assert_int_equal(interrupts(wire), 0);
	out(wire, DATA, 0xff);
	assert_int_equal(interrupts(wire), 1);
	assert_int_equal(in(wire, IIR), 0x06);
	assert_int_equal(in(wire, LSR), 0x63);
	assert_int_equal(in(wire, LSR), 0x61);
	for (int i = 0; i < SERIAL_FIFO_BYTES; i++)
		assert_int_equal(in(wire, DATA), i);
	assert_int_equal(in(wire, LSR), 0x60);
}

static void a_full_fifo_refuses_and_tells_when_it_is_empty(void **state)
{
	struct wire *wire = plug_in();
	uint8_t bytes[SERIAL_FIFO_BYTES + 6] = {0};

	(void)state;
	receive(wire, "ab");
	in(wire, DATA); /* so that the ring wraps */
	assert_int_equal(serial_receive_room(&wire->serial), SERIAL_FIFO_BYTES - 1);
	assert_int_equal(serial_receive(&wire->serial, bytes, sizeof(bytes)),
			 SERIAL_FIFO_BYTES - 1);
	assert_int_equal(serial_receive_room(&wire->serial), 0);
	for (int i = 0; i < SERIAL_FIFO_BYTES - 1; i++)
		in(wire, DATA);
	assert_int_equal(wire->drained, 0);
	in(wire, DATA);
	assert_int_equal(wire->drained, 1);
	receive(wire, "x");
	in(wire, DATA);
	assert_int_equal(wire->drained, 1); /* nothing was refused this time */
}

static void only_the_clear_bit_drops_input(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	receive(wire, "abc");
	out(wire, FCR, 0x01);
	assert_int_equal(in(wire, DATA), 'a');
	out(wire, FCR, 0x02); /* without the enable bit nothing else is programmed */
	assert_int_equal(in(wire, DATA), 'b');
	out(wire, FCR, 0x03);
	assert_int_equal(in(wire, LSR), 0x60);
	assert_int_equal(serial_receive_room(&wire->serial), SERIAL_FIFO_BYTES);
}

static void input_is_wanted_once_the_guest_reads(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	out(wire, IER, 0x0f); /* a probe */
	in(wire, IER);
	out(wire, IER, 0x00);
	in(wire, LSR);
	assert_int_equal(wire->wanted, 0);
	out(wire, IER, 0x05); /* a driver */
	assert_int_equal(wire->wanted, 0);
	out(wire, LCR, 0x03);
	assert_int_equal(wire->wanted, 1);
	in(wire, IIR);
	assert_int_equal(wire->wanted, 1);
}

static void input_is_wanted_by_a_guest_that_polls(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	for (int i = 0; i < 4 * SERIAL_POLLS_WANTED; i++) { /* a writer polls as well */
		in(wire, LSR);
		out(wire, DATA, 'x');
		wire->output_bytes = 0;
	}
	assert_int_equal(wire->wanted, 0);
	for (int i = 0; i < SERIAL_POLLS_WANTED - 1; i++)
		in(wire, LSR);
	assert_int_equal(wire->wanted, 0);
	in(wire, LSR);
	assert_int_equal(wire->wanted, 1);
}

static void wide_accesses_reach_the_next_ports(void **state)
{
	struct wire *wire = plug_in();

	(void)state;
	chip_write(serial_access, &wire->serial, LCR, 2, 0x0103);
	assert_int_equal(in(wire, LCR), 0x03);
	assert_int_equal(in(wire, MCR), 0x01);
	chip_write(serial_access, &wire->serial, DATA, 4, 0x0301027a);
	assert_int_equal(wire->output[0], 'z');
	assert_int_equal(in(wire, IER), 0x02);
	assert_int_equal(chip_read(serial_access, &wire->serial, LSR, 2), 0xb060);
	chip_write(serial_access, &wire->serial, SCR, 1, 0x77);
	assert_int_equal(chip_read(serial_access, &wire->serial, MSR, 2), 0x77b0);
	/* The status registers cannot be written. */
	chip_write(serial_access, &wire->serial, LSR, 2, 0xffff);
	assert_int_equal(chip_read(serial_access, &wire->serial, LSR, 2), 0xb060);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_reset),
		cmocka_unit_test(writes_come_out_in_order),
		cmocka_unit_test(the_divisor_latch_hides_data_and_ier),
		cmocka_unit_test(linux_finds_a_16550a),
		cmocka_unit_test(the_empty_transmitter_interrupts_each_time_it_is_asked),
		cmocka_unit_test(each_byte_written_interrupts),
		cmocka_unit_test(received_data_interrupts_and_is_read_in_order),
		cmocka_unit_test(the_trigger_level_splits_data_from_timeout),
		cmocka_unit_test(one_byte_per_interrupt_never_hangs),
		cmocka_unit_test(a_second_condition_is_not_lost),
		cmocka_unit_test(what_the_guest_was_told_of_is_not_repeated),
		cmocka_unit_test(polling_does_not_interrupt),
		cmocka_unit_test(loopback_returns_bytes_and_lines),
		cmocka_unit_test(modem_changes_interrupt),
		cmocka_unit_test(an_overrun_is_reported_once),
		cmocka_unit_test(a_full_fifo_refuses_and_tells_when_it_is_empty),
		cmocka_unit_test(only_the_clear_bit_drops_input),
		cmocka_unit_test(input_is_wanted_once_the_guest_reads),
		cmocka_unit_test(input_is_wanted_by_a_guest_that_polls),
		cmocka_unit_test(wide_accesses_reach_the_next_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
