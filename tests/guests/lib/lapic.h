/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/lapic.h - the local APIC in its memory-mapped form (Intel SDM volume 3, 11).
 */
#ifndef GUEST_LAPIC_H
#define GUEST_LAPIC_H

#include <stdint.h>

enum {
	LAPIC_ID = 0x20,
	LAPIC_VERSION = 0x30,
	LAPIC_SPURIOUS = 0xf0,
	LAPIC_COMMAND_LOW = 0x300,
	LAPIC_COMMAND_HIGH = 0x310,
	LAPIC_TIMER = 0x320,
	LAPIC_LINT0 = 0x350,
	LAPIC_TIMER_INITIAL = 0x380,
	LAPIC_TIMER_CURRENT = 0x390,
	LAPIC_TIMER_DIVIDE = 0x3e0,
};

uint32_t lapic_read(uint32_t offset);
void lapic_write(uint32_t offset, uint32_t value);

uint32_t lapic_id(void);

/* Let interrupts through, except those of a PIC.  Doing so again is harmless. */
void lapic_enable(void);

/* Send INIT, or the start-up message with a page number, to one processor. */
void lapic_send_init(uint32_t id);
void lapic_send_startup(uint32_t id, uint32_t page);

#endif
