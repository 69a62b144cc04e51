/* SPDX-License-Identifier: MIT */
/* virtio/net_inbox.c - see net_inbox.h. */
#include "virtio/net_inbox.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "virtio/segments.h"

static_assert(NET_PORT_SEGMENTS_MAX > (int)QUEUE_SEGMENTS_MAX, "a chain and the spill have to fit");

void net_inbox_begin(struct net_inbox *inbox, bool is_mergeable, uint32_t wanted_bytes)
{
	inbox->is_mergeable = is_mergeable;
	inbox->wanted_bytes = wanted_bytes;
	inbox->buffer_count = 0;
	inbox->segment_count = 0;
	inbox->bytes = 0;
	net_inbox_drop(inbox);
}

void net_inbox_drop(struct net_inbox *inbox)
{
	inbox->waiting_bytes = 0;
	inbox->spilled_bytes = 0;
}

/* -- Room -- */

bool net_inbox_has_room(const struct net_inbox *inbox)
{
	return inbox->buffer_count > 0 && inbox->bytes >= inbox->waiting_bytes;
}

/* Any chain fits, whatever its length is: it is known only once it was taken. */
static bool has_place(const struct net_inbox *inbox)
{
	return inbox->buffer_count < QUEUE_SIZE_MAX &&
	       inbox->segment_count + QUEUE_SEGMENTS_MAX < NET_PORT_SEGMENTS_MAX;
}

bool net_inbox_can_grow(const struct net_inbox *inbox)
{
	return inbox->is_mergeable ? has_place(inbox) : inbox->buffer_count == 0;
}

static bool is_enough(const struct net_inbox *inbox)
{
	uint32_t wanted_bytes = inbox->waiting_bytes > inbox->wanted_bytes ? inbox->waiting_bytes
									   : inbox->wanted_bytes;

	return inbox->is_mergeable ? inbox->bytes >= wanted_bytes : inbox->buffer_count > 0;
}

static void append(struct net_inbox *inbox, const struct queue_chain *chain)
{
	memcpy(inbox->segments + inbox->segment_count, chain->segments,
	       chain->writable_count * sizeof(chain->segments[0]));
	inbox->buffers[inbox->buffer_count++] = (struct net_buffer){
		.head = chain->head,
		.segment_count = (uint16_t)chain->writable_count,
		.bytes = chain->writable_bytes,
	};
	inbox->segment_count += chain->writable_count;
	inbox->bytes += chain->writable_bytes;
}

int net_inbox_collect(struct net_inbox *inbox, struct queue *queue, struct queue_chain *chain,
		      enum virtio_fault *fault)
{
	while (!is_enough(inbox) && net_inbox_can_grow(inbox)) {
		int popped = queue_pop(queue, chain, fault);

		if (popped <= 0)
			return popped;
		if (chain->readable_count > 0 ||
		    chain->writable_bytes < sizeof(struct net_header)) {
			*fault = VIRTIO_FAULT_REQUEST;
			return -EPROTO;
		}
		append(inbox, chain);
	}
	return 0;
}

/* -- Frames -- */

int net_inbox_read(struct net_inbox *inbox, struct net_port *port)
{
	unsigned int count = inbox->segment_count;
	ssize_t received;

	inbox->segments[count] = (struct iovec){inbox->spill, sizeof(inbox->spill)};
	received = net_port_receive(port, inbox->segments, count + 1);
	if (received < 0)
		return (int)received;
	inbox->waiting_bytes = (uint32_t)received;
	if (inbox->waiting_bytes > inbox->bytes)
		inbox->spilled_bytes = inbox->waiting_bytes - (uint32_t)inbox->bytes;
	return 0;
}

struct net_header net_inbox_header(const struct net_inbox *inbox)
{
	struct net_header header;

	/* The first chain is long enough: shorter ones were not taken. */
	segments_read(inbox->segments, inbox->segment_count, 0, &header, sizeof(header));
	return header;
}

/* How many chains the frame needs. */
static unsigned int buffers_needed(const struct net_inbox *inbox)
{
	uint64_t bytes = 0;
	unsigned int count = 0;

	while (bytes < inbox->waiting_bytes)
		bytes += inbox->buffers[count++].bytes;
	return count;
}

/* Take the first chains off the list. */
static void remove_buffers(struct net_inbox *inbox, unsigned int count)
{
	unsigned int segment_count = 0;

	for (unsigned int i = 0; i < count; i++) {
		segment_count += inbox->buffers[i].segment_count;
		inbox->bytes -= inbox->buffers[i].bytes;
	}
	inbox->buffer_count -= count;
	inbox->segment_count -= segment_count;
	memmove(inbox->buffers, inbox->buffers + count,
		inbox->buffer_count * sizeof(inbox->buffers[0]));
	memmove(inbox->segments, inbox->segments + segment_count,
		inbox->segment_count * sizeof(inbox->segments[0]));
}

void net_inbox_deliver(struct net_inbox *inbox, struct queue *queue, struct net_header header)
{
	unsigned int count = buffers_needed(inbox);
	uint32_t left_bytes = inbox->waiting_bytes;

	header.buffer_count = (uint16_t)count;
	segments_write(inbox->segments, inbox->segment_count, 0, &header, sizeof(header));
	segments_write(inbox->segments, inbox->segment_count,
		       inbox->waiting_bytes - inbox->spilled_bytes, inbox->spill,
		       inbox->spilled_bytes);
	for (unsigned int i = 0; i < count; i++) {
		const struct net_buffer *buffer = &inbox->buffers[i];
		uint32_t bytes = left_bytes < buffer->bytes ? left_bytes : buffer->bytes;

		queue_place(queue, buffer->head, bytes);
		left_bytes -= bytes;
	}
	queue_publish(queue);
	remove_buffers(inbox, count);
	net_inbox_drop(inbox);
}
