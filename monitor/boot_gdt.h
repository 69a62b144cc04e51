/* SPDX-License-Identifier: MIT */
/*
 * monitor/boot_gdt.h - the segment descriptors that both entries start with.
 *
 * boot_x86.c puts them into guest memory, and boot_registers.c loads the segment registers
 * from the same arrays, so that register and descriptor agree.
 *
 * Selectors at the Linux 64-bit entry.  boot.rst wants CS = 0x10 and DS, ES, SS = 0x18, and
 * descriptors of that kind behind them.  Firecracker has code at 0x08 and data at 0x10.  The
 * GDT here is null, code, code, data: it is the one of boot.rst, and kernels that were built
 * against Firecracker's find code at 0x08 as well, and at 0x10 a descriptor that DS, ES, FS
 * and GS accept (readable code; 64-bit mode ignores the rest).  Only a load of SS with 0x10
 * fails; SS is usable at the entry, so a kernel that keeps this GDT has no cause for one.  There is
 * no room for a TSS descriptor before the IDT at 0x520, and none is needed: the task register is
 * loaded already.
 * The PVH entry leaves selectors open, so there they are Firecracker's.
 *
 * Sources: Linux boot.rst, 64-bit Boot Protocol; Xen docs/misc/pvh.pandoc; Intel SDM volume
 * 3, 3.4.5.
 */
#ifndef MONITOR_BOOT_GDT_H
#define MONITOR_BOOT_GDT_H

#include <stdint.h>

enum {
	BOOT_GDT_ENTRIES = 4,
	BOOT_GDT_BYTES = BOOT_GDT_ENTRIES * 8,
	BOOT_IDT_BYTES = 8, /* one empty entry */
};

extern const uint64_t boot_gdt_linux64[BOOT_GDT_ENTRIES];
extern const uint64_t boot_gdt_pvh[BOOT_GDT_ENTRIES];

#endif
