/* SPDX-License-Identifier: MIT */
/*
 * monitor/input.h - standard input, on its way to the guest's serial port.
 *
 * Bytes are taken only when the serial port has room, and from anything but a
 * terminal only once the guest has shown that it reads its port: a VM in a
 * shell loop must not eat the loop's own input.  On a terminal, Ctrl-A x
 * leaves, and Ctrl-A Ctrl-A sends one Ctrl-A.
 *
 * Call order: input_init() before threads start; input_want() and input_resume() later.
 * Threads: input_resume() and what the loop calls: the I/O thread.  input_want() any.
 */
#ifndef MONITOR_INPUT_H
#define MONITOR_INPUT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "monitor/loop.h"
#include "monitor/serial.h"

enum {
	INPUT_CHUNK_BYTES = SERIAL_FIFO_BYTES,
	INPUT_ESCAPE = 0x01, /* Ctrl-A */
};

struct input {
	int fd;
	int watch;
	bool terminal;
	bool shared;     /* others may read the same pipe or socket, and be faster */
	bool escape;     /* the byte before was Ctrl-A */
	bool background; /* the terminal is somebody else's at the moment */
	bool ended;      /* end of input, or nothing to read from */
	_Atomic bool wanted;
	struct loop *loop;
	struct serial *serial;
	pthread_mutex_t *serial_lock;
	void (*leave)(void *owner); /* the user typed the escape */
	void *owner;
	uint32_t pending_count; /* read, and refused by the serial port so far */
	uint8_t pending[2 * INPUT_CHUNK_BYTES];
};

/* The fields fd, loop, serial, serial_lock, leave and owner are set by the caller. */
int input_init(struct input *input);

/* The guest reads its port. */
void input_want(struct input *input);

/* After a wake-up: go on where the serial port was full or nobody wanted input. */
void input_resume(struct input *input);

#endif
