/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/lapic.c - see lapic.h. */
#include "tests/guests/lib/lapic.h"

#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/interrupt.h"

enum {
	SPURIOUS_ENABLE = 1 << 8,
	ENTRY_MASKED = 1 << 16,
	COMMAND_INIT = 0x4500, /* asserted */
	COMMAND_STARTUP = 0x4600,
};

uint32_t lapic_read(uint32_t offset)
{
	return mmio_read32(LAPIC_ADDRESS + (uint64_t)offset);
}

void lapic_write(uint32_t offset, uint32_t value)
{
	mmio_write32(LAPIC_ADDRESS + (uint64_t)offset, value);
}

uint32_t lapic_id(void)
{
	return lapic_read(LAPIC_ID) >> 24;
}

void lapic_enable(void)
{
	lapic_write(LAPIC_LINT0, ENTRY_MASKED);
	lapic_write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | interrupt_vector(INTERRUPT_SPURIOUS));
}

void lapic_send_init(uint32_t id)
{
	lapic_write(LAPIC_COMMAND_HIGH, id << 24);
	lapic_write(LAPIC_COMMAND_LOW, COMMAND_INIT);
}

void lapic_send_startup(uint32_t id, uint32_t page)
{
	lapic_write(LAPIC_COMMAND_HIGH, id << 24);
	lapic_write(LAPIC_COMMAND_LOW, COMMAND_STARTUP | page);
}
