/* SPDX-License-Identifier: MIT */
/*
 * monitor/msr.h - model-specific registers that firmware would have set.
 *
 * Only those whose value after KVM's reset is not what a kernel expects from firmware; SYSENTER,
 * STAR and the like are zero then, and a write less is a start that much sooner.  For every vCPU:
 *
 *   ioctl(vcpu, KVM_SET_MSRS, &msr_boot_list) == MSR_BOOT_COUNT
 *
 * Source: Intel SDM volume 4 (IA32_MISC_ENABLE) and volume 3, 12.11.2 (IA32_MTRR_DEF_TYPE); AMD
 * processors have the second, and KVM takes the first for them as well.
 */
#ifndef MONITOR_MSR_H
#define MONITOR_MSR_H

#include <linux/kvm.h>
#include <stdint.h>

enum {
	MSR_BOOT_COUNT = 2,
};

/* struct kvm_msrs with its entries. */
struct msr_boot_list {
	uint32_t nmsrs;
	uint32_t pad;
	struct kvm_msr_entry entries[MSR_BOOT_COUNT];
};

extern const struct msr_boot_list msr_boot_list;

#endif
