/* SPDX-License-Identifier: MIT */
/*
 * virtio/queue.h - the device's side of one split virtqueue.
 *
 * Source of the ABI: virtio 1.2, sections 2.6 (virtqueues) and 2.7 (split
 * virtqueues), with VIRTIO_F_INDIRECT_DESC and VIRTIO_F_EVENT_IDX.
 *
 * Call order: the transport sets size and the three addresses, then
 * queue_start().  From then on queue_pop() takes a chain, queue_push() gives one
 * back (in any order), and queue_interrupt_due() tells, once for each batch of
 * pushes, whether the driver wants to hear of it.  queue_stop() ends it.
 *
 * A device serves a queue like this, so that no notification is lost:
 *
 *	do {
 *		queue_hush(queue);
 *		while (queue_pop(queue, &chain, &fault) > 0)
 *			... queue_push(queue, ...)
 *	} while (queue_listen(queue));
 *
 * Trust: the rings lie in guest memory and may change at any moment.  Every field
 * is read once.  A chain is a bounded snapshot: nothing of it is read from the
 * rings again, every segment has been through the guest memory gate, and loops end
 * at the queue's size.  The driver's avail index may be at most the queue's size ahead.
 *
 * Threads: the caller serialises.  The driver runs beside it; the barriers in
 * queue.c pair with those that sections 2.7.7.1, 2.7.10, 2.7.13 and 2.7.14 ask of the driver.
 */
#ifndef VIRTIO_QUEUE_H
#define VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "virtio/fault.h"
#include "virtio/guest_memory.h"

enum {
	QUEUE_SIZE_MAX = 256,
	QUEUE_SEGMENTS_MAX = QUEUE_SIZE_MAX, /* section 2.7.5.3.1: no chain is longer than this */
};

/* struct virtq_desc, section 2.7.5.  All fields are little-endian, as the host is. */
struct queue_descriptor {
	uint64_t gpa;
	uint32_t length;
	uint16_t flags;
	uint16_t next;
};

enum {
	QUEUE_DESCRIPTOR_NEXT = 1,
	QUEUE_DESCRIPTOR_WRITE = 2, /* the device writes, the driver reads */
	QUEUE_DESCRIPTOR_INDIRECT = 4,
	QUEUE_AVAIL_NO_INTERRUPT = 1, /* section 2.7.6 */
	QUEUE_USED_NO_NOTIFY = 1,     /* section 2.7.8 */
};

/*
 * One request: what the device reads, then what it writes.  Segments without a
 * length are left out.  At most QUEUE_SEGMENTS_MAX in both parts together.
 */
struct queue_chain {
	uint16_t head; /* names the chain in queue_push() */
	unsigned int readable_count;
	unsigned int writable_count;
	uint32_t readable_bytes; /* sum over the segments */
	uint32_t writable_bytes;
	/* The readable ones come first, the writable ones right behind them. */
	struct iovec segments[QUEUE_SEGMENTS_MAX];
};

struct queue {
	/* What the driver set. */
	uint64_t descriptor_gpa;
	uint64_t avail_gpa;
	uint64_t used_gpa;
	uint16_t size;        /* a power of two up to QUEUE_SIZE_MAX */
	bool ready;           /* between queue_start() and queue_stop() */
	bool has_event_index; /* negotiated features */
	bool has_indirect;

	/* How far device and driver are; all free-running. */
	uint16_t next_avail;
	uint16_t next_used;
	uint16_t signalled_used; /* next_used when the driver was last interrupted, or considered */
	bool was_signalled;      /* less than 65536 pushes ago, so that the index still tells */

	/* Found through the gate by queue_start(); NULL while the queue is stopped. */
	const struct guest_memory *memory;
	struct queue_descriptor *descriptors;
	uint16_t *avail; /* flags, idx, ring[size], used_event */
	uint16_t *used;  /* flags, idx, ring[size] of 8 bytes, avail_event */
};

/*
 * Begin at index 0.  Returns 0, or -EINVAL with a fault (VIRTIO_FAULT_RING_ADDRESS) if the size
 * is not allowed or a ring is misaligned (2.7: 16, 2 and 4 bytes) or not wholly in memory.
 */
int queue_start(struct queue *queue, const struct guest_memory *memory, enum virtio_fault *fault);

/* Forget the rings: no guest memory is touched through this queue any more. */
void queue_stop(struct queue *queue);

/*
 * Take the next chain.  Returns 1, 0 if there is none, or -EPROTO with a fault: then
 * nothing was taken, `chain` holds nothing, and the queue must not be used until it is stopped
 * and started.
 */
int queue_pop(struct queue *queue, struct queue_chain *chain, enum virtio_fault *fault);

/* Whether there is a further chain to pop; the driver may add one at any moment. */
bool queue_has_more(const struct queue *queue);

/* Give the chain that was popped last back untaken, to be read afresh at the next pop. */
void queue_unpop(struct queue *queue);

/*
 * Return a chain to the driver.  `written_bytes` is what the device wrote into it, counted from
 * the first writable byte.  What the device wrote before is visible to a driver that sees this.
 */
void queue_push(struct queue *queue, uint16_t head, uint32_t written_bytes);

/*
 * The same in two steps, for several chains that the driver may only see together: place each,
 * then publish.  Nothing else may be done with the queue in between.
 */
void queue_place(struct queue *queue, uint16_t head, uint32_t written_bytes);
void queue_publish(struct queue *queue);

/*
 * Whether the driver wants an interrupt for the chains pushed since this was last
 * asked (2.7.7, 2.7.10).
 */
bool queue_interrupt_due(struct queue *queue);

/* Ask the driver not to notify while the device looks at the queue anyway (2.7.10); a hint. */
void queue_hush(struct queue *queue);

/* Ask for notifications again.  Returns whether something came in meanwhile: then look again. */
bool queue_listen(struct queue *queue);

#endif
