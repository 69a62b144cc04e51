/* SPDX-License-Identifier: MIT */
/*
 * monitor/console.h - the guest's output, on its way to standard output.
 *
 * Bytes go into a fixed ring.  A newline sends what is there straight from the
 * vCPU thread, if standard output takes it without blocking; whatever is left
 * (a slow reader, a line without its newline) is for the I/O thread, which is
 * woken through `wake`.  When the ring runs full, console_throttle() holds the
 * vCPU back for a bounded time; after that, bytes are dropped and counted, so a
 * reader that went away can stall no guest.
 *
 * Call order: console_init(), then anything, and console_close() when the run is over.
 * Threads: any; the console has a lock of its own, held during writes that do
 * not block.  console_throttle() waits and is for vCPU threads that hold no lock.
 */
#ifndef MONITOR_CONSOLE_H
#define MONITOR_CONSOLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CONSOLE_RING_BYTES = 256 * 1024,    /* a power of two */
	CONSOLE_CROWDED_BYTES = 192 * 1024, /* from here on vCPUs are held back */
	CONSOLE_THROTTLE_MS = 1000,         /* and so long at most, once per stall */
	CONSOLE_TICK_MS = 5,                /* a line without newline waits so long */
};

enum console_mode {
	CONSOLE_WRITES, /* a regular file, or a terminal of one's own: write(2) does not block */
	CONSOLE_NOWAIT, /* pipes and sockets: RWF_NOWAIT */
	CONSOLE_POLLS,  /* other devices and old kernels: poll, then a small write */
};

struct console {
	pthread_mutex_t lock;
	int fd;
	enum console_mode mode;
	bool gone;           /* standard output takes nothing any more */
	int gone_errno;      /* and why */
	bool stalled;        /* a throttled vCPU ran out of patience */
	_Atomic bool active; /* the I/O thread is looking after the ring */
	void (*wake)(void *owner);
	void *owner;
	_Atomic uint32_t used;
	uint32_t head; /* next byte to write out */
	uint64_t total_bytes;
	uint64_t dropped_bytes;
	uint64_t taken_bytes; /* out of the ring again, written or dropped */
	uint64_t last_bytes;  /* how many of these the run has, once it is over */
	uint8_t ring[CONSOLE_RING_BYTES];
};

/*
 * `wake(owner)` is called, on any thread, when console_tick() is wanted.  Of a terminal the
 * console opens a second, non-blocking descriptor, so do this while /proc is still there.
 */
void console_init(struct console *console, int fd, void (*wake)(void *owner), void *owner);

/* One byte from the guest.  Never blocks. */
void console_put(struct console *console, uint8_t byte);

/* Wait until the ring has room again, at most CONSOLE_THROTTLE_MS. */
void console_throttle(struct console *console);

/*
 * On the I/O thread: write what can be written.  Returns whether bytes are
 * left, so that the caller comes back within CONSOLE_TICK_MS; `blocked` says
 * whether standard output was full, so that it should poll for POLLOUT.
 */
bool console_tick(struct console *console, bool *blocked);

/*
 * The run is over: write what can be written.  The rest is owed, and console_tick() brings it
 * out.  What another vCPU still writes is not: it may go on for ever.
 */
void console_close(struct console *console);

/* How much is owed: 0 before console_close(), and when all is delivered or the output is gone. */
uint64_t console_owed_bytes(struct console *console);

#endif
