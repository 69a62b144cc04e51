/* SPDX-License-Identifier: MIT */
/* tests/unit/test_bzimage.c - bzImages: what is taken, and each reason to refuse one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/bzimage.h"
#include "tests/unit/guard.h"
#include "tests/unit/image_builder.h"

static int parse_in(struct bzimage *bzimage, const struct image *image, uint64_t ram_bytes,
		    struct reason *reason)
{
	struct guard guard = guard_copy(image->bytes, image->length);
	struct file_view view = {.bytes = guard.bytes, .length_bytes = image->length};
	int error = bzimage_parse(bzimage, &view, ram_bytes, reason);

	guard_release(&guard);
	return error;
}

static void assert_parses(struct bzimage *bzimage, const struct image *image)
{
	struct reason reason = {""};

	if (parse_in(bzimage, image, IMAGE_RAM_BYTES, &reason))
		fail_msg("refused: %s", reason.text);
}

static void reads_a_valid_file(void **state)
{
	struct image image;
	struct bzimage bzimage;

	(void)state;
	image_bzimage(&image);
	assert_parses(&bzimage, &image);
	assert_int_equal(bzimage.segments.count, 1);
	assert_int_equal(bzimage.segments.list[0].file_offset, IMAGE_KERNEL_OFFSET);
	assert_int_equal(bzimage.segments.list[0].file_bytes, IMAGE_KERNEL_BYTES);
	assert_int_equal(bzimage.segments.list[0].gpa, IMAGE_KERNEL_GPA);
	assert_int_equal(bzimage.segments.list[0].memory_bytes, IMAGE_KERNEL_INIT_BYTES);
	assert_int_equal(bzimage.entry_gpa, IMAGE_KERNEL_GPA + 0x200);
	assert_int_equal(bzimage.initrd_max_gpa, 0x7fffffff);
	assert_int_equal(bzimage.setup_header_bytes, IMAGE_SETUP_HEADER_BYTES);
	assert_memory_equal(bzimage.setup_header, image.bytes + 0x1f1, IMAGE_SETUP_HEADER_BYTES);
}

static void no_setup_sectors_mean_four(void **state)
{
	struct image image;
	struct bzimage bzimage;

	(void)state;
	image_bzimage(&image);
	image.bytes[BZ_SETUP_SECTS] = 0;
	image.length = 5 * 512 + IMAGE_KERNEL_BYTES;
	assert_parses(&bzimage, &image);
	assert_int_equal(bzimage.segments.list[0].file_offset, 5 * 512);
}

static void a_signature_behind_the_kernel_is_left_out(void **state)
{
	struct image image;
	struct bzimage bzimage;

	(void)state;
	image_bzimage(&image);
	image.length += 1000;
	assert_parses(&bzimage, &image);
	assert_int_equal(bzimage.segments.list[0].file_bytes, IMAGE_KERNEL_BYTES);
}

static void memory_is_never_below_the_file(void **state)
{
	struct image image;
	struct bzimage bzimage;

	(void)state;
	image_bzimage(&image);
	image_put32(&image, BZ_INIT_SIZE, 0);
	assert_parses(&bzimage, &image);
	assert_int_equal(bzimage.segments.list[0].memory_bytes, IMAGE_KERNEL_BYTES);
}

static void a_fixed_kernel_needs_no_alignment(void **state)
{
	struct image image;
	struct bzimage bzimage;

	(void)state;
	image_bzimage(&image);
	image.bytes[BZ_RELOCATABLE] = 0;
	image_put32(&image, BZ_KERNEL_ALIGNMENT, 0);
	image_put64(&image, BZ_PREF_ADDRESS, 0x101000);
	assert_parses(&bzimage, &image);
	assert_int_equal(bzimage.segments.list[0].gpa, 0x101000);
}

/* The header may end right behind init_size, or fill its room in the zero page. */
static void header_sizes(void **state)
{
	struct image image;
	struct bzimage bzimage;

	(void)state;
	image_bzimage(&image);
	image.bytes[BZ_JUMP + 1] = 0x264 - 0x202;
	assert_parses(&bzimage, &image);
	assert_int_equal(bzimage.setup_header_bytes, 0x264 - 0x1f1);
	image.bytes[BZ_JUMP + 1] = 0x290 - 0x202;
	assert_parses(&bzimage, &image);
	assert_int_equal(bzimage.setup_header_bytes, 0x290 - 0x1f1);
}

/* One changed field (of 1, 2, 4 or 8 bytes), and what is then said. */
struct refusal {
	size_t offset;
	unsigned int width;
	uint64_t value;
	int error;
	const char *text;
};

static void assert_refused(const struct refusal *refusal)
{
	struct image image;
	struct bzimage bzimage;
	struct bzimage untouched;
	struct reason reason = {""};

	image_bzimage(&image);
	memcpy(image.bytes + refusal->offset, &refusal->value, refusal->width);
	memset(&bzimage, 0x5a, sizeof(bzimage));
	untouched = bzimage;
	assert_int_equal(parse_in(&bzimage, &image, IMAGE_RAM_BYTES, &reason), refusal->error);
	assert_string_equal(reason.text, refusal->text);
	assert_memory_equal(&bzimage, &untouched, sizeof(bzimage));
}

static void refuses_wrong_fields(void **state)
{
	static const struct refusal refusals[] = {
		{BZ_JUMP, 1, 0xe9, -ENOEXEC,
		 "the bzImage's byte at 0x200 is 0xe9, not the jump 0xeb"},
		{BZ_JUMP + 1, 1, 0x61, -ENOEXEC,
		 "the bzImage's setup header has 114 bytes, which is outside 115..159"},
		{BZ_JUMP + 1, 1, 0x8f, -ENOEXEC,
		 "the bzImage's setup header has 160 bytes, which is outside 115..159"},
		{BZ_BOOT_FLAG, 2, 0x55aa, -ENOEXEC,
		 "the bzImage's boot flag is 0x55aa, not 0xaa55"},
		{BZ_VERSION, 2, 0x020b, -ENOEXEC,
		 "the bzImage speaks boot protocol 2.11; 2.12 (Linux 3.8) is needed"},
		{BZ_LOADFLAGS, 1, 0x80, -ENOEXEC,
		 "a zImage for low memory (loadflags 0x80), not a bzImage"},
		{BZ_XLOADFLAGS, 2, 0x0002, -ENOEXEC,
		 "the bzImage has no 64-bit entry (xloadflags 0x0002): a 32-bit kernel"},
		{BZ_SYSSIZE, 4, 0x20, -ENOEXEC,
		 "the bzImage's kernel has 512 bytes, too few for the 64-bit entry at 0x200"},
		{BZ_SYSSIZE, 4, 0x41, -ENOEXEC,
		 "the bzImage's kernel has 0x410 bytes at offset 0x400, beyond the file's 0x800"},
		{BZ_SYSSIZE, 4, 0xffffffff, -ENOEXEC,
		 "the bzImage's kernel has 0xffffffff0 bytes at offset 0x400, beyond the file's "
		 "0x800"},
		{BZ_SETUP_SECTS, 1, 2, -ENOEXEC,
		 "the bzImage's kernel has 0x400 bytes at offset 0x600, beyond the file's 0x800"},
		{BZ_SETUP_SECTS, 1, 255, -ENOEXEC,
		 "the bzImage's kernel has 0x400 bytes at offset 0x20000, beyond the file's 0x800"},
		{BZ_PREF_ADDRESS, 8, 0xff000, -ENOEXEC,
		 "the bzImage's pref_address 0xff000 is not a page above 1 MiB"},
		{BZ_PREF_ADDRESS, 8, 0x1000200, -ENOEXEC,
		 "the bzImage's pref_address 0x1000200 is not a page above 1 MiB"},
		{BZ_PREF_ADDRESS, 8, 0x1100000, -ENOEXEC,
		 "the bzImage's pref_address 0x1100000 is not aligned to its kernel_alignment "
		 "0x200000"},
		{BZ_PREF_ADDRESS, 8, 0x3a00000, -ENOMEM,
		 "the bzImage's kernel at [0x3a00000, 0x4200000) ends beyond guest memory's "
		 "0x4000000"},
		{BZ_PREF_ADDRESS, 8, 0xffffffffffe00000, -ENOEXEC,
		 "the bzImage's kernel at 0xffffffffffe00000 with 0x800000 bytes wraps around the "
		 "end of the address space"},
		{BZ_KERNEL_ALIGNMENT, 4, 0, -ENOEXEC,
		 "the bzImage's kernel_alignment 0x0 is not a power of two from 4096 up"},
		{BZ_KERNEL_ALIGNMENT, 4, 0x800, -ENOEXEC,
		 "the bzImage's kernel_alignment 0x800 is not a power of two from 4096 up"},
		{BZ_KERNEL_ALIGNMENT, 4, 0x300000, -ENOEXEC,
		 "the bzImage's kernel_alignment 0x300000 is not a power of two from 4096 up"},
		{BZ_INIT_SIZE, 4, 0x3000001, -ENOMEM,
		 "the bzImage's kernel at [0x1000000, 0x4000001) ends beyond guest memory's "
		 "0x4000000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		assert_refused(&refusals[i]);
}

static void refuses_a_cut_header(void **state)
{
	struct image image;
	struct bzimage bzimage;
	struct reason reason = {""};

	(void)state;
	image_bzimage(&image);
	image.length = 0x26b;
	assert_int_equal(parse_in(&bzimage, &image, IMAGE_RAM_BYTES, &reason), -ENOEXEC);
	assert_string_equal(reason.text,
			    "the bzImage's setup header ends at 620, beyond the file's 619 bytes");
}

static void refuses_what_the_page_tables_do_not_map(void **state)
{
	struct image image;
	struct bzimage bzimage;
	struct reason reason = {""};

	(void)state;
	image_bzimage(&image);
	image_put64(&image, BZ_PREF_ADDRESS, 0x40000000 - IMAGE_KERNEL_INIT_BYTES);
	assert_int_equal(parse_in(&bzimage, &image, UINT64_C(2) << 30, &reason), 0);
	image_put64(&image, BZ_PREF_ADDRESS, 0x3fa00000);
	assert_int_equal(parse_in(&bzimage, &image, UINT64_C(2) << 30, &reason), -ENOEXEC);
	assert_string_equal(reason.text,
			    "the bzImage's kernel needs memory up to 0x40200000, beyond "
			    "the 0x40000000 that is mapped at its entry");
}

static void refuses_every_truncation(void **state)
{
	struct image image;
	struct bzimage bzimage;
	struct reason reason;

	(void)state;
	image_bzimage(&image);
	for (size_t length = image.length; length-- > 0;) {
		image.length = length;
		assert_int_equal(parse_in(&bzimage, &image, IMAGE_RAM_BYTES, &reason), -ENOEXEC);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_valid_file),
		cmocka_unit_test(no_setup_sectors_mean_four),
		cmocka_unit_test(a_signature_behind_the_kernel_is_left_out),
		cmocka_unit_test(memory_is_never_below_the_file),
		cmocka_unit_test(a_fixed_kernel_needs_no_alignment),
		cmocka_unit_test(header_sizes),
		cmocka_unit_test(refuses_wrong_fields),
		cmocka_unit_test(refuses_a_cut_header),
		cmocka_unit_test(refuses_what_the_page_tables_do_not_map),
		cmocka_unit_test(refuses_every_truncation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
