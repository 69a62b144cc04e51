/* SPDX-License-Identifier: MIT */
/*
 * monitor/mptable.h - processors and interrupt wiring, for guests without ACPI.
 *
 * Source: Intel MultiProcessor Specification 1.4, chapter 4.  The floating pointer and the
 * configuration table behind it lie in the last KiB of conventional memory, which is one of the
 * places where guests search (section 4, "the last kilobyte of system base memory").
 *
 * The wiring is that of a PC without PCI: one ISA bus, whose interrupt N arrives at pin N of the
 * IOAPIC, edge-triggered and active high; ExtINT at LINT0 of the boot processor and NMI at LINT1 of
 * all.
 */
#ifndef MONITOR_MPTABLE_H
#define MONITOR_MPTABLE_H

#include <stdint.h>

#include "virtio/guest_memory.h"

/*
 * The IOAPIC's APIC id in all tables.  vCPU i has APIC id i, so this is the first that is free.
 * Both kinds of id take 8 bits here; only 32-bit kernels for the serial APIC bus hold IOAPIC ids
 * to 4.
 */
static inline uint8_t mptable_ioapic_id(unsigned int vcpu_count)
{
	return (uint8_t)vcpu_count;
}

/*
 * Write the tables for vcpu_count processors, 0 being the boot processor.  Returns 0, -EINVAL for
 * a count outside 1..LAYOUT_VCPUS_MAX, or -EFAULT where guest memory ends below.
 */
int mptable_write(const struct guest_memory *memory, unsigned int vcpu_count);

#endif
