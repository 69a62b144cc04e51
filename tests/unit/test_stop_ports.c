/* SPDX-License-Identifier: MIT */
/* tests/unit/test_stop_ports.c - each port ends the run in its own way, and no other write does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/stop_ports.h"

struct machine {
	struct bus ports;
	struct stop_ports stop_ports;
	unsigned int stops;
	enum outcome_kind kind;
	uint32_t code;
};

static void on_stop(void *owner, enum outcome_kind kind, uint32_t code)
{
	struct machine *machine = owner;

	machine->stops++;
	machine->kind = kind;
	machine->code = code;
}

static struct machine *power_on(void)
{
	static struct machine machine;

	machine = (struct machine){0};
	machine.stop_ports.stop = on_stop;
	machine.stop_ports.owner = &machine;
	assert_int_equal(stop_ports_add(&machine.stop_ports, &machine.ports), 0);
	return &machine;
}

static void out(struct machine *machine, uint16_t port, uint32_t size_bytes, uint32_t value)
{
	uint8_t data[4];

	memcpy(data, &value, sizeof(data));
	bus_access(&machine->ports, port, data, size_bytes, true);
}

static uint32_t in(struct machine *machine, uint16_t port, uint32_t size_bytes)
{
	uint8_t data[4] = {0};
	uint32_t value;

	bus_access(&machine->ports, port, data, size_bytes, false);
	memcpy(&value, data, sizeof(value));
	return value;
}

static void check(struct machine *machine, unsigned int stops, enum outcome_kind kind,
		  uint32_t code)
{
	assert_int_equal(machine->stops, stops);
	assert_int_equal(machine->kind, kind);
	assert_int_equal(machine->code, code);
}

static void exit_takes_the_low_byte(void **state)
{
	struct machine *machine = power_on();

	(void)state;
	out(machine, 0xf4, 1, 0);
	check(machine, 1, OUTCOME_EXIT, 0);
	out(machine, 0xf4, 1, 255);
	check(machine, 2, OUTCOME_EXIT, 255);
	out(machine, 0xf4, 2, 0x0107);
	check(machine, 3, OUTCOME_EXIT, 7);
	out(machine, 0xf4, 4, 0xdeadbe2a);
	check(machine, 4, OUTCOME_EXIT, 42);
	out(machine, 0xf5, 1, 1);
	assert_int_equal(machine->stops, 4);
}

static void debug_exit_shifts(void **state)
{
	struct machine *machine = power_on();

	(void)state;
	out(machine, 0x501, 1, 0);
	check(machine, 1, OUTCOME_EXIT, 1);
	out(machine, 0x501, 2, 41);
	check(machine, 2, OUTCOME_EXIT, 83);
	out(machine, 0x501, 4, 0x12345680);
	check(machine, 3, OUTCOME_EXIT, 1);
	out(machine, 0x502, 1, 1);
	assert_int_equal(machine->stops, 3);
}

static void pvpanic_stops_on_a_panic_only(void **state)
{
	struct machine *machine = power_on();

	(void)state;
	assert_int_equal(in(machine, 0x505, 1), 0x03);
	out(machine, 0x505, 1, 0x02);
	out(machine, 0x505, 1, 0xfc);
	out(machine, 0x506, 1, 0x01);
	assert_int_equal(machine->stops, 0);
	out(machine, 0x505, 1, 0x01);
	check(machine, 1, OUTCOME_PANIC, 0);
	out(machine, 0x505, 4, 0x03);
	check(machine, 2, OUTCOME_PANIC, 0);
}

static void sleep_enable_powers_off(void **state)
{
	static const struct {
		uint16_t port;
		uint32_t size_bytes;
		uint32_t value;
		bool stops;
	} writes[] = {
		{0x604, 2, 0x2000, true}, {0x604, 2, 0x3400, true},  {0x604, 4, 0x2000, true},
		{0x604, 1, 0x20, true},   {0x604, 1, 0x34, true},    {0x605, 1, 0x20, true},
		{0x605, 2, 0x0020, true}, {0x604, 2, 0x0020, false}, {0x604, 2, 0x1c00, false},
		{0x604, 1, 0x1c, false},  {0x604, 1, 0x00, false},   {0x605, 2, 0x2000, false},
		{0x606, 1, 0x20, false},  {0x606, 2, 0x2020, false}, {0x604, 4, 0xffffdfff, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		struct machine *machine = power_on();

		out(machine, writes[i].port, writes[i].size_bytes, writes[i].value);
		if (writes[i].stops)
			check(machine, 1, OUTCOME_POWER_OFF, 0);
		else
			check(machine, 0, OUTCOME_NONE, 0);
	}
}

static void reads_give_zero_and_stop_nothing(void **state)
{
	static const uint16_t ports[] = {0xf4, 0x501, 0x604, 0x605, 0x606};
	struct machine *machine = power_on();

	(void)state;
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		assert_int_equal(in(machine, ports[i], 1), 0);
		assert_int_equal(in(machine, ports[i], 2), 0);
	}
	assert_int_equal(machine->stops, 0);
	assert_int_equal(machine->ports.unclaimed_reads, 0);
}

static void a_full_bus_is_an_error(void **state)
{
	struct stop_ports stop_ports = {.stop = on_stop};
	struct bus bus = {0};

	(void)state;
	assert_int_equal(stop_ports_add(&stop_ports, &bus), 0);
	assert_int_equal(stop_ports_add(&stop_ports, &bus), -EEXIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_takes_the_low_byte),
		cmocka_unit_test(debug_exit_shifts),
		cmocka_unit_test(pvpanic_stops_on_a_panic_only),
		cmocka_unit_test(sleep_enable_powers_off),
		cmocka_unit_test(reads_give_zero_and_stop_nothing),
		cmocka_unit_test(a_full_bus_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
