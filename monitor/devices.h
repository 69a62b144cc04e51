/* SPDX-License-Identifier: MIT */
/*
 * monitor/devices.h - the visible list of virtio devices that a machine has.
 *
 * In the order of their windows and lines: drives, the root device first, then network
 * interfaces, then vsock.  Everything that has to know all of them is here: building, the bus, the
 * kernel's command line, the tables, and their share of the I/O thread.
 *
 * Call order: devices_build() and devices_announce() while the machine is built; on the I/O
 * thread devices_start() once, then at each turn devices_expect(), devices_due_ns(), the wait, and
 * devices_tick().
 * Ownership: config and resources are borrowed.  Threads: see device_slot.h.
 */
#ifndef MONITOR_DEVICES_H
#define MONITOR_DEVICES_H

#include <stdint.h>

#include "monitor/bus.h"
#include "monitor/cmdline.h"
#include "monitor/config.h"
#include "monitor/device_slot.h"
#include "monitor/kvm.h"
#include "monitor/layout.h"
#include "monitor/loop.h"
#include "monitor/reason.h"
#include "monitor/resources.h"
#include "monitor/run_state.h"
#include "monitor/vsock_service.h"
#include "virtio/block.h"
#include "virtio/guest_memory.h"
#include "virtio/net.h"

struct devices {
	const struct vm_config *config;
	const struct resources *resources;
	const struct guest_memory *memory;
	const struct kvm *kvm;
	const struct loop *loop;

	struct device_slot slots[LAYOUT_DEVICES_MAX];
	struct layout_window windows[LAYOUT_DEVICES_MAX]; /* of the slots, in their order */
	unsigned int count;
	struct block blocks[CONFIG_DRIVES_MAX]; /* in the order of the configuration */
	struct net nets[CONFIG_INTERFACES_MAX]; /* the same */
	struct vsock_service vsock;
};

/* The fields above `slots` are set; the rest is zero.  Returns 0 or negative errno. */
int devices_build(struct devices *devices, struct bus *bus, struct reason *reason);

/* Tell the kernel's command line of the devices, and of the root file system if one holds it. */
int devices_announce(const struct devices *devices, struct cmdline *cmdline, struct reason *reason);

/*
 * The I/O thread's part of the preparation, which runs beside the guest.  Returns 0, or negative
 * errno if a drive cannot have the engine that was asked for.
 */
int devices_start(struct devices *devices, struct loop *loop, struct reason *reason);

/* Add what the devices did; without their locks, for when nobody else looks any more. */
void devices_count(const struct devices *devices, struct run_counters *counters);

/*
 * The run is over, which any thread may say: what the guest has sent until now is owed to hosts,
 * and what it still sends is not.
 */
void devices_take_no_more(struct devices *devices);

/*
 * Bytes of the guest's that hosts have not got yet, on any thread; only ticks bring them there.
 */
uint64_t devices_owed_bytes(struct devices *devices);

/* Let the loop's next wait be for what the devices want now. */
void devices_expect(const struct devices *devices, struct loop *loop);

/* When the first of the devices wants its next tick. */
uint64_t devices_due_ns(const struct devices *devices);

void devices_tick(struct devices *devices, uint64_t now_ns);

/* A pin of the IOAPIC was unmasked. */
void devices_unmasked(struct devices *devices, uint32_t gsi);

#endif
