/* SPDX-License-Identifier: MIT */
/*
 * virtio/fault.h - what a guest did wrong to a device, as a word for the log.
 *
 * These are the faults that stop a device (DEVICE_NEEDS_RESET, virtio 1.2 section 2.1.1) because
 * the device can no longer tell what the driver means.  A request that is merely refused is
 * answered with an error status instead and is no fault.
 */
#ifndef VIRTIO_FAULT_H
#define VIRTIO_FAULT_H

enum virtio_fault {
	VIRTIO_FAULT_NONE,
	VIRTIO_FAULT_RING_ADDRESS,   /* a ring outside guest memory, or not aligned */
	VIRTIO_FAULT_AVAIL_INDEX,    /* the avail index moved by more than the queue's size */
	VIRTIO_FAULT_HEAD,           /* a head beyond the descriptor table */
	VIRTIO_FAULT_NEXT,           /* a next field beyond the table */
	VIRTIO_FAULT_LOOP,           /* a chain longer than the queue, so probably a loop */
	VIRTIO_FAULT_INDIRECT,       /* a bad indirect table, or one that was not negotiated */
	VIRTIO_FAULT_BUFFER_ADDRESS, /* a buffer outside guest memory */
	VIRTIO_FAULT_ORDER,          /* a device-readable buffer behind a device-writable one */
	VIRTIO_FAULT_LENGTH,         /* a chain whose lengths add up to more than 32 bits */
	VIRTIO_FAULT_REQUEST,        /* a chain that cannot hold the device's request */
	VIRTIO_FAULTS,
};

/* Words for a log line, for example "avail index jump"; never NULL. */
const char *virtio_fault_text(enum virtio_fault fault);

#endif
