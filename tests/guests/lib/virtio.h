/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/virtio.h - a driver's half of virtio: registers, states and split queues.
 *
 * Source: virtio 1.2, sections 2.1 (status), 2.7 (split virtqueues), 3.1 (initialisation) and 4.2
 * (virtio over MMIO, version 2).
 *
 * Call order: virtio_find(), virtio_begin(), virtqueue_create(), virtio_driver_ok(); then
 * virtqueue_add() and virtqueue_publish() hand chains over, virtqueue_take() takes them back, and
 * virtqueue_wait() sleeps until there is one.  After virtio_reset() it goes on at virtio_begin().
 *
 * Interrupts are asked for only while virtqueue_wait() sleeps, notifications made only where
 * the device asks for them.  Nothing below protects a driver from itself: a guest that wants to
 * be hostile writes to the rings and registers directly.
 */
#ifndef GUEST_VIRTIO_H
#define GUEST_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

/* Registers, section 4.2.2. */
enum {
	VIRTIO_MAGIC = 0x00,
	VIRTIO_VERSION = 0x04,
	VIRTIO_DEVICE_ID = 0x08,
	VIRTIO_VENDOR_ID = 0x0c,
	VIRTIO_FEATURES = 0x10,
	VIRTIO_FEATURES_SELECT = 0x14,
	VIRTIO_DRIVER_FEATURES = 0x20,
	VIRTIO_DRIVER_FEATURES_SELECT = 0x24,
	VIRTIO_QUEUE_SELECT = 0x30,
	VIRTIO_QUEUE_SIZE_MAX = 0x34,
	VIRTIO_QUEUE_SIZE = 0x38,
	VIRTIO_QUEUE_READY = 0x44,
	VIRTIO_QUEUE_NOTIFY = 0x50,
	VIRTIO_INTERRUPT_STATUS = 0x60,
	VIRTIO_INTERRUPT_ACK = 0x64,
	VIRTIO_STATUS = 0x70,
	VIRTIO_QUEUE_DESCRIPTORS = 0x80, /* two registers each */
	VIRTIO_QUEUE_AVAIL = 0x90,
	VIRTIO_QUEUE_USED = 0xa0,
	VIRTIO_CONFIG_GENERATION = 0xfc,
	VIRTIO_CONFIG = 0x100,
	VIRTIO_MAGIC_VALUE = 0x74726976, /* "virt" */
};

enum {
	VIRTIO_STATUS_ACKNOWLEDGE = 1,
	VIRTIO_STATUS_DRIVER = 2,
	VIRTIO_STATUS_DRIVER_OK = 4,
	VIRTIO_STATUS_FEATURES_OK = 8,
	VIRTIO_STATUS_NEEDS_RESET = 64,
	VIRTIO_STATUS_FAILED = 128,
	VIRTIO_INTERRUPT_USED_BUFFER = 1,
	VIRTIO_INTERRUPT_CONFIG_CHANGE = 2,
};

enum {
	VIRTIO_TYPE_NET = 1,
	VIRTIO_TYPE_BLOCK = 2,
	VIRTIO_TYPE_VSOCK = 19,
};

#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)

enum {
	VIRTQUEUE_SIZE_MAX = 256,
	VIRTQUEUE_CHAIN_MAX = 256, /* descriptors of one chain */
	VIRTQUEUE_NEXT = 1,
	VIRTQUEUE_WRITE = 2, /* the device writes */
	VIRTQUEUE_INDIRECT = 4,
	VIRTQUEUE_NO_INTERRUPT = 1,
	VIRTQUEUE_NO_NOTIFY = 1,
};

struct virtio_device {
	uint32_t base;
	uint32_t pin;
	uint32_t type;
	uint64_t features; /* negotiated */
	bool notifies_from_user;
	bool needs_ack; /* an interrupt came that was not acknowledged yet */
	uint64_t notifications;
	uint64_t interrupts; /* those that ended a sleep */
};

struct virtqueue_descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags;
	uint16_t next;
};

_Static_assert(sizeof(struct virtqueue_descriptor) == 16, "virtio 1.2, 2.7.5");

struct virtqueue_used {
	uint32_t id;
	uint32_t length;
};

/* One part of a chain; `flags` is 0 or VIRTQUEUE_WRITE. */
struct virtqueue_segment {
	const volatile void *address;
	uint32_t length;
	uint16_t flags;
};

struct virtqueue {
	struct virtio_device *device;
	uint16_t index;
	uint16_t size;
	bool has_event_index;
	struct virtqueue_descriptor *descriptors;
	volatile uint16_t *avail; /* flags, index, ring, used_event */
	volatile uint16_t *used;  /* flags, index, ring of struct virtqueue_used, avail_event */
	struct virtqueue_descriptor
		*tables; /* VIRTQUEUE_CHAIN_MAX for each head; made when asked */
	uint16_t free_head;
	uint16_t free_count;
	uint16_t next_avail; /* added so far */
	uint16_t published;  /* of which the device knows these */
	uint16_t last_used;
};

static inline volatile struct virtqueue_used *virtqueue_used_ring(const struct virtqueue *queue)
{
	return (volatile struct virtqueue_used *)(queue->used + 2);
}

/*
 * The device of that type with that number, from 0, in the order of the command line
 * (virtio_mmio.device=SIZE@ADDRESS:IRQ).  Returns whether it is there.
 */
bool virtio_find(struct virtio_device *device, uint32_t type, uint32_t number);

uint32_t virtio_read(const struct virtio_device *device, uint32_t offset);
void virtio_write(const struct virtio_device *device, uint32_t offset, uint32_t value);

/* What the device offers. */
uint64_t virtio_offered(const struct virtio_device *device);

/* Write 0 to the status and wait until it reads so. */
void virtio_reset(struct virtio_device *device);

/* Write a driver's features without asking what was offered. */
void virtio_write_features(const struct virtio_device *device, uint64_t features);

/*
 * Reset, and go as far as FEATURES_OK with those of `wanted` that the device has; VERSION_1 is
 * always among them.  Unmasks the interrupt.  Returns whether the device agreed.
 */
bool virtio_begin(struct virtio_device *device, uint64_t wanted);

void virtio_driver_ok(struct virtio_device *device);

/*
 * Set a queue up with `size` descriptors, or as many as the device allows if that is less.  The
 * first time takes memory; a queue that was created before (zeroed at first) keeps its memory.
 * Returns false if the device has no such queue.
 */
bool virtqueue_create(struct virtqueue *queue, struct virtio_device *device, uint16_t index,
		      uint16_t size);

/* Tell the device where the rings are and make it ready; part of virtqueue_create(). */
void virtqueue_announce(const struct virtqueue *queue);

/*
 * Add a chain, as descriptors of the ring or as an indirect table.  Returns its head, or -1 where
 * there is no room.  Only virtqueue_publish() makes it the device's.
 */
int virtqueue_add(struct virtqueue *queue, const struct virtqueue_segment *segments,
		  unsigned int count, bool indirect);

/* Offer a head again whose descriptors are as they were. */
void virtqueue_offer(struct virtqueue *queue, uint16_t head);

/* Give a head's descriptors back to the free ones; for those that virtqueue_take() returned. */
void virtqueue_free(struct virtqueue *queue, uint16_t head);

/* Hand over all that was added, with at most one notification. */
void virtqueue_publish(struct virtqueue *queue);

/* Notify, asked for or not. */
void virtqueue_notify(struct virtqueue *queue);

/* The next chain that the device returned: its head, or -1.  It stays in use (virtqueue_free()). */
int virtqueue_take(struct virtqueue *queue, uint32_t *written_bytes);

/* Sleep until there is something to take.  The interrupt is acknowledged at the next store. */
void virtqueue_wait(struct virtqueue *queue);

/* The same, but give up at a time stamp.  Spins, so that it works without interrupts. */
bool virtqueue_wait_until(struct virtqueue *queue, uint64_t deadline_tsc);

#endif
