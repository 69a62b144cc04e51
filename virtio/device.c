/* SPDX-License-Identifier: MIT */
/* virtio/device.c - see device.h. */
#include "virtio/device.h"

#include <string.h>

bool virtio_device_is_live(const struct virtio_device *device)
{
	const uint32_t stopped = VIRTIO_STATUS_NEEDS_RESET | VIRTIO_STATUS_FAILED;

	return (device->status & (VIRTIO_STATUS_DRIVER_OK | stopped)) == VIRTIO_STATUS_DRIVER_OK;
}

static void interrupt(struct virtio_device *device, uint32_t reason)
{
	device->interrupt_status |= reason;
	device->links->interrupt(device->links->owner);
}

void virtio_device_signal(struct virtio_device *device, unsigned int queue)
{
	if (device->queues[queue].ready && queue_interrupt_due(&device->queues[queue]))
		interrupt(device, VIRTIO_INTERRUPT_USED_BUFFER);
}

void virtio_device_fail(struct virtio_device *device, unsigned int queue, enum virtio_fault fault)
{
	if (device->status & VIRTIO_STATUS_NEEDS_RESET)
		return;
	device->status |= VIRTIO_STATUS_NEEDS_RESET;
	/* Section 2.1.2: the driver hears of it once it has said that it is there. */
	if (device->status & VIRTIO_STATUS_DRIVER_OK)
		interrupt(device, VIRTIO_INTERRUPT_CONFIG_CHANGE);
	device->links->failed(device->links->owner, queue, fault);
}

void virtio_device_config_changed(struct virtio_device *device)
{
	/* Before anybody can read the new contents: the caller's lock covers both (2.5.2). */
	device->config_generation++;
	if (virtio_device_is_live(device))
		interrupt(device, VIRTIO_INTERRUPT_CONFIG_CHANGE);
}

void virtio_device_expect(struct virtio_device *device, short events)
{
	int added = events & ~device->service_events;

	if (events != device->service_events)
		device->service_events = events;
	if (added)
		device->links->wake(device->links->owner);
}

void virtio_device_set_due(struct virtio_device *device, uint64_t due_ns)
{
	bool is_earlier = due_ns < device->due_ns;

	device->due_ns = due_ns;
	if (is_earlier)
		device->links->wake(device->links->owner);
}

void virtio_device_copy_config(const void *config, size_t config_bytes, uint32_t offset,
			       uint8_t *data, uint32_t size_bytes)
{
	size_t left;

	if (offset >= config_bytes)
		return;
	left = config_bytes - offset;
	memcpy(data, (const uint8_t *)config + offset, size_bytes < left ? size_bytes : left);
}
