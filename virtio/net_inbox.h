/* SPDX-License-Identifier: MIT */
/*
 * virtio/net_inbox.h - the chains that a driver offered for frames to come, and the next frame.
 *
 * Chains are collected until any frame would fit, and a frame is read straight into them; what it
 * does not need stays for the next one.  What finds no room goes into the spill: a frame that may
 * lie in several chains (VIRTIO_NET_F_MRG_RXBUF) can wait for more of them.  A frame's chains
 * become visible to the driver all at once (virtio 1.2, section 5.1.6.4.1).
 *
 * Call order: net_inbox_begin(); then, over and over, net_inbox_collect(), and while there
 * is room net_inbox_read(), net_inbox_header(), and net_inbox_deliver() or
 * net_inbox_drop().  A frame may wait in between; there is one at a time.
 *
 * Trust: the frame lies in guest memory before the driver is told.  A driver that changes it, or
 * its header, changes what it is going to read itself; no length is taken from there.
 * Threads: the caller serialises.
 */
#ifndef VIRTIO_NET_INBOX_H
#define VIRTIO_NET_INBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "virtio/net_header.h"
#include "virtio/net_port.h"
#include "virtio/queue.h"

enum {
	NET_RECEIVED_MAX_BYTES = (int)sizeof(struct net_header) + NET_FRAME_MAX_BYTES,
};

struct net_buffer {
	uint16_t head;
	uint16_t segment_count;
	uint32_t bytes;
};

/* What is large comes last: a start, and small frames, leave it untouched. */
struct net_inbox {
	bool is_mergeable;     /* a frame may lie in several chains; else there is one at a time */
	uint32_t wanted_bytes; /* collect no more than for a frame of that size, and its header */
	unsigned int buffer_count;
	unsigned int segment_count;
	uint64_t bytes; /* sum over the buffers */

	/* Header and frame that were read, and not given to the driver yet; 0: none. */
	uint32_t waiting_bytes;
	uint32_t spilled_bytes; /* of them, the last, in the spill */

	/* First in, first out. */
	struct net_buffer buffers[QUEUE_SIZE_MAX];
	struct iovec
		segments[NET_PORT_SEGMENTS_MAX]; /* of the buffers; one is left for the spill */
	uint8_t spill[NET_RECEIVED_MAX_BYTES];
};

/* Forget all chains and the frame. */
void net_inbox_begin(struct net_inbox *inbox, bool is_mergeable, uint32_t wanted_bytes);

/*
 * Take chains from the queue, as many as the next frame can need; `chain` is scratch.  Returns 0,
 * or -EPROTO with a fault: then the queue must not be used any more.
 */
int net_inbox_collect(struct net_inbox *inbox, struct queue *queue, struct queue_chain *chain,
		      enum virtio_fault *fault);

/* Whether the frame that waits fits; without one, whether a frame may be read. */
bool net_inbox_has_room(const struct net_inbox *inbox);

/* Whether more chains from the driver could change that. */
bool net_inbox_can_grow(const struct net_inbox *inbox);

/* Read the next frame, when none waits and there is room.  Returns 0, or as net_port_receive(). */
int net_inbox_read(struct net_inbox *inbox, struct net_port *port);

/* The header of the frame that waits. */
struct net_header net_inbox_header(const struct net_inbox *inbox);

/* Give the frame that waits, with this header, to the driver.  There must be room. */
void net_inbox_deliver(struct net_inbox *inbox, struct queue *queue, struct net_header header);

/* Forget the frame that waits. */
void net_inbox_drop(struct net_inbox *inbox);

#endif
