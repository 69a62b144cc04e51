/* SPDX-License-Identifier: MIT */
/*
 * monitor/machine.h - the composition root: memory, kernel, board, vCPUs.
 *
 * Builds, out of a checked configuration and open descriptors, a machine whose
 * boot vCPU stands at the kernel's entry.  Nothing of the guest runs here.
 *
 * Call order: machine_create(), then machine_build(), in the VM process, while it has one thread;
 * then machine_finish(), which opens nothing and may run beside other threads.
 * Ownership: config, resources, state and console are borrowed and outlive the machine; the
 * rest lives as long as the process, whose end is its release.
 * Errors: OUTCOME_NONE, or whose fault it is, and the reason in words.
 */
#ifndef MONITOR_MACHINE_H
#define MONITOR_MACHINE_H

#include <stdbool.h>

#include "monitor/cmdline.h"
#include "monitor/config.h"
#include "monitor/console.h"
#include "monitor/cpuid.h"
#include "monitor/devices.h"
#include "monitor/kernel.h"
#include "monitor/kvm.h"
#include "monitor/outcome.h"
#include "monitor/platform.h"
#include "monitor/prepared.h"
#include "monitor/reason.h"
#include "monitor/resources.h"
#include "monitor/run_state.h"
#include "monitor/vcpu.h"
#include "virtio/guest_memory.h"

/* What the configuration left to the kernel image, decided. */
struct machine_choices {
	bool split_irqchip;
	bool pit;
	bool acpi;
};

struct machine {
	const struct vm_config *config;
	const struct resources *resources;
	const struct prepared *prepared;
	struct run_state *state;
	struct console *console;
	const struct loop *loop;
	struct platform_links links; /* input_wanted, input_drained, line_unmasked: the caller's */

	struct kvm kvm;
	struct guest_memory memory;
	struct kernel_image kernel;
	struct machine_choices choices;
	struct cmdline cmdline;
	uint64_t initrd_gpa;
	struct platform platform;
	struct devices devices;
	struct cpuid_table cpuid;
	struct vcpu_services services;
	struct vcpu vcpus[LAYOUT_VCPUS_MAX];
	unsigned int vcpu_count;
};

/* The VM and its memory.  The fields above `kvm` are set by the caller; the rest is zero. */
enum outcome_kind machine_create(struct machine *machine, struct reason *reason);

/* All that is in it: kernel, devices, vCPUs. */
enum outcome_kind machine_build(struct machine *machine, struct reason *reason);

/* What the kernel is told: command line, tables, registers. */
enum outcome_kind machine_finish(struct machine *machine, struct reason *reason);

#endif
