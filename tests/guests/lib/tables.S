/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/tables.S - descriptor and page tables, finished at link time.
 *
 * Descriptors scatter an address over fields that no relocation can fill, so
 * link.ld splits the two addresses in question into the symbols used here.
 */
#include "tests/guests/lib/layout.h"

	.section .data.tables, "aw", @progbits
	.balign 16
	.globl descriptor_table
descriptor_table:
	.quad 0
	.quad 0x00af9b000000ffff /* KERNEL_CODE_SELECTOR */
	.quad 0x00cf93000000ffff /* KERNEL_DATA_SELECTOR */
	.quad 0x00cff3000000ffff /* USER_DATA_SELECTOR */
	.quad 0x00affb000000ffff /* USER_CODE_SELECTOR */
	.set cpu, 0
	.rept CPUS_MAX
	.word (CPUS_MAX - cpu) * TSS_STRIDE + PORTS_OPEN / 8
	.word task_states_bits_0_15 + cpu * TSS_STRIDE
	.byte task_states_bits_16_23
	.byte 0x89
	.word 0
	.quad 0
	.set cpu, cpu + 1
	.endr
descriptor_table_end:

	.balign 16
	.globl interrupt_table
interrupt_table:
	.set vector, 0
	.rept VECTOR_COUNT
	.word trap_stubs_bits_0_15 + vector * TRAP_STUB_BYTES
	.word KERNEL_CODE_SELECTOR
	.if vector == VECTOR_SERVICE
	.word 0xee00 /* open to privilege level 3 */
	.else
	.word 0x8e00
	.endif
	.word trap_stubs_bits_16_31
	.quad 0
	.set vector, vector + 1
	.endr
interrupt_table_end:

	.balign 8
	.globl descriptor_table_pointer
descriptor_table_pointer:
	.word descriptor_table_end - descriptor_table - 1
	.quad descriptor_table
	.balign 8
	.globl interrupt_table_pointer
interrupt_table_pointer:
	.word interrupt_table_end - interrupt_table - 1
	.quad interrupt_table

/*
 * Two things matter: the stack for privilege level 0, and the bitmap that opens
 * ports to level 3.  IOPL 3 says the same, but is lost where level 0 is emulated.
 * All processors share one bitmap, which each reaches at another distance.
 */
	.balign 4096
	.globl task_states
task_states:
	.set cpu, 0
	.rept CPUS_MAX
	.long 0
	.quad kernel_stacks + (cpu + 1) * KERNEL_STACK_BYTES
	.skip TSS_BYTES - 12 - 2
	.word (CPUS_MAX - cpu) * TSS_STRIDE
	.skip TSS_STRIDE - TSS_BYTES
	.set cpu, cpu + 1
	.endr
	.skip PORTS_OPEN / 8
	.byte 0xff

/*
 * The first 4 GiB, one to one, in 2 MiB pages that level 3 may use.  Accessed and
 * dirty are set beforehand, so that nobody has to write to these pages.  Devices,
 * from 3 GiB on, are not cached.
 */
	.section .data.pages, "aw", @progbits
	.balign 4096
	.globl page_map
page_map:
	.quad page_directory_pointers + 0x27
	.skip 4096 - 8
	.globl page_directory_pointers
page_directory_pointers:
	.quad page_directories + 0x27
	.quad page_directories + 0x1027
	.quad page_directories + 0x2027
	.quad page_directories + 0x3027
	.skip 4096 - 32
page_directories:
	.set page, 0
	.rept 1536
	.quad (page << 21) + 0xe7
	.set page, page + 1
	.endr
	.rept 512
	.quad (page << 21) + 0xf7
	.set page, page + 1
	.endr

	.section .note.GNU-stack, "", @progbits
