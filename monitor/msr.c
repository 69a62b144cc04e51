/* SPDX-License-Identifier: MIT */
/* monitor/msr.c - see msr.h. */
#include "monitor/msr.h"

#include <assert.h>
#include <stddef.h>

enum {
	MSR_IA32_MISC_ENABLE = 0x1a0,
	MSR_IA32_MTRR_DEF_TYPE = 0x2ff,

	MISC_ENABLE_FAST_STRING = 1 << 0,
	MISC_ENABLE_NO_BTS = 1 << 11,
	MISC_ENABLE_NO_PEBS = 1 << 12,

	MTRR_ENABLE = 1 << 11,
	MTRR_WRITE_BACK = 6,
};

static_assert(offsetof(struct msr_boot_list, entries) == sizeof(struct kvm_msrs),
	      "struct msr_boot_list is struct kvm_msrs");

const struct msr_boot_list msr_boot_list = {
	.nmsrs = MSR_BOOT_COUNT,
	.entries =
		{
			/* KVM's reset value, which denies BTS and PEBS, and fast strings. */
			{.index = MSR_IA32_MISC_ENABLE,
			 .data = MISC_ENABLE_FAST_STRING | MISC_ENABLE_NO_BTS |
				 MISC_ENABLE_NO_PEBS},
			/* All memory write-back: with MTRRs off all of it would be uncached. */
			{.index = MSR_IA32_MTRR_DEF_TYPE, .data = MTRR_ENABLE | MTRR_WRITE_BACK},
		},
};
