/* SPDX-License-Identifier: MIT */
/*
 * monitor/device_slot.h - one virtio device in its place: window, lock, interrupt line, log.
 *
 * What virtio/ leaves to the machine: the slot puts the device's registers on the bus,
 * turns its interrupts into edges of its line, wakes the I/O thread for it, and says what
 * went wrong, each thing once however often a guest makes it happen.
 *
 * Call order: device_slot_init(), device_slot_add(); then exits are served.  On the I/O thread
 * device_slot_attach(); then device_slot_expect() before each wait and, whenever the time has
 * come, device_slot_tick().
 * Threads: the lock is the device's.  Lock order: IOAPIC before slots; no two slots at once.
 */
#ifndef MONITOR_DEVICE_SLOT_H
#define MONITOR_DEVICE_SLOT_H

#include <pthread.h>
#include <stdint.h>

#include "monitor/bus.h"
#include "monitor/kvm.h"
#include "monitor/layout.h"
#include "monitor/loop.h"
#include "virtio/device.h"
#include "virtio/mmio.h"

enum {
	DEVICE_SLOT_TOLD_MAX = 32,
	DEVICE_SLOT_NAME_MAX_BYTES = 80,
};

/* What the log has heard of a device. */
struct device_slot_told {
	const char *what;
	int detail;
};

struct device_slot {
	pthread_mutex_t lock;
	char name[DEVICE_SLOT_NAME_MAX_BYTES]; /* for the log: "drive rootfs" */
	struct virtio_device *device;
	struct mmio transport;
	struct layout_window window;
	const struct kvm *kvm;
	const struct loop *loop;
	int watch; /* the loop's; 0, which is the loop's own, until there is one */
	struct virtio_device_links links;
	struct device_slot_told told[DEVICE_SLOT_TOLD_MAX];
	unsigned int told_count;
	uint64_t faults; /* every one, told or not */
	uint64_t refused;
	uint64_t host_errors;
	uint64_t interrupts;
};

/* The slot's number decides window and line.  `name` is copied; the others are borrowed. */
void device_slot_init(struct device_slot *slot, unsigned int number, struct virtio_device *device,
		      const char *name, const struct kvm *kvm, const struct loop *loop);

/* Put the registers on the bus.  Returns what bus_add() returns. */
int device_slot_add(struct device_slot *slot, struct bus *bus);

/* Let the loop, on whose thread this is, wait for the device.  Returns 0 or -ENOSPC. */
int device_slot_attach(struct device_slot *slot, struct loop *loop);

/* Let the loop's next wait be for what the device wants now. */
void device_slot_expect(const struct device_slot *slot, struct loop *loop);

/* When the device wants its next tick; VIRTIO_NEVER if it does not. */
uint64_t device_slot_due_ns(const struct device_slot *slot);

/* Serve the device if its time has come. */
void device_slot_tick(struct device_slot *slot, uint64_t now_ns);

/* The line was unmasked: raise it again if the device has something pending. */
void device_slot_unmasked(struct device_slot *slot);

#endif
