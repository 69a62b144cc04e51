/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/interrupt.h - interrupts as counters.
 *
 * A handler only counts (traps.S); the program compares counts.  As interrupts
 * are on only while a processor idles, a wait cannot miss one: whatever
 * arrives between the look and the halt stays pending and ends the halt.
 *
 * Sources 0 to 15 are the IOAPIC's pins; those from 24 on are for the processor's
 * own.  All are edge triggered and go to the first processor.
 */
#ifndef GUEST_INTERRUPT_H
#define GUEST_INTERRUPT_H

#include <stdint.h>

enum {
	INTERRUPT_PINS = 16, /* KVM's own IOAPIC has eight more, without a line */
	INTERRUPT_TIMER = 24,
	INTERRUPT_SPURIOUS = 31,
};

/* Vector of a source, for a device that writes messages itself. */
uint8_t interrupt_vector(uint32_t source);

/* Switch the local APIC on, mask the PIC's line, and unmask one IOAPIC pin. */
void interrupt_route(uint32_t pin);

uint32_t interrupt_count(uint32_t source);

/* Idle until the count of a source differs from `seen`. */
void interrupt_wait(uint32_t source, uint32_t seen);

#endif
