/* SPDX-License-Identifier: MIT */
/*
 * monitor/i8042.h - a keyboard controller that is there to be reset through.
 *
 * Guests reset the machine with 0xFE to port 0x64, and some insist on finding a
 * working controller first.  So this one passes its self test, has no second
 * (mouse) port, and its keyboard acknowledges everything but never has a key
 * pressed.  Commands and status follow the IBM PS/2 Hardware Interface Technical
 * Reference, "Keyboard and Auxiliary Device Controller", and for the keyboard's
 * own commands the section "101/102-key Keyboard".
 *
 * There is one output buffer, as in the chip: a controller's reply replaces what
 * the guest left unread.  Keyboard replies of several bytes follow one another.
 * Each byte that appears calls `interrupt` if the command byte asks for it.
 *
 * Call order: i8042_init(), then i8042_access() as a bus region of I8042_PORTS
 * from port 0x60; 0x61 to 0x63 are not this chip's and read 0.
 * Threads: none known here; the callbacks run under the bus region's lock.
 * Memory: none is allocated.  `state` is all there is to save.
 */
#ifndef MONITOR_I8042_H
#define MONITOR_I8042_H

#include <stdint.h>

#include "monitor/bus.h"

enum {
	I8042_PORTS = 5,
	I8042_REPLY_BYTES = 8,
};

struct i8042_ops {
	/* The guest pulsed the reset line. */
	void (*reset)(void *owner);
	/* IRQ 1, an edge.  NULL: the keyboard is polled. */
	void (*interrupt)(void *owner);
};

struct i8042_state {
	uint8_t command_byte;
	uint8_t output_port;
	uint8_t awaiting;    /* controller command whose parameter comes next; 0: none */
	uint8_t keyboard;    /* keyboard command whose parameter comes next; 0: none */
	uint8_t flags;       /* the system and command bits of the status register */
	uint8_t reply_count; /* at most I8042_REPLY_BYTES */
	uint8_t reply[I8042_REPLY_BYTES]; /* the first is in the output buffer */
};

struct i8042 {
	struct i8042_state state;
	const struct i8042_ops *ops;
	void *owner;
};

/* As firmware leaves it: tested, keyboard enabled, scan codes translated. */
void i8042_init(struct i8042 *i8042, const struct i8042_ops *ops, void *owner);

/* struct bus_region's access; a wide access is served byte by byte, lowest port first. */
void i8042_access(void *i8042, const struct bus_access *access);

#endif
