/* SPDX-License-Identifier: MIT */
/*
 * monitor/vcpu.h - one virtual CPU and the loop that runs it.
 *
 * Call order: vcpu_create(), the vcpu_set_ functions, then vcpu_take_thread() and vcpu_run() on the
 * thread that the vCPU keeps for life.  vcpu_run() returns once, with the way
 * the run ended; everything else the guest does is served inside.
 *
 * Trust: the shared page (struct kvm_run) is written by KVM only, but all that
 * it carries was chosen by the guest.
 * Threads: vcpu_probe() and vcpu_probe_result() are for the I/O thread, the
 * rest for the vCPU's own.
 */
#ifndef MONITOR_VCPU_H
#define MONITOR_VCPU_H

#include <linux/kvm.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "monitor/bus.h"
#include "monitor/console.h"
#include "monitor/cpuid.h"
#include "monitor/kvm.h"
#include "monitor/outcome.h"
#include "monitor/reason.h"
#include "monitor/trace.h"

/* What a vCPU is asked by vcpu_probe(), and what it found. */
enum vcpu_probe {
	VCPU_PROBE_NONE,
	VCPU_PROBE_ASKED,
	VCPU_PROBE_BUSY,   /* runs, or halted with interrupts on */
	VCPU_PROBE_QUIET,  /* the same, and needed nothing of mote since it was last asked */
	VCPU_PROBE_HALTED, /* in hlt with interrupts off, or never started */
};

/* What the exits of a vCPU are served with; shared by all and outliving them. */
struct vcpu_services {
	struct bus *ports;
	struct bus *mmio;
	struct console *console;
	struct trace *trace;
	/* Ends the run if a device asked for it during the exit just served. */
	bool (*stopped)(void *owner, struct outcome *outcome);
	void *owner;
};

struct vcpu {
	unsigned int id;
	int fd;
	struct kvm_run *run;
	const struct vcpu_services *services;
	_Atomic pid_t thread_id; /* 0 until vcpu_take_thread() */
	_Atomic uint32_t probe;  /* enum vcpu_probe */
	uint64_t port_exits;
	uint64_t mmio_exits;
	uint64_t other_exits;
	uint64_t exits_answered; /* the sum of them when it was last asked */
};

int vcpu_create(struct vcpu *vcpu, unsigned int id, const struct kvm *kvm,
		const struct vcpu_services *services, struct reason *reason);

int vcpu_set_cpuid(const struct vcpu *vcpu, const struct cpuid_table *table, struct reason *reason);

/* The guest's TSC frequency, 0 if KVM does not say. */
uint32_t vcpu_tsc_khz(const struct vcpu *vcpu, const struct kvm *kvm);

/* What KVM gave the vCPU, to be changed and put back. */
int vcpu_get_sregs(const struct vcpu *vcpu, struct kvm_sregs *sregs, struct reason *reason);

int vcpu_set_registers(const struct vcpu *vcpu, const struct kvm_sregs *sregs,
		       const struct kvm_regs *regs, struct reason *reason);

/* The MSRs that every vCPU starts with. */
int vcpu_set_msrs(const struct vcpu *vcpu, struct reason *reason);

/* LINT0 takes the PIC's interrupts, LINT1 the NMI: for the in-kernel PIC, on the boot vCPU. */
int vcpu_set_local_interrupts(const struct vcpu *vcpu, struct reason *reason);

/*
 * Let the signal in that takes a vCPU out of the guest; once per process, before its other
 * threads, which inherit it.
 */
void vcpu_prepare_probes(void);

/* This thread is the vCPU's from now on; before the thread is sealed. */
void vcpu_take_thread(struct vcpu *vcpu);

/* Run until the guest stops the machine. */
struct outcome vcpu_run(struct vcpu *vcpu);

/* Ask the vCPU what it is doing.  The answer comes within microseconds, unless it is busy. */
void vcpu_probe(struct vcpu *vcpu);
enum vcpu_probe vcpu_probe_result(const struct vcpu *vcpu);

#endif
