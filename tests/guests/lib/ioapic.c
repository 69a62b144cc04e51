/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/ioapic.c - see ioapic.h. */
#include "tests/guests/lib/ioapic.h"

#include "tests/guests/lib/cpu.h"

#define IOAPIC_SELECT (UINT64_C(0) + IOAPIC_ADDRESS)
#define IOAPIC_WINDOW (UINT64_C(0x10) + IOAPIC_ADDRESS)

uint32_t ioapic_read(uint32_t index)
{
	mmio_write32(IOAPIC_SELECT, index);
	return mmio_read32(IOAPIC_WINDOW);
}

void ioapic_write(uint32_t index, uint32_t value)
{
	mmio_write32(IOAPIC_SELECT, index);
	mmio_write32(IOAPIC_WINDOW, value);
}

uint64_t ioapic_read_redirection(uint32_t pin)
{
	uint32_t low = ioapic_read(IOAPIC_REDIRECTION + 2 * pin);

	return (uint64_t)ioapic_read(IOAPIC_REDIRECTION + 2 * pin + 1) << 32 | low;
}

/* The half with the mask bit goes last when it opens the pin, so the pin is never half set. */
void ioapic_write_redirection(uint32_t pin, uint64_t entry)
{
	ioapic_write(IOAPIC_REDIRECTION + 2 * pin + 1, (uint32_t)(entry >> 32));
	ioapic_write(IOAPIC_REDIRECTION + 2 * pin, (uint32_t)entry);
}
