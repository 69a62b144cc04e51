/* SPDX-License-Identifier: MIT */
/*
 * tests/fuzz/fuzz_vsock.c - a driver and hosts that do anything to a socket device.
 *
 * The input is a list of steps, each a byte that says what to do (modulo the number of kinds) and
 * its operands: packets with any header in any framing, buffers, descriptors and rings that are
 * wrong, clients that say anything, hosts that read, write, and go away, time that passes,
 * registers.  Some steps are an honest guest's, so that the others find something that runs.
 *
 * Besides what the sanitizers see, the claims of the headers are checked: packets to the guest
 * are well formed and within its credit, the connection table is whole, everything popped is
 * pushed once, nobody is kept awake by what cannot be served, and no descriptor is left in the
 * end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/fuzz/input.h"
#include "virtio/mmio.h"
#include "virtio/vsock.h"

#define BASE_GPA UINT64_C(0x10000)

enum {
	PAGE = 4096,
	QUEUE = 16,
	CID = 3,
	PORTS = 4, /* of the guest and of the host, so that they meet often */

	/* Offsets from the base, and one more page for each queue. */
	RINGS = 0,
	DESCRIPTORS = 0,
	AVAIL = 0x400,
	USED = 0x800,
	PAYLOAD = 0x3000, /* of all packets of the guest, whatever it is */
	PAYLOAD_BYTES = 0x7f00,
	PACKETS = 0x4000, /* of the transmit queue: one KiB for each descriptor */
	BUFFERS = 0x8000, /* of the receive queue */
	ROOM = 1024,
	MEMORY_BYTES = 0xc000,

	STATUS = 0x070,
	ALL_STATUS = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK |
		     VIRTIO_STATUS_DRIVER_OK,

	HOSTS_MAX = 24,
	STEPS_MAX = 400,
};

static struct vsock vsock;
static struct mmio mmio;
static struct guest_memory memory;
static uint8_t *guest;
static uint8_t *buffers;
static uint64_t tokens[8]; /* of connect(); the last ones */
static unsigned int token_count;
static int hosts[HOSTS_MAX]; /* the other ends */
static unsigned int host_count;
static unsigned int failures;
static uint16_t used_seen;
static bool is_honest; /* the guest's rings are as they should be, so far */
static struct sockaddr_un address;
static socklen_t address_bytes;

static uint64_t take_gpa(struct input *input)
{
	uint16_t value = take_u16(input);

	if (value < 0xf000)
		return BASE_GPA + value % (MEMORY_BYTES + 256);
	return (uint64_t)value << 50 | value;
}

static void poke(uint64_t gpa, const void *source, size_t bytes)
{
	(void)guest_memory_write(&memory, gpa, source, bytes);
}

/* -- The device's surroundings -- */

static void on_interrupt(void *owner)
{
	(void)owner;
	require(vsock.device.status & VIRTIO_STATUS_DRIVER_OK);
}

static void on_wake(void *owner)
{
	(void)owner;
}

static void on_failed(void *owner, unsigned int queue, enum virtio_fault fault)
{
	(void)owner;
	require(queue < VSOCK_QUEUES && fault > VIRTIO_FAULT_NONE && fault < VIRTIO_FAULTS);
	failures++;
}

static void on_refused(void *owner, const char *why)
{
	(void)owner;
	require(strlen(why) > 0);
}

/* Nothing that a guest or a peer does makes a socket fail. */
static void on_host_error(void *owner, const char *what, int error)
{
	(void)owner;
	(void)what;
	(void)error;
	abort();
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
	tokens[token_count++ % 8] = token;
	return port == 3 ? -ECONNREFUSED : 0;
}

static void on_stream_ended(void *context, uint32_t guest_port, int error)
{
	(void)context;
	(void)guest_port;
	require(error >= 0);
}

static const struct vsock_owner owner = {
	.connect = on_connect,
	.stream_ended = on_stream_ended,
};

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN);
	guest = mmap(NULL, MEMORY_BYTES + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	require(guest != MAP_FAILED && !mprotect(guest + MEMORY_BYTES, PAGE, PROT_NONE));
	require(!guest_memory_add(&memory, BASE_GPA, MEMORY_BYTES, guest));
	buffers = mmap(NULL, VSOCK_BUFFERS_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	require(buffers != MAP_FAILED);
	return 0;
}

static int listen_somewhere(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	address = (struct sockaddr_un){.sun_family = AF_UNIX};
	address_bytes = sizeof(address);
	require(fd >= 0 && !bind(fd, (const void *)&address, sizeof(sa_family_t)) &&
		!getsockname(fd, (void *)&address, &address_bytes) && !listen(fd, 64));
	return fd;
}

static void build(void)
{
	memset(&vsock, 0, offsetof(struct vsock, muxer.table.slots));
	memset(vsock.muxer.table.slots, 0, 64 * sizeof(vsock.muxer.table.slots[0]));
	memset(guest, 0, MEMORY_BYTES);
	failures = host_count = token_count = 0;
	memset(tokens, 0, sizeof(tokens));
	vsock.device.memory = &memory;
	vsock.device.links = &links;
	vsock.muxer.guest_cid = CID;
	vsock.muxer.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	vsock.muxer.owner = &owner;
	vsock.muxer.table.buffers = buffers;
	vsock.muxer.table.seed = 1;
	vsock.listener = (struct vsock_listener){.fd = listen_somewhere()};
	require(vsock.muxer.epoll_fd >= 0);
	vsock_init(&vsock);
	mmio_init(&mmio, &vsock.device);
}

/* -- The registers -- */

static void put(uint64_t offset, uint32_t value)
{
	mmio_write(&mmio, offset, (const uint8_t *)&value, sizeof(value));
}

static void bring_up(uint8_t how)
{
	uint64_t features = vsock.device.features;

	if (how & 1)
		features &= ~VIRTIO_F_EVENT_IDX;
	put(STATUS, 0);
	failures = 0;
	used_seen = 0;
	is_honest = true;
	memset(guest, 0, 3 * PAGE);
	put(STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	for (uint32_t half = 0; half < 2; half++) {
		put(0x024, half);
		put(0x020, (uint32_t)(features >> half * 32));
	}
	put(STATUS, ALL_STATUS & ~VIRTIO_STATUS_DRIVER_OK);
	for (uint32_t queue = 0; queue < VSOCK_QUEUES; queue++) {
		put(0x030, queue);
		put(0x038, QUEUE);
		put(0x080, (uint32_t)BASE_GPA + queue * PAGE + DESCRIPTORS);
		put(0x090, (uint32_t)BASE_GPA + queue * PAGE + AVAIL);
		put(0x0a0, (uint32_t)BASE_GPA + queue * PAGE + USED);
		put(0x044, 1);
	}
	put(STATUS, ALL_STATUS);
	require(virtio_device_is_live(&vsock.device));
}

static void step_register(struct input *input)
{
	static const uint16_t registers[] = {0x020, 0x030, 0x038, 0x044, 0x044, 0x064,
					     0x070, 0x080, 0x090, 0x0a0, 0x100, 0x104};
	uint64_t offset = registers[take(input) % (sizeof(registers) / sizeof(registers[0]))];
	uint8_t value = take(input);
	uint8_t data[8] = {0};

	mmio_read(&mmio, offset, data, 4);
	put(offset, offset >= 0x080 && offset < 0x100 ? (uint32_t)BASE_GPA + value * 64U : value);
	if (vsock.device.status == 0)
		failures = 0;
}

/* -- Rings -- */

static void offer(unsigned int queue, uint16_t head)
{
	uint8_t *avail = guest + queue * PAGE + AVAIL;
	uint16_t index;

	memcpy(&index, avail + 2, sizeof(index));
	memcpy(avail + 4 + index % QUEUE * 2, &head, sizeof(head));
	index++;
	memcpy(avail + 2, &index, sizeof(index));
}

static void describe(unsigned int queue, unsigned int index, struct queue_descriptor descriptor)
{
	memcpy(guest + queue * PAGE + DESCRIPTORS + index % QUEUE * sizeof(descriptor), &descriptor,
	       sizeof(descriptor));
}

static void step_descriptor(struct input *input)
{
	unsigned int queue = take(input) % VSOCK_QUEUES;
	uint8_t index = take(input);
	struct queue_descriptor descriptor = {
		.gpa = take_gpa(input),
		.length = take_u16(input),
		.flags = take(input) & 7,
		.next = take(input) & 31,
	};

	describe(queue, index, descriptor);
}

/* -- The guest -- */

/* What an honest guest would say of its credit, mostly. */
static void put_credit(struct input *input, struct vsock_header *header)
{
	uint8_t how = take(input);
	const struct vsock_connection *connection =
		vsock_table_find(&vsock.muxer.table, header->src_port, header->dst_port);

	header->buf_alloc = how < 0xc0 ? how * 64U : (uint32_t)how << 24;
	header->fwd_cnt = connection && how % 8 ? connection->sent : how;
}

/* Ports that are in use, if there are any. */
static void choose_ports(struct input *input, struct vsock_header *header)
{
	uint8_t which = take(input);

	header->src_port = which % PORTS;
	header->dst_port = which / PORTS % PORTS;
	if (which & 0x80)
		header->dst_port = VSOCK_HOST_PORT_MIN + (which >> 2 & 15);
	if (which & 0x40) {
		const struct vsock_connection *connection = NULL;

		for (unsigned int i = which & 15; i < 16; i++)
			connection = vsock_table_next(&vsock.muxer.table, connection);
		if (connection) {
			header->src_port = connection->guest_port;
			header->dst_port = connection->host_port;
		}
	}
}

static void step_packet(struct input *input, bool may_be_wrong)
{
	static unsigned int turn;
	unsigned int place = turn++ % (QUEUE / 2) * 2;
	uint64_t gpa = BASE_GPA + PACKETS + place * ROOM;
	struct vsock_header header = {
		.src_cid = CID,
		.dst_cid = VSOCK_CID_HOST,
		.type = VSOCK_TYPE_STREAM,
		.op = take(input) % 9,
	};
	uint8_t how;

	choose_ports(input, &header);
	put_credit(input, &header);
	how = take(input);
	header.flags = how & 3;
	if (header.op == VSOCK_OP_RW)
		header.len = how * 128U;
	if (may_be_wrong) {
		/* Any field of it: where, and what. */
		poke(gpa, &header, sizeof(header));
		guest[PACKETS + place * ROOM + take(input) % sizeof(header)] = take(input);
	} else {
		poke(gpa, &header, sizeof(header));
	}
	describe(1, place,
		 (struct queue_descriptor){
			 .gpa = gpa,
			 .length = sizeof(header),
			 .flags = QUEUE_DESCRIPTOR_NEXT,
			 .next = (uint16_t)(place + 1),
		 });
	describe(1, place + 1,
		 (struct queue_descriptor){.gpa = BASE_GPA + PAYLOAD, .length = PAYLOAD_BYTES});
	offer(1, (uint16_t)place);
}

static void step_buffers(struct input *input)
{
	uint8_t how = take(input);

	for (unsigned int i = 0; i <= (how & 7U); i++) {
		unsigned int place = (i + (how >> 4)) % QUEUE;

		describe(0, place,
			 (struct queue_descriptor){
				 .gpa = BASE_GPA + BUFFERS + place * ROOM,
				 .length = how & 8 ? 45 : ROOM,
				 .flags = QUEUE_DESCRIPTOR_WRITE,
			 });
		offer(0, (uint16_t)place);
	}
}

/* What the device wrote into a buffer that only it and an honest guest know. */
static void check_packet(uint32_t head, uint32_t bytes)
{
	struct vsock_header header;

	require(head < QUEUE && bytes >= sizeof(header) && bytes <= ROOM);
	memcpy(&header, guest + BUFFERS + head * ROOM, sizeof(header));
	require(header.op > VSOCK_OP_INVALID && header.op <= VSOCK_OP_CREDIT_REQUEST);
	require((header.len > 0) == (header.op == VSOCK_OP_RW) &&
		header.len <= ROOM - sizeof(header));
	require(header.flags == 0 || header.op == VSOCK_OP_SHUTDOWN);
	/* Resets of what is no connection have the addresses that the guest made up. */
	if (header.op != VSOCK_OP_RST)
		require(header.src_cid == VSOCK_CID_HOST && header.dst_cid == CID &&
			header.type == VSOCK_TYPE_STREAM &&
			(header.buf_alloc == VSOCK_CREDIT_BYTES ||
			 header.buf_alloc == VSOCK_WIDE_CREDIT_BYTES));
}

/* The packets that the guest gets are well formed. */
static void check_received(void)
{
	const struct queue *queue = &vsock.device.queues[VSOCK_QUEUE_RECEIVE];

	for (; is_honest && used_seen != queue->next_used; used_seen++) {
		uint32_t entry[2];

		memcpy(entry, guest + USED + 4 + used_seen % QUEUE * sizeof(entry), sizeof(entry));
		/* Older ones may have been written over. */
		if ((uint16_t)(queue->next_used - used_seen) <= QUEUE)
			check_packet(entry[0], entry[1]);
	}
}

/* -- The hosts -- */

static int keep(int fd)
{
	require(fd >= 0);
	if (host_count < HOSTS_MAX)
		hosts[host_count++] = fd;
	else
		close(fd);
	return fd;
}

static void step_answer(struct input *input)
{
	uint8_t how = take(input);
	uint64_t token = tokens[how & 7];
	int pair[2];

	if (how & 0x80) {
		vsock_connected(&vsock, token + (how >> 3 & 3), -ECONNREFUSED);
		return;
	}
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
	keep(pair[0]);
	vsock_connected(&vsock, token, pair[1]);
}

static void step_client(struct input *input)
{
	static const char *const lines[] = {
		"CONNECT 1\n", "connect 2\nbytes", "CONN", "CONNECT 3\n", "X", ""};
	uint8_t how = take(input);
	const char *line = lines[how % 6];
	int fd;

	if (host_count == HOSTS_MAX)
		return;
	fd = keep(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	if (connect(fd, (const void *)&address, address_bytes) == 0)
		(void)!write(fd, line, strlen(line));
}

static void step_stream(struct input *input)
{
	uint8_t how = take(input);
	int in[2];
	int out[2];

	if (host_count + 2 > HOSTS_MAX)
		return;
	if (how & 1) {
		require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, in));
		keep(in[1]);
		require(!vsock_connect_stream(&vsock, how >> 4 & 3, in[0], in[0]));
		return;
	}
	if (how & 2) {
		in[0] = memfd_create("in", MFD_CLOEXEC);
		require(in[0] >= 0 && !ftruncate(in[0], 3000));
		require(!vsock_connect_stream(&vsock, how >> 4 & 3, in[0],
					      memfd_create("out", MFD_CLOEXEC)));
		return;
	}
	require(!pipe2(in, O_NONBLOCK | O_CLOEXEC) && !pipe2(out, O_NONBLOCK | O_CLOEXEC));
	keep(in[1]);
	keep(out[0]);
	require(!vsock_connect_stream(&vsock, how >> 4 & 3, in[0], out[1]));
}

static void step_host(struct input *input)
{
	static uint8_t bytes[16 * 1024];
	uint8_t how = take(input);
	unsigned int which = how & 31;

	if (which >= host_count || hosts[which] < 0)
		return;
	switch (how >> 5) {
	case 0: (void)!write(hosts[which], bytes, take(input)); break;
	case 1: (void)!write(hosts[which], bytes, sizeof(bytes)); break;
	case 2: (void)!read(hosts[which], bytes, sizeof(bytes)); break;
	case 3: (void)shutdown(hosts[which], SHUT_WR); break;
	case 4: (void)shutdown(hosts[which], SHUT_RD); break;
	case 5: (void)!write(hosts[which], "\n", 1); break;
	case 6: (void)!read(hosts[which], bytes, 100); break;
	default:
		close(hosts[which]);
		hosts[which] = -1;
		break;
	}
}

/* So that buffers of sockets are soon full. */
static void step_narrow(struct input *input)
{
	int bytes = 2048;
	struct vsock_connection *connection = NULL;

	for (unsigned int i = take(input) & 7; i < 8; i++)
		connection = vsock_table_next(&vsock.muxer.table, connection);
	if (connection && connection->end.write_fd >= 0)
		(void)setsockopt(connection->end.write_fd, SOL_SOCKET, SO_SNDBUF, &bytes,
				 sizeof(bytes));
}

/* -- Claims -- */

static void check_connection(const struct vsock_connection *connection)
{
	uint32_t buffered = vsock_connection_buffered(connection);

	require(connection->state > VSOCK_FREE && connection->state <= VSOCK_DRAINING);
	require(buffered <= connection->credit_bytes);
	require(connection->received - connection->told <= connection->credit_bytes);
	require(buffered == 0 || connection->end.write_fd >= 0);
	if (connection->is_in_bucket)
		require(vsock_table_find(&vsock.muxer.table, connection->guest_port,
					 connection->host_port) == connection);
	/* What waits for somebody is limited, and on time. */
	switch (connection->state) {
	case VSOCK_GREETING:
	case VSOCK_REQUESTED:
	case VSOCK_CONNECTING:
	case VSOCK_CLOSING:
		require(connection->timed.is_in && vsock.muxer.due_ns <= connection->deadline_ns);
		break;
	case VSOCK_DRAINING: require(buffered > 0 && !connection->is_in_bucket); break;
	default: break;
	}
	require(connection->ready.is_in ==
		(vsock_connection_next_op(connection) != VSOCK_OP_INVALID));
}

static void check(void)
{
	const struct virtio_device *device = &vsock.device;
	bool needs_reset = device->status & VIRTIO_STATUS_NEEDS_RESET;
	struct vsock_connection *connection = NULL;
	unsigned int count = 0;

	require(failures == needs_reset);
	while ((connection = vsock_table_next(&vsock.muxer.table, connection))) {
		check_connection(connection);
		count++;
	}
	require(count == vsock.muxer.table.count);
	require(vsock.muxer.resets_in - vsock.muxer.resets_out <= VSOCK_RESETS_MAX);
	if (virtio_device_is_live(device))
		for (unsigned int i = 0; i < VSOCK_QUEUES; i++)
			require(!device->queues[i].ready ||
				device->queues[i].next_avail == device->queues[i].next_used);
	check_received();
}

static void serve(uint64_t now_ns)
{
	vsock.device.ops->service(&vsock.device, now_ns);
}

/* After a few turns nothing wakes the I/O thread any more, whatever the guest leaves undone. */
static void check_sleep(void)
{
	struct pollfd ready = {.fd = vsock.device.service_fd, .events = POLLIN};
	unsigned int turns = 0;

	while (poll(&ready, 1, 0) == 1 || vsock.device.due_ns == 0) {
		serve(0);
		check();
		require(turns++ < 200);
	}
}

static void step(struct input *input)
{
	uint16_t value;

	uint8_t kind = take(input) % 18;

	/* These write anywhere. */
	if (kind == 1 || kind == 2 || kind == 3 || kind == 17)
		is_honest = false;
	switch (kind) {
	case 0: bring_up(take(input)); break;
	case 1: step_register(input); break;
	case 2: step_descriptor(input); break;
	case 3: offer(take(input) % VSOCK_QUEUES, take(input) & 31); break;
	case 4:
	case 5:
	case 6:
		step_packet(input, false);
		put(0x050, 1);
		break;
	case 7: step_packet(input, true); break;
	case 8:
		step_buffers(input);
		put(0x050, 0);
		break;
	case 9: put(0x050, take(input) & 3); break;
	case 10: serve(take(input) & 1 ? VIRTIO_NEVER - 1 : 0); break;
	case 11: step_answer(input); break;
	case 12: step_client(input); break;
	case 13: step_host(input); break;
	case 14: step_stream(input); break;
	case 15: step_narrow(input); break;
	case 16: put(0x050, VSOCK_QUEUE_EVENT); break;
	default:
		value = take_u16(input);
		poke(take_gpa(input), &value, sizeof(value));
		break;
	}
	check();
}

/* All gone: what the device had open is closed, so its peers see the end. */
static void tear_down(void)
{
	static uint8_t bytes[16 * 1024];
	bool is_drained = false;

	put(STATUS, 0);
	while (!is_drained) {
		for (unsigned int i = 0; i < host_count; i++)
			while (hosts[i] >= 0 && read(hosts[i], bytes, sizeof(bytes)) > 0)
				;
		serve(0);
		is_drained = vsock_buffered_bytes(&vsock) == 0;
	}
	for (unsigned int i = 0; i < host_count; i++)
		if (hosts[i] >= 0)
			close(hosts[i]);
	/* Streams that never began are the device's until its end. */
	for (struct vsock_connection *connection = NULL;
	     (connection = vsock_table_next(&vsock.muxer.table, connection));) {
		require(connection->state == VSOCK_WAITING);
		vsock_muxer_drop(&vsock.muxer, connection, 0);
	}
	close(vsock.listener.fd);
	close(vsock.muxer.epoll_fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	unsigned int steps = 0;
	int lowest = dup(0);
	int after;

	close(lowest);
	build();
	bring_up(take(&input));
	while (input.size && steps++ < STEPS_MAX)
		step(&input);
	check_sleep();
	tear_down();
	after = dup(0);
	require(after == lowest);
	close(after);
	return 0;
}
