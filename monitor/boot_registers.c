/* SPDX-License-Identifier: MIT */
/* monitor/boot_registers.c - the registers' half of boot_x86.h. */
#include "monitor/boot_x86.h"

#include "monitor/boot_gdt.h"
#include "monitor/layout.h"

enum {
	CR0_PE = 1 << 0,
	CR0_ET = 1 << 4,
	CR4_PAE = 1 << 5,
	EFER_LME = 1 << 8,
	EFER_LMA = 1 << 10,
	RFLAGS_FIXED = 1 << 1, /* always one; IF, TF and VM are zero */
};
#define CR0_PG UINT64_C(0x80000000)

/*
 * Segment descriptors, all accessed or busy, as after a load.  Base 0 and limit 4 GiB, except for
 * the TSS: PVH asks for the 104 bytes of a 32-bit one.
 */
#define GDT_CODE64 UINT64_C(0x00af9b000000ffff)
#define GDT_CODE32 UINT64_C(0x00cf9b000000ffff)
#define GDT_DATA   UINT64_C(0x00cf93000000ffff)
#define GDT_TSS    UINT64_C(0x00008b0000000067)

const uint64_t boot_gdt_linux64[BOOT_GDT_ENTRIES] = {0, GDT_CODE64, GDT_CODE64, GDT_DATA};
const uint64_t boot_gdt_pvh[BOOT_GDT_ENTRIES] = {0, GDT_CODE32, GDT_DATA, GDT_TSS};

enum {
	LINUX64_CS = 0x10,
	LINUX64_DS = 0x18,
	LINUX64_TR = 0, /* no descriptor in memory */
	PVH_CS = 0x08,
	PVH_DS = 0x10,
	PVH_TR = 0x18,
};

/* The hidden part of a segment register, as the processor would have loaded it. */
static struct kvm_segment load_segment(uint16_t selector, uint64_t descriptor)
{
	struct kvm_segment segment = {
		.base = (descriptor >> 16 & 0xffffff) | (descriptor >> 56) << 24,
		.limit = (uint32_t)((descriptor & 0xffff) | (descriptor >> 32 & 0xf0000)),
		.selector = selector,
		.type = descriptor >> 40 & 0xf,
		.s = descriptor >> 44 & 1,
		.dpl = descriptor >> 45 & 3,
		.present = descriptor >> 47 & 1,
		.avl = descriptor >> 52 & 1,
		.l = descriptor >> 53 & 1,
		.db = descriptor >> 54 & 1,
		.g = descriptor >> 55 & 1,
	};

	if (segment.g)
		segment.limit = segment.limit << 12 | 0xfff;
	return segment;
}

static void load_segments(struct kvm_sregs *sregs, const uint64_t gdt[BOOT_GDT_ENTRIES],
			  uint16_t code, uint16_t data, uint16_t task)
{
	struct kvm_segment loaded = load_segment(data, gdt[data / 8]);

	sregs->cs = load_segment(code, gdt[code / 8]);
	sregs->ds = loaded;
	sregs->es = loaded;
	sregs->fs = loaded;
	sregs->gs = loaded;
	sregs->ss = loaded;
	sregs->tr = load_segment(task, GDT_TSS);
	sregs->gdt.base = LAYOUT_GDT_GPA;
	sregs->gdt.limit = BOOT_GDT_BYTES - 1;
	sregs->idt.base = LAYOUT_IDT_GPA;
	sregs->idt.limit = BOOT_IDT_BYTES - 1;
}

void boot_registers_linux64(struct kvm_sregs *sregs, struct kvm_regs *regs,
			    const struct boot_parameters *parameters)
{
	load_segments(sregs, boot_gdt_linux64, LINUX64_CS, LINUX64_DS, LINUX64_TR);
	sregs->cr0 = CR0_PE | CR0_ET | CR0_PG;
	sregs->cr3 = LAYOUT_PML4_GPA;
	sregs->cr4 = CR4_PAE;
	sregs->efer = EFER_LME | EFER_LMA;
	*regs = (struct kvm_regs){
		.rip = parameters->entry_gpa,
		.rflags = RFLAGS_FIXED,
		.rsi = LAYOUT_ZERO_PAGE_GPA,
		.rsp = LAYOUT_BOOT_STACK_GPA,
		.rbp = LAYOUT_BOOT_STACK_GPA,
	};
}

void boot_registers_pvh(struct kvm_sregs *sregs, struct kvm_regs *regs,
			const struct boot_parameters *parameters)
{
	load_segments(sregs, boot_gdt_pvh, PVH_CS, PVH_DS, PVH_TR);
	sregs->cr0 = CR0_PE | CR0_ET;
	sregs->cr3 = 0;
	sregs->cr4 = 0;
	sregs->efer = 0;
	*regs = (struct kvm_regs){
		.rip = parameters->entry_gpa,
		.rflags = RFLAGS_FIXED,
		.rbx = LAYOUT_PVH_START_INFO_GPA,
	};
}
