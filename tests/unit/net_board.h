/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/net_board.h - a network device between two fake drivers' rings and a socket.
 *
 * `net.port` is one end of a pair of sockets, `peer` the other: SOCK_SEQPACKET stands in for a tap,
 * since it takes and gives one frame with each call, header included.  Each queue has a fake
 * driver, with guest memory of its own.
 */
#ifndef TESTS_UNIT_NET_BOARD_H
#define TESTS_UNIT_NET_BOARD_H

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/fake_driver.h"
#include "virtio/net.h"

enum {
	RX = NET_QUEUE_RECEIVE,
	TX = NET_QUEUE_TRANSMIT,
	HEADER_BYTES = sizeof(struct net_header),
	NO_BYTE = 0xee,
	FRAME_BYTES_MAX = 70000,
	ALL_STATUS = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK |
		     VIRTIO_STATUS_DRIVER_OK,
};

#define SECOND_NS UINT64_C(1000000000)
#define HOUR_NS   (3600 * SECOND_NS)

static const uint8_t own_address[NET_ADDRESS_BYTES] = {0x02, 1, 2, 3, 4, 5};

struct net_board {
	struct net net;
	struct net_port_buffers buffers;
	struct fake_driver drivers[2];
	int peer;
	uint8_t frame[HEADER_BYTES + FRAME_BYTES_MAX]; /* what the peer sends or has read */

	/* What the device said to its links. */
	unsigned int interrupts;
	unsigned int wakes;
	unsigned int failures;
	unsigned int failed_queue;
	enum virtio_fault fault;
	unsigned int refusals;
	const char *why;
	unsigned int host_errors;
	const char *what;
	int error;
};

static struct net_board board;

/* -- Links -- */

static inline void on_interrupt(void *owner)
{
	(void)owner;
	board.interrupts++;
}

static inline void on_wake(void *owner)
{
	(void)owner;
	board.wakes++;
}

static inline void on_failed(void *owner, unsigned int queue, enum virtio_fault fault)
{
	(void)owner;
	board.failures++;
	board.failed_queue = queue;
	board.fault = fault;
}

static inline void on_refused(void *owner, const char *why)
{
	(void)owner;
	assert_non_null(why);
	board.refusals++;
	board.why = why;
}

static inline void on_host_error(void *owner, const char *what, int error)
{
	(void)owner;
	assert_non_null(what);
	board.host_errors++;
	board.what = what;
	board.error = error;
}

static const struct virtio_device_links links = {
	.interrupt = on_interrupt,
	.wake = on_wake,
	.failed = on_failed,
	.refused = on_refused,
	.host_error = on_host_error,
};

static inline void forget_what_was_heard(void)
{
	board.interrupts = board.wakes = board.failures = 0;
	board.refusals = board.host_errors = 0;
	board.what = board.why = NULL;
}

/* -- Set-up -- */

static inline void start_queue(unsigned int index)
{
	struct queue *queue = &board.net.device.queues[index];
	enum virtio_fault fault;

	memset(queue, 0, sizeof(*queue));
	fake_driver_place(&board.drivers[index], queue);
	queue->has_indirect = true;
	queue->has_event_index = virtio_device_has(&board.net.device, VIRTIO_F_EVENT_IDX);
	assert_int_equal(queue_start(queue, &board.drivers[index].memory, &fault), 0);
}

/* Plug the device into a pair of sockets; `settings` may be set by then. */
static inline void plug(enum net_port_kind kind)
{
	struct net *net = &board.net;
	int type = kind == NET_PORT_TAP ? SOCK_SEQPACKET : SOCK_STREAM;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends), 0);
	board.peer = ends[1];
	net->port = (struct net_port){.kind = kind, .fd = ends[0]};
	if (kind == NET_PORT_STREAM)
		net->port.buffers = &board.buffers;
	memcpy(net->settings.address, own_address, NET_ADDRESS_BYTES);
	net->device.links = &links;
	fake_driver_init(&board.drivers[RX], QUEUE_SIZE_MAX);
	fake_driver_init(&board.drivers[TX], QUEUE_SIZE_MAX);
	net->device.memory = &board.drivers[TX].memory;
	net_init(net);
}

/* The driver is through with its set-up, with what was offered but for `declined`. */
static inline void go_live(uint64_t declined)
{
	struct virtio_device *device = &board.net.device;

	device->driver_features = device->features & ~declined;
	start_queue(RX);
	start_queue(TX);
	device->status = ALL_STATUS;
	device->ops->activate(device);
}

/* Take what announces the device off the wire, and forget that a socket knows no offloads. */
static inline void settle(void)
{
	assert_true(read(board.peer, board.frame, sizeof(board.frame)) >= 60);
	forget_what_was_heard();
}

static inline void begin(enum net_port_kind kind, uint64_t declined)
{
	plug(kind);
	go_live(declined);
	settle();
}

static inline int clear(void **state)
{
	(void)state;
	memset(&board, 0, sizeof(board));
	return 0;
}

static inline int begin_tap(void **state)
{
	clear(state);
	begin(NET_PORT_TAP, VIRTIO_F_EVENT_IDX);
	return 0;
}

static inline int begin_stream(void **state)
{
	clear(state);
	begin(NET_PORT_STREAM, VIRTIO_F_EVENT_IDX);
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	board.net.device.ops->reset(&board.net.device);
	close(board.net.port.fd);
	if (board.peer >= 0)
		close(board.peer);
	fake_driver_release(&board.drivers[RX]);
	fake_driver_release(&board.drivers[TX]);
	return 0;
}

static inline void hang_up(void)
{
	close(board.peer);
	board.peer = -1;
}

/* -- The threads -- */

static inline void notify(unsigned int queue)
{
	board.net.device.ops->notify(&board.net.device, queue);
}

static inline void serve_at(uint64_t now_ns)
{
	board.net.device.ops->service(&board.net.device, now_ns);
}

static inline uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* As the I/O thread does: wait for what the device wants, and no longer than it wants. */
static inline bool serve_if_due(void)
{
	struct virtio_device *device = &board.net.device;
	struct pollfd ready = {.fd = device->service_fd, .events = device->service_events};
	bool is_ready = ready.events && poll(&ready, 1, 0) > 0;

	if (!is_ready && device->due_ns > clock_ns())
		return false;
	serve_at(clock_ns());
	return true;
}

/* Until nothing is to be done.  Returns how many turns that took; it has to come to an end. */
static inline unsigned int serve_all(void)
{
	unsigned int turns = 0;

	while (serve_if_due()) {
		turns++;
		assert_true(turns < 10000);
	}
	return turns;
}

/* -- Both sides of the guest -- */

static inline void *at(unsigned int queue, uint64_t offset)
{
	return fake_at(&board.drivers[queue], FAKE_DATA_GPA + offset);
}

/* Returns what the device says it wrote into the next chain, or -1 if it gave none back. */
static inline int take_used(unsigned int queue)
{
	struct fake_used used;

	return fake_driver_take_used(&board.drivers[queue], &used) ? (int)used.written_bytes : -1;
}

static inline uint8_t content_at(size_t place)
{
	return (uint8_t)(place * 31 + place / 250 + 1);
}

/* A frame as it should be, from the guest's own address, behind a header. */
static inline void make_frame(uint8_t *to, const struct net_header *header, size_t frame_bytes)
{
	memcpy(to, header, HEADER_BYTES);
	for (size_t i = 0; i < frame_bytes; i++)
		to[HEADER_BYTES + i] = content_at(i);
	if (frame_bytes >= 12)
		memcpy(to + HEADER_BYTES + 6, own_address, NET_ADDRESS_BYTES);
}

#endif
