/* SPDX-License-Identifier: MIT */
/*
 * monitor/layout.h - where everything lies in the guest's address space.
 *
 * The addresses follow Firecracker's x86 machine, the one that unikernels and
 * kernels are built for.  All are guest-physical addresses (GPA) or I/O ports.
 * Nothing here depends on the size of guest memory, except through layout_low_ram_bytes()
 * and layout_high_ram_bytes().
 */
#ifndef MONITOR_LAYOUT_H
#define MONITOR_LAYOUT_H

#include <stdint.h>

#define LAYOUT_MIB (UINT64_C(1) << 20)
#define LAYOUT_GIB (UINT64_C(1) << 30)

#define LAYOUT_PAGE_BYTES UINT64_C(4096)

/* Low memory: what the monitor writes before the guest's first instruction. */
#define LAYOUT_GDT_GPA            UINT64_C(0x500)
#define LAYOUT_IDT_GPA            UINT64_C(0x520)
#define LAYOUT_PVH_START_INFO_GPA UINT64_C(0x6000)
#define LAYOUT_PVH_MODLIST_GPA    UINT64_C(0x6040)
#define LAYOUT_PVH_MEMMAP_GPA     UINT64_C(0x7000)
#define LAYOUT_ZERO_PAGE_GPA      UINT64_C(0x7000)
#define LAYOUT_BOOT_STACK_GPA     UINT64_C(0x8ff0)
#define LAYOUT_PML4_GPA           UINT64_C(0x9000)
#define LAYOUT_PDPT_GPA           UINT64_C(0xa000)
#define LAYOUT_PD_GPA             UINT64_C(0xb000)
#define LAYOUT_CMDLINE_GPA        UINT64_C(0x20000)
#define LAYOUT_CMDLINE_MAX_BYTES  2048 /* the terminating NUL included */

/* The page tables above map this much, one to one, with 2 MiB pages. */
#define LAYOUT_IDENTITY_MAP_BYTES LAYOUT_GIB

/*
 * e820 calls [0, LOW_RAM_END) and everything from KERNEL_START on RAM.  The
 * MPTable lies right behind the first range, the ACPI tables in the BIOS area;
 * both are backed by guest memory but no e820 entry covers them, because a
 * RESERVED range there keeps Unikraft from booting.
 */
#define LAYOUT_LOW_RAM_END_GPA UINT64_C(0x9fc00)
#define LAYOUT_MPTABLE_GPA     UINT64_C(0x9fc00)
#define LAYOUT_MPTABLE_BYTES   UINT64_C(0x400)
#define LAYOUT_ACPI_GPA        UINT64_C(0xe0000)
#define LAYOUT_ACPI_BYTES      UINT64_C(0x20000)
#define LAYOUT_KERNEL_GPA      LAYOUT_MIB

/* Above: devices between 3 and 4 GiB, and memory again from 4 GiB on. */
#define LAYOUT_HOLE_GPA       (UINT64_C(3) * LAYOUT_GIB)
#define LAYOUT_HOLE_END_GPA   (UINT64_C(4) * LAYOUT_GIB)
#define LAYOUT_BOOT_TIMER_GPA UINT64_C(0xc0000000)
#define LAYOUT_MMIO_GPA       UINT64_C(0xc0001000) /* first virtio-mmio window */
#define LAYOUT_MMIO_BYTES     UINT64_C(0x1000)     /* size and stride of a window */
#define LAYOUT_IOAPIC_GPA     UINT64_C(0xfec00000)
#define LAYOUT_IOAPIC_BYTES   UINT64_C(0x20) /* IOREGSEL, IOWIN; the rest of the page is empty */
#define LAYOUT_LAPIC_GPA      UINT64_C(0xfee00000)

/* Interrupt lines. */
enum {
	/* As many as there are lines to use: a guest writes each of them several times, an exit
	 * each. */
	LAYOUT_IOAPIC_PINS = 16,
	LAYOUT_I8042_GSI = 1,
	LAYOUT_SERIAL_GSI = 4,
	LAYOUT_FIRST_DEVICE_GSI = 5,
	LAYOUT_LAST_DEVICE_GSI = 15, /* the PIC sees nothing above */
	LAYOUT_DEVICES_MAX = LAYOUT_LAST_DEVICE_GSI - LAYOUT_FIRST_DEVICE_GSI + 1,
};

/* I/O ports. */
enum {
	LAYOUT_PORT_CMOS = 0x70, /* index, data */
	LAYOUT_PORT_I8042_DATA = 0x60,
	LAYOUT_PORT_I8042 = 0x64, /* command and status */
	LAYOUT_PORT_EXIT = 0xf4,  /* low byte: exit code as written */
	LAYOUT_PORT_SERIAL = 0x3f8,
	LAYOUT_PORT_QEMU_EXIT = 0x501, /* exit code as QEMU's isa-debug-exit makes it */
	LAYOUT_PORT_PVPANIC = 0x505,
	LAYOUT_PORT_POWER = 0x604,        /* ACPI sleep control; 0x2000 powers off */
	LAYOUT_PORT_SLEEP_STATUS = 0x606, /* ACPI sleep status */
};

enum {
	LAYOUT_VCPUS_MAX = 32,
};

/* A virtio-mmio window as the tables and the command line announce it. */
struct layout_window {
	uint64_t base_gpa;
	uint32_t gsi;
};

/* Memory below the hole, out of all the guest has. */
static inline uint64_t layout_low_ram_bytes(uint64_t ram_bytes)
{
	return ram_bytes < LAYOUT_HOLE_GPA ? ram_bytes : LAYOUT_HOLE_GPA;
}

/* Memory from LAYOUT_HOLE_END_GPA on. */
static inline uint64_t layout_high_ram_bytes(uint64_t ram_bytes)
{
	return ram_bytes - layout_low_ram_bytes(ram_bytes);
}

#endif
