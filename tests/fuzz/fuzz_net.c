/* SPDX-License-Identifier: MIT */
/*
 * tests/fuzz/fuzz_net.c - a driver, and a network, that do anything to a network device.
 *
 * The input begins with a byte that chooses the device (see CHOICE_) and one that chooses features
 * which the driver declines; then it is a list of steps, each a byte that says what to do (modulo
 * the number of kinds) and its operands.  Some steps are an honest driver's, or an honest
 * network's, so that the others find something that runs.
 *
 * The port is one end of a pair of sockets: SOCK_SEQPACKET, which takes and gives one frame with
 * each call, for a tap; SOCK_STREAM for a stream.  Besides what the sanitizers see, the claims of
 * the headers are checked: what is sent on is right whatever the driver asked for, a stream's
 * framing holds, chains are neither lost nor given back twice, a stopped device stays stopped, the
 * I/O thread is never kept busy by what cannot be served, and nothing is left after a reset.
 */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/fuzz/input.h"
#include "virtio/mmio.h"
#include "virtio/net.h"

#define BASE_GPA UINT64_C(0x10000)

enum {
	PAGE = 4096,
	RING_BYTES = 0x2000, /* of each queue; offsets from the base */
	DESCRIPTORS = 0,
	AVAIL = 0x1000,
	USED = 0x1400,
	TABLE = 2 * RING_BYTES,
	DATA = TABLE + 0x1000,
	FIRST_BYTES = DATA + 0x12000,
	SECOND_BYTES = 0x1000, /* right behind the first for the guest, elsewhere for the host */

	HEADER_BYTES = sizeof(struct net_header),
	MTU_BYTES = 1400,
	TURNS_MAX = 5000,

	STATUS = 0x070,
	ALL_STATUS = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK |
		     VIRTIO_STATUS_DRIVER_OK,

	CHOICE_STREAM = 1,
	CHOICE_STRICT = 2, /* anti_spoof and an MTU */
	CHOICE_SHORT_QUEUES = 4,
	CHOICE_SMALL_SOCKET = 8,
	CHOICE_LIMITED_SENDING = 16,
	CHOICE_LIMITED_RECEIVING = 32,
};

static const uint8_t own_address[NET_ADDRESS_BYTES] = {2, 1, 2, 3, 4, 5};

/* What was read from a stream, as far as a frame in part has come. */
struct wire {
	uint8_t head[NET_STREAM_LENGTH_BYTES + NET_ETHERNET_BYTES];
	size_t head_bytes;
	size_t left_bytes; /* behind the head */
};

struct subject {
	struct net net;
	struct net_port_buffers buffers;
	struct mmio mmio;
	struct wire wire;
	int peer; /* -1: hung up */
	uint64_t offered_frames;
	unsigned int failures;
	unsigned int failed_queue;
	uint16_t failed_at; /* how many chains had been taken by then */
};

static struct subject subject;
static struct guest_memory memory;
static uint8_t *ranges[2];
static uint8_t packet[HEADER_BYTES + NET_FRAME_MAX_BYTES + 1024];

/* In or a little outside of memory; the top bits bring what is far away. */
static uint64_t take_gpa(struct input *input)
{
	uint16_t value = take_u16(input);
	uint64_t offset = value & 0x7fff;

	if (value < 0x8000)
		return BASE_GPA + offset;
	if (value < 0xc000)
		return BASE_GPA + FIRST_BYTES - 512 + offset % 1024;
	return offset & 1 ? offset - 8 : offset << 49;
}

/* Mostly small, or what frames are; up to the largest and a little more. */
static uint32_t take_length(struct input *input)
{
	uint16_t value = take_u16(input);

	if (value < 0x6000)
		return value & 127;
	if (value < 0xe000)
		return value & 0xfff;
	return value < 0xff00 ? (value & 0x1fffU) * 9 : (uint32_t)(value & 0xff) << 24;
}

static void poke(uint64_t gpa, const void *source, size_t bytes)
{
	(void)guest_memory_write(&memory, gpa, source, bytes);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* -- The links -- */

static void on_interrupt(void *owner)
{
	(void)owner;
	require(subject.net.device.status & VIRTIO_STATUS_DRIVER_OK);
	require(subject.net.device.interrupt_status);
}

static void on_wake(void *owner)
{
	(void)owner;
}

static void on_failed(void *owner, unsigned int queue, enum virtio_fault fault)
{
	(void)owner;
	require(queue < 2 && fault > VIRTIO_FAULT_NONE && fault < VIRTIO_FAULTS);
	subject.failures++;
	subject.failed_queue = queue;
	subject.failed_at = subject.net.device.queues[queue].next_avail;
}

static void on_refused(void *owner, const char *why)
{
	(void)owner;
	require(strlen(why) > 0);
}

/* A socket knows no offloads, and the other end may hang up.  Nothing else goes wrong. */
static void on_host_error(void *owner, const char *what, int error)
{
	(void)owner;
	require(strcmp(what, "setting offloads") == 0
			? error == ENOTTY
			: strcmp(what, "the link") == 0 && error == EPIPE);
}

static const struct virtio_device_links links = {
	.interrupt = on_interrupt,
	.wake = on_wake,
	.failed = on_failed,
	.refused = on_refused,
	.host_error = on_host_error,
};

/* -- The network -- */

static void check_source(const uint8_t *ethernet)
{
	if (subject.net.settings.anti_spoof)
		require(memcmp(ethernet + 6, own_address, NET_ADDRESS_BYTES) == 0);
}

static void check_length(const struct net_header *header, size_t frame_bytes)
{
	size_t mtu_bytes = subject.net.settings.mtu_bytes ? subject.net.settings.mtu_bytes : 65535;

	require(frame_bytes >= NET_FRAME_MIN_BYTES && frame_bytes <= NET_FRAME_MAX_BYTES);
	if (header->gso_type == NET_GSO_NONE)
		require(frame_bytes <= 14 + 4 + mtu_bytes);
}

/* What the host's kernel is asked to do lies within the frame. */
static void check_packet(size_t packet_bytes)
{
	struct net_header header;
	size_t frame_bytes = packet_bytes - sizeof(header);

	require(packet_bytes >= sizeof(header) + NET_FRAME_MIN_BYTES);
	memcpy(&header, packet, sizeof(header));
	check_length(&header, frame_bytes);
	check_source(packet + sizeof(header));
	require((header.flags & ~NET_HEADER_NEEDS_CHECKSUM) == 0);
	require(header.header_bytes <= frame_bytes && header.buffer_count == 0);
	if (header.flags)
		require(header.checksum_start + header.checksum_offset + 2U <= frame_bytes);
	if (header.gso_type != NET_GSO_NONE)
		require(header.flags && header.gso_bytes > 0 &&
			(header.gso_type == NET_GSO_TCPV4 || header.gso_type == NET_GSO_TCPV6));
}

static size_t smaller(size_t one, size_t other)
{
	return one < other ? one : other;
}

/* The head of a stream's frame is complete: its length and the Ethernet header. */
static void check_head(struct wire *wire)
{
	static const struct net_header none;
	uint32_t length;

	memcpy(&length, wire->head, sizeof(length));
	check_length(&none, be32toh(length));
	check_source(wire->head + sizeof(length));
	wire->left_bytes = be32toh(length) - NET_ETHERNET_BYTES;
}

static void check_stream(struct wire *wire, size_t bytes)
{
	size_t at = 0;

	while (at < bytes) {
		size_t step;

		if (wire->head_bytes < sizeof(wire->head)) {
			step = smaller(sizeof(wire->head) - wire->head_bytes, bytes - at);
			memcpy(wire->head + wire->head_bytes, packet + at, step);
			wire->head_bytes += step;
			if (wire->head_bytes == sizeof(wire->head))
				check_head(wire);
		} else {
			step = smaller(wire->left_bytes, bytes - at);
			wire->left_bytes -= step;
		}
		at += step;
		if (wire->head_bytes == sizeof(wire->head) && wire->left_bytes == 0)
			wire->head_bytes = 0;
	}
}

static void network_reads(unsigned int count)
{
	while (subject.peer >= 0 && count-- > 0) {
		ssize_t got = recv(subject.peer, packet, sizeof(packet), MSG_DONTWAIT);

		if (got <= 0)
			return;
		if (subject.net.port.kind == NET_PORT_TAP)
			check_packet((size_t)got);
		else
			check_stream(&subject.wire, (size_t)got);
	}
}

static void network_writes(const void *bytes, size_t length)
{
	subject.offered_frames++;
	if (subject.peer >= 0)
		(void)!send(subject.peer, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A frame as it should be, but for the header of a tap that the input may fill. */
static void step_frame(struct input *input)
{
	uint8_t how = take(input);
	size_t frame_bytes = smaller(take_length(input), NET_FRAME_MAX_BYTES);
	uint32_t length = htobe32((uint32_t)frame_bytes);

	memset(packet, 0, HEADER_BYTES);
	memset(packet + HEADER_BYTES, how, frame_bytes);
	if (subject.net.port.kind == NET_PORT_STREAM) {
		memcpy(packet + HEADER_BYTES - sizeof(length), &length, sizeof(length));
		network_writes(packet + HEADER_BYTES - sizeof(length),
			       sizeof(length) + frame_bytes);
		return;
	}
	for (unsigned int i = 0; (how & 3) == 3 && i < HEADER_BYTES; i++)
		packet[i] = take(input);
	network_writes(packet, HEADER_BYTES + frame_bytes);
}

static void step_raw_bytes(struct input *input)
{
	uint8_t bytes[32];
	size_t count = take(input) & 31;

	for (size_t i = 0; i < count; i++)
		bytes[i] = take(input);
	network_writes(bytes, count);
}

static void hang_up(void)
{
	if (subject.peer >= 0)
		close(subject.peer);
	subject.peer = -1;
}

/* -- Set-up -- */

static uint8_t *map_guarded(size_t bytes)
{
	uint8_t *mapping = mmap(NULL, bytes + PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(mapping != MAP_FAILED && !mprotect(mapping + bytes, PAGE, PROT_NONE));
	return mapping;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN);
	ranges[0] = map_guarded(FIRST_BYTES);
	ranges[1] = map_guarded(SECOND_BYTES);
	require(!guest_memory_add(&memory, BASE_GPA, FIRST_BYTES, ranges[0]));
	require(!guest_memory_add(&memory, BASE_GPA + FIRST_BYTES, SECOND_BYTES, ranges[1]));
	return 0;
}

static void limit(struct rate_limiter *limiter)
{
	const uint64_t never_ns = UINT64_C(1) << 60;

	/* Held until the end by the sixth frame: what counts is how the device waits. */
	token_bucket_init(&limiter->operations, 3, 2, never_ns, 0);
	token_bucket_init(&limiter->bytes, UINT64_C(1) << 20, 0, never_ns, 0);
}

static void make_subject(uint8_t choice)
{
	const int small = 4096;
	struct net *net = &subject.net;
	bool is_stream = choice & CHOICE_STREAM;
	int ends[2];

	memset(&subject, 0, sizeof(subject));
	require(!socketpair(AF_UNIX, (is_stream ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_NONBLOCK, 0,
			    ends));
	if (is_stream && (choice & CHOICE_SMALL_SOCKET))
		require(!setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
	subject.peer = ends[1];
	net->port.kind = is_stream ? NET_PORT_STREAM : NET_PORT_TAP;
	net->port.fd = ends[0];
	net->port.buffers = is_stream ? &subject.buffers : NULL;
	net->device.memory = &memory;
	net->device.links = &links;
	memcpy(net->settings.address, own_address, NET_ADDRESS_BYTES);
	if (choice & CHOICE_STRICT) {
		net->settings.anti_spoof = true;
		net->settings.mtu_bytes = MTU_BYTES;
	}
	if (choice & CHOICE_LIMITED_SENDING)
		limit(&net->transmit_limiter);
	if (choice & CHOICE_LIMITED_RECEIVING)
		limit(&net->receive_limiter);
	net_init(net);
	if (choice & CHOICE_SHORT_QUEUES)
		net->device.queue_size_max = 16;
	mmio_init(&subject.mmio, &net->device);
}

/* -- The registers -- */

static void require_new(void)
{
	const struct net *net = &subject.net;
	const struct virtio_device *device = &net->device;

	require(device->interrupt_status == 0 && device->driver_features == 0);
	require(device->due_ns == VIRTIO_NEVER && device->service_events == 0);
	require(net->inbox.buffer_count == 0 && net->inbox.waiting_bytes == 0);
	require(!net->transmit_blocked && net->transmit_due_ns == VIRTIO_NEVER);
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		require(!device->queues[i].ready && !device->queues[i].used);
}

static void write_bytes(uint64_t offset, const void *data, uint32_t size_bytes)
{
	mmio_write(&subject.mmio, offset, data, size_bytes);
	if (subject.net.device.status == 0) {
		require_new();
		subject.failures = 0;
	}
}

static void put(uint64_t offset, uint32_t value)
{
	write_bytes(offset, &value, sizeof(value));
}

static void reset(void)
{
	put(STATUS, 0);
	require(subject.net.device.status == 0);
}

static void bring_up(uint8_t how)
{
	static const uint64_t declinable[] = {
		VIRTIO_F_EVENT_IDX,      VIRTIO_NET_F_MRG_RXBUF,  VIRTIO_NET_F_CSUM,
		VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_HOST_TSO4,  VIRTIO_NET_F_HOST_TSO6,
		VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6,
	};
	const struct virtio_device *device = &subject.net.device;
	uint64_t features = device->features;

	for (unsigned int i = 0; i < 8; i++)
		if (how & 1U << i)
			features &= ~declinable[i];
	reset();
	put(STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	for (uint32_t half = 0; half < 2; half++) {
		put(0x024, half);
		put(0x020, (uint32_t)(features >> half * 32));
	}
	put(STATUS, ALL_STATUS & ~VIRTIO_STATUS_DRIVER_OK);
	for (uint32_t queue = 0; queue < 2; queue++) {
		uint32_t ring = queue * RING_BYTES;

		memset(ranges[0] + ring + AVAIL, 0, RING_BYTES - AVAIL);
		put(0x030, queue);
		put(0x038, device->queue_size_max);
		put(0x080, (uint32_t)BASE_GPA + ring + DESCRIPTORS);
		put(0x090, (uint32_t)BASE_GPA + ring + AVAIL);
		put(0x0a0, (uint32_t)BASE_GPA + ring + USED);
		put(0x044, 1);
	}
	put(STATUS, ALL_STATUS);
	require(virtio_device_is_live(device) && device->queues[0].ready &&
		device->queues[1].ready);
}

/* Most registers, by the number that a step brings. */
static void step_write(struct input *input)
{
	static const uint16_t registers[] = {
		0x014, 0x020, 0x024, 0x030, 0x038, 0x044, 0x050, 0x064, 0x070, 0x080,
		0x084, 0x090, 0x094, 0x0a0, 0x0a4, 0x0ac, 0x0c0, 0x000, 0x034, 0x0fc,
	};
	uint64_t offset = registers[take(input) % (sizeof(registers) / sizeof(registers[0]))];
	uint16_t value = take_u16(input);

	if (offset >= 0x080 && offset <= 0x0a4 && value < 0x8000)
		put(offset, (uint32_t)BASE_GPA + value);
	else
		put(offset, value < 0xc000 ? value & 0xff : (uint32_t)value << 18);
}

/* Any offset, any size, also in the configuration space. */
static void step_access(struct input *input)
{
	uint64_t offset = take_u16(input) & 0xfff;
	uint32_t size_bytes = 1U << (take(input) & 3);
	uint8_t *data = calloc(1, size_bytes); /* so that one byte too many is seen */

	require(data != NULL);
	mmio_read(&subject.mmio, offset, data, size_bytes);
	for (uint32_t i = 0; i < size_bytes; i++)
		data[i] = take(input);
	write_bytes(offset, data, size_bytes);
	free(data);
}

static void stop_queue(uint32_t queue)
{
	put(0x030, queue);
	put(0x044, 0);
}

/* -- What the driver writes into memory -- */

static void step_descriptor(struct input *input, uint64_t table)
{
	uint8_t index = take(input) & 31;
	struct queue_descriptor descriptor = {
		.gpa = take_gpa(input),
		.length = take_length(input),
	};
	uint8_t flags = take(input);

	descriptor.flags = flags & 7;
	descriptor.next = (flags & 0xf8) == 0xf8 ? take_u16(input)
						 : (uint16_t)(index + (flags >> 3) - 3);
	poke(BASE_GPA + table + index * sizeof(descriptor), &descriptor, sizeof(descriptor));
}

static void offer(unsigned int queue, uint16_t head)
{
	uint16_t size = subject.net.device.queues[queue].size;
	uint8_t *avail = ranges[0] + queue * RING_BYTES + AVAIL;
	uint16_t index;

	memcpy(&index, avail + 2, sizeof(index));
	memcpy(avail + 4 + (size ? index % size : 0) * sizeof(head), &head, sizeof(head));
	index++;
	memcpy(avail + 2, &index, sizeof(index));
}

/* More at once than the queue is long, perhaps. */
static void step_flood(struct input *input)
{
	uint8_t what = take(input);

	for (unsigned int count = take(input) + 1U; count > 0; count--)
		offer(what & 1, what >> 1 & 31);
}

/* One or two descriptors, in the ring or in an indirect table. */
static void put_chain(unsigned int queue, uint8_t how, struct queue_descriptor *chain)
{
	uint64_t ring_gpa = BASE_GPA + queue * RING_BYTES + DESCRIPTORS;
	uint16_t place = how & 1 ? 2 : 0; /* there is room for two */
	struct queue_descriptor outer = {
		.gpa = BASE_GPA + TABLE + (queue * 4U + place) * 16U,
		.length = 2 * sizeof(*chain),
		.flags = QUEUE_DESCRIPTOR_INDIRECT,
	};

	chain[0].flags |= QUEUE_DESCRIPTOR_NEXT;
	chain[0].next = how & 2 ? 1 : (uint16_t)(place + 1);
	poke(how & 2 ? outer.gpa : ring_gpa + place * 16U, chain, 2 * sizeof(*chain));
	if (how & 2)
		poke(ring_gpa + place * 16U, &outer, sizeof(outer));
	offer(queue, place);
}

static void put_header(struct input *input, uint64_t gpa, uint8_t kind)
{
	struct net_header header = {
		.flags = NET_HEADER_NEEDS_CHECKSUM,
		.gso_type = kind & 1 ? NET_GSO_TCPV4 : NET_GSO_TCPV6,
		.header_bytes = 54,
		.gso_bytes = 1000,
		.checksum_start = take(input),
		.checksum_offset = 16,
	};
	uint8_t bytes[HEADER_BYTES] = {0};

	if (kind & 2)
		header.gso_type = NET_GSO_NONE;
	if (!(kind & 4))
		memcpy(bytes, &header, sizeof(bytes));
	for (unsigned int i = 0; (kind & 24) == 24 && i < HEADER_BYTES; i++)
		bytes[i] = take(input);
	poke(gpa, bytes, sizeof(bytes));
}

/* A frame as it should be but for what the input does to it. */
static void step_send(struct input *input)
{
	uint8_t how = take(input);
	uint8_t kind = take(input);
	uint64_t gpa = how & 4 ? take_gpa(input) : BASE_GPA + DATA;
	uint32_t frame_bytes = take_length(input);
	uint32_t cut = take(input) & 63;
	struct queue_descriptor chain[2] = {
		{.gpa = gpa, .length = cut},
		{.gpa = gpa + cut, .length = HEADER_BYTES + frame_bytes - cut},
	};
	uint8_t source = take(input);

	put_header(input, gpa, kind);
	poke(gpa + HEADER_BYTES + 6, own_address, NET_ADDRESS_BYTES);
	if (source & 1)
		poke(gpa + HEADER_BYTES + 11, &source, 1);
	if ((source & 0xf0) == 0xf0)
		chain[1].flags = QUEUE_DESCRIPTOR_WRITE;
	put_chain(NET_QUEUE_TRANSMIT, how, chain);
}

static void step_offer_room(struct input *input)
{
	uint8_t how = take(input);
	uint64_t gpa = how & 4 ? take_gpa(input) : BASE_GPA + DATA + 0x800;
	uint32_t bytes = take_length(input);
	uint32_t cut = take(input) & 15;
	struct queue_descriptor chain[2] = {
		{.gpa = gpa, .length = cut, .flags = QUEUE_DESCRIPTOR_WRITE},
		{.gpa = gpa + cut, .length = bytes, .flags = QUEUE_DESCRIPTOR_WRITE},
	};

	put_chain(NET_QUEUE_RECEIVE, how, chain);
	for (unsigned int count = how >> 3 & 15; count > 0; count--)
		offer(NET_QUEUE_RECEIVE, how & 1 ? 2 : 0);
}

/* -- The device's turn -- */

static void check_inbox(const struct net_inbox *inbox)
{
	uint64_t bytes = 0;
	unsigned int segment_count = 0;

	require(inbox->buffer_count <= QUEUE_SIZE_MAX);
	require(inbox->is_mergeable || inbox->buffer_count <= 1);
	require(inbox->segment_count < NET_PORT_SEGMENTS_MAX);
	require(inbox->spilled_bytes <= sizeof(inbox->spill));
	require(inbox->spilled_bytes <= inbox->waiting_bytes);
	for (unsigned int i = 0; i < inbox->buffer_count; i++) {
		require(inbox->buffers[i].bytes >= HEADER_BYTES);
		bytes += inbox->buffers[i].bytes;
		segment_count += inbox->buffers[i].segment_count;
	}
	require(bytes == inbox->bytes && segment_count == inbox->segment_count);
}

static void check_queues(void)
{
	const struct net *net = &subject.net;
	const struct queue *receive = &net->device.queues[NET_QUEUE_RECEIVE];
	const struct queue *transmit = &net->device.queues[NET_QUEUE_TRANSMIT];
	unsigned int held = (uint16_t)(receive->next_avail - receive->next_used);

	/* Exactly once, and only what was popped. */
	if (receive->ready && virtio_device_is_live(&net->device))
		require(held == net->inbox.buffer_count);
	if (!receive->ready)
		require(net->inbox.buffer_count == 0);
	if (transmit->ready && virtio_device_is_live(&net->device))
		require(transmit->next_avail == transmit->next_used);
}

static void check(void)
{
	const struct net *net = &subject.net;
	const struct virtio_device *device = &net->device;
	bool needs_reset = device->status & VIRTIO_STATUS_NEEDS_RESET;

	require(subject.failures == needs_reset);
	if (needs_reset && device->queues[subject.failed_queue].ready)
		require(device->queues[subject.failed_queue].next_avail == subject.failed_at);
	check_inbox(&net->inbox);
	check_queues();
	if (net->port.kind == NET_PORT_TAP)
		require(net->counters.received_frames + net->counters.received_dropped <=
			subject.offered_frames);
	require(!net->link_is_up || !net->port.is_broken ||
		!(device->status & VIRTIO_STATUS_DRIVER_OK));
	require(!(device->status & VIRTIO_STATUS_DRIVER_OK) ||
		(device->status & VIRTIO_STATUS_FEATURES_OK));
}

static void serve(uint64_t now)
{
	struct virtio_device *device = &subject.net.device;

	device->ops->service(device, now);
	if (!virtio_device_is_live(device))
		require(device->service_events == 0 && device->due_ns == VIRTIO_NEVER);
	check();
}

/* As the I/O thread does, until there is nothing to do: which has to come. */
static void settle(void)
{
	struct virtio_device *device = &subject.net.device;

	for (unsigned int turns = 0;; turns++) {
		struct pollfd ready = {device->service_fd, device->service_events, 0};
		bool is_ready = ready.events && poll(&ready, 1, 0) > 0;
		uint64_t now = now_ns();

		if (!is_ready && device->due_ns > now)
			return;
		require(turns < TURNS_MAX);
		serve(now);
	}
}

static void step(struct input *input)
{
	uint16_t value;
	uint8_t what;

	switch (take(input) % 20) {
	case 0: bring_up(take(input)); break;
	case 1: step_write(input); break;
	case 2: step_access(input); break;
	case 3:
		what = take(input);
		step_descriptor(input, DESCRIPTORS + (what & 1) * RING_BYTES);
		break;
	case 4: step_descriptor(input, TABLE); break;
	case 5:
		what = take(input);
		offer(what & 1, what >> 1);
		break;
	case 6: put_header(input, take_gpa(input), take(input)); break;
	case 7: put(0x050, take(input) & 1); break;
	case 8: serve(take(input) & 1 ? VIRTIO_NEVER - 1 : 0); break;
	case 9: settle(); break;
	case 10:
		value = take_u16(input);
		poke(take_gpa(input), &value, sizeof(value));
		break;
	case 11: step_flood(input); break;
	case 12: step_raw_bytes(input); break;
	case 13: network_reads(take(input)); break;
	case 14:
		what = take(input);
		if (what < 4)
			stop_queue(what & 1);
		else if (what == 255)
			hang_up();
		break;
	case 15: step_offer_room(input); break;
	case 16:
	case 17: step_frame(input); break;
	default: step_send(input); break;
	}
	check();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	unsigned int steps = 0;

	memset(ranges[0], 0, FIRST_BYTES);
	memset(ranges[1], 0, SECOND_BYTES);
	make_subject(take(&input));
	bring_up(take(&input));
	while (input.size && steps++ < 300)
		step(&input);
	settle();
	network_reads(1000);
	reset();
	hang_up();
	close(subject.net.port.fd);
	return 0;
}
