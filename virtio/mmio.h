/* SPDX-License-Identifier: MIT */
/*
 * virtio/mmio.h - the registers by which a driver finds and drives one device.
 *
 * Source of the ABI: virtio 1.2, section 4.2 (virtio over MMIO, version 2), with
 * the state machine of sections 2.1 and 3.1.
 *
 * The rules that a driver may break, and what happens then:
 *   - status bits are only ever added; several at once are taken in the order that
 *     the specification gives them.  A bit that a write leaves out stays (there are
 *     drivers that write each bit alone); 0 resets.
 *   - features are taken between DRIVER and FEATURES_OK.  FEATURES_OK stays off if a bit was
 *     never offered or VERSION_1 is missing; DRIVER_OK stays off without it.
 *   - a queue is set up between FEATURES_OK and the end, while it is not ready.  Other writes
 *     to its registers are ignored.
 *   - a ring that does not lie in memory stops the device (DEVICE_NEEDS_RESET).
 *   - after DEVICE_NEEDS_RESET or FAILED only a reset helps: of all else the driver
 *     can still set FAILED and take its queues back.
 *   - a notification before DRIVER_OK, for a queue that is not ready, or of a stopped
 *     device is ignored.
 *   - registers are 32 bits wide; an access to one of another width or alignment reads 0 and
 *     writes nothing.  The configuration space (from 0x100) takes any width.
 *
 * Reset and QueueReady = 0 return when nothing of the queue is in flight any more,
 * so a driver that goes on at once finds its memory its own.
 *
 * Threads: the caller holds the device's lock where mmio_needs_lock() says so.
 */
#ifndef VIRTIO_MMIO_H
#define VIRTIO_MMIO_H

#include <stdbool.h>
#include <stdint.h>

#include "virtio/device.h"

enum {
	MMIO_CONFIG_OFFSET = 0x100,
};

struct mmio {
	struct virtio_device *device;
	uint32_t features_select;
	uint32_t driver_features_select;
	uint32_t queue_select;
};

void mmio_init(struct mmio *mmio, struct virtio_device *device);

/*
 * Whether an access at that offset needs the lock.  Those to InterruptStatus and InterruptACK do
 * not: who answers an interrupt need not wait until the I/O thread, which holds the lock, is
 * through with a queue, and can make room or fill it meanwhile.
 */
bool mmio_needs_lock(uint64_t offset);

/* Serve a read of `size_bytes` at an offset into the window; `data` arrives zeroed. */
void mmio_read(struct mmio *mmio, uint64_t offset, uint8_t *data, uint32_t size_bytes);

void mmio_write(struct mmio *mmio, uint64_t offset, const uint8_t *data, uint32_t size_bytes);

#endif
