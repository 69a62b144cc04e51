/* SPDX-License-Identifier: MIT */
/* tests/unit/test_boot_x86.c - low memory and registers, byte by byte where a protocol says so. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/boot_x86.h"
#include "monitor/layout.h"
#include "tests/unit/guard.h"

/* What all tables together need; 64 GiB guests are described, not allocated. */
static uint8_t ram[LAYOUT_MIB];

#define ENTRY_GPA UINT64_C(0x1000200)

static struct guest_memory fresh_memory(void)
{
	struct guest_memory memory = {0};

	memset(ram, 0xcc, sizeof(ram));
	assert_int_equal(guest_memory_add(&memory, 0, sizeof(ram), ram), 0);
	return memory;
}

static uint64_t load(uint64_t gpa, unsigned int bytes)
{
	uint64_t value = 0;

	memcpy(&value, ram + gpa, bytes);
	return value;
}

static const struct boot_parameters plain = {
	.ram_bytes = 128 * LAYOUT_MIB,
	.entry_gpa = ENTRY_GPA,
	.cmdline = "console=ttyS0",
	.cmdline_bytes = 13,
};

static void assert_zero(uint64_t gpa, uint64_t end_gpa)
{
	for (; gpa < end_gpa; gpa++)
		assert_int_equal(ram[gpa], 0);
}

static void zero_page_of_an_elf_image(void **state)
{
	struct guest_memory memory = fresh_memory();
	struct boot_parameters parameters = plain;

	(void)state;
	parameters.initrd_gpa = 0x7000000;
	parameters.initrd_bytes = 0x12345;
	parameters.rsdp_gpa = 0xe0000;
	assert_int_equal(boot_write_linux64(&memory, &parameters), 0);
	assert_int_equal(load(0x7070, 8), 0xe0000);   /* acpi_rsdp_addr */
	assert_int_equal(load(0x71ef, 1), 0);         /* sentinel: Linux wipes the page if set */
	assert_int_equal(load(0x71fe, 2), 0xaa55);    /* boot_flag */
	assert_memory_equal(ram + 0x7202, "HdrS", 4); /* header */
	assert_true(load(0x7206, 2) >= 0x020c);       /* version */
	assert_int_equal(load(0x7210, 1), 0xff);      /* type_of_loader */
	assert_int_equal(load(0x7211, 1), 0x01);      /* loadflags: LOADED_HIGH */
	assert_int_equal(load(0x7218, 4), 0x7000000); /* ramdisk_image */
	assert_int_equal(load(0x721c, 4), 0x12345);   /* ramdisk_size */
	assert_int_equal(load(0x7228, 4), 0x20000);   /* cmd_line_ptr */
	assert_int_equal(load(0x7230, 4), 0x1000000); /* kernel_alignment */
	assert_int_equal(load(0x7238, 4), 13);        /* cmdline_size */
	assert_int_equal(load(0x7250, 8), 0);         /* setup_data */
	assert_int_equal(load(0x70c0, 4), 0);         /* ext_ramdisk_image */
	assert_int_equal(load(0x70c4, 4), 0);         /* ext_ramdisk_size */
	assert_int_equal(load(0x70c8, 4), 0);         /* ext_cmd_line_ptr */
	assert_string_equal((const char *)ram + 0x20000, "console=ttyS0");
}

static void zero_page_without_extras(void **state)
{
	struct guest_memory memory = fresh_memory();
	struct boot_parameters parameters = plain;

	(void)state;
	parameters.cmdline = NULL;
	parameters.cmdline_bytes = 0;
	parameters.initrd_gpa = 0x4000;
	assert_int_equal(boot_write_linux64(&memory, &parameters), 0);
	assert_int_equal(load(0x7070, 8), 0);
	assert_int_equal(load(0x7218, 8), 0);
	assert_int_equal(load(0x7238, 4), 0);
	assert_int_equal(load(0x20000, 1), 0);
}

/* A header as an image carries it, with every byte set, so that what is not patched shows. */
static struct guard image_header(uint32_t length)
{
	uint8_t header[0x100];

	for (unsigned int i = 0; i < sizeof(header); i++)
		header[i] = (uint8_t)(i | 0x80);
	memcpy(header + (0x1fe - 0x1f1), "\x55\xaa", 2);
	memcpy(header + (0x202 - 0x1f1), "HdrS\x0f\x02", 6);
	return guard_copy(header, length);
}

static void zero_page_of_a_bzimage(void **state)
{
	struct guest_memory memory = fresh_memory();
	struct boot_parameters parameters = plain;
	struct guard header = image_header(0x26c - 0x1f1);

	(void)state;
	parameters.setup_header = header.bytes;
	parameters.setup_header_bytes = 0x26c - 0x1f1;
	assert_int_equal(boot_write_linux64(&memory, &parameters), 0);
	assert_int_equal(load(0x7206, 2), 0x020f);
	assert_int_equal(load(0x71f1, 1), 0x80);        /* setup_sects: the image's */
	assert_int_equal(load(0x7230, 1), 0x3f | 0x80); /* kernel_alignment: the image's */
	assert_int_equal(load(0x7260, 1), 0x6f | 0x80); /* init_size: the image's */
	assert_int_equal(load(0x726b, 1), 0x7a | 0x80); /* the last byte */
	assert_zero(0x726c, 0x72d0);                    /* nothing behind the header */
	assert_int_equal(load(0x7210, 1), 0xff);        /* type_of_loader */
	assert_int_equal(load(0x7211, 1), 0x21);        /* 0xa0: LOADED_HIGH set, heap cleared */
	assert_int_equal(load(0x7218, 8), 0);           /* ramdisk */
	assert_int_equal(load(0x7226, 2), 0);           /* ext_loader */
	assert_int_equal(load(0x7228, 4), 0x20000);     /* cmd_line_ptr */
	assert_int_equal(load(0x7238, 4), 13);          /* cmdline_size */
	assert_int_equal(load(0x7250, 8), 0);           /* setup_data */
	guard_release(&header);
}

static void refuses_a_header_that_is_none(void **state)
{
	static const uint32_t good[] = {0x264 - 0x1f1, 0x290 - 0x1f1};
	static const uint32_t bad[] = {0, 1, 0x264 - 0x1f1 - 1, 0x290 - 0x1f1 + 1, UINT32_MAX};
	struct guest_memory memory = fresh_memory();
	struct boot_parameters parameters = plain;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		parameters.setup_header = ram;
		parameters.setup_header_bytes = bad[i];
		assert_int_equal(boot_write_linux64(&memory, &parameters), -EINVAL);
	}
	for (unsigned int i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct guard header = image_header(good[i]);

		parameters.setup_header = header.bytes;
		parameters.setup_header_bytes = good[i];
		assert_int_equal(boot_write_linux64(&memory, &parameters), 0);
		guard_release(&header);
	}
}

struct expected_map {
	uint64_t ram_bytes;
	unsigned int count;
	uint64_t ranges[3][2];
};

#define FIRST              \
	{                  \
		0, 0x9fc00 \
	}

static const struct expected_map maps[] = {
	{1 * LAYOUT_MIB, 1, {FIRST}},
	{1 * LAYOUT_MIB + 4096, 2, {FIRST, {LAYOUT_MIB, 4096}}},
	{2 * LAYOUT_MIB, 2, {FIRST, {LAYOUT_MIB, LAYOUT_MIB}}},
	{128 * LAYOUT_MIB, 2, {FIRST, {LAYOUT_MIB, 127 * LAYOUT_MIB}}},
	{3 * LAYOUT_GIB, 2, {FIRST, {LAYOUT_MIB, 0xbff00000}}},
	{3 * LAYOUT_GIB + 4096, 3, {FIRST, {LAYOUT_MIB, 0xbff00000}, {0x100000000, 4096}}},
	{64 * LAYOUT_GIB, 3, {FIRST, {LAYOUT_MIB, 0xbff00000}, {0x100000000, 61 * LAYOUT_GIB}}},
};

static void memory_maps_of_both_protocols(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		struct boot_parameters parameters = plain;
		struct guest_memory memory = fresh_memory();

		parameters.ram_bytes = maps[i].ram_bytes;
		assert_int_equal(boot_write_linux64(&memory, &parameters), 0);
		assert_int_equal(load(0x71e8, 1), maps[i].count);
		for (unsigned int j = 0; j < maps[i].count; j++) {
			assert_int_equal(load(0x72d0 + 20 * j, 8), maps[i].ranges[j][0]);
			assert_int_equal(load(0x72d8 + 20 * j, 8), maps[i].ranges[j][1]);
			assert_int_equal(load(0x72e0 + 20 * j, 4), 1);
		}
		assert_int_equal(boot_write_pvh(&memory, &parameters), 0);
		assert_int_equal(load(0x6030, 4), maps[i].count);
		for (unsigned int j = 0; j < maps[i].count; j++) {
			assert_int_equal(load(0x7000 + 24 * j, 8), maps[i].ranges[j][0]);
			assert_int_equal(load(0x7008 + 24 * j, 8), maps[i].ranges[j][1]);
			assert_int_equal(load(0x7010 + 24 * j, 8), 1);
		}
	}
}

static void page_tables_map_one_gib(void **state)
{
	struct guest_memory memory = fresh_memory();

	(void)state;
	assert_int_equal(boot_write_linux64(&memory, &plain), 0);
	assert_int_equal(load(0x9000, 8), 0xa003);
	assert_zero(0x9008, 0xa000);
	assert_int_equal(load(0xa000, 8), 0xb003);
	assert_zero(0xa008, 0xb000);
	for (uint64_t i = 0; i < 512; i++)
		assert_int_equal(load(0xb000 + 8 * i, 8), i * 0x200000 + 0x83);
}

static void start_info_of_pvh(void **state)
{
	struct guest_memory memory = fresh_memory();
	struct boot_parameters parameters = plain;

	(void)state;
	parameters.initrd_gpa = 0x7000000;
	parameters.initrd_bytes = 0x12345;
	parameters.rsdp_gpa = 0xe0000;
	assert_int_equal(boot_write_pvh(&memory, &parameters), 0);
	assert_int_equal(load(0x6000, 4), 0x336ec578);
	assert_int_equal(load(0x6004, 4), 1);       /* version */
	assert_int_equal(load(0x6008, 4), 0);       /* flags */
	assert_int_equal(load(0x600c, 4), 1);       /* nr_modules */
	assert_int_equal(load(0x6010, 8), 0x6040);  /* modlist_paddr */
	assert_int_equal(load(0x6018, 8), 0x20000); /* cmdline_paddr */
	assert_int_equal(load(0x6020, 8), 0xe0000); /* rsdp_paddr */
	assert_int_equal(load(0x6028, 8), 0x7000);  /* memmap_paddr */
	assert_int_equal(load(0x6030, 8), 2);       /* memmap_entries, reserved */
	assert_int_equal(load(0x6040, 8), 0x7000000);
	assert_int_equal(load(0x6048, 8), 0x12345);
	assert_zero(0x6050, 0x6060);
	assert_string_equal((const char *)ram + 0x20000, "console=ttyS0");
}

static void start_info_without_modules(void **state)
{
	struct guest_memory memory = fresh_memory();

	(void)state;
	assert_int_equal(boot_write_pvh(&memory, &plain), 0);
	assert_int_equal(load(0x600c, 4), 0);
	assert_int_equal(load(0x6010, 8), 0);
	assert_int_equal(load(0x6020, 8), 0);
}

static void command_line_has_a_limit(void **state)
{
	char text[LAYOUT_CMDLINE_MAX_BYTES];
	struct guest_memory memory = fresh_memory();
	struct boot_parameters parameters = plain;

	(void)state;
	memset(text, 'x', sizeof(text));
	parameters.cmdline = text;
	parameters.cmdline_bytes = sizeof(text);
	assert_int_equal(boot_write_linux64(&memory, &parameters), -E2BIG);
	assert_int_equal(boot_write_pvh(&memory, &parameters), -E2BIG);
	parameters.cmdline_bytes--;
	assert_int_equal(boot_write_linux64(&memory, &parameters), 0);
	assert_int_equal(load(0x20000 + 2046, 2), 'x');
	assert_int_equal(load(0x7238, 4), 2047);
	assert_int_equal(boot_write_pvh(&memory, &parameters), 0);
}

static void refuses_an_initrd_above_4_gib(void **state)
{
	struct guest_memory memory = fresh_memory();
	struct boot_parameters parameters = plain;

	(void)state;
	parameters.initrd_gpa = LAYOUT_HOLE_END_GPA;
	parameters.initrd_bytes = 4096;
	assert_int_equal(boot_write_linux64(&memory, &parameters), -EINVAL);
	assert_int_equal(boot_write_pvh(&memory, &parameters), -EINVAL);
	parameters.initrd_gpa = UINT64_MAX - 100;
	assert_int_equal(boot_write_linux64(&memory, &parameters), -EINVAL);
	parameters.initrd_gpa = LAYOUT_HOLE_GPA - 4096;
	assert_int_equal(boot_write_linux64(&memory, &parameters), 0);
}

static void refuses_memory_that_is_too_small(void **state)
{
	static const size_t sizes[] = {0x500, 0x524, 0x6000, 0x7100, 0x9fff, 0xb800, 0x20004};

	(void)state;
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct guest_memory memory = {0};
		struct guard guard = guard_copy(ram, sizes[i]);

		assert_int_equal(guest_memory_add(&memory, 0, sizes[i], guard.bytes), 0);
		assert_int_equal(boot_write_linux64(&memory, &plain), -EFAULT);
		assert_int_equal(boot_write_pvh(&memory, &plain), -EFAULT);
		guard_release(&guard);
	}
}

/* The hidden part of the register is what the descriptor in guest memory says. */
static void assert_loaded_from_gdt(const struct kvm_segment *segment, const struct kvm_sregs *sregs)
{
	uint64_t descriptor = load(sregs->gdt.base + segment->selector, 8);
	uint64_t limit = (descriptor & 0xffff) | (descriptor >> 48 & 0xf) << 16;
	uint64_t access = (uint64_t)segment->type | (uint64_t)segment->s << 4 |
			  (uint64_t)segment->dpl << 5 | (uint64_t)segment->present << 7;
	uint64_t flags = (uint64_t)segment->avl | (uint64_t)segment->l << 1 |
			 (uint64_t)segment->db << 2 | (uint64_t)segment->g << 3;

	assert_true(segment->selector + 7u <= sregs->gdt.limit);
	assert_int_equal(segment->base, 0);
	assert_int_equal(segment->limit, segment->g ? limit << 12 | 0xfff : limit);
	assert_int_equal(access, descriptor >> 40 & 0xff);
	assert_int_equal(flags, descriptor >> 52 & 0xf);
}

static void assert_data_segments(const struct kvm_sregs *sregs, uint16_t selector)
{
	const struct kvm_segment *data[] = {&sregs->ds, &sregs->es, &sregs->fs, &sregs->gs,
					    &sregs->ss};

	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(data[i]->selector, selector);
		assert_int_equal(data[i]->type, 3);
		assert_int_equal(data[i]->limit, UINT32_MAX);
		assert_loaded_from_gdt(data[i], sregs);
	}
}

static void assert_untouched(const struct kvm_sregs *sregs)
{
	struct kvm_sregs before;

	memset(&before, 0xa5, sizeof(before));
	assert_memory_equal(&sregs->ldt, &before.ldt, sizeof(before.ldt));
	assert_int_equal(sregs->apic_base, before.apic_base);
	assert_int_equal(sregs->cr8, before.cr8);
	assert_memory_equal(sregs->interrupt_bitmap, before.interrupt_bitmap,
			    sizeof(before.interrupt_bitmap));
}

static void registers_of_linux64(void **state)
{
	struct guest_memory memory = fresh_memory();
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	(void)state;
	memset(&sregs, 0xa5, sizeof(sregs));
	memset(&regs, 0xa5, sizeof(regs));
	assert_int_equal(boot_write_linux64(&memory, &plain), 0);
	boot_registers_linux64(&sregs, &regs, &plain);
	assert_untouched(&sregs);

	assert_int_equal(regs.rip, ENTRY_GPA);
	assert_int_equal(regs.rsi, 0x7000);
	assert_int_equal(regs.rsp, 0x8ff0);
	assert_int_equal(regs.rbp, 0x8ff0);
	assert_int_equal(regs.rflags, 2);
	assert_int_equal(regs.rax | regs.rbx | regs.rcx | regs.rdx | regs.rdi | regs.r8 | regs.r15,
			 0);

	assert_int_equal(sregs.cr0, 0x80000011);
	assert_int_equal(sregs.cr3, 0x9000);
	assert_int_equal(sregs.cr4, 0x20);
	assert_int_equal(sregs.efer, 0x500);
	assert_int_equal(sregs.gdt.base, 0x500);
	assert_int_equal(sregs.gdt.limit, 31);
	assert_int_equal(sregs.idt.base, 0x520);
	assert_int_equal(sregs.idt.limit, 7);
	assert_int_equal(load(0x520, 8), 0);

	assert_int_equal(sregs.cs.selector, 0x10);
	assert_int_equal(sregs.cs.type, 0xb);
	assert_int_equal(sregs.cs.l, 1);
	assert_int_equal(sregs.cs.db, 0);
	assert_loaded_from_gdt(&sregs.cs, &sregs);
	assert_data_segments(&sregs, 0x18);
	assert_int_equal(load(0x500, 8), 0);
	assert_int_equal(load(0x508, 8), load(0x510, 8)); /* code at Firecracker's selector too */
	assert_int_equal(sregs.tr.type, 0xb);             /* busy TSS, or VMX refuses to enter */
	assert_int_equal(sregs.tr.present, 1);
	assert_int_equal(sregs.tr.s, 0);
	assert_int_equal(sregs.tr.limit, 0x67);
}

static void registers_of_pvh(void **state)
{
	struct guest_memory memory = fresh_memory();
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	(void)state;
	memset(&sregs, 0xa5, sizeof(sregs));
	memset(&regs, 0xa5, sizeof(regs));
	assert_int_equal(boot_write_pvh(&memory, &plain), 0);
	boot_registers_pvh(&sregs, &regs, &plain);
	assert_untouched(&sregs);

	assert_int_equal(regs.rip, ENTRY_GPA);
	assert_int_equal(regs.rbx, 0x6000);
	assert_int_equal(regs.rflags, 2);
	assert_int_equal(regs.rsi | regs.rsp | regs.rbp | regs.rax, 0);

	assert_int_equal(sregs.cr0, 0x11);
	assert_int_equal(sregs.cr4, 0);
	assert_int_equal(sregs.efer, 0);
	assert_int_equal(sregs.gdt.base, 0x500);
	assert_int_equal(sregs.gdt.limit, 31);
	assert_int_equal(sregs.idt.base, 0x520);

	assert_int_equal(sregs.cs.selector, 0x08);
	assert_int_equal(sregs.cs.l, 0);
	assert_int_equal(sregs.cs.db, 1);
	assert_int_equal(sregs.cs.limit, UINT32_MAX);
	assert_loaded_from_gdt(&sregs.cs, &sregs);
	assert_data_segments(&sregs, 0x10);
	assert_int_equal(sregs.tr.selector, 0x18);
	assert_int_equal(sregs.tr.limit, 0x67);
	assert_loaded_from_gdt(&sregs.tr, &sregs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_page_of_an_elf_image),
		cmocka_unit_test(zero_page_without_extras),
		cmocka_unit_test(zero_page_of_a_bzimage),
		cmocka_unit_test(refuses_a_header_that_is_none),
		cmocka_unit_test(memory_maps_of_both_protocols),
		cmocka_unit_test(page_tables_map_one_gib),
		cmocka_unit_test(start_info_of_pvh),
		cmocka_unit_test(start_info_without_modules),
		cmocka_unit_test(command_line_has_a_limit),
		cmocka_unit_test(refuses_an_initrd_above_4_gib),
		cmocka_unit_test(refuses_memory_that_is_too_small),
		cmocka_unit_test(registers_of_linux64),
		cmocka_unit_test(registers_of_pvh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
