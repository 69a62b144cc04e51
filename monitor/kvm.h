/* SPDX-License-Identifier: MIT */
/*
 * monitor/kvm.h - the KVM calls that concern a whole VM, in the cheap order.
 *
 * Call order: kvm_create(), every kvm_add_memory(), then one of
 * kvm_split_irqchip() and kvm_kernel_irqchip(), then vCPUs.  Memory comes
 * first and never changes afterwards, because each registration on KVM's I/O
 * bus (the in-kernel PIC, IOAPIC and PIT, and every ioeventfd) queues a grace
 * period that the next change of a memory slot has to wait for.
 *
 * Source of the ABI: Documentation/virt/kvm/api.rst of Linux.
 * Errors: negative errno, with the call's name in the reason.
 * Threads: building is single-threaded; kvm_set_routes() and kvm_pulse_line() may be
 * called by any thread (the caller of kvm_set_routes() serialises).
 */
#ifndef MONITOR_KVM_H
#define MONITOR_KVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/cpuid.h"
#include "monitor/layout.h"
#include "monitor/reason.h"

struct kvm {
	int device_fd; /* /dev/kvm, borrowed */
	int vm_fd;
	size_t run_bytes; /* size of a vCPU's shared page(s) */
	bool is_split;    /* set by kvm_split_irqchip() */
};

/* Where one IOAPIC pin's interrupt goes, or nowhere. */
struct kvm_pin_route {
	bool enabled;
	uint32_t address_lo;
	uint32_t address_hi;
	uint32_t data;
};

/* Check the API version and create the VM. */
int kvm_create(struct kvm *kvm, int device_fd, struct reason *reason);

int kvm_add_memory(const struct kvm *kvm, uint32_t slot, uint64_t gpa, uint64_t size_bytes,
		   void *host, struct reason *reason);

/* LAPICs in the kernel, everything else here. */
int kvm_split_irqchip(struct kvm *kvm, struct reason *reason);

/* PIC, IOAPIC and LAPICs in the kernel, and the PIT where asked. */
int kvm_kernel_irqchip(const struct kvm *kvm, bool pit, struct reason *reason);

/* What KVM can show a guest; read once for all vCPUs. */
int kvm_supported_cpuid(const struct kvm *kvm, struct cpuid_table *table, struct reason *reason);

/* Whether KVM_CHECK_EXTENSION knows it: 0 no, else a positive value. */
int kvm_extension(const struct kvm *kvm, unsigned int capability);

/* Replace the routes of all IOAPIC pins (split irqchip only). */
int kvm_set_routes(const struct kvm *kvm, const struct kvm_pin_route *routes);

/* Pulse an interrupt line once: an edge, whatever irqchip there is. */
int kvm_pulse_line(const struct kvm *kvm, uint32_t gsi);

#endif
