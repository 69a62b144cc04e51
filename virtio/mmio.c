/* SPDX-License-Identifier: MIT */
/* virtio/mmio.c - see mmio.h. */
#include "virtio/mmio.h"

#include <string.h>

/* Section 4.2.2. */
enum {
	REGISTER_MAGIC = 0x000,
	REGISTER_VERSION = 0x004,
	REGISTER_DEVICE_ID = 0x008,
	REGISTER_VENDOR_ID = 0x00c,
	REGISTER_DEVICE_FEATURES = 0x010,
	REGISTER_DEVICE_FEATURES_SELECT = 0x014,
	REGISTER_DRIVER_FEATURES = 0x020,
	REGISTER_DRIVER_FEATURES_SELECT = 0x024,
	REGISTER_QUEUE_SELECT = 0x030,
	REGISTER_QUEUE_SIZE_MAX = 0x034,
	REGISTER_QUEUE_SIZE = 0x038,
	REGISTER_QUEUE_READY = 0x044,
	REGISTER_QUEUE_NOTIFY = 0x050,
	REGISTER_INTERRUPT_STATUS = 0x060,
	REGISTER_INTERRUPT_ACK = 0x064,
	REGISTER_STATUS = 0x070,
	REGISTER_DESCRIPTOR_LOW = 0x080,
	REGISTER_DESCRIPTOR_HIGH = 0x084,
	REGISTER_AVAIL_LOW = 0x090,
	REGISTER_AVAIL_HIGH = 0x094,
	REGISTER_USED_LOW = 0x0a0,
	REGISTER_USED_HIGH = 0x0a4,
	REGISTER_SHARED_LENGTH_LOW = 0x0b0,
	REGISTER_SHARED_LENGTH_HIGH = 0x0b4,
	REGISTER_SHARED_BASE_LOW = 0x0b8,
	REGISTER_SHARED_BASE_HIGH = 0x0bc,
	REGISTER_CONFIG_GENERATION = 0x0fc,
	REGISTER_BYTES = 4,

	MAGIC = 0x74726976,     /* "virt" */
	VERSION = 2,            /* not legacy */
	VENDOR_ID = 0x65746f6d, /* "mote" */
};

/* The bits that belong to the driver. */
#define DRIVER_BITS                                                                     \
	(VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK | \
	 VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_FAILED)
#define STOPPED_BITS ((uint32_t)VIRTIO_STATUS_NEEDS_RESET | VIRTIO_STATUS_FAILED)

void mmio_init(struct mmio *mmio, struct virtio_device *device)
{
	*mmio = (struct mmio){.device = device};
}

bool mmio_needs_lock(uint64_t offset)
{
	return offset != REGISTER_INTERRUPT_STATUS && offset != REGISTER_INTERRUPT_ACK;
}

static struct queue *selected_queue(const struct mmio *mmio)
{
	struct virtio_device *device = mmio->device;

	return mmio->queue_select < device->queue_count ? &device->queues[mmio->queue_select]
							: NULL;
}

/* 32 of 64 feature bits; there are none beyond. */
static uint32_t features_word(uint64_t features, uint32_t select)
{
	return select < 2 ? (uint32_t)(features >> select * 32) : 0;
}

/* An offset between two registers is none of them. */
static uint32_t read_register(const struct mmio *mmio, uint64_t offset)
{
	const struct virtio_device *device = mmio->device;

	switch (offset) {
	case REGISTER_MAGIC: return MAGIC;
	case REGISTER_VERSION: return VERSION;
	case REGISTER_DEVICE_ID: return device->type;
	case REGISTER_VENDOR_ID: return VENDOR_ID;
	case REGISTER_DEVICE_FEATURES:
		return features_word(device->features, mmio->features_select);
	case REGISTER_QUEUE_SIZE_MAX: return selected_queue(mmio) ? device->queue_size_max : 0;
	case REGISTER_QUEUE_READY: return selected_queue(mmio) && selected_queue(mmio)->ready;
	case REGISTER_INTERRUPT_STATUS: return device->interrupt_status;
	case REGISTER_STATUS: return device->status;
	case REGISTER_SHARED_LENGTH_LOW:
	case REGISTER_SHARED_LENGTH_HIGH:
	case REGISTER_SHARED_BASE_LOW:
	case REGISTER_SHARED_BASE_HIGH: return UINT32_MAX; /* there is no such region */
	case REGISTER_CONFIG_GENERATION: return device->config_generation;
	default: return 0;
	}
}

void mmio_read(struct mmio *mmio, uint64_t offset, uint8_t *data, uint32_t size_bytes)
{
	struct virtio_device *device = mmio->device;
	uint32_t value;

	if (offset >= MMIO_CONFIG_OFFSET) {
		device->ops->config_read(device, (uint32_t)(offset - MMIO_CONFIG_OFFSET), data,
					 size_bytes);
		return;
	}
	if (size_bytes != REGISTER_BYTES)
		return;
	value = read_register(mmio, offset);
	memcpy(data, &value, sizeof(value));
}

static void take_features(struct mmio *mmio, uint32_t value)
{
	struct virtio_device *device = mmio->device;
	unsigned int shift = mmio->driver_features_select * 32;
	uint32_t negotiating = device->status &
			       (VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK | STOPPED_BITS);

	if (negotiating != VIRTIO_STATUS_DRIVER || mmio->driver_features_select > 1)
		return;
	device->driver_features &= ~(UINT64_C(0xffffffff) << shift);
	device->driver_features |= (uint64_t)value << shift;
}

static bool features_are_good(const struct virtio_device *device)
{
	return !(device->driver_features & ~device->features) &&
	       virtio_device_has(device, VIRTIO_F_VERSION_1);
}

static void reset(struct mmio *mmio)
{
	struct virtio_device *device = mmio->device;

	/* First, so that nothing is in flight to the memory that the queues name. */
	device->ops->reset(device);
	memset(device->queues, 0, sizeof(device->queues));
	device->driver_features = 0;
	device->interrupt_status = 0;
	device->status = 0;
	device->due_ns = VIRTIO_NEVER;
	/* Not the device: who acknowledges an interrupt reads it without the lock. */
	mmio->features_select = 0;
	mmio->driver_features_select = 0;
	mmio->queue_select = 0;
}

/* Section 3.1.1: the bits have an order, also if a driver writes several at once. */
static void add_status(struct virtio_device *device, uint32_t added)
{
	device->status |= added & (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	if ((added & VIRTIO_STATUS_FEATURES_OK) && (device->status & VIRTIO_STATUS_DRIVER) &&
	    features_are_good(device))
		device->status |= VIRTIO_STATUS_FEATURES_OK;
	if ((added & VIRTIO_STATUS_DRIVER_OK) && (device->status & VIRTIO_STATUS_FEATURES_OK)) {
		device->status |= VIRTIO_STATUS_DRIVER_OK;
		if (device->ops->activate)
			device->ops->activate(device);
	}
}

static void write_status(struct mmio *mmio, uint32_t value)
{
	struct virtio_device *device = mmio->device;
	uint32_t old = device->status & DRIVER_BITS;

	if (value == 0) {
		reset(mmio);
		return;
	}
	if (!(device->status & STOPPED_BITS))
		add_status(device, value & ~old);
	/* Giving up is possible at any time. */
	device->status |= value & VIRTIO_STATUS_FAILED;
}

static void start_queue(struct mmio *mmio, struct queue *queue)
{
	struct virtio_device *device = mmio->device;
	enum virtio_fault fault;

	queue->has_event_index = virtio_device_has(device, VIRTIO_F_EVENT_IDX);
	queue->has_indirect = virtio_device_has(device, VIRTIO_F_INDIRECT_DESC);
	if (queue_start(queue, device->memory, &fault))
		virtio_device_fail(device, mmio->queue_select, fault);
}

static void stop_queue(struct mmio *mmio, struct queue *queue)
{
	struct virtio_device *device = mmio->device;

	device->ops->queue_stopped(device, mmio->queue_select);
	queue_stop(queue);
}

static void set_half(uint64_t *address, uint64_t offset, uint32_t value)
{
	unsigned int shift = offset & REGISTER_BYTES ? 32 : 0; /* the high half comes second */

	*address &= ~(UINT64_C(0xffffffff) << shift);
	*address |= (uint64_t)value << shift;
}

/* The registers of a queue that can be set up. */
static void set_up_queue(struct mmio *mmio, struct queue *queue, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case REGISTER_QUEUE_SIZE:
		/* What is too large becomes 0 and not a truncated number; queue_start() refuses it.
		 */
		queue->size = value <= mmio->device->queue_size_max ? (uint16_t)value : 0;
		break;
	case REGISTER_QUEUE_READY:
		if (value == 1)
			start_queue(mmio, queue);
		break;
	case REGISTER_DESCRIPTOR_LOW:
	case REGISTER_DESCRIPTOR_HIGH: set_half(&queue->descriptor_gpa, offset, value); break;
	case REGISTER_AVAIL_LOW:
	case REGISTER_AVAIL_HIGH: set_half(&queue->avail_gpa, offset, value); break;
	case REGISTER_USED_LOW:
	case REGISTER_USED_HIGH: set_half(&queue->used_gpa, offset, value); break;
	default: break;
	}
}

static void write_queue(struct mmio *mmio, uint64_t offset, uint32_t value)
{
	struct queue *queue = selected_queue(mmio);
	uint32_t phase = mmio->device->status & (VIRTIO_STATUS_FEATURES_OK | STOPPED_BITS);

	if (!queue)
		return;
	if (queue->ready) {
		/* A stopped device lets go of a queue as well. */
		if (offset == REGISTER_QUEUE_READY && value == 0)
			stop_queue(mmio, queue);
	} else if (phase == VIRTIO_STATUS_FEATURES_OK) {
		set_up_queue(mmio, queue, offset, value);
	}
}

static void notify(struct virtio_device *device, uint32_t queue)
{
	if (virtio_device_is_live(device) && queue < device->queue_count &&
	    device->queues[queue].ready)
		device->ops->notify(device, queue);
}

static void write_register(struct mmio *mmio, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case REGISTER_DEVICE_FEATURES_SELECT: mmio->features_select = value; break;
	case REGISTER_DRIVER_FEATURES: take_features(mmio, value); break;
	case REGISTER_DRIVER_FEATURES_SELECT: mmio->driver_features_select = value; break;
	case REGISTER_QUEUE_SELECT: mmio->queue_select = value; break;
	case REGISTER_QUEUE_NOTIFY: notify(mmio->device, value); break;
	case REGISTER_INTERRUPT_ACK: mmio->device->interrupt_status &= ~value; break;
	case REGISTER_STATUS: write_status(mmio, value); break;
	default: write_queue(mmio, offset, value); break;
	}
}

void mmio_write(struct mmio *mmio, uint64_t offset, const uint8_t *data, uint32_t size_bytes)
{
	struct virtio_device *device = mmio->device;
	uint32_t value;

	if (offset >= MMIO_CONFIG_OFFSET) {
		if (device->ops->config_write)
			device->ops->config_write(device, (uint32_t)(offset - MMIO_CONFIG_OFFSET),
						  data, size_bytes);
		return;
	}
	if (size_bytes != REGISTER_BYTES)
		return;
	memcpy(&value, data, sizeof(value));
	write_register(mmio, offset, value);
}
