/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/console.h - the first serial port (16550 at 0x3f8, IRQ 4).
 *
 * Output needs no set-up, and does not wait: the monitor's port is always ready.
 */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SERIAL_PORT = 0x3f8,
	SERIAL_GSI = 4,
	PRINT_MAX_BYTES = 256, /* the longest text one print() can make; the rest is cut */
};

void console_write(const char *bytes, size_t size_bytes);

/*
 * A printf with %s, %c, %d, %u, %x and %%, with l and ll, and a width with or without 0 in
 * front.  Takes a lock, so it may be called on every processor.
 */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Let the port raise its line, for whatever its interrupt enable register asks. */
void console_interrupts_on(void);

/* Switch the receive interrupt on; console_read() works from then on. */
void console_receive_start(void);

/* The next byte of input; halts until an interrupt announces one. */
char console_read(void);

/* Send a byte through the chip's loopback; returns whether it came back. */
bool console_loopback(uint8_t byte);

#endif
