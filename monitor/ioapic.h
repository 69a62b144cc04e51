/* SPDX-License-Identifier: MIT */
/*
 * monitor/ioapic.h - the I/O APIC of a machine whose local APICs are in the kernel.
 *
 * The register model of the Intel 82093AA data sheet (290566), sections 3.1 and
 * 3.2: IOREGSEL, IOWIN, and behind them ID, version, arbitration and 24
 * redirection entries.  Version 0x11 is reported, so there is no EOI register
 * at 0x40 and a driver ends a level interrupt by its local APIC alone.  One
 * liberty: the ID has eight bits, as in later chips, because four cannot hold
 * an ID above those of 32 processors.
 *
 * Nothing arrives here when a device interrupts: it pulses its pin's line, whose MSI
 * route KVM holds.  This chip only turns a redirection entry into that message
 * (Intel SDM volume 3, "Message Signalled Interrupts") and calls
 * `route_changed` when the message of a pin has changed.  A pin configured as
 * level-triggered is delivered as an edge all the same: an MSI is one,
 * and every device here raises its line once per event.  Remote IRR is therefore
 * never set, and nothing has to be done when a processor ends an interrupt.
 *
 * Call order: ioapic_init(), then ioapic_access() as a bus region of
 * LAYOUT_IOAPIC_BYTES.
 * Threads: none known here; the callback runs under the bus region's lock.
 * Memory: none is allocated.  `state` is all there is to save.
 */
#ifndef MONITOR_IOAPIC_H
#define MONITOR_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "monitor/bus.h"
#include "monitor/layout.h"

/* What KVM is to send for a pin; all zero while nothing is to be sent. */
struct ioapic_message {
	bool enabled;
	uint32_t address_lo;
	uint32_t address_hi;
	uint32_t data;
};

struct ioapic_ops {
	void (*route_changed)(void *owner, unsigned int pin, const struct ioapic_message *message);
};

struct ioapic_state {
	uint8_t select; /* IOREGSEL */
	uint8_t id;
	uint64_t entries[LAYOUT_IOAPIC_PINS];
};

struct ioapic {
	struct ioapic_state state;
	const struct ioapic_ops *ops;
	void *owner;
};

/* As after a hardware reset, every pin masked, with the ID that the tables announce. */
void ioapic_init(struct ioapic *ioapic, uint8_t id, const struct ioapic_ops *ops, void *owner);

/*
 * struct bus_region's access.  Both registers are 32 bits wide; a narrower access
 * reaches the bytes it covers, and the rest of the register stays as it is.
 */
void ioapic_access(void *ioapic, const struct bus_access *access);

#endif
