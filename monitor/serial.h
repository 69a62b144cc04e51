/* SPDX-License-Identifier: MIT */
/*
 * monitor/serial.h - the guest's serial port: a 16550A without a wire.
 *
 * Follows the data sheet TI PC16550D (registers, FIFO control, interrupt
 * priorities, loopback), with these liberties: a byte written is transmitted at
 * once, so the transmitter is always empty; the receive FIFO is deeper than 16
 * bytes; the character time-out passes at once; modem status shows a peer that
 * is always ready; switching the FIFOs on or off keeps what was received (the
 * clear bit does drop it), so that input from a file does not get lost in a
 * driver's set-up; and the interrupt is not gated by OUT2, because guests written
 * against emulators leave that bit alone.
 *
 * The interrupt line is an edge.  `interrupt` is called whenever the set of
 * pending conditions changes and holds one that the guest has not yet been told
 * of through IIR, and again for each event that would lower and raise the line
 * on a real chip.  So a driver that serves one condition per interrupt, or
 * never reads IIR, does not hang; the price is a spurious interrupt now and then.
 *
 * Call order: serial_init(), then serial_access() (as a bus region of
 * SERIAL_PORTS) and serial_receive() in any order.
 * Threads: none known here.  Whoever calls serial_receive() or the questions
 * below holds the lock of the bus region; the callbacks run under it and must
 * neither block nor call back in.
 * Memory: none is allocated.  `state` is all there is to save.
 */
#ifndef MONITOR_SERIAL_H
#define MONITOR_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/bus.h"

enum {
	SERIAL_PORTS = 8,
	SERIAL_FIFO_BYTES = 64,
	SERIAL_POLLS_WANTED = 16,
};

struct serial_ops {
	/* The guest wrote a byte. */
	void (*output)(void *owner, uint8_t byte);
	/* Pulse the interrupt line. */
	void (*interrupt)(void *owner);
	/*
	 * The guest reads its port, said once: it has enabled the receive interrupt and gone on
	 * to another register (probes only write IER and read it back), or it has polled LSR
	 * SERIAL_POLLS_WANTED times without writing a byte, which a writer has no reason to do.
	 * NULL: nobody waits.
	 */
	void (*wanted)(void *owner);
	/* There is room again after serial_receive() had to refuse.  NULL: nobody waits. */
	void (*drained)(void *owner);
};

struct serial_state {
	uint8_t divisor_low;
	uint8_t divisor_high;
	uint8_t interrupt_enable; /* IER */
	uint8_t fifo_control;     /* FCR: enable bit and trigger level */
	uint8_t line_control;     /* LCR */
	uint8_t line_errors;      /* the error bits of LSR */
	uint8_t modem_control;    /* MCR */
	uint8_t modem_status;     /* MSR: lines and deltas */
	uint8_t scratch;
	uint8_t told;        /* pending sources that an IIR read has named */
	bool transmit_empty; /* THRE interrupt not yet taken */
	bool refused;        /* serial_receive() took less than it was given */
	bool wanted;         /* the guest reads */
	uint8_t polls;       /* LSR reads since the last byte written, while not wanted */
	uint8_t fifo_head;   /* oldest byte, below SERIAL_FIFO_BYTES */
	uint8_t fifo_count;  /* at most SERIAL_FIFO_BYTES */
	uint8_t fifo[SERIAL_FIFO_BYTES];
};

struct serial {
	struct serial_state state;
	const struct serial_ops *ops;
	void *owner;
};

/* As after a hardware reset.  `ops` outlives the serial port. */
void serial_init(struct serial *serial, const struct serial_ops *ops, void *owner);

/* struct bus_region's access; a wide access is served byte by byte, lowest port first. */
void serial_access(void *serial, const struct bus_access *access);

/* Bytes from the other end.  Returns how many fitted; keep the rest until `drained`. */
size_t serial_receive(struct serial *serial, const uint8_t *bytes, size_t count);

/* How many bytes serial_receive() would take: none while the guest tests itself in loopback. */
size_t serial_receive_room(const struct serial *serial);

/* Whether the interrupt line is high: IIR would name a condition. */
bool serial_interrupt_pending(const struct serial *serial);

#endif
