/* SPDX-License-Identifier: MIT */
/* tests/unit/test_elf.c - ELF headers and segments: what is taken, and what is refused and how. */
#include "tests/unit/elf_check.h"

#define GIB (UINT64_C(1) << 30)

static void refuses_wrong_headers(void **state)
{
	static const struct refusal refusals[] = {
		{EHDR(e_ident[EI_CLASS]), 3, "ELF class 3 is neither 32-bit nor 64-bit", -ENOEXEC},
		{EHDR(e_ident[EI_DATA]), ELFDATA2MSB,
		 "ELF data encoding 2 is not little-endian (1)", -ENOEXEC},
		{EHDR(e_ident[EI_VERSION]), 0, "ELF version 0/1 is not 1", -ENOEXEC},
		{EHDR(e_version), 2, "ELF version 1/2 is not 1", -ENOEXEC},
		{EHDR(e_machine), EM_AARCH64,
		 "an ELF file for machine 183 (AArch64), not x86-64 (62)", -ENOEXEC},
		{EHDR(e_machine), 999,
		 "an ELF file for machine 999 (another processor), not x86-64 (62)", -ENOEXEC},
		{EHDR(e_type), ET_REL, "an ELF file of type 1: an object file that was not linked",
		 -ENOEXEC},
		{EHDR(e_type), ET_CORE, "an ELF file of type 4: a core dump", -ENOEXEC},
	};

	(void)state;
	ASSERT_ALL_REFUSED(refusals, IMAGE_RAM_BYTES);
}

static void refuses_wrong_tables(void **state)
{
	static const struct refusal refusals[] = {
		{EHDR(e_phnum), 0, "an ELF file without program headers", -ENOEXEC},
		{EHDR(e_phnum), PN_XNUM,
		 "e_phnum is PN_XNUM (65535): extended numbering is not supported", -ENOEXEC},
		{EHDR(e_phnum), 129, "129 program headers; at most 128 are accepted", -ENOEXEC},
		{EHDR(e_phentsize), 32, "e_phentsize is 32, not 56", -ENOEXEC},
		{EHDR(e_phoff), 63, "the program headers at 63 lie inside the ELF header",
		 -ENOEXEC},
		{EHDR(e_phoff), IMAGE_ELF_BYTES - 3 * sizeof(Elf64_Phdr) + 1,
		 "3 program headers at offset 8409 end beyond the file's 8576 bytes", -ENOEXEC},
		{EHDR(e_phoff), UINT64_MAX - 7,
		 "3 program headers at offset 18446744073709551608 end beyond the file's 8576 "
		 "bytes",
		 -ENOEXEC},
	};

	(void)state;
	ASSERT_ALL_REFUSED(refusals, IMAGE_RAM_BYTES);
}

static void refuses_wrong_segments(void **state)
{
	static const struct refusal refusals[] = {
		{PHDR(1, p_filesz), IMAGE_DATA_BYTES + 1,
		 "segment 1 has 0x81 bytes at offset 0x2100, beyond the file's 0x2180", -ENOEXEC},
		{PHDR(1, p_offset), UINT64_MAX,
		 "segment 1 has 0x80 bytes at offset 0xffffffffffffffff, beyond the file's 0x2180",
		 -ENOEXEC},
		{PHDR(1, p_memsz), IMAGE_DATA_BYTES - 1,
		 "segment 1 has 128 bytes in the file but only 127 in memory", -ENOEXEC},
		{PHDR(1, p_memsz), 0, "segment 1 has 128 bytes in the file but only 0 in memory",
		 -ENOEXEC},
		{PHDR(1, p_paddr), UINT64_MAX - 127,
		 "segment 1 at 0xffffffffffffff80 with 0x80 bytes wraps around the end of the "
		 "address space",
		 -ENOEXEC},
		{PHDR(1, p_paddr), IMAGE_RAM_BYTES - IMAGE_DATA_BYTES + 1,
		 "segment 1 at [0x3ffff81, 0x4000001) ends beyond guest memory's 0x4000000",
		 -ENOMEM},
		{PHDR(1, p_paddr), UINT64_C(0xffffffff81000000),
		 "segment 1 at [0xffffffff81000000, 0xffffffff81000080) ends beyond guest memory's "
		 "0x4000000",
		 -ENOMEM},
		{PHDR(1, p_memsz), UINT64_C(1) << 40,
		 "segment 1 at [0x200000, 0x10000200000) ends beyond guest memory's 0x4000000",
		 -ENOMEM},
		{PHDR(1, p_paddr), IMAGE_TEXT_GPA + IMAGE_TEXT_MEMORY_BYTES - 1,
		 "segment 1 at [0x101fff, 0x10207f) overlaps another segment at [0x100000, "
		 "0x102000)",
		 -ENOEXEC},
		{PHDR(1, p_paddr), 0x500 - IMAGE_DATA_BYTES + 1,
		 "segment 1 at [0x481, 0x501) overlaps the boot tables at [0x500, 0xc000)",
		 -ENOEXEC},
		{PHDR(1, p_paddr), 0xbfff,
		 "segment 1 at [0xbfff, 0xc07f) overlaps the boot tables at [0x500, 0xc000)",
		 -ENOEXEC},
		{PHDR(1, p_paddr), 0x207ff,
		 "segment 1 at [0x207ff, 0x2087f) overlaps the command line at [0x20000, 0x20800)",
		 -ENOEXEC},
		{PHDR(1, p_paddr), 0x9fc00 - IMAGE_DATA_BYTES + 1,
		 "segment 1 at [0x9fb81, 0x9fc01) overlaps the MPTable and ACPI area at [0x9fc00, "
		 "0x100000)",
		 -ENOEXEC},
		{PHDR(1, p_paddr), 0xfffff,
		 "segment 1 at [0xfffff, 0x10007f) overlaps the MPTable and ACPI area at [0x9fc00, "
		 "0x100000)",
		 -ENOEXEC},
	};

	(void)state;
	ASSERT_ALL_REFUSED(refusals, IMAGE_RAM_BYTES);
}

static void refuses_the_hole(void **state)
{
	static const struct refusal refusals[] = {
		{PHDR(1, p_paddr), 3 * GIB - 1,
		 "segment 1 at [0xbfffffff, 0xc000007f) reaches into the device hole [0xc0000000, "
		 "0x100000000)",
		 -ENOMEM},
		{PHDR(1, p_paddr), 5 * GIB - 1,
		 "segment 1 at [0x13fffffff, 0x14000007f) ends beyond guest memory's 0x140000000",
		 -ENOMEM},
	};

	(void)state;
	ASSERT_ALL_REFUSED(refusals, 4 * GIB);
}

/* `count` one-byte segments, 4 KiB apart. */
static void make_segments(struct image *image, unsigned int count)
{
	image_elf(image);
	image_ehdr(image)->e_phnum = (Elf64_Half)count;
	for (unsigned int i = 0; i < count; i++)
		*image_phdr(image, i) = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_offset = IMAGE_TEXT_OFFSET,
			.p_paddr = IMAGE_TEXT_GPA + i * 4096,
			.p_filesz = 1,
			.p_memsz = 1,
		};
}

static void takes_32_segments_and_no_more(void **state)
{
	struct image image;
	struct elf_image elf;
	struct reason reason = {""};

	(void)state;
	make_segments(&image, 32);
	assert_parses(&elf, &image);
	assert_int_equal(elf.segments.count, 32);
	make_segments(&image, 33);
	assert_int_equal(parse_in(&elf, &image, IMAGE_RAM_BYTES, &reason), -ENOEXEC);
	assert_string_equal(reason.text, "segment 32 is one too many: at most 32 can be loaded");
}

static void takes_what_just_fits(void **state)
{
	static const uint64_t places[] = {
		0,
		0x500 - IMAGE_DATA_BYTES,
		0xc000,
		0x20000 - IMAGE_DATA_BYTES,
		0x20800,
		0x9fc00 - IMAGE_DATA_BYTES,
		IMAGE_TEXT_GPA + IMAGE_TEXT_MEMORY_BYTES,
		IMAGE_RAM_BYTES - IMAGE_DATA_BYTES,
	};
	struct image image;
	struct elf_image elf;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		image_elf(&image);
		image_phdr(&image, 1)->p_paddr = places[i];
		assert_parses(&elf, &image);
		assert_int_equal(elf.segments.list[1].gpa, places[i]);
	}
}

static void takes_high_memory(void **state)
{
	struct image image;
	struct elf_image elf;
	struct reason reason = {""};

	(void)state;
	image_elf(&image);
	image_phdr(&image, 1)->p_paddr = 5 * GIB - IMAGE_DATA_BYTES;
	assert_int_equal(parse_in(&elf, &image, 4 * GIB, &reason), 0);
	assert_int_equal(elf.segments.list[1].gpa, 5 * GIB - IMAGE_DATA_BYTES);
}

static void reads_a_plain_file(void **state)
{
	struct image image;
	struct elf_image elf;

	(void)state;
	image_elf(&image);
	assert_parses(&elf, &image);
	assert_int_equal(elf.entry, IMAGE_ENTRY_GPA);
	assert_int_equal(elf.segments.count, 2);
	assert_int_equal(elf.segments.list[0].file_offset, IMAGE_TEXT_OFFSET);
	assert_int_equal(elf.segments.list[0].file_bytes, IMAGE_TEXT_BYTES);
	assert_int_equal(elf.segments.list[0].gpa, IMAGE_TEXT_GPA);
	assert_int_equal(elf.segments.list[0].memory_bytes, IMAGE_TEXT_MEMORY_BYTES);
	assert_false(elf.has_linux_note || elf.has_pvh_note || elf.has_mote_note);
}

/* Physical addresses count, zero-sized segments do not, ET_DYN and bss alone are fine. */
static void takes_unusual_files(void **state)
{
	struct image image;
	struct elf_image elf;

	(void)state;
	image_elf(&image);
	image_ehdr(&image)->e_type = ET_DYN;
	image_ehdr(&image)->e_ident[EI_OSABI] = ELFOSABI_FREEBSD;
	image_phdr(&image, 0)->p_vaddr = UINT64_C(0xffffffff80100000);
	image_phdr(&image, 1)->p_filesz = 0;
	image_phdr(&image, 1)->p_offset = image.length + 1;
	assert_parses(&elf, &image);
	assert_int_equal(elf.segments.list[0].gpa, IMAGE_TEXT_GPA);
	assert_int_equal(elf.segments.list[1].memory_bytes, IMAGE_DATA_BYTES);

	image_phdr(&image, 1)->p_memsz = 0;
	image_phdr(&image, 1)->p_paddr = UINT64_MAX;
	assert_parses(&elf, &image);
	assert_int_equal(elf.segments.count, 1);
}

static void takes_an_interpreter_of_a_fixed_kernel(void **state)
{
	struct image image;
	struct elf_image elf;

	(void)state;
	image_elf(&image);
	image_phdr(&image, 2)->p_type = PT_INTERP;
	assert_parses(&elf, &image);
}

static void a_byte_of_bss_is_not_held(void **state)
{
	struct image image;
	struct elf_image elf;

	(void)state;
	image_elf(&image);
	assert_parses(&elf, &image);
	assert_true(kernel_segments_hold(&elf.segments, IMAGE_TEXT_GPA));
	assert_true(kernel_segments_hold(&elf.segments, IMAGE_TEXT_GPA + IMAGE_TEXT_BYTES - 1));
	assert_false(kernel_segments_hold(&elf.segments, IMAGE_TEXT_GPA + IMAGE_TEXT_BYTES));
	assert_false(kernel_segments_hold(&elf.segments, IMAGE_TEXT_GPA - 1));
	assert_false(kernel_segments_hold(&elf.segments, UINT64_MAX));
}

static void refuses_a_cut_header(void **state)
{
	struct image image;

	(void)state;
	image_elf(&image);
	image.length = 63;
	assert_says(&image, IMAGE_RAM_BYTES, -ENOEXEC,
		    "the ELF header is cut off after 63 of 64 bytes");
}

static void refuses_a_32_bit_file(void **state)
{
	struct image image;

	(void)state;
	image_elf(&image);
	image_ehdr(&image)->e_ident[EI_CLASS] = ELFCLASS32;
	image_ehdr(&image)->e_machine = EM_386;
	assert_says(&image, IMAGE_RAM_BYTES, -ENOEXEC,
		    "a 32-bit ELF file (32-bit x86); 64-bit is needed");
}

static void refuses_nothing_to_load(void **state)
{
	struct image image;

	(void)state;
	image_elf(&image);
	image_phdr(&image, 0)->p_type = PT_NULL;
	image_phdr(&image, 1)->p_filesz = 0;
	image_phdr(&image, 1)->p_memsz = 0;
	assert_says(&image, IMAGE_RAM_BYTES, -ENOEXEC, "an ELF file with nothing to load");
}

static void refuses_a_program(void **state)
{
	struct image image;

	(void)state;
	image_elf(&image);
	image_ehdr(&image)->e_type = ET_DYN;
	image_phdr(&image, 2)->p_type = PT_INTERP;
	assert_says(&image, IMAGE_RAM_BYTES, -ENOEXEC,
		    "an ELF program or shared object for an operating system, not a kernel: it "
		    "asks for a dynamic linker");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_wrong_headers),
		cmocka_unit_test(refuses_wrong_tables),
		cmocka_unit_test(refuses_wrong_segments),
		cmocka_unit_test(refuses_the_hole),
		cmocka_unit_test(takes_32_segments_and_no_more),
		cmocka_unit_test(takes_what_just_fits),
		cmocka_unit_test(takes_high_memory),
		cmocka_unit_test(reads_a_plain_file),
		cmocka_unit_test(takes_unusual_files),
		cmocka_unit_test(takes_an_interpreter_of_a_fixed_kernel),
		cmocka_unit_test(a_byte_of_bss_is_not_held),
		cmocka_unit_test(refuses_a_cut_header),
		cmocka_unit_test(refuses_a_32_bit_file),
		cmocka_unit_test(refuses_nothing_to_load),
		cmocka_unit_test(refuses_a_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
