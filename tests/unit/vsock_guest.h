/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/vsock_guest.h - a vsock device between a guest made of packets and real sockets.
 *
 * The guest is a driver of three queues that does what it is told, honest or not: it gives and
 * refills buffers, sends packets with any header, and takes what comes.  The hosts are socket
 * pairs and clients of a listening socket.  Buffers that came back are given again at once,
 * unless a test holds them back.
 */
#ifndef TESTS_UNIT_VSOCK_GUEST_H
#define TESTS_UNIT_VSOCK_GUEST_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/fake_driver.h"
#include "virtio/vsock.h"

enum {
	CID = 42,
	GUEST_PORT = 1024,
	HOST_PORT = 5000,
	QUEUE = 256,
	BUFFER_STRIDE = 68 * 1024,
	BUFFERS_MAX = 128,
	CREDIT = 256 * 1024, /* of the guest: what Linux gives */
	ALL_STATUS = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK |
		     VIRTIO_STATUS_DRIVER_OK,
};

/* Far enough in the future for every deadline. */
#define LATER (UINT64_MAX - 1)

struct packet {
	struct vsock_header header;
	uint8_t payload[64 * 1024];
};

/* What the device said to its links and to its owner. */
static struct {
	unsigned int interrupts;
	unsigned int failures;
	unsigned int refusals;
	unsigned int host_errors;
	enum virtio_fault fault;
	unsigned int connects;
	uint64_t token;
	uint32_t port;
	int connect_result;
	unsigned int streams_ended;
	int stream_error;
} heard;

static struct vsock vsock;
static struct fake_driver drivers[VSOCK_QUEUES];
static uint32_t buffer_bytes;
static bool holds_buffers; /* those that come back are not given again */
static bool has_event_index;
static struct packet got;
static struct sockaddr_un listen_address;
static socklen_t listen_address_bytes;

static void on_interrupt(void *owner)
{
	(void)owner;
	heard.interrupts++;
}

static void on_wake(void *owner)
{
	(void)owner;
}

static void on_failed(void *owner, unsigned int queue, enum virtio_fault fault)
{
	(void)owner;
	(void)queue;
	heard.failures++;
	heard.fault = fault;
}

static void on_refused(void *owner, const char *why)
{
	(void)owner;
	assert_non_null(why);
	heard.refusals++;
}

static void on_host_error(void *owner, const char *what, int error)
{
	(void)owner;
	(void)error;
	assert_non_null(what);
	heard.host_errors++;
}

static const struct virtio_device_links links = {
	.interrupt = on_interrupt,
	.wake = on_wake,
	.failed = on_failed,
	.refused = on_refused,
	.host_error = on_host_error,
};

static int on_connect(void *context, uint64_t token, uint32_t port)
{
	(void)context;
	heard.connects++;
	heard.token = token;
	heard.port = port;
	return heard.connect_result;
}

static void on_stream_ended(void *context, uint32_t guest_port, int error)
{
	(void)context;
	(void)guest_port;
	heard.streams_ended++;
	heard.stream_error = error;
}

static const struct vsock_owner owner = {
	.connect = on_connect,
	.stream_ended = on_stream_ended,
};

/* -- The driver -- */

static inline void notify(unsigned int queue)
{
	vsock.device.ops->notify(&vsock.device, queue);
}

/* The same, if the device wants to hear of it: as an honest driver does. */
static inline void kick(unsigned int queue)
{
	if (fake_driver_must_kick(&drivers[queue], has_event_index))
		notify(queue);
}

static inline void service(void)
{
	vsock.device.ops->service(&vsock.device, 0);
}

/* Every deadline has passed. */
static inline void time_passes(void)
{
	vsock.device.ops->service(&vsock.device, LATER);
}

static inline uint64_t buffer_gpa(unsigned int buffer)
{
	return FAKE_DATA_GPA + (uint64_t)buffer * BUFFER_STRIDE;
}

/* The descriptor's number is the buffer's. */
static inline void give_buffer(unsigned int buffer)
{
	struct fake_driver *driver = &drivers[VSOCK_QUEUE_RECEIVE];

	driver->descriptors[buffer] = (struct queue_descriptor){
		.gpa = buffer_gpa(buffer),
		.length = buffer_bytes,
		.flags = QUEUE_DESCRIPTOR_WRITE,
	};
	fake_driver_offer(driver, (uint16_t)buffer);
}

static inline void give_buffers(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		give_buffer(i);
	kick(VSOCK_QUEUE_RECEIVE);
}

/* The next packet from the device into `got`, if there is one. */
static inline bool take(void)
{
	struct fake_driver *driver = &drivers[VSOCK_QUEUE_RECEIVE];
	const uint8_t *bytes;
	struct fake_used used;

	if (!fake_driver_take_used(driver, &used))
		return false;
	bytes = fake_at(driver, buffer_gpa(used.head));
	assert_in_range(used.written_bytes, sizeof(got.header), buffer_bytes);
	memcpy(&got.header, bytes, sizeof(got.header));
	assert_int_equal(used.written_bytes, sizeof(got.header) + got.header.len);
	memcpy(got.payload, bytes + sizeof(got.header), got.header.len);
	if (!holds_buffers) {
		give_buffer(used.head);
		kick(VSOCK_QUEUE_RECEIVE);
	}
	return true;
}

static inline void expect_none(void)
{
	service();
	if (take())
		fail_msg("an unexpected packet: op %u, flags %u", got.header.op, got.header.flags);
}

/* The next packet is this one. */
static inline void expect(enum vsock_op op, uint32_t guest_port, uint32_t host_port)
{
	service();
	if (!take())
		fail_msg("no packet where op %d was expected", op);
	assert_int_equal(got.header.op, op);
	assert_int_equal(got.header.src_cid, VSOCK_CID_HOST);
	assert_int_equal(got.header.dst_cid, CID);
	assert_int_equal(got.header.dst_port, guest_port);
	assert_int_equal(got.header.src_port, host_port);
	assert_int_equal(got.header.type, VSOCK_TYPE_STREAM);
}

static inline struct vsock_header make_header(enum vsock_op op, uint32_t guest_port,
					      uint32_t host_port)
{
	return (struct vsock_header){
		.src_cid = CID,
		.dst_cid = VSOCK_CID_HOST,
		.src_port = guest_port,
		.dst_port = host_port,
		.type = VSOCK_TYPE_STREAM,
		.op = (uint16_t)op,
		.buf_alloc = CREDIT,
	};
}

/* Put a packet into the queue: header and payload in a descriptor of their own. */
static inline void queue_packet(const struct vsock_header *header, const void *payload,
				uint32_t bytes)
{
	struct fake_driver *driver = &drivers[VSOCK_QUEUE_TRANSMIT];
	uint64_t gpa = buffer_gpa(driver->added % BUFFERS_MAX);
	const struct fake_buffer buffers[] = {
		{gpa, sizeof(*header), false},
		{gpa + sizeof(*header), bytes, false},
	};

	memcpy(fake_at(driver, gpa), header, sizeof(*header));
	if (bytes)
		memcpy(fake_at(driver, gpa + sizeof(*header)), payload, bytes);
	fake_driver_add(driver, buffers, bytes ? 2 : 1);
}

static inline void send_header(const struct vsock_header *header, const void *payload,
			       uint32_t bytes)
{
	queue_packet(header, payload, bytes);
	kick(VSOCK_QUEUE_TRANSMIT);
}

static inline void send_op(enum vsock_op op, uint32_t guest_port, uint32_t host_port)
{
	struct vsock_header header = make_header(op, guest_port, host_port);

	send_header(&header, NULL, 0);
}

static inline void send_shutdown(uint32_t guest_port, uint32_t host_port, uint32_t flags)
{
	struct vsock_header header = make_header(VSOCK_OP_SHUTDOWN, guest_port, host_port);

	header.flags = flags;
	send_header(&header, NULL, 0);
}

static inline void send_bytes(uint32_t guest_port, uint32_t host_port, const void *payload,
			      uint32_t bytes)
{
	struct vsock_header header = make_header(VSOCK_OP_RW, guest_port, host_port);

	header.len = bytes;
	send_header(&header, payload, bytes);
}

/* What the guest has room for, and has read so far. */
static inline void send_credit(uint32_t guest_port, uint32_t host_port, uint32_t allocated,
			       uint32_t forwarded)
{
	struct vsock_header header = make_header(VSOCK_OP_CREDIT_UPDATE, guest_port, host_port);

	header.buf_alloc = allocated;
	header.fwd_cnt = forwarded;
	send_header(&header, NULL, 0);
}

static inline unsigned int packets_taken(void)
{
	return drivers[VSOCK_QUEUE_TRANSMIT].used[1];
}

/* -- The hosts -- */

static inline void set_nonblocking(int fd)
{
	assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

/* ours[0] is the test's; ours[1] goes to the device. */
static inline void make_pair(int *pair)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
			 0);
}

/* A connection begun by the guest.  Returns the host's side. */
static inline int connect_from_guest(uint32_t guest_port, uint32_t host_port)
{
	unsigned int before = heard.connects;
	int pair[2];

	make_pair(pair);
	send_op(VSOCK_OP_REQUEST, guest_port, host_port);
	assert_int_equal(heard.connects, before + 1);
	assert_int_equal(heard.port, host_port);
	vsock_connected(&vsock, heard.token, pair[1]);
	expect(VSOCK_OP_RESPONSE, guest_port, host_port);
	return pair[0];
}

static inline int connect_client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const void *)&listen_address, listen_address_bytes), 0);
	return fd;
}

static inline void say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static inline void expect_text(int fd, const char *text)
{
	char buffer[256] = {0};
	ssize_t bytes = read(fd, buffer, sizeof(buffer) - 1);

	assert_int_equal(bytes, strlen(text));
	assert_string_equal(buffer, text);
}

static inline void expect_silence(int fd)
{
	char byte;

	assert_int_equal(read(fd, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

static inline void expect_end(int fd)
{
	char byte;

	assert_int_equal(read(fd, &byte, 1), 0);
}

/* Whether the I/O thread would be woken now. */
static inline bool is_awake(void)
{
	struct pollfd ready = {.fd = vsock.device.service_fd,
			       .events = vsock.device.service_events};

	return poll(&ready, 1, 0) == 1;
}

/* A connection begun by a client; returns its socket, and the host's port. */
static inline int connect_from_host(uint32_t guest_port, uint32_t *host_port)
{
	char line[64];
	int fd = connect_client();

	snprintf(line, sizeof(line), "CONNECT %u\n", guest_port);
	say(fd, line);
	service();
	assert_true(take());
	assert_int_equal(got.header.op, VSOCK_OP_REQUEST);
	assert_int_equal(got.header.dst_port, guest_port);
	*host_port = got.header.src_port;
	send_op(VSOCK_OP_RESPONSE, guest_port, *host_port);
	snprintf(line, sizeof(line), "OK %u\n", *host_port);
	expect_text(fd, line);
	return fd;
}

/* -- The device -- */

static inline void start_queues(void)
{
	enum virtio_fault fault;

	for (unsigned int i = 0; i < VSOCK_QUEUES; i++) {
		struct queue *queue = &vsock.device.queues[i];

		memset(queue, 0, sizeof(*queue));
		fake_driver_place(&drivers[i], queue);
		queue->has_indirect = true;
		queue->has_event_index = has_event_index;
		assert_int_equal(queue_start(queue, &drivers[i].memory, &fault), 0);
	}
	vsock.device.driver_features = vsock.device.features;
	if (!has_event_index)
		vsock.device.driver_features &= ~VIRTIO_F_EVENT_IDX;
	vsock.device.status = ALL_STATUS;
	vsock.device.ops->activate(&vsock.device);
}

static inline void listen_somewhere(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	listen_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	/* Without a name the kernel chooses an abstract one. */
	assert_int_equal(bind(fd, (const void *)&listen_address, sizeof(sa_family_t)), 0);
	listen_address_bytes = sizeof(listen_address);
	assert_int_equal(getsockname(fd, (void *)&listen_address, &listen_address_bytes), 0);
	assert_int_equal(listen(fd, 2048), 0);
	vsock.listener.fd = fd;
}

static inline void build(void)
{
	signal(SIGPIPE, SIG_IGN);
	memset(&heard, 0, sizeof(heard));
	memset(&vsock, 0, sizeof(vsock));
	for (unsigned int i = 0; i < VSOCK_QUEUES; i++)
		fake_driver_init(&drivers[i], QUEUE);
	buffer_bytes = 4096 + sizeof(struct vsock_header);
	holds_buffers = false;
	has_event_index = false;
	vsock.device.memory = &drivers[0].memory;
	vsock.device.links = &links;
	vsock.muxer.guest_cid = CID;
	vsock.muxer.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	vsock.muxer.owner = &owner;
	vsock.muxer.table.seed = UINT64_C(0x1234567890abcdef);
	vsock.muxer.table.buffers = mmap(NULL, VSOCK_BUFFERS_BYTES, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(vsock.muxer.epoll_fd >= 0 && vsock.muxer.table.buffers != MAP_FAILED);
	listen_somewhere();
	vsock_init(&vsock);
}

static inline int set_up_idle(void **state)
{
	(void)state;
	build();
	return 0;
}

/* The driver is there, with buffers. */
static inline int set_up(void **state)
{
	(void)state;
	build();
	start_queues();
	give_buffers(BUFFERS_MAX);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	vsock.device.ops->reset(&vsock.device);
	/* What is left drains to hosts that do not read: they are gone with the test. */
	munmap(vsock.muxer.table.buffers, VSOCK_BUFFERS_BYTES);
	close(vsock.listener.fd);
	close(vsock.muxer.epoll_fd);
	for (unsigned int i = 0; i < VSOCK_QUEUES; i++)
		fake_driver_release(&drivers[i]);
	return 0;
}

/* The only connection. */
static inline struct vsock_connection *the_connection(void)
{
	struct vsock_connection *connection = vsock_table_next(&vsock.muxer.table, NULL);

	assert_non_null(connection);
	return connection;
}

/* Let the host's end of the only connection take few bytes at a time. */
static inline void narrow(void)
{
	int bytes = 4096;

	assert_int_equal(setsockopt(the_connection()->end.write_fd, SOL_SOCKET, SO_SNDBUF, &bytes,
				    sizeof(bytes)),
			 0);
}

static inline unsigned int connections(void)
{
	return vsock.muxer.table.count;
}

#define WITH_GUEST(function)    cmocka_unit_test_setup_teardown(function, set_up, tear_down)
#define WITHOUT_GUEST(function) cmocka_unit_test_setup_teardown(function, set_up_idle, tear_down)

#endif
