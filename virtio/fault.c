/* SPDX-License-Identifier: MIT */
/* virtio/fault.c - see fault.h. */
#include "virtio/fault.h"

static const char *const texts[VIRTIO_FAULTS] = {
	[VIRTIO_FAULT_NONE] = "no fault",
	[VIRTIO_FAULT_RING_ADDRESS] = "ring not in memory",
	[VIRTIO_FAULT_AVAIL_INDEX] = "avail index jump",
	[VIRTIO_FAULT_HEAD] = "head beyond the descriptor table",
	[VIRTIO_FAULT_NEXT] = "next beyond the descriptor table",
	[VIRTIO_FAULT_LOOP] = "descriptor loop",
	[VIRTIO_FAULT_INDIRECT] = "bad indirect table",
	[VIRTIO_FAULT_BUFFER_ADDRESS] = "buffer not in memory",
	[VIRTIO_FAULT_ORDER] = "readable buffer behind a writable one",
	[VIRTIO_FAULT_LENGTH] = "chain longer than 32 bits can tell",
	[VIRTIO_FAULT_REQUEST] = "chain cannot hold the request",
};

const char *virtio_fault_text(enum virtio_fault fault)
{
	unsigned int index = (unsigned int)fault;

	return index < VIRTIO_FAULTS ? texts[index] : "unknown fault";
}
