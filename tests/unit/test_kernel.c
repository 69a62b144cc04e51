/* SPDX-License-Identifier: MIT */
/* tests/unit/test_kernel.c - format detection, the choice of the entry, and sweeps over damage. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/kernel.h"
#include "tests/unit/guard.h"
#include "tests/unit/image_builder.h"
#include "tests/unit/kernel_invariants.h"

enum {
	PVH_ENTRY_GPA = IMAGE_TEXT_GPA + 0x20,
};

#define VIRTUAL_ENTRY UINT64_C(0xffffffff80100010)

static int parse_bytes(struct kernel_image *kernel, const void *bytes, size_t length,
		       enum config_protocol wanted, struct reason *reason)
{
	struct guard guard = guard_copy(bytes, length);
	int error = kernel_parse(kernel, guard.bytes, length, IMAGE_RAM_BYTES, wanted, reason);

	guard_release(&guard);
	return error;
}

static void assert_enters(const struct image *image, enum config_protocol wanted,
			  enum kernel_entry entry, uint64_t entry_gpa)
{
	struct kernel_image kernel;
	struct reason reason = {""};

	if (parse_bytes(&kernel, image->bytes, image->length, wanted, &reason))
		fail_msg("refused: %s", reason.text);
	assert_int_equal(kernel.entry, entry);
	assert_int_equal(kernel.entry_gpa, entry_gpa);
	assert_null(kernel_invariants(&kernel, image->length, IMAGE_RAM_BYTES));
}

static void assert_refused(const void *bytes, size_t length, enum config_protocol wanted, int error,
			   const char *text)
{
	struct kernel_image kernel;
	struct kernel_image untouched;
	struct reason reason = {""};

	memset(&kernel, 0x5a, sizeof(kernel));
	untouched = kernel;
	assert_int_equal(parse_bytes(&kernel, bytes, length, wanted, &reason), error);
	assert_string_equal(reason.text, text);
	assert_memory_equal(&kernel, &untouched, sizeof(kernel));
}

static void describes_an_elf_file(void **state)
{
	struct image image;
	struct kernel_image kernel;
	struct reason reason;

	(void)state;
	image_elf(&image);
	assert_int_equal(
		parse_bytes(&kernel, image.bytes, image.length, CONFIG_PROTOCOL_AUTO, &reason), 0);
	assert_false(kernel.is_linux || kernel.has_pvh_note || kernel.has_mote_note);
	assert_int_equal(kernel.segment_count, 2);
	assert_int_equal(kernel.segments[1].gpa, IMAGE_DATA_GPA);
	assert_int_equal(kernel.segments[1].memory_bytes, IMAGE_DATA_BYTES);
	assert_int_equal(kernel.initrd_max_gpa, IMAGE_RAM_BYTES - 1);
	assert_int_equal(kernel.setup_header_bytes, 0);
}

static void describes_the_notes(void **state)
{
	struct image image;
	struct kernel_image kernel;
	struct reason reason;

	(void)state;
	image_elf(&image);
	image_note(&image, "Linux", 0x100, "", 1);
	image_pvh_note(&image, PVH_ENTRY_GPA);
	image_mote_note(&image, 0);
	assert_int_equal(
		parse_bytes(&kernel, image.bytes, image.length, CONFIG_PROTOCOL_AUTO, &reason), 0);
	assert_true(kernel.is_linux && kernel.has_pvh_note && kernel.has_mote_note);
}

static void describes_a_bzimage(void **state)
{
	struct image image;
	struct kernel_image kernel;
	struct reason reason;

	(void)state;
	image_bzimage(&image);
	assert_int_equal(
		parse_bytes(&kernel, image.bytes, image.length, CONFIG_PROTOCOL_AUTO, &reason), 0);
	assert_int_equal(kernel.entry, KERNEL_ENTRY_LINUX64);
	assert_int_equal(kernel.entry_gpa, IMAGE_KERNEL_GPA + 0x200);
	assert_true(kernel.is_linux);
	assert_int_equal(kernel.segment_count, 1);
	assert_int_equal(kernel.segments[0].gpa, IMAGE_KERNEL_GPA);
	assert_int_equal(kernel.segments[0].memory_bytes, IMAGE_KERNEL_INIT_BYTES);
	assert_int_equal(kernel.initrd_max_gpa, IMAGE_RAM_BYTES - 1);
	assert_int_equal(kernel.setup_header_bytes, IMAGE_SETUP_HEADER_BYTES);
	assert_memory_equal(kernel.setup_header, image.bytes + 0x1f1, IMAGE_SETUP_HEADER_BYTES);
}

static void a_bzimage_limits_its_initrd(void **state)
{
	struct image image;
	struct kernel_image kernel;
	struct reason reason;

	(void)state;
	image_bzimage(&image);
	image_put32(&image, BZ_INITRD_ADDR_MAX, 0x37fffff);
	assert_int_equal(
		parse_bytes(&kernel, image.bytes, image.length, CONFIG_PROTOCOL_AUTO, &reason), 0);
	assert_int_equal(kernel.initrd_max_gpa, 0x37fffff);
}

/* The rules at the top of kernel.h, in their order. */

static void a_mote_note_decides(void **state)
{
	struct image image;

	(void)state;
	image_elf(&image);
	image_note(&image, "Linux", 0x100, "", 1);
	image_pvh_note(&image, PVH_ENTRY_GPA);
	image_mote_note(&image, 1);
	assert_enters(&image, CONFIG_PROTOCOL_AUTO, KERNEL_ENTRY_PVH, PVH_ENTRY_GPA);

	image_elf(&image);
	image_pvh_note(&image, IMAGE_ENTRY_GPA);
	image_mote_note(&image, 0);
	assert_enters(&image, CONFIG_PROTOCOL_AUTO, KERNEL_ENTRY_LINUX64, IMAGE_ENTRY_GPA);
}

static void linux_enters_at_a_physical_e_entry(void **state)
{
	struct image image;

	(void)state;
	image_elf(&image);
	image_note(&image, "Linux", 0x100, "", 1);
	image_pvh_note(&image, IMAGE_ENTRY_GPA);
	assert_enters(&image, CONFIG_PROTOCOL_AUTO, KERNEL_ENTRY_LINUX64, IMAGE_ENTRY_GPA);
	image_ehdr(&image)->e_entry = VIRTUAL_ENTRY;
	assert_enters(&image, CONFIG_PROTOCOL_AUTO, KERNEL_ENTRY_PVH, IMAGE_ENTRY_GPA);
}

static void a_pvh_note_alone_does_not_decide(void **state)
{
	struct image image;

	(void)state;
	image_elf(&image);
	image_pvh_note(&image, PVH_ENTRY_GPA);
	assert_enters(&image, CONFIG_PROTOCOL_AUTO, KERNEL_ENTRY_LINUX64, IMAGE_ENTRY_GPA);
	image_ehdr(&image)->e_entry = PVH_ENTRY_GPA;
	assert_enters(&image, CONFIG_PROTOCOL_AUTO, KERNEL_ENTRY_PVH, PVH_ENTRY_GPA);
	image_ehdr(&image)->e_entry = VIRTUAL_ENTRY;
	assert_enters(&image, CONFIG_PROTOCOL_AUTO, KERNEL_ENTRY_PVH, PVH_ENTRY_GPA);
	image_ehdr(&image)->e_entry = IMAGE_TEXT_GPA + IMAGE_TEXT_BYTES; /* bss */
	assert_enters(&image, CONFIG_PROTOCOL_AUTO, KERNEL_ENTRY_PVH, PVH_ENTRY_GPA);
}

static void without_notes_e_entry_decides(void **state)
{
	struct image image;

	(void)state;
	image_elf(&image);
	assert_enters(&image, CONFIG_PROTOCOL_AUTO, KERNEL_ENTRY_LINUX64, IMAGE_ENTRY_GPA);
	image_ehdr(&image)->e_entry = VIRTUAL_ENTRY;
	assert_refused(
		image.bytes, image.length, CONFIG_PROTOCOL_AUTO, -ENOEXEC,
		"no entry point: e_entry 0xffffffff80100010 is not the physical address of a "
		"loaded byte below 0x40000000, and there is no PVH note");
}

static void the_user_decides_first(void **state)
{
	struct image image;

	(void)state;
	image_elf(&image);
	image_pvh_note(&image, PVH_ENTRY_GPA);
	image_mote_note(&image, 0);
	assert_enters(&image, CONFIG_PROTOCOL_PVH, KERNEL_ENTRY_PVH, PVH_ENTRY_GPA);
	assert_enters(&image, CONFIG_PROTOCOL_LINUX64, KERNEL_ENTRY_LINUX64, IMAGE_ENTRY_GPA);
}

static void refuses_an_unusable_linux64_entry(void **state)
{
	static const char text[] =
		"the Linux 64-bit entry needs a physical address in e_entry, but "
		"0xffffffff80100010 is in no loaded segment";
	struct image image;

	(void)state;
	image_elf(&image);
	image_pvh_note(&image, PVH_ENTRY_GPA);
	image_ehdr(&image)->e_entry = VIRTUAL_ENTRY;
	assert_refused(image.bytes, image.length, CONFIG_PROTOCOL_LINUX64, -EINVAL, text);
	image_mote_note(&image, 0);
	assert_refused(image.bytes, image.length, CONFIG_PROTOCOL_AUTO, -EINVAL, text);
}

static void refuses_a_linux64_entry_that_is_not_mapped(void **state)
{
	struct image image;
	struct kernel_image kernel;
	struct reason reason = {""};

	(void)state;
	image_elf(&image);
	image_phdr(&image, 0)->p_paddr = 0x40000000 - 0x10;
	image_ehdr(&image)->e_entry = 0x3fffffff;
	assert_int_equal(kernel_parse(&kernel, image.bytes, image.length, UINT64_C(2) << 30,
				      CONFIG_PROTOCOL_LINUX64, &reason),
			 0);
	image_ehdr(&image)->e_entry = 0x40000000;
	assert_int_equal(kernel_parse(&kernel, image.bytes, image.length, UINT64_C(2) << 30,
				      CONFIG_PROTOCOL_LINUX64, &reason),
			 -EINVAL);
	assert_string_equal(reason.text,
			    "e_entry 0x40000000 is beyond the 0x40000000 that is mapped "
			    "at the Linux 64-bit entry");
}

static void refuses_an_unusable_pvh_entry(void **state)
{
	const uint64_t far = UINT64_C(0x100000000);
	struct image image;

	(void)state;
	image_elf(&image);
	assert_refused(
		image.bytes, image.length, CONFIG_PROTOCOL_PVH, -EINVAL,
		"the PVH entry needs an ELF note of type 18 named \"Xen\", and there is none");
	image_pvh_note(&image, IMAGE_DATA_GPA + IMAGE_DATA_BYTES);
	assert_refused(image.bytes, image.length, CONFIG_PROTOCOL_PVH, -EINVAL,
		       "the PVH entry 0x200080 is in no loaded segment");

	image_elf(&image);
	image_note(&image, "Xen", 18, &far, sizeof(far));
	assert_refused(image.bytes, image.length, CONFIG_PROTOCOL_PVH, -EINVAL,
		       "the PVH entry 0x100000000 is not below 4 GiB");

	image_bzimage(&image);
	assert_refused(image.bytes, image.length, CONFIG_PROTOCOL_PVH, -EINVAL,
		       "a bzImage has no PVH entry; use the vmlinux it was made from");
}

/* Files that are no kernels. */

static void says_what_a_file_looks_like(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		const char *guess;
	} files[] = {
		{"\x1f\x8b\x08\0\0\0\0\0", 8, "a gzip file; decompress it first"},
		{"\xfd\x37zXZ\0\0\0", 8, "an xz file; decompress it first"},
		{"\x28\xb5\x2f\xfd\0\0", 6, "a zstd file; decompress it first"},
		{"BZh91AY&SY", 10, "a bzip2 file; decompress it first"},
		{"\x5d\0\0\x80\0", 5, "an lzma file; decompress it first"},
		{"\x02\x21\x4c\x18", 4, "an lz4 file; decompress it first"},
		{"\x04\x22\x4d\x18", 4, "an lz4 file; decompress it first"},
		{"\x89LZO\0\r\n", 7, "an lzop file; decompress it first"},
		{"070701000", 9, "a cpio archive: is it the initrd?"},
		{"\x27\x05\x19\x56\0", 5, "a U-Boot image"},
		{"QFI\xfb\0\0\0\3", 8, "a qcow2 disk image"},
		{"hsqs\1\0", 6, "a squashfs file system"},
		{"MZ\x90\0", 4, "an EFI or Windows program without a Linux setup header"},
		{"\x07\x01\x64\0", 4, "an a.out program"},
		{"\x0b\x01\x64\0", 4, "an a.out program"},
		{"#!/bin/sh\necho hello\n", 21, "a text file"},
	};
	char text[REASON_MAX_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(text, sizeof(text), "neither an ELF file nor a bzImage; it looks like %s",
			 files[i].guess);
		assert_refused(files[i].bytes, files[i].length, CONFIG_PROTOCOL_AUTO, -ENOEXEC,
			       text);
	}
}

static void says_what_is_deeper_in_a_file(void **state)
{
	uint8_t bytes[2048] = {'M', 'Z'};

	(void)state;
	memcpy(bytes + 0x38, "ARM\x64", 4);
	assert_refused(bytes, sizeof(bytes), CONFIG_PROTOCOL_AUTO, -ENOEXEC,
		       "neither an ELF file nor a bzImage; it looks like an ARM64 Image");
	memset(bytes, 0, 64);
	memcpy(bytes + 0x1fe, "\x55\xaa", 2);
	assert_refused(bytes, sizeof(bytes), CONFIG_PROTOCOL_AUTO, -ENOEXEC,
		       "neither an ELF file nor a bzImage; it looks like a boot sector or disk "
		       "image");
	memcpy(bytes + 0x438, "\x53\xef", 2);
	assert_refused(
		bytes, sizeof(bytes), CONFIG_PROTOCOL_AUTO, -ENOEXEC,
		"neither an ELF file nor a bzImage; it looks like an ext2, ext3 or ext4 file "
		"system");
}

static void refuses_empty_and_unknown_files(void **state)
{
	static const uint8_t zeros[4096];

	(void)state;
	assert_refused("", 0, CONFIG_PROTOCOL_AUTO, -ENOEXEC, "the file is empty");
	assert_refused(zeros, 1, CONFIG_PROTOCOL_AUTO, -ENOEXEC,
		       "neither an ELF file nor a bzImage");
	assert_refused(zeros, sizeof(zeros), CONFIG_PROTOCOL_AUTO, -ENOEXEC,
		       "neither an ELF file nor a bzImage");
	assert_refused("\x7f"
		       "ELF",
		       4, CONFIG_PROTOCOL_AUTO, -ENOEXEC,
		       "the ELF header is cut off after 4 of 64 bytes");
}

/* Sweeps. */

static void refuses_every_truncation(void **state)
{
	struct image image;
	struct kernel_image kernel;
	struct reason reason;

	(void)state;
	image_elf(&image);
	image_pvh_note(&image, PVH_ENTRY_GPA);
	for (size_t length = image.length; length-- > 0;)
		assert_int_equal(
			parse_bytes(&kernel, image.bytes, length, CONFIG_PROTOCOL_AUTO, &reason),
			-ENOEXEC);
}

/* Change each byte of [start, end) in several ways: a refusal with words, or a sound image. */
static void sweep(struct image *image, size_t start, size_t end)
{
	static const uint8_t changes[] = {0x01, 0x02, 0x10, 0x40, 0x80, 0x7f, 0xff};

	for (size_t offset = start; offset < end; offset++) {
		for (size_t i = 0; i < sizeof(changes); i++) {
			struct kernel_image kernel;
			struct reason reason = {""};
			const char *broken = NULL;
			int error;

			image->bytes[offset] ^= changes[i];
			error = parse_bytes(&kernel, image->bytes, image->length,
					    CONFIG_PROTOCOL_AUTO, &reason);
			if (!error)
				broken = kernel_invariants(&kernel, image->length, IMAGE_RAM_BYTES);
			if (broken)
				fail_msg("byte %zu ^ %u: %s", offset, changes[i], broken);
			if (error)
				assert_string_not_equal(reason.text, "");
			image->bytes[offset] ^= changes[i];
		}
	}
}

static void survives_changes_to_an_elf_file(void **state)
{
	struct image image;
	size_t notes_end;

	(void)state;
	image_elf(&image);
	image_note(&image, "Linux", 0x100, "", 1);
	image_pvh_note(&image, PVH_ENTRY_GPA);
	image_mote_note(&image, 1);
	notes_end = IMAGE_NOTES_OFFSET + (size_t)image_phdr(&image, 2)->p_filesz;
	sweep(&image, 0, sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr));
	sweep(&image, IMAGE_NOTES_OFFSET, notes_end);
}

static void survives_changes_to_a_bzimage(void **state)
{
	struct image image;

	(void)state;
	image_bzimage(&image);
	sweep(&image, 0x1f0, 0x290);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(describes_an_elf_file),
		cmocka_unit_test(describes_the_notes),
		cmocka_unit_test(describes_a_bzimage),
		cmocka_unit_test(a_bzimage_limits_its_initrd),
		cmocka_unit_test(a_mote_note_decides),
		cmocka_unit_test(linux_enters_at_a_physical_e_entry),
		cmocka_unit_test(a_pvh_note_alone_does_not_decide),
		cmocka_unit_test(without_notes_e_entry_decides),
		cmocka_unit_test(the_user_decides_first),
		cmocka_unit_test(refuses_an_unusable_linux64_entry),
		cmocka_unit_test(refuses_a_linux64_entry_that_is_not_mapped),
		cmocka_unit_test(refuses_an_unusable_pvh_entry),
		cmocka_unit_test(says_what_a_file_looks_like),
		cmocka_unit_test(says_what_is_deeper_in_a_file),
		cmocka_unit_test(refuses_empty_and_unknown_files),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(survives_changes_to_an_elf_file),
		cmocka_unit_test(survives_changes_to_a_bzimage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
