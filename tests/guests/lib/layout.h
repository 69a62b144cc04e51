/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/layout.h - the numbers that assembly and C of a guest share.
 *
 * Selectors follow Intel SDM volume 3, 3.4 and 6; the boot timer page and the
 * low addresses are those of the machine that mote offers.  Everything is a
 * macro because the assembler reads this file too.
 */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

/* Who entered: the first argument of guest_start(). */
#define ENTRY_LINUX64 0
#define ENTRY_PVH     1

/* Devices that are reached before any C runs. */
#define BOOT_TIMER_ADDRESS 0xc0000000
#define BOOT_TIMER_BOOTED  123
#define LAPIC_ADDRESS      0xfee00000
#define LAPIC_EOI_ADDRESS  0xfee000b0
#define IOAPIC_ADDRESS     0xfec00000

/* The application processors wake up here, in real mode; RAM that no boot table uses. */
#define TRAMPOLINE_ADDRESS 0x10000

#define CPUS_MAX           32
#define KERNEL_STACK_BYTES 4096
#define USER_STACK_BYTES   8192

/* The global descriptor table: one task state segment for each processor at the end. */
#define KERNEL_CODE_SELECTOR 0x08
#define KERNEL_DATA_SELECTOR 0x10
#define USER_DATA_SELECTOR   0x1b
#define USER_CODE_SELECTOR   0x23
#define TSS_SELECTOR         0x28

#define TSS_BYTES  104
#define TSS_STRIDE 128
#define PORTS_OPEN 0x1000 /* what the bitmap behind the task state segments covers */

/* IOPL 3 lets privilege level 3 use ports; bit 1 is always set; interrupts are off. */
#define USER_FLAGS 0x3002

/*
 * Interrupt vectors: 32 exceptions and 32 interrupts, which are counted.  The breakpoint is the
 * gate for calls, because it is the one software interrupt that every host delivers at full speed.
 */
#define VECTOR_SERVICE         3
#define VECTOR_FIRST_INTERRUPT 32
#define VECTOR_INTERRUPTS      32
#define VECTOR_COUNT           64
#define TRAP_STUB_BYTES        32

/* What privilege level 3 may ask for through VECTOR_SERVICE; number in EDI. */
#define SERVICE_READ_MSR     0
#define SERVICE_WRITE_MSR    1
#define SERVICE_CPUID        2
#define SERVICE_WRITE_STRING 3
#define SERVICE_HALT         4
#define SERVICE_WRITE_MMIO   5

#endif
