/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/virtio_vsock.c - see virtio_vsock.h. */
#include "tests/guests/lib/virtio_vsock.h"

#include "tests/guests/lib/boot.h"
#include "tests/guests/lib/console.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/string.h"

enum {
	BUFFER_ALIGNMENT = 64,
	HEADER_BYTES = sizeof(struct vsock_header),
	QUEUE_SIZE = 128,
	CREDIT_BYTES = 64 * 1024,
	PACKET_BYTES = 4096,
	FIRST_PORT = 49152,
};

static uint32_t smaller(uint32_t one, uint32_t other)
{
	return one < other ? one : other;
}

static uint32_t align(uint32_t size_bytes)
{
	return (size_bytes + BUFFER_ALIGNMENT - 1) & ~(uint32_t)(BUFFER_ALIGNMENT - 1);
}

/* -- Queues -- */

static uint8_t *buffer_at(const struct vsock *vsock, int head)
{
	return vsock->buffers + (size_t)head * align(HEADER_BYTES + vsock->buffer_bytes);
}

static uint8_t *slot_at(const struct vsock *vsock, int head)
{
	return vsock->slots + (size_t)head * align(HEADER_BYTES + vsock->packet_bytes);
}

/* One descriptor each, so the heads are the numbers in order. */
void vsock_offer_buffers(struct vsock *vsock)
{
	for (uint16_t at = 0; at < vsock->receive.size; at++) {
		struct virtqueue_segment segment = {
			buffer_at(vsock, at), HEADER_BYTES + vsock->buffer_bytes, VIRTQUEUE_WRITE};

		virtqueue_add(&vsock->receive, &segment, 1, vsock->is_indirect);
	}
	for (uint16_t at = 0; at < VSOCK_EVENTS && at < vsock->event.size; at++) {
		struct virtqueue_segment segment = {&vsock->events[at], sizeof(vsock->events[at]),
						    VIRTQUEUE_WRITE};

		virtqueue_add(&vsock->event, &segment, 1, false);
	}
	virtqueue_publish(&vsock->receive);
	virtqueue_publish(&vsock->event);
}

static void read_cid(struct vsock *vsock)
{
	vsock->cid = virtio_read(&vsock->device, VIRTIO_CONFIG) |
		     (uint64_t)virtio_read(&vsock->device, VIRTIO_CONFIG + 4) << 32;
}

static void take_memory(struct vsock *vsock)
{
	if (vsock->buffers != NULL)
		return;
	vsock->buffers =
		heap_take((size_t)vsock->receive.size * align(HEADER_BYTES + vsock->buffer_bytes),
			  BUFFER_ALIGNMENT);
	vsock->slots =
		heap_take((size_t)vsock->transmit.size * align(HEADER_BYTES + vsock->packet_bytes),
			  BUFFER_ALIGNMENT);
}

bool vsock_restart(struct vsock *vsock)
{
	struct virtio_device *device = &vsock->device;

	for (uint32_t at = 0; at < vsock->touched; at++) {
		vsock->streams[at].state = VSOCK_UNUSED;
		vsock->streams[at].is_new = false;
	}
	if (!virtio_begin(device, vsock->wanted_features) ||
	    !virtqueue_create(&vsock->receive, device, VSOCK_RECEIVE, vsock->queue_size) ||
	    !virtqueue_create(&vsock->transmit, device, VSOCK_TRANSMIT, vsock->queue_size) ||
	    !virtqueue_create(&vsock->event, device, VSOCK_EVENT, vsock->queue_size))
		return false;
	read_cid(vsock);
	vsock->is_indirect = vsock->is_indirect && (device->features & VIRTIO_F_INDIRECT_DESC) != 0;
	take_memory(vsock);
	virtio_driver_ok(device);
	if (!vsock->offers_nothing)
		vsock_offer_buffers(vsock);
	return true;
}

static bool is_option(const char *name, const char *value)
{
	const char *option = boot_option(name);

	return option != NULL && string_starts_with(option, value);
}

bool vsock_open(struct vsock *vsock)
{
	uint32_t number = (uint32_t)boot_number("device=", 0);

	memset(vsock, 0, sizeof(*vsock));
	if (!virtio_find(&vsock->device, VIRTIO_TYPE_VSOCK, number)) {
		print("there is no vsock %u\n", number);
		return false;
	}
	vsock->wanted_features = VSOCK_F_STREAM | VIRTIO_F_INDIRECT_DESC;
	if (boot_number("event_idx=", 1) != 0)
		vsock->wanted_features |= VIRTIO_F_EVENT_IDX;
	vsock->device.notifies_from_user = is_option("notify=", "user");
	vsock->is_polled = is_option("wait=", "poll");
	vsock->is_indirect = boot_number("indirect=", 0) != 0;
	vsock->credit_bytes = (uint32_t)boot_number("credit=", CREDIT_BYTES);
	vsock->buffer_bytes = (uint32_t)boot_number("rx_buffer=", PACKET_BYTES);
	vsock->packet_bytes = (uint32_t)boot_number("packet=", PACKET_BYTES);
	vsock->last_port = FIRST_PORT;
	vsock->queue_size = (uint16_t)boot_number("queue=", QUEUE_SIZE);
	if (!vsock_restart(vsock)) {
		print("vsock %u does not start\n", number);
		return false;
	}
	return true;
}

static void reap(struct vsock *vsock)
{
	uint32_t written_bytes;
	int head;

	while ((head = virtqueue_take(&vsock->transmit, &written_bytes)) >= 0)
		virtqueue_free(&vsock->transmit, (uint16_t)head);
}

void vsock_publish(struct vsock *vsock)
{
	virtqueue_publish(&vsock->transmit);
}

/*
 * The slot of the next packet, with its header; there is room for so many descriptors.  The device
 * takes packets as they come, so a full queue empties without a look at the others.
 */
static uint8_t *next_slot(struct vsock *vsock, const struct vsock_header *header, uint16_t count)
{
	struct virtqueue *queue = &vsock->transmit;
	uint8_t *slot;

	reap(vsock);
	while (queue->free_count < count) {
		vsock_publish(vsock);
		virtqueue_wait(queue);
		reap(vsock);
	}
	slot = slot_at(vsock, queue->free_head);
	memcpy(slot, header, HEADER_BYTES);
	vsock->packets_sent++;
	return slot;
}

void vsock_send_packet(struct vsock *vsock, const struct vsock_header *header, const void *payload,
		       uint32_t size_bytes)
{
	uint8_t *slot = next_slot(vsock, header, 1);
	const struct virtqueue_segment segment = {slot, HEADER_BYTES + size_bytes, 0};

	memcpy(slot + HEADER_BYTES, payload, size_bytes);
	virtqueue_add(&vsock->transmit, &segment, 1, vsock->is_indirect);
}

/* The payload is taken from where it lies. */
static void send_in_place(struct vsock *vsock, const struct vsock_header *header,
			  const void *payload, uint32_t size_bytes)
{
	const struct virtqueue_segment segments[] = {
		{next_slot(vsock, header, 2), HEADER_BYTES, 0},
		{payload, size_bytes, 0},
	};

	virtqueue_add(&vsock->transmit, segments, 2, vsock->is_indirect);
}

/* -- Packets of streams -- */

static struct vsock_header compose(struct vsock_stream *stream, enum vsock_op op, uint32_t flags,
				   uint32_t size_bytes)
{
	stream->told = stream->forwarded;
	return (struct vsock_header){
		.src_cid = stream->vsock->cid,
		.dst_cid = VSOCK_CID_HOST,
		.src_port = stream->own_port,
		.dst_port = stream->host_port,
		.size_bytes = size_bytes,
		.type = VSOCK_TYPE_STREAM,
		.op = (uint16_t)op,
		.flags = flags,
		.allocated = stream->vsock->credit_bytes,
		.forwarded = stream->forwarded,
	};
}

static void send_op(struct vsock_stream *stream, enum vsock_op op, uint32_t flags)
{
	const struct vsock_header header = compose(stream, op, flags, 0);

	vsock_send_packet(stream->vsock, &header, NULL, 0);
}

/* Answer a packet of no stream. */
static void refuse(struct vsock *vsock, const struct vsock_header *header)
{
	const struct vsock_header answer = {
		.src_cid = header->dst_cid,
		.dst_cid = header->src_cid,
		.src_port = header->dst_port,
		.dst_port = header->src_port,
		.type = header->type,
		.op = VSOCK_OP_RST,
	};

	if (header->op != VSOCK_OP_RST)
		vsock_send_packet(vsock, &answer, NULL, 0);
}

/* -- Streams -- */

static bool is_live(const struct vsock_stream *stream)
{
	return stream->state != VSOCK_UNUSED && stream->state != VSOCK_OVER;
}

static struct vsock_stream *find(struct vsock *vsock, uint32_t own_port, uint32_t host_port)
{
	for (uint32_t at = 0; at < vsock->touched; at++) {
		struct vsock_stream *stream = &vsock->streams[at];

		if (is_live(stream) && stream->own_port == own_port &&
		    stream->host_port == host_port)
			return stream;
	}
	return NULL;
}

/* A stream keeps its buffer for whoever has it next. */
static struct vsock_stream *allocate(struct vsock *vsock, uint32_t own_port, uint32_t host_port)
{
	struct vsock_stream *stream = vsock->streams;
	uint8_t *buffer;

	while (stream < vsock->streams + vsock->touched && stream->state != VSOCK_UNUSED)
		stream++;
	if (stream == vsock->streams + VSOCK_STREAMS_MAX)
		return NULL;
	if (stream == vsock->streams + vsock->touched)
		vsock->touched++;
	buffer = stream->buffer;
	if (buffer == NULL)
		buffer = heap_take(vsock->credit_bytes, BUFFER_ALIGNMENT);
	memset(stream, 0, sizeof(*stream));
	stream->vsock = vsock;
	stream->own_port = own_port;
	stream->host_port = host_port;
	stream->buffer = buffer;
	return stream;
}

uint32_t vsock_live_count(const struct vsock *vsock)
{
	uint32_t count = 0;

	for (uint32_t at = 0; at < vsock->touched; at++)
		count += is_live(&vsock->streams[at]);
	return count;
}

void vsock_listen(struct vsock *vsock, uint32_t port)
{
	if (vsock->port_count < VSOCK_PORTS_MAX)
		vsock->ports[vsock->port_count++] = port;
}

struct vsock_stream *vsock_accept(struct vsock *vsock)
{
	for (uint32_t at = 0; at < vsock->touched; at++) {
		struct vsock_stream *stream = &vsock->streams[at];

		if (stream->is_new) {
			stream->is_new = false;
			return stream;
		}
	}
	return NULL;
}

struct vsock_stream *vsock_connect(struct vsock *vsock, uint32_t host_port)
{
	struct vsock_stream *stream = allocate(vsock, vsock->last_port + 1, host_port);

	if (stream == NULL)
		return NULL;
	vsock->last_port++;
	stream->state = VSOCK_CONNECTING;
	send_op(stream, VSOCK_OP_REQUEST, 0);
	return stream;
}

/* -- What comes -- */

static void end(struct vsock_stream *stream, bool was_reset)
{
	stream->was_reset = was_reset;
	stream->host_sends_no_more = true;
	stream->host_takes_no_more = true;
	stream->state = stream->state == VSOCK_CLOSING ? VSOCK_UNUSED : VSOCK_OVER;
}

static void on_request(struct vsock *vsock, const struct vsock_header *header)
{
	struct vsock_stream *stream = NULL;

	for (uint32_t at = 0; at < vsock->port_count && stream == NULL; at++)
		if (vsock->ports[at] == header->dst_port)
			stream = allocate(vsock, header->dst_port, header->src_port);
	if (stream == NULL) {
		refuse(vsock, header);
		return;
	}
	stream->state = VSOCK_ESTABLISHED;
	stream->is_new = true;
	stream->host_allocated = header->allocated;
	stream->host_forwarded = header->forwarded;
	send_op(stream, VSOCK_OP_RESPONSE, 0);
}

/* Any packet tells the host of new credit; without one it hears of it once that is half of all. */
static void tell_credit(struct vsock_stream *stream)
{
	uint32_t half = stream->vsock->credit_bytes / 2;

	if (stream->state == VSOCK_ESTABLISHED && !stream->host_sends_no_more &&
	    stream->forwarded - stream->told > half)
		send_op(stream, VSOCK_OP_CREDIT_UPDATE, 0);
}

/* Nothing that came before is still to be read. */
static bool is_taken(struct vsock_stream *stream, const uint8_t *bytes, uint32_t size_bytes)
{
	struct vsock *vsock = stream->vsock;

	if (vsock->taker == NULL || stream->received != stream->forwarded ||
	    !vsock->taker(stream, bytes, size_bytes))
		return false;
	stream->received += size_bytes;
	stream->forwarded += size_bytes;
	tell_credit(stream);
	return true;
}

static void on_bytes(struct vsock_stream *stream, const uint8_t *bytes, uint32_t size_bytes)
{
	struct vsock *vsock = stream->vsock;
	uint32_t place = stream->received & (vsock->credit_bytes - 1);
	uint32_t until_wrap = smaller(size_bytes, vsock->credit_bytes - place);

	if (size_bytes > vsock->credit_bytes - (stream->received - stream->told) ||
	    stream->host_sends_no_more) {
		vsock->packets_wrong++;
		return;
	}
	if (is_taken(stream, bytes, size_bytes))
		return;
	memcpy(stream->buffer + place, bytes, until_wrap);
	memcpy(stream->buffer, bytes + until_wrap, size_bytes - until_wrap);
	stream->received += size_bytes;
}

/* Everything came before this did, so the device has its RST at once. */
static void on_shutdown(struct vsock_stream *stream, uint32_t flags)
{
	if ((flags & VSOCK_SHUTDOWN_SEND) != 0)
		stream->host_sends_no_more = true;
	if ((flags & VSOCK_SHUTDOWN_RECEIVE) != 0)
		stream->host_takes_no_more = true;
	if (stream->host_sends_no_more && stream->host_takes_no_more) {
		send_op(stream, VSOCK_OP_RST, 0);
		end(stream, false);
	}
}

static void on_packet(struct vsock_stream *stream, const struct vsock_header *header)
{
	stream->host_allocated = header->allocated;
	stream->host_forwarded = header->forwarded;
	if (header->op == VSOCK_OP_RST) {
		stream->vsock->resets += stream->state != VSOCK_CLOSING;
		end(stream, true);
	} else if (stream->state == VSOCK_CONNECTING && header->op == VSOCK_OP_RESPONSE) {
		stream->state = VSOCK_ESTABLISHED;
	} else if (stream->state == VSOCK_ESTABLISHED) {
		switch (header->op) {
		case VSOCK_OP_RW:
			on_bytes(stream, (const uint8_t *)(header + 1), header->size_bytes);
			break;
		case VSOCK_OP_SHUTDOWN: on_shutdown(stream, header->flags); break;
		case VSOCK_OP_CREDIT_REQUEST: send_op(stream, VSOCK_OP_CREDIT_UPDATE, 0); break;
		case VSOCK_OP_CREDIT_UPDATE: break;
		default: stream->vsock->packets_wrong++; break;
		}
	} else if (stream->state == VSOCK_CONNECTING) {
		stream->vsock->packets_wrong++;
	}
}

static void take_in(struct vsock *vsock, const struct vsock_header *header, uint32_t written_bytes)
{
	struct vsock_stream *stream;

	vsock->packets_received++;
	if (written_bytes < HEADER_BYTES || written_bytes - HEADER_BYTES != header->size_bytes ||
	    header->src_cid != VSOCK_CID_HOST || header->dst_cid != vsock->cid ||
	    header->type != VSOCK_TYPE_STREAM) {
		vsock->packets_wrong++;
		return;
	}
	stream = find(vsock, header->dst_port, header->src_port);
	if (stream != NULL)
		on_packet(stream, header);
	else if (header->op == VSOCK_OP_REQUEST)
		on_request(vsock, header);
	else
		refuse(vsock, header);
}

/* Section 5.10.6.7: another host, another CID, and no stream goes on. */
static void take_events(struct vsock *vsock)
{
	uint32_t written_bytes;
	int head;

	while ((head = virtqueue_take(&vsock->event, &written_bytes)) >= 0) {
		read_cid(vsock);
		for (uint32_t at = 0; at < vsock->touched; at++)
			if (is_live(&vsock->streams[at]))
				end(&vsock->streams[at], true);
		virtqueue_offer(&vsock->event, (uint16_t)head);
	}
	virtqueue_publish(&vsock->event);
}

void vsock_poll(struct vsock *vsock)
{
	uint32_t written_bytes;
	int head;

	take_events(vsock);
	while ((head = virtqueue_take(&vsock->receive, &written_bytes)) >= 0) {
		take_in(vsock, (const struct vsock_header *)(void *)buffer_at(vsock, head),
			written_bytes);
		virtqueue_offer(&vsock->receive, (uint16_t)head);
	}
	virtqueue_publish(&vsock->receive);
}

bool vsock_take_packet(struct vsock *vsock, struct vsock_header *header)
{
	uint32_t written_bytes;
	int head = virtqueue_take(&vsock->receive, &written_bytes);

	if (head < 0)
		return false;
	memcpy(header, buffer_at(vsock, head), HEADER_BYTES);
	virtqueue_offer(&vsock->receive, (uint16_t)head);
	virtqueue_publish(&vsock->receive);
	return true;
}

void vsock_wait(struct vsock *vsock)
{
	vsock_publish(vsock);
	if (vsock->is_polled)
		virtqueue_wait_until(&vsock->receive, UINT64_MAX);
	else
		virtqueue_wait(&vsock->receive);
}

/* -- Bytes -- */

bool vsock_is_writable(const struct vsock_stream *stream)
{
	return (stream->state == VSOCK_CONNECTING || stream->state == VSOCK_ESTABLISHED) &&
	       !stream->sends_no_more && !stream->host_takes_no_more;
}

uint32_t vsock_credit(const struct vsock_stream *stream)
{
	return stream->host_allocated - (stream->sent - stream->host_forwarded);
}

static uint32_t send(struct vsock_stream *stream, const void *bytes, uint32_t size_bytes,
		     void (*send_one)(struct vsock *vsock, const struct vsock_header *header,
				      const void *payload, uint32_t size_bytes))
{
	uint32_t sendable = smaller(size_bytes, vsock_credit(stream));
	uint32_t at = 0;

	if (stream->state != VSOCK_ESTABLISHED || !vsock_is_writable(stream))
		return 0;
	while (at < sendable) {
		uint32_t part = smaller(sendable - at, stream->vsock->packet_bytes);
		const struct vsock_header header = compose(stream, VSOCK_OP_RW, 0, part);

		send_one(stream->vsock, &header, (const uint8_t *)bytes + at, part);
		stream->sent += part;
		at += part;
	}
	return sendable;
}

uint32_t vsock_send(struct vsock_stream *stream, const void *bytes, uint32_t size_bytes)
{
	return send(stream, bytes, size_bytes, vsock_send_packet);
}

uint32_t vsock_send_in_place(struct vsock_stream *stream, const void *bytes, uint32_t size_bytes)
{
	return send(stream, bytes, size_bytes, send_in_place);
}

bool vsock_send_all(struct vsock_stream *stream, const void *bytes, uint32_t size_bytes)
{
	uint32_t at = vsock_send(stream, bytes, size_bytes);

	while (at < size_bytes) {
		if (!vsock_is_writable(stream))
			return false;
		vsock_wait(stream->vsock);
		vsock_poll(stream->vsock);
		at += vsock_send(stream, (const uint8_t *)bytes + at, size_bytes - at);
	}
	return true;
}

uint32_t vsock_receive(struct vsock_stream *stream, void *bytes, uint32_t size_bytes)
{
	uint32_t credit_bytes = stream->vsock->credit_bytes;
	uint32_t count = smaller(size_bytes, stream->received - stream->forwarded);
	uint32_t place = stream->forwarded & (credit_bytes - 1);
	uint32_t until_wrap = smaller(count, credit_bytes - place);

	memcpy(bytes, stream->buffer + place, until_wrap);
	memcpy((uint8_t *)bytes + until_wrap, stream->buffer, count - until_wrap);
	stream->forwarded += count;
	tell_credit(stream);
	return count;
}

bool vsock_is_at_end(const struct vsock_stream *stream)
{
	return stream->host_sends_no_more && stream->received == stream->forwarded;
}

uint32_t vsock_receive_some(struct vsock_stream *stream, void *bytes, uint32_t size_bytes)
{
	while (stream->received == stream->forwarded && !vsock_is_at_end(stream)) {
		vsock_wait(stream->vsock);
		vsock_poll(stream->vsock);
	}
	return vsock_receive(stream, bytes, size_bytes);
}

/* -- The end -- */

void vsock_shut_down(struct vsock_stream *stream, uint32_t flags)
{
	if ((flags & VSOCK_SHUTDOWN_SEND) != 0)
		stream->sends_no_more = true;
	if (stream->state == VSOCK_ESTABLISHED)
		send_op(stream, VSOCK_OP_SHUTDOWN, flags);
}

void vsock_close(struct vsock_stream *stream)
{
	if (stream->state == VSOCK_CONNECTING) {
		vsock_reset(stream);
	} else if (stream->state == VSOCK_ESTABLISHED) {
		vsock_shut_down(stream, VSOCK_SHUTDOWN_BOTH);
		stream->state = VSOCK_CLOSING;
	} else if (stream->state == VSOCK_OVER) {
		stream->state = VSOCK_UNUSED;
	}
}

void vsock_reset(struct vsock_stream *stream)
{
	if (stream->state == VSOCK_CONNECTING || stream->state == VSOCK_ESTABLISHED)
		send_op(stream, VSOCK_OP_RST, 0);
	stream->state = VSOCK_UNUSED;
}
