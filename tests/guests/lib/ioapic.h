/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/ioapic.h - registers of the IOAPIC (Intel 82093AA data sheet, 3.2).
 */
#ifndef GUEST_IOAPIC_H
#define GUEST_IOAPIC_H

#include <stdint.h>

enum {
	IOAPIC_ID = 0,
	IOAPIC_VERSION = 1,
	IOAPIC_REDIRECTION = 0x10, /* two registers a pin */
};

#define IOAPIC_MASKED (UINT64_C(1) << 16)

uint32_t ioapic_read(uint32_t index);
void ioapic_write(uint32_t index, uint32_t value);

uint64_t ioapic_read_redirection(uint32_t pin);
void ioapic_write_redirection(uint32_t pin, uint64_t entry);

#endif
