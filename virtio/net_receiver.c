/* SPDX-License-Identifier: MIT */
/* virtio/net_receiver.c - see net_receiver.h. */
#include "virtio/net_receiver.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "virtio/segments.h"

static_assert(NET_PORT_SEGMENTS_MAX > (int)QUEUE_SEGMENTS_MAX, "a chain and the spill have to fit");

void net_receiver_begin(struct net_receiver *receiver, bool is_mergeable, uint32_t wanted_bytes)
{
	receiver->is_mergeable = is_mergeable;
	receiver->wanted_bytes = wanted_bytes;
	receiver->buffer_count = 0;
	receiver->segment_count = 0;
	receiver->bytes = 0;
	net_receiver_drop(receiver);
}

void net_receiver_drop(struct net_receiver *receiver)
{
	receiver->waiting_bytes = 0;
	receiver->spilled_bytes = 0;
}

/* -- Room -- */

bool net_receiver_has_room(const struct net_receiver *receiver)
{
	return receiver->buffer_count > 0 && receiver->bytes >= receiver->waiting_bytes;
}

/* Any chain fits, whatever its length is: it is known only once it was taken. */
static bool has_place(const struct net_receiver *receiver)
{
	return receiver->buffer_count < QUEUE_SIZE_MAX &&
	       receiver->segment_count + QUEUE_SEGMENTS_MAX < NET_PORT_SEGMENTS_MAX;
}

bool net_receiver_can_grow(const struct net_receiver *receiver)
{
	return receiver->is_mergeable ? has_place(receiver) : receiver->buffer_count == 0;
}

static bool is_enough(const struct net_receiver *receiver)
{
	uint32_t wanted_bytes = receiver->waiting_bytes > receiver->wanted_bytes
					? receiver->waiting_bytes
					: receiver->wanted_bytes;

	return receiver->is_mergeable ? receiver->bytes >= wanted_bytes
				      : receiver->buffer_count > 0;
}

static void append(struct net_receiver *receiver, const struct queue_chain *chain)
{
	memcpy(receiver->segments + receiver->segment_count, chain->segments,
	       chain->writable_count * sizeof(chain->segments[0]));
	receiver->buffers[receiver->buffer_count++] = (struct net_buffer){
		.head = chain->head,
		.segment_count = (uint16_t)chain->writable_count,
		.bytes = chain->writable_bytes,
	};
	receiver->segment_count += chain->writable_count;
	receiver->bytes += chain->writable_bytes;
}

int net_receiver_collect(struct net_receiver *receiver, struct queue *queue,
			 struct queue_chain *chain, enum virtio_fault *fault)
{
	while (!is_enough(receiver) && net_receiver_can_grow(receiver)) {
		int popped = queue_pop(queue, chain, fault);

		if (popped <= 0)
			return popped;
		if (chain->readable_count > 0 ||
		    chain->writable_bytes < sizeof(struct net_header)) {
			*fault = VIRTIO_FAULT_REQUEST;
			return -EPROTO;
		}
		append(receiver, chain);
	}
	return 0;
}

/* -- Frames -- */

int net_receiver_read(struct net_receiver *receiver, struct net_port *port)
{
	unsigned int count = receiver->segment_count;
	ssize_t received;

	receiver->segments[count] = (struct iovec){receiver->spill, sizeof(receiver->spill)};
	received = net_port_receive(port, receiver->segments, count + 1);
	if (received < 0)
		return (int)received;
	receiver->waiting_bytes = (uint32_t)received;
	if (receiver->waiting_bytes > receiver->bytes)
		receiver->spilled_bytes = receiver->waiting_bytes - (uint32_t)receiver->bytes;
	return 0;
}

struct net_header net_receiver_header(const struct net_receiver *receiver)
{
	struct net_header header;

	/* The first chain is long enough: shorter ones were not taken. */
	segments_read(receiver->segments, receiver->segment_count, 0, &header, sizeof(header));
	return header;
}

/* How many chains the frame needs. */
static unsigned int buffers_needed(const struct net_receiver *receiver)
{
	uint64_t bytes = 0;
	unsigned int count = 0;

	while (bytes < receiver->waiting_bytes)
		bytes += receiver->buffers[count++].bytes;
	return count;
}

/* Take the first chains off the list. */
static void remove_buffers(struct net_receiver *receiver, unsigned int count)
{
	unsigned int segment_count = 0;

	for (unsigned int i = 0; i < count; i++) {
		segment_count += receiver->buffers[i].segment_count;
		receiver->bytes -= receiver->buffers[i].bytes;
	}
	receiver->buffer_count -= count;
	receiver->segment_count -= segment_count;
	memmove(receiver->buffers, receiver->buffers + count,
		receiver->buffer_count * sizeof(receiver->buffers[0]));
	memmove(receiver->segments, receiver->segments + segment_count,
		receiver->segment_count * sizeof(receiver->segments[0]));
}

void net_receiver_deliver(struct net_receiver *receiver, struct queue *queue,
			  struct net_header header)
{
	unsigned int count = buffers_needed(receiver);
	uint32_t left_bytes = receiver->waiting_bytes;

	header.buffer_count = (uint16_t)count;
	segments_write(receiver->segments, receiver->segment_count, 0, &header, sizeof(header));
	segments_write(receiver->segments, receiver->segment_count,
		       receiver->waiting_bytes - receiver->spilled_bytes, receiver->spill,
		       receiver->spilled_bytes);
	for (unsigned int i = 0; i < count; i++) {
		const struct net_buffer *buffer = &receiver->buffers[i];
		uint32_t bytes = left_bytes < buffer->bytes ? left_bytes : buffer->bytes;

		queue_place(queue, buffer->head, bytes);
		left_bytes -= bytes;
	}
	queue_publish(queue);
	remove_buffers(receiver, count);
	net_receiver_drop(receiver);
}
