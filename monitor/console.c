/* SPDX-License-Identifier: MIT */
/* monitor/console.c - see console.h. */
#include "monitor/console.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "monitor/open_path.h"
#include "monitor/terminal.h"

enum {
	THROTTLE_STEP_NS = 1000000,
};

static_assert((CONSOLE_RING_BYTES & (CONSOLE_RING_BYTES - 1)) == 0, "indices are masked");

static void give_up(struct console *console, int error)
{
	console->gone = true;
	console->gone_errno = error;
}

/*
 * A terminal that polls as writable may have room for one byte, and a write of more would wait
 * for the rest, for ever if the terminal is stopped.  Its descriptor cannot be made non-blocking,
 * because the shell and others share it; so mote opens the terminal once more for itself.
 */
static void init_device(struct console *console)
{
	int own = terminal_is(console->fd) ? open_path_again(console->fd, O_WRONLY) : -1;

	console->mode = CONSOLE_POLLS;
	if (own < 0)
		return;
	console->fd = own;
	console->mode = CONSOLE_WRITES;
}

void console_init(struct console *console, int fd, void (*wake)(void *owner), void *owner)
{
	struct stat status;

	pthread_mutex_init(&console->lock, NULL);
	console->fd = fd;
	console->wake = wake;
	console->owner = owner;
	console->mode = CONSOLE_NOWAIT;
	if (fstat(fd, &status))
		give_up(console, errno);
	else if (S_ISREG(status.st_mode))
		console->mode = CONSOLE_WRITES;
	else if (S_ISCHR(status.st_mode))
		init_device(console);
}

/* A pipe that polls as writable takes PIPE_BUF bytes; of a terminal less is known. */
static ssize_t write_if_polled(int fd, const uint8_t *bytes, size_t count)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	int count_ready = poll(&ready, 1, 0);

	/* A signal can end even a poll that does not wait; that says nothing about the output. */
	if (count_ready < 0)
		return -1;
	if (count_ready == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (terminal_is(fd))
		return write(fd, bytes, 1);
	return write(fd, bytes, count < PIPE_BUF ? count : PIPE_BUF);
}

/* Write some bytes without blocking: their number, or -1 with EAGAIN where it would block. */
static ssize_t write_some(struct console *console, const uint8_t *bytes, size_t count)
{
	struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
	ssize_t written;

	if (console->mode == CONSOLE_WRITES)
		return write(console->fd, bytes, count);
	if (console->mode == CONSOLE_NOWAIT) {
		written = pwritev2(console->fd, &piece, 1, -1, RWF_NOWAIT);
		if (written >= 0 || errno != EOPNOTSUPP)
			return written;
		console->mode = CONSOLE_POLLS;
	}
	return write_if_polled(console->fd, bytes, count);
}

static void forget(struct console *console, uint32_t count)
{
	console->head = (console->head + count) & (CONSOLE_RING_BYTES - 1);
	console->taken_bytes += count;
	atomic_fetch_sub_explicit(&console->used, count, memory_order_relaxed);
}

/* With the lock held: write until the ring is empty or the output is full. */
static int flush(struct console *console)
{
	while (console->used) {
		uint32_t contiguous = CONSOLE_RING_BYTES - console->head;
		uint32_t count = console->used < contiguous ? console->used : contiguous;
		ssize_t written = 0;

		if (console->gone) {
			console->dropped_bytes += count;
			forget(console, count);
			continue;
		}
		written = write_some(console, console->ring + console->head, count);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN)
			return -EAGAIN;
		if (written < 0)
			give_up(console, errno);
		else
			forget(console, (uint32_t)written);
	}
	console->stalled = false;
	return 0;
}

/* Ask the I/O thread to look after the ring, unless it does already. */
static void want_attention(struct console *console)
{
	if (!atomic_exchange_explicit(&console->active, true, memory_order_acq_rel))
		console->wake(console->owner);
}

void console_put(struct console *console, uint8_t byte)
{
	bool left = true;

	pthread_mutex_lock(&console->lock);
	console->total_bytes++;
	if (console->used == CONSOLE_RING_BYTES) {
		console->dropped_bytes++;
	} else {
		uint32_t tail = (console->head + console->used) & (CONSOLE_RING_BYTES - 1);

		console->ring[tail] = byte;
		atomic_fetch_add_explicit(&console->used, 1, memory_order_relaxed);
		if (byte == '\n')
			left = flush(console) != 0;
	}
	pthread_mutex_unlock(&console->lock);
	if (left)
		want_attention(console);
}

void console_throttle(struct console *console)
{
	struct timespec step = {.tv_nsec = THROTTLE_STEP_NS};

	if (atomic_load_explicit(&console->used, memory_order_relaxed) < CONSOLE_CROWDED_BYTES)
		return;
	for (int waited_ms = 0; waited_ms < CONSOLE_THROTTLE_MS; waited_ms++) {
		bool enough;

		pthread_mutex_lock(&console->lock);
		enough = console->stalled || console->used < CONSOLE_CROWDED_BYTES;
		pthread_mutex_unlock(&console->lock);
		if (enough)
			return;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &step, NULL);
	}
	pthread_mutex_lock(&console->lock);
	console->stalled = true;
	pthread_mutex_unlock(&console->lock);
}

bool console_tick(struct console *console, bool *blocked)
{
	bool left;

	/* Cleared before looking: a byte that arrives from now on wakes this thread again. */
	atomic_store_explicit(&console->active, false, memory_order_seq_cst);
	pthread_mutex_lock(&console->lock);
	*blocked = flush(console) == -EAGAIN;
	left = console->used != 0;
	pthread_mutex_unlock(&console->lock);
	if (left)
		atomic_store_explicit(&console->active, true, memory_order_relaxed);
	return left;
}

void console_close(struct console *console)
{
	pthread_mutex_lock(&console->lock);
	console->last_bytes = console->taken_bytes + console->used;
	flush(console);
	pthread_mutex_unlock(&console->lock);
}

uint64_t console_owed_bytes(struct console *console)
{
	uint64_t owed_bytes = 0;

	pthread_mutex_lock(&console->lock);
	if (console->taken_bytes < console->last_bytes)
		owed_bytes = console->last_bytes - console->taken_bytes;
	pthread_mutex_unlock(&console->lock);
	return owed_bytes;
}
