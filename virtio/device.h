/* SPDX-License-Identifier: MIT */
/*
 * virtio/device.h - what every virtio device is, whatever it does.
 *
 * A device embeds struct virtio_device and offers operations; the transport
 * (mmio.h) calls them as the driver goes through the device's states; whoever
 * built the machine is reached through links.  Source: virtio 1.2, section 2.
 *
 * Call order, by the transport: features are negotiated, activate() at DRIVER_OK,
 * then notify(); at any time queue_stopped() for one queue or reset() for all.  By the I/O
 * thread: service(), when `service_fd` can be read or `due_ns` has come.
 *
 * Threads: one lock for each device, held by the caller around everything
 * here.  Notifications come from vCPU threads, service() from the I/O thread.  Only reading and
 * acknowledging the interrupt status goes without: a driver does so while its queue is served.
 * Errors: the guest's fault stops the device (virtio_device_fail()) until its driver resets it; the
 * host's fault is answered to the guest and told by links.host_error.
 */
#ifndef VIRTIO_DEVICE_H
#define VIRTIO_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "virtio/fault.h"
#include "virtio/guest_memory.h"
#include "virtio/queue.h"

enum {
	VIRTIO_QUEUES_MAX = 3,
	VIRTIO_TYPE_NET = 1, /* section 5 */
	VIRTIO_TYPE_BLOCK = 2,
	VIRTIO_TYPE_VSOCK = 19,
};

/* Bits of the device status, section 2.1. */
enum {
	VIRTIO_STATUS_ACKNOWLEDGE = 1,
	VIRTIO_STATUS_DRIVER = 2,
	VIRTIO_STATUS_DRIVER_OK = 4,
	VIRTIO_STATUS_FEATURES_OK = 8,
	VIRTIO_STATUS_NEEDS_RESET = 64,
	VIRTIO_STATUS_FAILED = 128,
};

/* Bits of the interrupt status, section 4.2.2. */
enum {
	VIRTIO_INTERRUPT_USED_BUFFER = 1,
	VIRTIO_INTERRUPT_CONFIG_CHANGE = 2,
};

/* Feature bits that belong to no device, section 6. */
#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)

#define VIRTIO_NEVER UINT64_MAX /* of due_ns */

struct virtio_device;

struct virtio_device_ops {
	/* Fill `data`, which arrives zeroed, from the configuration space; any offset and size. */
	void (*config_read)(struct virtio_device *device, uint32_t offset, uint8_t *data,
			    uint32_t size_bytes);
	/* NULL: no field can be written. */
	void (*config_write)(struct virtio_device *device, uint32_t offset, const uint8_t *data,
			     uint32_t size_bytes);
	/* The driver is ready; features are final.  NULL: nothing to do. */
	void (*activate)(struct virtio_device *device);
	/* There may be something in a queue that is ready.  Only between activate() and reset(). */
	void (*notify)(struct virtio_device *device, unsigned int queue);
	/* Let go of everything that came from one queue; return when nothing of it is in flight. */
	void (*queue_stopped)(struct virtio_device *device, unsigned int queue);
	/* The same for all queues, and be as new. */
	void (*reset)(struct virtio_device *device);
	/* Something that the device waited for may have come.  NULL: it never waits. */
	void (*service)(struct virtio_device *device, uint64_t now_ns);
};

/* Whom the device reaches; called with the device's lock held. */
struct virtio_device_links {
	/* Raise the device's interrupt line: an edge. */
	void (*interrupt)(void *owner);
	/* `due_ns` now lies earlier than it did: let the I/O thread look. */
	void (*wake)(void *owner);
	/* The guest's fault stopped the device. */
	void (*failed)(void *owner, unsigned int queue, enum virtio_fault fault);
	/* A request was answered with an error, for a reason in words that never change. */
	void (*refused)(void *owner, const char *why);
	/* The host failed a request, with this errno; `what` says which, such as "write". */
	void (*host_error)(void *owner, const char *what, int error);
	void *owner;
};

struct virtio_device {
	const struct virtio_device_ops *ops;
	const struct virtio_device_links *links;
	const struct guest_memory *memory;
	uint32_t type;
	unsigned int queue_count;
	uint16_t queue_size_max;
	uint64_t features; /* offered */

	/* What a driver made of it. */
	uint64_t driver_features;
	uint32_t status;
	_Atomic uint32_t interrupt_status; /* acknowledged without the lock */
	uint32_t config_generation;
	struct queue queues[VIRTIO_QUEUES_MAX];

	/*
	 * What the I/O thread waits for; of service().  service_fd is -1 where there is none.
	 * service_events are those of poll(2), POLLIN where the device does not say otherwise; 0
	 * waits for none, so that what cannot be served now does not keep the thread awake.
	 */
	int service_fd;
	_Atomic short service_events; /* set with the lock held, read by the I/O thread without */
	_Atomic uint64_t due_ns;      /* set with the lock held, read by the I/O thread without */
};

static inline bool virtio_device_has(const struct virtio_device *device, uint64_t feature)
{
	return (device->driver_features & feature) == feature;
}

/* Whether notifications count: DRIVER_OK, and neither failed nor in need of a reset. */
bool virtio_device_is_live(const struct virtio_device *device);

/* After pushes: interrupt the driver if it wants to know (at most one edge for each call). */
void virtio_device_signal(struct virtio_device *device, unsigned int queue);

/* The guest's fault: stop until reset, tell the driver and the log.  Further calls do nothing. */
void virtio_device_fail(struct virtio_device *device, unsigned int queue, enum virtio_fault fault);

/* The configuration space has changed: a new generation, and the driver hears of it. */
void virtio_device_config_changed(struct virtio_device *device);

/* Set service_events, and wake the I/O thread if it has to wait for more than before. */
void virtio_device_expect(struct virtio_device *device, short events);

/* Set due_ns, and wake the I/O thread if that is earlier than before. */
void virtio_device_set_due(struct virtio_device *device, uint64_t due_ns);

/* Copy [offset, offset + size) of a configuration structure; what lies beyond it stays zero. */
void virtio_device_copy_config(const void *config, size_t config_bytes, uint32_t offset,
			       uint8_t *data, uint32_t size_bytes);

#endif
