/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/mptable.h - the processors, by Intel's MultiProcessor Specification 1.4.
 */
#ifndef GUEST_MPTABLE_H
#define GUEST_MPTABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/guests/lib/layout.h"

struct mptable {
	uint64_t pointer; /* address of the floating pointer; 0: no table, nothing below holds */
	bool pointer_sum_is_zero;
	bool table_sum_is_zero;
	uint32_t lapic_address;
	uint32_t cpu_count;
	uint8_t cpu_ids[CPUS_MAX]; /* APIC ids, in the table's order */
	uint32_t boot_cpu_count;   /* how many claim to be the first processor: one should */
	uint32_t ioapic_count;
	uint32_t ioapic_address;
	uint32_t interrupt_count; /* assignments of interrupts to IOAPIC pins */
};

/*
 * Look in the last KiB of base memory and in the BIOS area.  Returns whether
 * both structures were there; their sums are for the caller to judge.
 */
bool mptable_read(struct mptable *table);

#endif
