/* SPDX-License-Identifier: MIT */
/*
 * monitor/cmos.h - the clock and the 128 bytes of memory behind ports 0x70 and 0x71.
 *
 * Follows the Motorola MC146818A data sheet.  The time is the host's, in UTC, and
 * cannot be set; BCD and 24 hours unless the guest asks register B for binary or
 * 12 hours.  Alarms and interrupts are not there.  An update is never in progress.
 * The other registers are memory, zero at first.
 *
 * A guest reads the time one register at a time.  So that it never sees half of
 * one second and half of the next, the clock stands still from a read of
 * register A until a register is read a second time or a second has passed.
 *
 * Call order: cmos_init(), then cmos_access() as a bus region of CMOS_PORTS.
 * Threads: none known here; the callback runs under the bus region's lock.
 * Memory: none is allocated.  `state` is all there is to save.
 */
#ifndef MONITOR_CMOS_H
#define MONITOR_CMOS_H

#include <stdint.h>

#include "monitor/bus.h"

enum {
	CMOS_PORTS = 2,
	CMOS_REGISTERS = 128,
};

struct cmos_ops {
	/* Seconds since 1970-01-01T00:00:00Z.  Values outside the years 1970 to 9999 are clamped.
	 */
	int64_t (*now)(void *owner);
};

struct cmos_state {
	uint8_t index;  /* below CMOS_REGISTERS */
	uint16_t seen;  /* one bit for each time register read from the standing clock */
	int64_t time_s; /* where the clock stands */
	uint8_t memory[CMOS_REGISTERS];
};

struct cmos {
	struct cmos_state state;
	const struct cmos_ops *ops;
	void *owner;
};

/* `ops` outlives the chip. */
void cmos_init(struct cmos *cmos, const struct cmos_ops *ops, void *owner);

/* struct bus_region's access; a wide access is served byte by byte, lowest port first. */
void cmos_access(void *cmos, const struct bus_access *access);

#endif
