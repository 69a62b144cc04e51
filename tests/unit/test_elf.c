/* SPDX-License-Identifier: MIT */
/* tests/unit/test_elf.c - ELF kernels: what is taken, and each reason to refuse one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/elf_image.h"
#include "tests/unit/guard.h"
#include "tests/unit/image_builder.h"

#define GIB (UINT64_C(1) << 30)

static int parse_in(struct elf_image *elf, const struct image *image, uint64_t ram_bytes,
		    struct reason *reason)
{
	struct guard guard = guard_copy(image->bytes, image->length);
	struct file_view view = {.bytes = guard.bytes, .length_bytes = image->length};
	int error = elf_image_parse(elf, &view, ram_bytes, reason);

	guard_release(&guard);
	return error;
}

static void assert_parses(struct elf_image *elf, const struct image *image)
{
	struct reason reason = {""};

	if (parse_in(elf, image, IMAGE_RAM_BYTES, &reason))
		fail_msg("refused: %s", reason.text);
}

/* A damage to a valid file, and what is then said. */
struct refusal {
	void (*damage)(struct image *image);
	int error;
	const char *text;
};

static void assert_refused(const struct refusal *refusal, uint64_t ram_bytes)
{
	struct image image;
	struct elf_image elf;
	struct elf_image untouched;
	struct reason reason = {""};

	image_elf(&image);
	refusal->damage(&image);
	memset(&elf, 0x5a, sizeof(elf));
	untouched = elf;
	assert_int_equal(parse_in(&elf, &image, ram_bytes, &reason), refusal->error);
	assert_string_equal(reason.text, refusal->text);
	assert_memory_equal(&elf, &untouched, sizeof(elf));
}

static void assert_all_refused(const struct refusal *refusals, size_t count, uint64_t ram_bytes)
{
	for (size_t i = 0; i < count; i++)
		assert_refused(&refusals[i], ram_bytes);
}

#define ASSERT_ALL_REFUSED(refusals, ram_bytes) \
	assert_all_refused(refusals, sizeof(refusals) / sizeof((refusals)[0]), ram_bytes)

/* The header. */

static void cut_header(struct image *image)
{
	image->length = 63;
}

static void make_32_bit(struct image *image)
{
	image_ehdr(image)->e_ident[EI_CLASS] = ELFCLASS32;
	image_ehdr(image)->e_machine = EM_386;
}

static void make_no_class(struct image *image)
{
	image_ehdr(image)->e_ident[EI_CLASS] = 3;
}

static void make_big_endian(struct image *image)
{
	image_ehdr(image)->e_ident[EI_DATA] = ELFDATA2MSB;
}

static void make_ident_version(struct image *image)
{
	image_ehdr(image)->e_ident[EI_VERSION] = 0;
}

static void make_version(struct image *image)
{
	image_ehdr(image)->e_version = 2;
}

static void make_arm(struct image *image)
{
	image_ehdr(image)->e_machine = EM_AARCH64;
}

static void make_unknown_machine(struct image *image)
{
	image_ehdr(image)->e_machine = 999;
}

static void make_object(struct image *image)
{
	image_ehdr(image)->e_type = ET_REL;
}

static void make_core(struct image *image)
{
	image_ehdr(image)->e_type = ET_CORE;
}

static void refuses_wrong_headers(void **state)
{
	static const struct refusal refusals[] = {
		{cut_header, -ENOEXEC, "the ELF header is cut off after 63 of 64 bytes"},
		{make_32_bit, -ENOEXEC, "a 32-bit ELF file (32-bit x86); 64-bit is needed"},
		{make_no_class, -ENOEXEC, "ELF class 3 is neither 32-bit nor 64-bit"},
		{make_big_endian, -ENOEXEC, "ELF data encoding 2 is not little-endian (1)"},
		{make_ident_version, -ENOEXEC, "ELF version 0/1 is not 1"},
		{make_version, -ENOEXEC, "ELF version 1/2 is not 1"},
		{make_arm, -ENOEXEC, "an ELF file for machine 183 (AArch64), not x86-64 (62)"},
		{make_unknown_machine, -ENOEXEC,
		 "an ELF file for machine 999 (another processor), not x86-64 (62)"},
		{make_object, -ENOEXEC,
		 "an ELF file of type 1: an object file that was not linked"},
		{make_core, -ENOEXEC, "an ELF file of type 4: a core dump"},
	};

	(void)state;
	ASSERT_ALL_REFUSED(refusals, IMAGE_RAM_BYTES);
}

/* The program header table. */

static void no_headers(struct image *image)
{
	image_ehdr(image)->e_phnum = 0;
}

static void extended_numbering(struct image *image)
{
	image_ehdr(image)->e_phnum = PN_XNUM;
}

static void many_headers(struct image *image)
{
	image_ehdr(image)->e_phnum = 129;
}

static void odd_header_size(struct image *image)
{
	image_ehdr(image)->e_phentsize = 32;
}

static void headers_in_header(struct image *image)
{
	image_ehdr(image)->e_phoff = 63;
}

static void headers_beyond_file(struct image *image)
{
	image_ehdr(image)->e_phoff = image->length - 3 * sizeof(Elf64_Phdr) + 1;
}

static void headers_wrap(struct image *image)
{
	image_ehdr(image)->e_phoff = UINT64_MAX - 7;
}

static void refuses_wrong_tables(void **state)
{
	static const struct refusal refusals[] = {
		{no_headers, -ENOEXEC, "an ELF file without program headers"},
		{extended_numbering, -ENOEXEC,
		 "e_phnum is PN_XNUM (65535): extended numbering is not supported"},
		{many_headers, -ENOEXEC, "129 program headers; at most 128 are accepted"},
		{odd_header_size, -ENOEXEC, "e_phentsize is 32, not 56"},
		{headers_in_header, -ENOEXEC,
		 "the program headers at 63 lie inside the ELF header"},
		{headers_beyond_file, -ENOEXEC,
		 "3 program headers at offset 8409 end beyond the file's 8576 bytes"},
		{headers_wrap, -ENOEXEC,
		 "3 program headers at offset 18446744073709551608 end beyond the file's 8576 "
		 "bytes"},
	};

	(void)state;
	ASSERT_ALL_REFUSED(refusals, IMAGE_RAM_BYTES);
}

/* Segments. */

static void nothing_to_load(struct image *image)
{
	image_phdr(image, 0)->p_type = PT_NULL;
	image_phdr(image, 1)->p_filesz = 0;
	image_phdr(image, 1)->p_memsz = 0;
}

static void bytes_beyond_file(struct image *image)
{
	image_phdr(image, 1)->p_filesz++;
}

static void offset_wraps(struct image *image)
{
	image_phdr(image, 1)->p_offset = UINT64_MAX;
}

static void more_file_than_memory(struct image *image)
{
	image_phdr(image, 1)->p_memsz--;
}

static void file_without_memory(struct image *image)
{
	image_phdr(image, 1)->p_memsz = 0;
}

static void memory_wraps(struct image *image)
{
	image_phdr(image, 1)->p_paddr = UINT64_MAX - 127;
}

static void beyond_memory(struct image *image)
{
	image_phdr(image, 1)->p_paddr = IMAGE_RAM_BYTES - IMAGE_DATA_BYTES + 1;
}

static void virtual_address(struct image *image)
{
	image_phdr(image, 1)->p_paddr = UINT64_C(0xffffffff81000000);
}

static void huge_bss(struct image *image)
{
	image_phdr(image, 1)->p_memsz = UINT64_C(1) << 40;
}

static void segments_overlap(struct image *image)
{
	image_phdr(image, 1)->p_paddr = IMAGE_TEXT_GPA + IMAGE_TEXT_MEMORY_BYTES - 1;
}

static void on_gdt(struct image *image)
{
	image_phdr(image, 1)->p_paddr = 0x500 - IMAGE_DATA_BYTES + 1;
}

static void on_page_directory(struct image *image)
{
	image_phdr(image, 1)->p_paddr = 0xbfff;
}

static void on_cmdline(struct image *image)
{
	image_phdr(image, 1)->p_paddr = 0x207ff;
}

static void on_mptable(struct image *image)
{
	image_phdr(image, 1)->p_paddr = 0x9fc00 - IMAGE_DATA_BYTES + 1;
}

static void on_acpi(struct image *image)
{
	image_phdr(image, 1)->p_paddr = 0xfffff;
}

static void make_program(struct image *image)
{
	image_ehdr(image)->e_type = ET_DYN;
	image_phdr(image, 2)->p_type = PT_INTERP;
}

static void refuses_wrong_segments(void **state)
{
	static const struct refusal refusals[] = {
		{nothing_to_load, -ENOEXEC, "an ELF file with nothing to load"},
		{bytes_beyond_file, -ENOEXEC,
		 "segment 1 has 0x81 bytes at offset 0x2100, beyond the file's 0x2180"},
		{offset_wraps, -ENOEXEC,
		 "segment 1 has 0x80 bytes at offset 0xffffffffffffffff, beyond the file's 0x2180"},
		{more_file_than_memory, -ENOEXEC,
		 "segment 1 has 128 bytes in the file but only 127 in memory"},
		{file_without_memory, -ENOEXEC,
		 "segment 1 has 128 bytes in the file but only 0 in memory"},
		{memory_wraps, -ENOEXEC,
		 "segment 1 at 0xffffffffffffff80 with 0x80 bytes wraps around the end of the "
		 "address space"},
		{beyond_memory, -ENOMEM,
		 "segment 1 at [0x3ffff81, 0x4000001) ends beyond guest memory's 0x4000000"},
		{virtual_address, -ENOMEM,
		 "segment 1 at [0xffffffff81000000, 0xffffffff81000080) ends beyond guest memory's "
		 "0x4000000"},
		{huge_bss, -ENOMEM,
		 "segment 1 at [0x200000, 0x10000200000) ends beyond guest memory's 0x4000000"},
		{segments_overlap, -ENOEXEC,
		 "segment 1 at [0x101fff, 0x10207f) overlaps another segment at [0x100000, "
		 "0x102000)"},
		{on_gdt, -ENOEXEC,
		 "segment 1 at [0x481, 0x501) overlaps the boot tables at [0x500, 0xc000)"},
		{on_page_directory, -ENOEXEC,
		 "segment 1 at [0xbfff, 0xc07f) overlaps the boot tables at [0x500, 0xc000)"},
		{on_cmdline, -ENOEXEC,
		 "segment 1 at [0x207ff, 0x2087f) overlaps the command line at [0x20000, 0x20800)"},
		{on_mptable, -ENOEXEC,
		 "segment 1 at [0x9fb81, 0x9fc01) overlaps the MPTable and ACPI area at [0x9fc00, "
		 "0x100000)"},
		{on_acpi, -ENOEXEC,
		 "segment 1 at [0xfffff, 0x10007f) overlaps the MPTable and ACPI area at [0x9fc00, "
		 "0x100000)"},
		{make_program, -ENOEXEC,
		 "an ELF program or shared object for an operating system, not a kernel: it asks "
		 "for a dynamic linker"},
	};

	(void)state;
	ASSERT_ALL_REFUSED(refusals, IMAGE_RAM_BYTES);
}

static void in_hole(struct image *image)
{
	image_phdr(image, 1)->p_paddr = 3 * GIB - 1;
}

static void beyond_high_memory(struct image *image)
{
	image_phdr(image, 1)->p_paddr = 5 * GIB - 1;
}

static void refuses_the_hole(void **state)
{
	static const struct refusal refusals[] = {
		{in_hole, -ENOMEM,
		 "segment 1 at [0xbfffffff, 0xc000007f) reaches into the device hole [0xc0000000, "
		 "0x100000000)"},
		{beyond_high_memory, -ENOMEM,
		 "segment 1 at [0x13fffffff, 0x14000007f) ends beyond guest memory's 0x140000000"},
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

/* Notes. */

static void reads_all_notes(void **state)
{
	static const uint64_t alignments[] = {4, 8};
	const uint64_t entry = 0x100020;
	struct image image;
	struct elf_image elf;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		image_elf(&image);
		image_phdr(&image, 2)->p_align = alignments[i];
		image_note(&image, "GNU", 3, "0123456789", 10);
		image_note(&image, "Linux", 0x100, "", 1);
		image_note(&image, "Xen", 6, "linux", 6);
		image_note(&image, "Xen", 18, &entry, sizeof(entry));
		image_mote_note(&image, 1);
		assert_parses(&elf, &image);
		assert_true(elf.has_linux_note && elf.has_pvh_note && elf.has_mote_note);
		assert_int_equal(elf.pvh_entry, entry);
		assert_int_equal(elf.mote_entry, ELF_MOTE_ENTRY_PVH);
	}
}

static void reads_a_short_pvh_note(void **state)
{
	struct image image;
	struct elf_image elf;

	(void)state;
	image_elf(&image);
	image_pvh_note(&image, 0xfedcba98);
	assert_parses(&elf, &image);
	assert_int_equal(elf.pvh_entry, 0xfedcba98);
}

static void the_first_of_equal_notes_counts(void **state)
{
	struct image image;
	struct elf_image elf;

	(void)state;
	image_elf(&image);
	image_pvh_note(&image, 0x100020);
	image_pvh_note(&image, 0x100030);
	image_mote_note(&image, 1);
	image_mote_note(&image, 0);
	assert_parses(&elf, &image);
	assert_int_equal(elf.pvh_entry, 0x100020);
	assert_int_equal(elf.mote_entry, ELF_MOTE_ENTRY_PVH);
}

static void other_names_and_types_mean_nothing(void **state)
{
	const uint32_t words[2] = {1, 1};
	struct image image;
	struct elf_image elf;

	(void)state;
	image_elf(&image);
	image_note(&image, "Xen", 17, words, 4);
	image_note(&image, "Xe", 18, words, 4);
	image_note(&image, "Xenon", 18, words, 4);
	image_note(&image, "mote", 2, words, 8);
	image_note(&image, "Mote", 1, words, 8);
	image_note(&image, "linux", 1, words, 8);
	image_note(&image, "Linu", 1, words, 8);
	assert_parses(&elf, &image);
	assert_false(elf.has_linux_note || elf.has_pvh_note || elf.has_mote_note);
}

/* Any size that leads out of the notes ends them; what came before it still counts. */
static void a_broken_note_ends_the_walk(void **state)
{
	static const uint32_t sizes[] = {0x100, 0x7fffffff, 0xfffffff4, 0xffffffff};
	struct image image;
	struct elf_image elf;
	size_t second;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		image_elf(&image);
		image_pvh_note(&image, 0x100020);
		second = IMAGE_NOTES_OFFSET + (size_t)image_phdr(&image, 2)->p_filesz;
		image_mote_note(&image, 1);
		image_put32(&image, second + (i % 2) * 4, sizes[i / 2]);
		assert_parses(&elf, &image);
		assert_true(elf.has_pvh_note);
		assert_false(elf.has_mote_note);
	}
}

/* At every length up to that of two notes there are two, one or none. */
static void cut_notes_are_left_out(void **state)
{
	struct image image;
	struct elf_image elf;
	uint64_t first;
	uint64_t all;

	(void)state;
	image_elf(&image);
	image_pvh_note(&image, 0x100020);
	first = image_phdr(&image, 2)->p_filesz;
	image_mote_note(&image, 1);
	all = image_phdr(&image, 2)->p_filesz;
	for (uint64_t length = 0; length <= all; length++) {
		/* To the very end of the file, so that the guard page sees a step too far. */
		struct image cut = image;

		cut.length = IMAGE_DATA_OFFSET + IMAGE_DATA_BYTES;
		image_phdr(&cut, 2)->p_offset = cut.length;
		memcpy(cut.bytes + cut.length, image.bytes + IMAGE_NOTES_OFFSET, (size_t)length);
		image_phdr(&cut, 2)->p_filesz = length;
		cut.length += (size_t)length;
		assert_parses(&elf, &cut);
		assert_int_equal(elf.has_pvh_note, length >= first);
		assert_int_equal(elf.has_mote_note, length == all);
	}
}

static void notes_beyond_file(struct image *image)
{
	image_phdr(image, 2)->p_filesz = image->length;
}

static void notes_wrap(struct image *image)
{
	image_phdr(image, 2)->p_offset = UINT64_MAX - 4;
	image_phdr(image, 2)->p_filesz = 12;
}

static void odd_pvh_note(struct image *image)
{
	image_note(image, "Xen", 18, "123456", 6);
}

static void odd_mote_note(struct image *image)
{
	image_note(image, "mote", 1, "1234", 4);
}

static void newer_mote_note(struct image *image)
{
	const uint32_t words[2] = {2, 0};

	image_note(image, "mote", 1, words, sizeof(words));
}

static void unknown_mote_entry(struct image *image)
{
	image_mote_note(image, 2);
}

static void refuses_wrong_notes(void **state)
{
	static const struct refusal refusals[] = {
		{notes_beyond_file, -ENOEXEC,
		 "the notes of program header 2 have 0x2180 bytes at offset 0x1d00, beyond the "
		 "file's 0x2180"},
		{notes_wrap, -ENOEXEC,
		 "the notes of program header 2 have 0xc bytes at offset 0xfffffffffffffffb, "
		 "beyond "
		 "the file's 0x2180"},
		{odd_pvh_note, -ENOEXEC, "the PVH note's descriptor has 6 bytes, not 4 or 8"},
		{odd_mote_note, -ENOEXEC, "the mote note's descriptor has 4 bytes, not 8"},
		{newer_mote_note, -ENOEXEC, "the mote note has version 2, not 1"},
		{unknown_mote_entry, -ENOEXEC,
		 "the mote note asks for entry 2, which is neither 0 (Linux 64-bit) nor 1 (PVH)"},
	};

	(void)state;
	ASSERT_ALL_REFUSED(refusals, IMAGE_RAM_BYTES);
}

static void refuses_too_many_notes(void **state)
{
	static uint8_t big[IMAGE_MAX_BYTES + 70000];
	struct file_view view = {.bytes = big, .length_bytes = sizeof(big)};
	struct image image;
	struct elf_image elf;
	struct reason reason = {""};

	(void)state;
	image_elf(&image);
	image_phdr(&image, 2)->p_filesz = 65537;
	memcpy(big, image.bytes, image.length);
	assert_int_equal(elf_image_parse(&elf, &view, IMAGE_RAM_BYTES, &reason), -ENOEXEC);
	assert_string_equal(
		reason.text,
		"the notes of program header 2 have 65537 bytes; at most 65536 are accepted");
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
		cmocka_unit_test(reads_all_notes),
		cmocka_unit_test(reads_a_short_pvh_note),
		cmocka_unit_test(the_first_of_equal_notes_counts),
		cmocka_unit_test(other_names_and_types_mean_nothing),
		cmocka_unit_test(a_broken_note_ends_the_walk),
		cmocka_unit_test(cut_notes_are_left_out),
		cmocka_unit_test(refuses_wrong_notes),
		cmocka_unit_test(refuses_too_many_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
