/* SPDX-License-Identifier: MIT */
/*
 * monitor/boot_x86.h - what the boot processor finds before its first instruction.
 *
 * Two ways into a kernel, each one function for guest memory and one for the registers:
 *
 *   Linux 64-bit  long mode, RSI = zero page, page tables that map the first GiB one to
 *                 one.  Source: Documentation/arch/x86/boot.rst (64-bit Boot Protocol) and
 *                 zero-page.rst of Linux.
 *   PVH           32-bit protected mode without paging, EBX = hvm_start_info.  Source:
 *                 docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h of Xen.
 *
 * Both also write the command line, a GDT and an empty IDT.  All addresses are those of
 * monitor/layout.h.
 *
 * The memory map calls RAM what is RAM and says nothing about the rest: a RESERVED range
 * over [LAYOUT_LOW_RAM_END_GPA, 1 MiB) keeps Unikraft from booting.
 *
 * The selectors are explained in boot_gdt.h.
 *
 * Call order: any, after the kernel and initrd are in place and before the vCPU runs.
 * Thread: the one that builds the machine.
 */
#ifndef MONITOR_BOOT_X86_H
#define MONITOR_BOOT_X86_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

#include "virtio/guest_memory.h"

struct boot_parameters {
	uint64_t ram_bytes; /* all the guest has */
	uint64_t entry_gpa;
	const char *cmdline;
	size_t cmdline_bytes; /* without a NUL */
	uint64_t initrd_gpa;
	uint64_t initrd_bytes;       /* 0: none */
	uint64_t rsdp_gpa;           /* 0: no ACPI */
	const uint8_t *setup_header; /* a bzImage's own, from offset 0x1f1; NULL for an ELF image */
	uint32_t setup_header_bytes;
};

/*
 * Write zero page, page tables, GDT, IDT and command line.
 *
 * Returns 0; -EINVAL for a setup header that is too short or too long to be one, or for an initrd
 * that ends above 4 GiB; -E2BIG for a command line that does not fit; -EFAULT where guest memory
 * is too small.  After a failure guest memory may be partly written and must not be run.
 */
int boot_write_linux64(const struct guest_memory *memory, const struct boot_parameters *parameters);

/* Write start_info, module list, memory map, GDT, IDT and command line.  Returns as above. */
int boot_write_pvh(const struct guest_memory *memory, const struct boot_parameters *parameters);

/*
 * The registers that go with each, interrupts off.  `sregs` comes from KVM_GET_SREGS of the boot
 * processor: only what the protocol fixes is changed in it.  `regs` is written whole.
 */
void boot_registers_linux64(struct kvm_sregs *sregs, struct kvm_regs *regs,
			    const struct boot_parameters *parameters);
void boot_registers_pvh(struct kvm_sregs *sregs, struct kvm_regs *regs,
			const struct boot_parameters *parameters);

#endif
