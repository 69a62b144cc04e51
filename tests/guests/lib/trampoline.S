/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/trampoline.S - how an application processor comes to level 3.
 *
 * smp.c copies the first part to TRAMPOLINE_ADDRESS, where the processor starts
 * in real mode with CS pointing at it.  Protection, paging and long mode are
 * switched on at once; the rest runs where it was linked.
 */
#include "tests/guests/lib/layout.h"

	.section .rodata.trampoline, "a", @progbits
	.code16
	.globl trampoline
trampoline:
	cli
	mov %cs, %ax
	mov %ax, %ds
	lgdtl (.Lpointer - trampoline)
	mov $0x20, %eax
	mov %eax, %cr4
	mov $page_map, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx
	mov $0x100, %eax
	xor %edx, %edx
	wrmsr
	mov $0x80000011, %eax
	mov %eax, %cr0
	ljmpl $KERNEL_CODE_SELECTOR, $application_entry
	.balign 8
.Lpointer:
	.word TSS_SELECTOR + 16 * CPUS_MAX - 1
	.long descriptor_table
	.globl trampoline_end
trampoline_end:

	.section .text.application, "ax", @progbits
	.code64
	.globl application_entry
application_entry:
	mov $KERNEL_DATA_SELECTOR, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $1, %edi
	lock xadd %edi, smp_ticket
	lidt interrupt_table_pointer
	mov %edi, %eax
	shl $4, %eax
	add $TSS_SELECTOR, %eax
	ltr %ax
	lea 1(%rdi), %ecx
	imul $KERNEL_STACK_BYTES, %ecx, %edx
	lea kernel_stacks(%rdx), %rsp
	imul $USER_STACK_BYTES, %ecx, %edx
	lea user_stacks - 8(%rdx), %rdx
	push $USER_DATA_SELECTOR
	push %rdx
	push $USER_FLAGS
	push $USER_CODE_SELECTOR
	push $smp_start
	iretq

	.section .note.GNU-stack, "", @progbits
