/* SPDX-License-Identifier: MIT */
/*
 * monitor/acpi.h - the machine as ACPI describes it.
 *
 * Hardware-reduced ACPI: no fixed power-management registers, no SCI, nothing at fixed ports but
 * sleep control and reset.  The tables, all in one page at LAYOUT_ACPI_GPA:
 *
 *   RSDP, XSDT   where the others are
 *   FADT         hardware-reduced; sleep control 0x604, sleep status 0x606, reset by 0xFE to
 *                0x64.  All are I/O ports of 8 bits: an MMIO sleep register crashes OSv.
 *   MADT         a local APIC for each vCPU, the IOAPIC, NMI at LINT1 of all; no PIC
 *   DSDT         \_S5, COM1 (PNP0501), pvpanic (QEMU0001), and an LNRO0005 for each
 *                virtio-mmio window
 *
 * Source: ACPI specification 6.4, sections 5.2 (tables), 4.8.3.7 (sleep registers), 7.4.2 (_Sx).
 */
#ifndef MONITOR_ACPI_H
#define MONITOR_ACPI_H

#include <stdint.h>

#include "monitor/layout.h"
#include "virtio/guest_memory.h"

enum {
	ACPI_SLEEP_TYPE_S5 = 5, /* what \_S5 tells the guest to write to SLP_TYP */
};

struct acpi_description {
	unsigned int vcpu_count;
	const struct layout_window *windows; /* borrowed; each below 4 GiB */
	unsigned int window_count;
};

/*
 * Write the tables and say where the RSDP is, for the zero page or start_info.
 *
 * Returns 0; -EINVAL for a vCPU count outside 1..LAYOUT_VCPUS_MAX, more than LAYOUT_DEVICES_MAX
 * windows, or a window that does not lie below 4 GiB; -EFAULT where guest memory ends below the
 * tables. Nothing is written on failure.
 */
int acpi_write(const struct guest_memory *memory, const struct acpi_description *description,
	       uint64_t *rsdp_gpa);

#endif
