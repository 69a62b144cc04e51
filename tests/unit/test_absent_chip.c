/* SPDX-License-Identifier: MIT */
/* tests/unit/test_absent_chip.c - who gets the hint, and who must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/absent_chip.h"

struct machine {
	struct bus ports;
	struct absent_chip pic;
	struct absent_chip pit;
	unsigned int pic_noticed;
	unsigned int pit_noticed;
	pthread_mutex_t lock;
};

struct port_write {
	uint16_t port;
	uint8_t value;
};

static void on_noticed(void *owner, enum absent_chip_kind kind)
{
	struct machine *machine = owner;

	if (kind == ABSENT_PIC)
		machine->pic_noticed++;
	else
		machine->pit_noticed++;
}

static const struct absent_chip_ops ops = {.noticed = on_noticed};

static struct machine *power_on(void)
{
	static struct machine machine;

	machine = (struct machine){.lock = PTHREAD_MUTEX_INITIALIZER};
	absent_chip_init(&machine.pic, ABSENT_PIC, &ops, &machine);
	absent_chip_init(&machine.pit, ABSENT_PIT, &ops, &machine);
	assert_int_equal(absent_chip_add(&machine.pic, &machine.ports, &machine.lock), 0);
	assert_int_equal(absent_chip_add(&machine.pit, &machine.ports, &machine.lock), 0);
	return &machine;
}

static void out(struct machine *machine, const struct port_write *writes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t data = writes[i].value;

		assert_true(bus_access(&machine->ports, writes[i].port, &data, 1, true));
	}
}

#define OUT(machine, ...)                                      \
	out(machine, (const struct port_write[]){__VA_ARGS__}, \
	    sizeof((const struct port_write[]){__VA_ARGS__}) / sizeof(struct port_write))

static const struct port_write initialize[] = {
	{0x20, 0x11}, {0x21, 0x20}, {0x21, 0x04}, {0x21, 0x01},
	{0xa0, 0x11}, {0xa1, 0x28}, {0xa1, 0x02}, {0xa1, 0x01},
};

static void check(const struct machine *machine, unsigned int pic, unsigned int pit)
{
	assert_int_equal(machine->pic_noticed, pic);
	assert_int_equal(machine->pit_noticed, pit);
}

static void linux_without_a_pic_goes_unnoticed(void **state)
{
	struct machine *machine = power_on();
	uint8_t data = 0x55;

	(void)state;
	OUT(machine, {0xa1, 0xff}, {0x21, 0xfb}); /* the probe */
	assert_true(bus_access(&machine->ports, 0x21, &data, 1, false));
	assert_int_equal(data, 0); /* not what was written: no PIC there */
	OUT(machine, {0x21, 0xff}, {0xa1, 0xff}, {0x21, 0x00});
	check(machine, 0, 0);
	out(machine, initialize, 8); /* it insists where the tables promise a PIC */
	OUT(machine, {0x21, 0xfb}, {0xa1, 0xff});
	check(machine, 0, 0);
	OUT(machine, {0x43, 0x30}, {0x40, 0x00}, {0x40, 0x00}, {0x43, 0x30}); /* stop the timer */
	check(machine, 0, 0);
}

static void moving_the_vectors_away_goes_unnoticed(void **state)
{
	struct machine *machine = power_on();

	(void)state;
	out(machine, initialize, 8);
	OUT(machine, {0x21, 0xff}, {0xa1, 0xff}, {0x20, 0x20}, {0x20, 0x0b});
	check(machine, 0, 0);
}

static void opening_a_line_is_noticed_once(void **state)
{
	struct machine *machine = power_on();

	(void)state;
	out(machine, initialize, 8);
	OUT(machine, {0x21, 0xfe});
	check(machine, 1, 0);
	OUT(machine, {0x21, 0xfa}, {0xa1, 0x00});
	check(machine, 1, 0);
}

static void the_second_pic_has_no_cascade_of_its_own(void **state)
{
	struct machine *machine = power_on();

	(void)state;
	out(machine, initialize, 8);
	OUT(machine, {0xa1, 0xfb}); /* IRQ 10 */
	check(machine, 1, 0);
}

static void short_initializations_are_counted_right(void **state)
{
	struct machine *machine = power_on();

	(void)state;
	OUT(machine, {0x20, 0x12}, {0x21, 0x20}); /* single, no ICW4: one word */
	check(machine, 0, 0);
	OUT(machine, {0x21, 0xef});
	check(machine, 1, 0);
	machine = power_on();
	OUT(machine, {0x20, 0x10}, {0x21, 0x20}, {0x21, 0x04}); /* no ICW4: two words */
	check(machine, 0, 0);
	OUT(machine, {0x21, 0xef});
	check(machine, 1, 0);
}

static void a_timer_count_is_noticed(void **state)
{
	struct machine *machine = power_on();

	(void)state;
	OUT(machine, {0x40, 0x12});               /* no mode was given */
	OUT(machine, {0x43, 0x80}, {0x42, 0x12}); /* counter latch */
	OUT(machine, {0x43, 0xe2});               /* read-back */
	OUT(machine, {0x40, 0x12});
	check(machine, 0, 0);
	OUT(machine, {0x43, 0x30}, {0x40, 0x00}, {0x40, 0x10});
	check(machine, 0, 1);
	OUT(machine, {0x43, 0x34}, {0x40, 0x9c}, {0x40, 0x2e});
	check(machine, 0, 1);
}

static void a_periodic_zero_counts_too(void **state)
{
	struct machine *machine = power_on();

	(void)state;
	OUT(machine, {0x43, 0x36}, {0x40, 0x00});
	check(machine, 0, 1);
	machine = power_on();
	OUT(machine, {0x43, 0xb6}, {0x40, 0x01}); /* channel 2 has the mode, not 0 */
	check(machine, 0, 0);
	OUT(machine, {0x42, 0x01});
	check(machine, 0, 1);
}

static void a_wide_write_is_several(void **state)
{
	struct machine *machine = power_on();
	uint8_t data[4] = {0x11, 0x20, 0, 0};

	(void)state;
	assert_true(bus_access(&machine->ports, 0x20, data, 2, true)); /* ICW1, ICW2 */
	OUT(machine, {0x21, 0x04}, {0x21, 0x01});
	check(machine, 0, 0);
	OUT(machine, {0x21, 0x00});
	check(machine, 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(linux_without_a_pic_goes_unnoticed),
		cmocka_unit_test(moving_the_vectors_away_goes_unnoticed),
		cmocka_unit_test(opening_a_line_is_noticed_once),
		cmocka_unit_test(the_second_pic_has_no_cascade_of_its_own),
		cmocka_unit_test(short_initializations_are_counted_right),
		cmocka_unit_test(a_timer_count_is_noticed),
		cmocka_unit_test(a_periodic_zero_counts_too),
		cmocka_unit_test(a_wide_write_is_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
