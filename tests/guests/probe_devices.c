/* SPDX-License-Identifier: MIT */
/* tests/guests/probe_devices.c - the few devices there are, and the emptiness around them. */
#include <stdint.h>

#include "tests/guests/lib/console.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/interrupt.h"
#include "tests/guests/lib/ioapic.h"
#include "tests/guests/lib/timer.h"
#include "tests/guests/probe.h"

enum {
	CMOS_INDEX = 0x70,
	CMOS_DATA = 0x71,
	CMOS_UPDATING = 0x80, /* register A */
	ABSENT_PORT = 0x5f0,
	PCI_DATA_PORT = 0xcfc,
	I8042_STATUS = 0x64,
	I8042_INPUT_FULL = 1 << 1,
	SERIAL_ENABLE = SERIAL_PORT + 1,
	SERIAL_LINE_STATUS = SERIAL_PORT + 5,
	SERIAL_SCRATCH = SERIAL_PORT + 7,
	SERIAL_TRANSMIT_EMPTY = 0x60,
	SERIAL_ENABLE_TRANSMIT = 1 << 1,
	PIN = 14,
	INTERRUPT_WITHIN_US = 20000,
};

#define ABSENT_MMIO UINT64_C(0xd0000000)

static void probe_ioapic(void)
{
	const uint64_t entry = UINT64_C(1) << 56 | IOAPIC_MASKED | interrupt_vector(PIN);
	uint32_t version = ioapic_read(IOAPIC_VERSION);
	uint64_t before = ioapic_read_redirection(PIN);

	probe_check((version & 0xff) >= 0x11 && (version & 0xff) <= 0x20, "IOAPIC: version");
	probe_check((version >> 16 & 0xff) >= INTERRUPT_PINS - 1, "IOAPIC: a pin for each line");
	probe_check((before & IOAPIC_MASKED) != 0, "IOAPIC: pins are masked at first");
	ioapic_write_redirection(PIN, entry);
	probe_check(ioapic_read_redirection(PIN) == entry, "IOAPIC: an entry reads back");
	ioapic_write_redirection(PIN, IOAPIC_MASKED);
}

/* The port announces an empty transmitter as soon as that interrupt is enabled. */
static void probe_serial_interrupt(void)
{
	uint32_t seen = interrupt_count(SERIAL_GSI);
	struct timer timer;

	console_interrupts_on();
	port_write8(SERIAL_ENABLE, SERIAL_ENABLE_TRANSMIT);
	timer_start(&timer);
	timer_wait(&timer, INTERRUPT_WITHIN_US);
	timer_mask();
	port_write8(SERIAL_ENABLE, 0);
	probe_check(interrupt_count(SERIAL_GSI) != seen, "serial port: its interrupt arrives");
}

static void probe_serial(void)
{
	probe_check((port_read8(SERIAL_LINE_STATUS) & SERIAL_TRANSMIT_EMPTY) ==
			    SERIAL_TRANSMIT_EMPTY,
		    "serial port: ready to send");
	port_write8(SERIAL_SCRATCH, 0xa5);
	probe_check(port_read8(SERIAL_SCRATCH) == 0xa5, "serial port: scratch register");
	probe_check(console_loopback(0x5a) && console_loopback(0xc3), "serial port: loopback");
	probe_serial_interrupt();
}

static uint8_t cmos_read(uint8_t index)
{
	port_write8(CMOS_INDEX, index);
	return port_read8(CMOS_DATA);
}

/* Two decimal digits in one byte, between the limits. */
static bool is_bcd(uint8_t value, unsigned int least, unsigned int most)
{
	unsigned int number = (value >> 4) * 10U + (value & 0xf);

	return (value & 0xf) <= 9 && value >> 4 <= 9 && number >= least && number <= most;
}

static void probe_cmos(void)
{
	probe_check((cmos_read(0xa) & CMOS_UPDATING) == 0, "CMOS: no update in progress");
	probe_check((cmos_read(0xb) & 0x06) == 0x02, "CMOS: BCD, 24 hours");
	probe_check(is_bcd(cmos_read(0), 0, 59) && is_bcd(cmos_read(2), 0, 59) &&
			    is_bcd(cmos_read(4), 0, 23),
		    "CMOS: time");
	probe_check(is_bcd(cmos_read(7), 1, 31) && is_bcd(cmos_read(8), 1, 12) &&
			    is_bcd(cmos_read(9), 24, 99),
		    "CMOS: date");
}

static void probe_absent(void)
{
	port_write32(ABSENT_PORT, UINT32_MAX);
	probe_check(port_read8(ABSENT_PORT) == 0 && port_read16(ABSENT_PORT) == 0 &&
			    port_read32(ABSENT_PORT) == 0,
		    "absent port: reads zero");
	probe_check(port_read32(PCI_DATA_PORT) == 0, "absent PCI: reads zero");
	mmio_write32(ABSENT_MMIO, UINT32_MAX);
	probe_check(mmio_read8(ABSENT_MMIO + 1) == 0 && mmio_read32(ABSENT_MMIO) == 0,
		    "absent device memory: reads zero");
	probe_check(mmio_read32(BOOT_TIMER_ADDRESS) == 0, "boot timer: reads zero");
	probe_check((port_read8(I8042_STATUS) & I8042_INPUT_FULL) == 0, "i8042: takes commands");
}

void probe_devices(void)
{
	probe_ioapic();
	probe_serial();
	probe_cmos();
	probe_absent();
}
