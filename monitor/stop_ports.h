/* SPDX-License-Identifier: MIT */
/*
 * monitor/stop_ports.h - the ports through which a guest says how its run ends.
 *
 *   0xF4   exit code: the low byte as written
 *   0x501  exit code as QEMU's isa-debug-exit makes it: (value << 1 | 1) & 0xFF
 *   0x505  pvpanic (QEMU docs/specs/pvpanic): bit 0 panicked, bit 1 crash kernel
 *          loaded, which is no end and is ignored; a read tells which are known
 *   0x604  ACPI 6.5: PM1 control as a word (section 4.8.3.2, SLP_EN is bit 13) or,
 *          hardware-reduced, sleep control as a byte (4.8.3.7, SLP_EN is bit 5);
 *          either powers off, with any sleep type.  0x606, sleep status, reads 0.
 *
 * Call order: stop_ports_add() once.  `stop` is called for each such write,
 * from the vCPU's thread; whoever owns it keeps the first.  There is no state.
 */
#ifndef MONITOR_STOP_PORTS_H
#define MONITOR_STOP_PORTS_H

#include <stdint.h>

#include "monitor/bus.h"
#include "monitor/outcome.h"

struct stop_ports {
	void (*stop)(void *owner, enum outcome_kind kind, uint32_t code);
	void *owner;
};

/*
 * Claim the ports, each wide enough for an access of four bytes.  Returns 0 or what
 * bus_add() said; on failure the bus may hold some of them and is of no more use.
 */
int stop_ports_add(struct stop_ports *ports, struct bus *bus);

#endif
