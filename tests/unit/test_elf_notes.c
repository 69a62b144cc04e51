/* SPDX-License-Identifier: MIT */
/* tests/unit/test_elf_notes.c - the notes of an ELF file, whole, cut and broken. */
#include "tests/unit/elf_check.h"

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

static void refuses_notes_that_wrap(void **state)
{
	struct image image;

	(void)state;
	image_elf(&image);
	image_phdr(&image, 2)->p_offset = UINT64_MAX - 4;
	image_phdr(&image, 2)->p_filesz = 12;
	assert_says(&image, IMAGE_RAM_BYTES, -ENOEXEC,
		    "the notes of program header 2 have 0xc bytes at offset 0xfffffffffffffffb, "
		    "beyond the file's 0x2180");
}

static void refuses_wrong_descriptors(void **state)
{
	static const uint32_t version_2[2] = {2, 0};
	static const uint32_t entry_2[2] = {1, 2};
	static const struct {
		const char *name;
		uint32_t type;
		const void *descriptor;
		uint32_t descriptor_bytes;
		const char *text;
	} notes[] = {
		{"Xen", 18, "123456", 6, "the PVH note's descriptor has 6 bytes, not 4 or 8"},
		{"mote", 1, "1234", 4, "the mote note's descriptor has 4 bytes, not 8"},
		{"mote", 1, version_2, 8, "the mote note has version 2, not 1"},
		{"mote", 1, entry_2, 8,
		 "the mote note asks for entry 2, which is neither 0 (Linux 64-bit) nor 1 (PVH)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		struct image image;

		image_elf(&image);
		image_note(&image, notes[i].name, notes[i].type, notes[i].descriptor,
			   notes[i].descriptor_bytes);
		assert_says(&image, IMAGE_RAM_BYTES, -ENOEXEC, notes[i].text);
	}
}

static void refuses_notes_beyond_the_file(void **state)
{
	static const struct refusal refusals[] = {
		{PHDR(2, p_filesz), IMAGE_ELF_BYTES,
		 "the notes of program header 2 have 0x2180 bytes at offset 0x1d00, beyond the "
		 "file's 0x2180",
		 -ENOEXEC},
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
		cmocka_unit_test(reads_all_notes),
		cmocka_unit_test(reads_a_short_pvh_note),
		cmocka_unit_test(the_first_of_equal_notes_counts),
		cmocka_unit_test(other_names_and_types_mean_nothing),
		cmocka_unit_test(a_broken_note_ends_the_walk),
		cmocka_unit_test(cut_notes_are_left_out),
		cmocka_unit_test(refuses_notes_that_wrap),
		cmocka_unit_test(refuses_wrong_descriptors),
		cmocka_unit_test(refuses_notes_beyond_the_file),
		cmocka_unit_test(refuses_too_many_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
