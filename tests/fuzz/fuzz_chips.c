/* SPDX-License-Identifier: MIT */
/*
 * tests/fuzz/fuzz_chips.c - a guest that does anything, on buses with every chip.
 *
 * The input is a list of steps.  A step is one byte of what to do, and its
 * operands:
 *
 *   bits 0-2  0-4 access a port, 5 access MMIO, 6 receive serial input, 7 time passes
 *   bit 3     write
 *   bits 4-7  size - 1, of which only 0 to 7 are for sizes; for 6 the count of bytes
 *
 * An access takes two bytes that choose region and offset, and a write its data.
 * Besides what the sanitizers see, the claims of the headers are checked after each step.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/absent_chip.h"
#include "monitor/boot_timer.h"
#include "monitor/bus.h"
#include "monitor/cmos.h"
#include "monitor/i8042.h"
#include "monitor/ioapic.h"
#include "monitor/layout.h"
#include "monitor/serial.h"
#include "monitor/stop_ports.h"
#include "tests/fuzz/input.h"

enum {
	STEP_MMIO = 5,
	STEP_RECEIVE = 6,
	STEP_TIME = 7,
};

struct machine {
	struct bus ports;
	struct bus mmio;
	struct serial serial;
	struct ioapic ioapic;
	struct i8042 i8042;
	struct cmos cmos;
	struct stop_ports stop_ports;
	struct boot_timer boot_timer;
	struct absent_chip pic;
	struct absent_chip pit;
	pthread_mutex_t lock;

	int64_t time_s;
	unsigned int serial_interrupts;
	unsigned int wanted;
	bool refused;
	unsigned int noticed[2];
	struct ioapic_message routes[LAYOUT_IOAPIC_PINS];
};

static void on_output(void *owner, uint8_t byte)
{
	(void)owner;
	(void)byte;
}

static void on_serial_interrupt(void *owner)
{
	struct machine *machine = owner;

	require(serial_interrupt_pending(&machine->serial));
	machine->serial_interrupts++;
}

static void on_wanted(void *owner)
{
	require(++((struct machine *)owner)->wanted == 1);
}

static void on_drained(void *owner)
{
	struct machine *machine = owner;

	require(machine->refused);
	require(serial_receive_room(&machine->serial) == SERIAL_FIFO_BYTES);
	machine->refused = false;
}

/* Field by field, because of the padding. */
static bool messages_equal(const struct ioapic_message *a, const struct ioapic_message *b)
{
	return a->enabled == b->enabled && a->address_lo == b->address_lo &&
	       a->address_hi == b->address_hi && a->data == b->data;
}

static void on_route(void *owner, unsigned int pin, const struct ioapic_message *message)
{
	struct machine *machine = owner;

	require(pin < LAYOUT_IOAPIC_PINS);
	require(!messages_equal(message, &machine->routes[pin]));
	require(!message->enabled || message->address_lo >> 20 == 0xfee);
	machine->routes[pin] = *message;
}

static void on_event(void *owner)
{
	(void)owner;
}

static int64_t on_now(void *owner)
{
	return ((struct machine *)owner)->time_s;
}

static void on_stop(void *owner, enum outcome_kind kind, uint32_t code)
{
	(void)owner;
	require(kind == OUTCOME_EXIT || (kind < OUTCOME_KINDS && kind > OUTCOME_EXIT && code == 0));
	require(code <= 0xff);
}

static void on_stamp(void *owner, unsigned int stage)
{
	(void)owner;
	require(stage <= 0xff);
}

static void on_noticed(void *owner, enum absent_chip_kind kind)
{
	require(++((struct machine *)owner)->noticed[kind] == 1);
}

static const struct serial_ops serial_ops = {
	.output = on_output,
	.interrupt = on_serial_interrupt,
	.wanted = on_wanted,
	.drained = on_drained,
};
static const struct ioapic_ops ioapic_ops = {.route_changed = on_route};
static const struct i8042_ops i8042_ops = {.reset = on_event, .interrupt = on_event};
static const struct cmos_ops cmos_ops = {.now = on_now};
static const struct absent_chip_ops absent_ops = {.noticed = on_noticed};

static void power_on(struct machine *machine)
{
	pthread_mutex_t *lock = &machine->lock;
	const struct bus_region ports[] = {
		{LAYOUT_PORT_SERIAL, SERIAL_PORTS, "serial", lock, &machine->serial, serial_access},
		{LAYOUT_PORT_CMOS, CMOS_PORTS, "cmos", lock, &machine->cmos, cmos_access},
		{LAYOUT_PORT_I8042_DATA, I8042_PORTS, "i8042", lock, &machine->i8042, i8042_access},
	};
	const struct bus_region mmio[] = {
		{LAYOUT_IOAPIC_GPA, LAYOUT_IOAPIC_BYTES, "ioapic", lock, &machine->ioapic,
		 ioapic_access},
		{LAYOUT_BOOT_TIMER_GPA, LAYOUT_PAGE_BYTES, "boot-timer", NULL, &machine->boot_timer,
		 boot_timer_access},
	};

	*machine = (struct machine){.lock = PTHREAD_MUTEX_INITIALIZER};
	serial_init(&machine->serial, &serial_ops, machine);
	ioapic_init(&machine->ioapic, 1, &ioapic_ops, machine);
	i8042_init(&machine->i8042, &i8042_ops, machine);
	cmos_init(&machine->cmos, &cmos_ops, machine);
	absent_chip_init(&machine->pic, ABSENT_PIC, &absent_ops, machine);
	absent_chip_init(&machine->pit, ABSENT_PIT, &absent_ops, machine);
	machine->stop_ports = (struct stop_ports){on_stop, machine};
	machine->boot_timer = (struct boot_timer){on_stamp, machine};
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		require(bus_add(&machine->ports, &ports[i]) == 0);
	for (size_t i = 0; i < sizeof(mmio) / sizeof(mmio[0]); i++)
		require(bus_add(&machine->mmio, &mmio[i]) == 0);
	require(stop_ports_add(&machine->stop_ports, &machine->ports) == 0);
	require(absent_chip_add(&machine->pic, &machine->ports, lock) == 0);
	require(absent_chip_add(&machine->pit, &machine->ports, lock) == 0);
}

/* An address in or near a region, so that few steps are wasted on nothing. */
static uint64_t choose_address(const struct bus *bus, struct input *input)
{
	const struct bus_region *region = &bus->regions[take(input) % bus->count];

	return region->base + take(input) % (region->size + 2) - 1;
}

static void step_access(struct machine *machine, struct input *input, uint8_t step)
{
	struct bus *bus = (step & 7) == STEP_MMIO ? &machine->mmio : &machine->ports;
	uint64_t address = choose_address(bus, input);
	uint32_t size_bytes = (step >> 4 & 7) + 1;
	bool is_write = step & 8;
	uint8_t *data = malloc(size_bytes); /* so that one byte too many is seen */

	require(data != NULL);
	for (uint32_t i = 0; i < size_bytes; i++)
		data[i] = is_write ? take(input) : 0xee;
	if (!bus_access(bus, address, data, size_bytes, is_write) && !is_write)
		for (uint32_t i = 0; i < size_bytes; i++)
			require(data[i] == 0);
	free(data);
}

static void step_receive(struct machine *machine, struct input *input, uint8_t step)
{
	uint8_t bytes[80];
	size_t count = (size_t)(step >> 4) * 5;
	size_t room = serial_receive_room(&machine->serial);
	size_t accepted;

	memset(bytes, take(input), sizeof(bytes));
	if (count > room)
		machine->refused = true;
	accepted = serial_receive(&machine->serial, bytes, count);
	require(accepted == (count < room ? count : room));
	require(serial_receive_room(&machine->serial) == room - accepted);
}

static void step_time(struct machine *machine, struct input *input, uint8_t step)
{
	machine->time_s += (int64_t)((uint64_t)(int8_t)take(input) << (step >> 4) * 2);
}

/* What was announced is what stands: fixed and lowest priority, SMI, NMI and INIT, if not masked.
 */
static void require_route(const struct ioapic_message *route, uint64_t entry)
{
	const unsigned int mode = entry >> 8 & 7;
	const bool needs_vector = mode <= 1;
	const bool has_mode = needs_vector || mode == 2 || mode == 4 || mode == 5;
	const bool is_masked = entry >> 16 & 1;

	require(route->enabled ==
		(!is_masked && has_mode && (!needs_vector || (entry & 0xff) >= 16)));
	require(!route->enabled || route->data == (entry & 0x7ff));
	require(!route->enabled ||
		route->address_lo == (0xfee00000 | entry >> 56 << 12 | (entry >> 11 & 1) << 2));
}

static void check(const struct machine *machine)
{
	for (unsigned int pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++) {
		uint64_t entry = machine->ioapic.state.entries[pin];

		require_route(&machine->routes[pin], entry);
		require((entry & UINT64_C(0x00fffffffffe5000)) == 0);
	}
	require(machine->serial.state.fifo_count <= SERIAL_FIFO_BYTES);
	require(machine->serial.state.fifo_head < SERIAL_FIFO_BYTES);
	require(machine->i8042.state.reply_count <= I8042_REPLY_BYTES);
	require(machine->cmos.state.index < CMOS_REGISTERS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine machine;
	struct input input = {data, size};

	power_on(&machine);
	while (input.size) {
		uint8_t step = take(&input);
		bool pending = serial_interrupt_pending(&machine.serial);
		unsigned int interrupts = machine.serial_interrupts;

		if ((step & 7) <= STEP_MMIO)
			step_access(&machine, &input, step);
		else if ((step & 7) == STEP_RECEIVE)
			step_receive(&machine, &input, step);
		else
			step_time(&machine, &input, step);
		/* No rising edge without a call. */
		if (!pending && serial_interrupt_pending(&machine.serial))
			require(machine.serial_interrupts > interrupts);
		check(&machine);
	}
	return 0;
}
