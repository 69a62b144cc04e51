/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/start.S - the first instructions, by either boot protocol.
 *
 * Privilege level 0 may be emulated by the host, at a few hundred times the
 * cost of native code, so all descriptor and page tables are finished at link
 * time (tables.S) and the way to level 3 is a dozen instructions.  The very
 * first thing a guest does is to stamp the boot timer: by the Linux entry that
 * needs our page tables, as the monitor's reach to 1 GiB only.
 */
#include "tests/guests/lib/layout.h"

	.section .text.entry, "ax", @progbits

/* Linux 64-bit entry: long mode, paging on, RSI = zero page. */
	.code64
	.globl guest_entry64
guest_entry64:
	mov $page_map, %eax
	mov %rax, %cr3
	mov $BOOT_TIMER_ADDRESS, %eax
	movb $BOOT_TIMER_BOOTED, (%rax)
	rdtsc
	shl $32, %rdx
	or %rax, %rdx
	xor %edi, %edi /* ENTRY_LINUX64 */
	lgdt descriptor_table_pointer
.Lenter:
	lidt interrupt_table_pointer
	mov $TSS_SELECTOR, %eax
	ltr %ax
	mov $boot_frame, %esp
	iretq

/* PVH entry: 32-bit flat, paging off, EBX = start info. */
	.code32
	.globl guest_entry_pvh
guest_entry_pvh:
	movb $BOOT_TIMER_BOOTED, BOOT_TIMER_ADDRESS
	rdtsc
	mov %eax, %ebp
	mov %edx, %esi
	mov $0x20, %eax /* physical address extension */
	mov %eax, %cr4
	mov $page_map, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx /* EFER.LME */
	mov $0x100, %eax
	xor %edx, %edx
	wrmsr
	mov %cr0, %eax
	or $0x80000000, %eax
	mov %eax, %cr0
	lgdt descriptor_table_pointer
	ljmp $KERNEL_CODE_SELECTOR, $.Lpvh64
	.code64
.Lpvh64:
	mov $ENTRY_PVH, %edi
	mov %esi, %edx
	shl $32, %rdx
	mov %ebp, %ebp
	or %rbp, %rdx
	mov %ebx, %esi
	jmp .Lenter

/* What iretq takes to guest_start(): EDI = protocol, RSI = its structure, RDX = the clock at entry. */
	.section .data.frame, "aw", @progbits
	.balign 16
boot_frame:
	.quad guest_start
	.quad USER_CODE_SELECTOR
	.quad USER_FLAGS
	.quad user_stacks + USER_STACK_BYTES - 8
	.quad USER_DATA_SELECTOR

	.section .bss.stacks, "aw", @nobits
	.balign 4096
	.globl kernel_stacks
kernel_stacks:
	.skip CPUS_MAX * KERNEL_STACK_BYTES
	.globl user_stacks
user_stacks:
	.skip CPUS_MAX * USER_STACK_BYTES

/* The mote note: version 1, and how e_entry wants to be entered. */
	.section .note.mote, "a", @note
	.balign 4
	.long 5, 8, 1
	.asciz "mote"
	.balign 4
	.long 1, guest_note_kind

/* The PVH note (XEN_ELFNOTE_PHYS32_ENTRY). */
	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 4, 18
	.asciz "Xen"
	.long guest_entry_pvh

	.section .note.GNU-stack, "", @progbits
