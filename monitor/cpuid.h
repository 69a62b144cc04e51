/* SPDX-License-Identifier: MIT */
/*
 * monitor/cpuid.h - what the guest's CPUID instruction answers.
 *
 * KVM_GET_SUPPORTED_CPUID says what host and KVM offer together.  All of it is passed on
 * (a guest that misses RDRAND or AVX fails in odd ways), except for what describes
 * the machine rather than the processor: how many processors there are, how they share caches,
 * and which of them is asking.  Added are the hypervisor bit, the TSC-deadline timer, and the leaf
 * with the clock frequencies, 0x4000_0010, which spares guests their calibration loops.
 *
 * Entries of zeros are left out: a leaf that is absent answers the same.
 *
 * The machine is one package; with smt, two threads to a core.  APIC ids are vCPU ids.
 *
 * Call order: KVM_GET_SUPPORTED_CPUID into the table (nent = CPUID_ENTRIES_MAX), cpuid_prepare()
 * once, then for each vCPU cpuid_set_vcpu() and KVM_SET_CPUID2.  Pure over the table.
 * Thread: the one that builds the machine; a table is not shared while vCPUs are set.
 *
 * Sources: Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E;
 * Documentation/virt/kvm/x86/cpuid.rst; leaf 0x4000_0010 as VMware defined it.
 */
#ifndef MONITOR_CPUID_H
#define MONITOR_CPUID_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	CPUID_ENTRIES_MAX = 160, /* KVM's own limit is 256; processors of today need below 100 */
};

/* struct kvm_cpuid2 with room: pass a pointer to this to KVM_GET_SUPPORTED_CPUID and
 * KVM_SET_CPUID2. */
struct cpuid_table {
	uint32_t nent;
	uint32_t padding;
	struct kvm_cpuid_entry2 entries[CPUID_ENTRIES_MAX];
};

struct cpuid_topology {
	unsigned int vcpu_count;
	bool smt;          /* two threads to a core; one where there is but one vCPU */
	bool tsc_deadline; /* KVM_CAP_TSC_DEADLINE_TIMER; not all kernels put it into the table */
	uint32_t tsc_khz;  /* KVM_GET_TSC_KHZ; 0 if not known, which leaves 0x4000_0010 out */
};

/*
 * Change what is the same for all vCPUs, and leave the ids those of vCPU 0.
 *
 * Returns 0; -EINVAL if nent is above CPUID_ENTRIES_MAX, the vCPU count is outside
 * 1..LAYOUT_VCPUS_MAX, or leaf 0 or 1 is missing; -ENOSPC if there is no room for a leaf that has
 * to be added.  On failure the table is unchanged.
 */
int cpuid_prepare(struct cpuid_table *table, const struct cpuid_topology *topology);

/* Put one vCPU's ids into a prepared table, in place of another's. */
void cpuid_set_vcpu(struct cpuid_table *table, unsigned int vcpu_id);

#endif
