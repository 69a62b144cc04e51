/* SPDX-License-Identifier: MIT */
/* monitor/device_slot.c - see device_slot.h. */
#include "monitor/device_slot.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "monitor/log.h"
#include "monitor/trace.h"

/* Whether the log has not heard of this yet; a guest may not fill it. */
static bool is_news(struct device_slot *slot, const char *what, int detail)
{
	for (unsigned int i = 0; i < slot->told_count; i++)
		if (slot->told[i].what == what && slot->told[i].detail == detail)
			return false;
	if (slot->told_count == DEVICE_SLOT_TOLD_MAX)
		return false;
	slot->told[slot->told_count++] = (struct device_slot_told){what, detail};
	return true;
}

static void on_interrupt(void *owner)
{
	struct device_slot *slot = owner;

	slot->interrupts++;
	/* A masked pin has no route and loses the edge: device_slot_unmasked() makes up for it. */
	(void)kvm_pulse_line(slot->kvm, slot->window.gsi);
}

static void on_wake(void *owner)
{
	const struct device_slot *slot = owner;

	loop_wake(slot->loop);
}

static void on_failed(void *owner, unsigned int queue, enum virtio_fault fault)
{
	struct device_slot *slot = owner;
	const char *what = virtio_fault_text(fault);

	slot->faults++;
	if (is_news(slot, what, 0))
		log_warning("%s: the guest broke queue %u (%s); the device waits for its reset",
			    slot->name, queue, what);
}

static void on_refused(void *owner, const char *why)
{
	struct device_slot *slot = owner;

	slot->refused++;
	if (is_news(slot, why, 0))
		log_warning("%s: refused a request of the guest: %s", slot->name, why);
}

static void on_host_error(void *owner, const char *what, int error)
{
	struct device_slot *slot = owner;
	/* A network loses a frame or a connection instead. */
	bool answers_errors = slot->device->type == VIRTIO_TYPE_BLOCK;

	slot->host_errors++;
	if (is_news(slot, what, error))
		log_error("%s: %s failed: %s%s", slot->name, what, strerror(error),
			  answers_errors ? "; the guest sees an I/O error" : "");
}

void device_slot_init(struct device_slot *slot, unsigned int number, struct virtio_device *device,
		      const char *name, const struct kvm *kvm, const struct loop *loop)
{
	pthread_mutex_init(&slot->lock, NULL);
	snprintf(slot->name, sizeof(slot->name), "%s", name);
	slot->device = device;
	slot->window = (struct layout_window){
		.base_gpa = LAYOUT_MMIO_GPA + number * LAYOUT_MMIO_BYTES,
		.gsi = LAYOUT_FIRST_DEVICE_GSI + number,
	};
	slot->kvm = kvm;
	slot->loop = loop;
	slot->links = (struct virtio_device_links){
		.interrupt = on_interrupt,
		.wake = on_wake,
		.failed = on_failed,
		.refused = on_refused,
		.host_error = on_host_error,
		.owner = slot,
	};
	device->links = &slot->links;
	mmio_init(&slot->transport, device);
}

static void on_access(void *owner, const struct bus_access *access)
{
	struct device_slot *slot = owner;
	bool needs_lock = mmio_needs_lock(access->offset);

	if (needs_lock)
		pthread_mutex_lock(&slot->lock);
	if (access->is_write)
		mmio_write(&slot->transport, access->offset, access->data, access->size_bytes);
	else
		mmio_read(&slot->transport, access->offset, access->data, access->size_bytes);
	if (needs_lock)
		pthread_mutex_unlock(&slot->lock);
}

int device_slot_add(struct device_slot *slot, struct bus *bus)
{
	const struct bus_region region = {
		.base = slot->window.base_gpa,
		.size = LAYOUT_MMIO_BYTES,
		.name = slot->name,
		.lock = NULL, /* on_access() takes it */
		.owner = slot,
		.access = on_access,
	};

	return bus_add(bus, &region);
}

static void serve(struct device_slot *slot, uint64_t now_ns)
{
	pthread_mutex_lock(&slot->lock);
	slot->device->ops->service(slot->device, now_ns);
	pthread_mutex_unlock(&slot->lock);
}

static void on_ready(void *owner, short events)
{
	(void)events;
	serve(owner, trace_now_ns());
}

int device_slot_attach(struct device_slot *slot, struct loop *loop)
{
	int watch;

	if (slot->device->service_fd < 0)
		return 0;
	watch = loop_watch(loop, slot->device->service_fd, 0, on_ready, slot);
	if (watch < 0)
		return watch;
	slot->watch = watch;
	return 0;
}

void device_slot_expect(const struct device_slot *slot, struct loop *loop)
{
	/* Whoever adds to it wakes the loop afterwards, so an old value does no harm. */
	if (slot->watch > 0)
		loop_expect(
			loop, slot->watch,
			atomic_load_explicit(&slot->device->service_events, memory_order_relaxed));
}

uint64_t device_slot_due_ns(const struct device_slot *slot)
{
	/* Whoever makes it earlier wakes the loop afterwards, so an old value does no harm. */
	return atomic_load_explicit(&slot->device->due_ns, memory_order_relaxed);
}

void device_slot_tick(struct device_slot *slot, uint64_t now_ns)
{
	if (device_slot_due_ns(slot) <= now_ns)
		serve(slot, now_ns);
}

void device_slot_unmasked(struct device_slot *slot)
{
	bool pending;

	pthread_mutex_lock(&slot->lock);
	pending = slot->device->interrupt_status != 0;
	pthread_mutex_unlock(&slot->lock);
	if (pending)
		on_interrupt(slot);
}
