/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/traps.S - what runs at privilege level 0 after the start.
 *
 * Interrupts are only counted and acknowledged: three instructions, no register.
 * The program looks at the counters from level 3 (interrupt.h).  Level 3 idles
 * with a plain hlt, which raises #GP there; the handler halts on its behalf.
 */
#include "tests/guests/lib/layout.h"

#define GENERAL_PROTECTION 13

/* One bit for each exception that comes with an error code: 8, 10-14, 17, 21, 29, 30. */
#define ERROR_CODE_VECTORS 0x60227d00

	.section .text.traps, "ax", @progbits
	.code64

/* Each stub has TRAP_STUB_BYTES, so that tables.S can compute its address. */
	.balign TRAP_STUB_BYTES
	.globl trap_stubs
trap_stubs:
	.set vector, 0
	.rept VECTOR_FIRST_INTERRUPT
	.balign TRAP_STUB_BYTES
	.if vector == GENERAL_PROTECTION
	jmp general_protection
	.elseif vector == VECTOR_SERVICE
	jmp service
	.else
	.if ((ERROR_CODE_VECTORS >> vector) & 1) == 0
	push $0
	.endif
	push $vector
	jmp exception
	.endif
	.set vector, vector + 1
	.endr
	.set vector, 0
	.rept VECTOR_INTERRUPTS
	.balign TRAP_STUB_BYTES
	lock incl interrupt_counts + 4 * vector
	addr32 movl $0, LAPIC_EOI_ADDRESS
	iretq
	.set vector, vector + 1
	.endr

/* Stack: error code, RIP, CS, flags, RSP, SS. */
general_protection:
	push %rax
	mov 16(%rsp), %rax
	cmpb $0xf4, (%rax)
	pop %rax
	jne .Lgeneral_protection_error
	incq 8(%rsp)
	add $8, %rsp
	sti
	hlt
	cli
	iretq
.Lgeneral_protection_error:
	push $GENERAL_PROTECTION

/* Stack: vector, error code, RIP.  Nothing returns from here. */
exception:
	pop %rdi
	pop %rsi
	pop %rdx
	mov %cr2, %rcx
	and $~15, %rsp
	call trap_report
0:
	cli
	hlt
	jmp 0b

/* EDI = service.  There is one caller for each, in cpu.c, so the number is right. */
service:
	jmp *service_table(, %rdi, 8)

service_read_msr:
	rdmsr
	iretq
service_write_msr:
	wrmsr
	iretq
service_cpuid:
	cpuid
	iretq
/* RSI = first byte, ECX = how many, DX = port. */
service_write_string:
	lodsb
	outb %al, %dx
	dec %ecx
	jnz service_write_string
	iretq
service_halt:
	cli
	hlt
	jmp service_halt
/* RSI = pairs of address and value, 32 bits each; ECX = how many. */
service_write_mmio:
	lodsl
	mov %eax, %edx
	lodsl
	mov %eax, (%rdx)
	dec %ecx
	jnz service_write_mmio
	iretq

	.section .rodata.services, "a", @progbits
	.balign 8
service_table:
	.quad service_read_msr
	.quad service_write_msr
	.quad service_cpuid
	.quad service_write_string
	.quad service_halt
	.quad service_write_mmio

	.section .note.GNU-stack, "", @progbits
