/* SPDX-License-Identifier: MIT */
/* tests/unit/test_kernel_load.c - the right bytes in the right place, mapped where that pays. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/kernel_load.h"
#include "monitor/layout.h"

enum {
	PAGE = 4096,
	RAM_BYTES = 4 << 20,
	FILE_BYTES = 1 << 20,
	KERNEL_GPA = 1 << 20,
};

/* Guest memory and a file, both fresh in each test. */
struct fixture {
	struct guest_memory memory;
	uint8_t *ram;
	int fd;
};

static uint8_t file_byte(size_t offset)
{
	return (uint8_t)(1 + (offset ^ offset >> 8 ^ offset >> 16) % 255);
}

static int setup(void **state)
{
	static struct fixture fixture;
	static uint8_t bytes[FILE_BYTES];

	fixture = (struct fixture){0};
	fixture.ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	fixture.fd = memfd_create("kernel", MFD_CLOEXEC);
	for (size_t i = 0; i < FILE_BYTES; i++)
		bytes[i] = file_byte(i);
	if (fixture.ram == MAP_FAILED || fixture.fd < 0 ||
	    pwrite(fixture.fd, bytes, FILE_BYTES, 0) != FILE_BYTES)
		return -1;
	*state = &fixture;
	return guest_memory_add(&fixture.memory, 0, RAM_BYTES, fixture.ram);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	munmap(fixture->ram, RAM_BYTES);
	return close(fixture->fd);
}

static struct kernel_image one_segment(uint64_t file_offset, uint64_t file_bytes, uint64_t gpa)
{
	return (struct kernel_image){
		.segments = {{.file_offset = file_offset,
			      .file_bytes = file_bytes,
			      .gpa = gpa,
			      .memory_bytes = file_bytes + 3 * PAGE}},
		.segment_count = 1,
	};
}

static void load(const struct fixture *fixture, const struct kernel_image *image)
{
	struct reason reason = {""};

	if (kernel_load(image, fixture->fd, &fixture->memory, &reason))
		fail_msg("not loaded: %s", reason.text);
}

/* The segment's bytes, and nothing but zeros around them. */
static void assert_loaded(const struct fixture *fixture, uint64_t file_offset, uint64_t file_bytes,
			  uint64_t gpa)
{
	for (uint64_t i = 0; i < RAM_BYTES; i++) {
		bool inside = i >= gpa && i - gpa < file_bytes;
		uint8_t wanted = inside ? file_byte((size_t)(file_offset + i - gpa)) : 0;

		if (fixture->ram[i] != wanted)
			fail_msg("byte 0x%lx is 0x%02x, not 0x%02x", (unsigned long)i,
				 fixture->ram[i], wanted);
	}
}

/* Whether this byte of memory is still the file's: a change to the file shows through. */
static bool is_mapped(const struct fixture *fixture, uint64_t file_offset, uint64_t gpa)
{
	uint8_t old = fixture->ram[gpa];
	uint8_t changed = (uint8_t)~old;
	bool mapped;

	assert_int_equal(pwrite(fixture->fd, &changed, 1, (off_t)file_offset), 1);
	mapped = fixture->ram[gpa] == changed;
	assert_int_equal(pwrite(fixture->fd, &old, 1, (off_t)file_offset), 1);
	return mapped;
}

static void maps_whole_pages(void **state)
{
	const struct fixture *fixture = *state;
	struct kernel_image image = one_segment(2 * PAGE, 40 * PAGE, KERNEL_GPA);

	load(fixture, &image);
	assert_loaded(fixture, 2 * PAGE, 40 * PAGE, KERNEL_GPA);
	assert_true(is_mapped(fixture, 2 * PAGE, KERNEL_GPA));
	assert_true(is_mapped(fixture, 41 * PAGE - 1, KERNEL_GPA + 39 * PAGE - 1));
	/* The last page is read, to see that the file has it. */
	assert_false(is_mapped(fixture, 41 * PAGE, KERNEL_GPA + 39 * PAGE));
}

static void reads_partial_pages(void **state)
{
	const struct fixture *fixture = *state;
	struct kernel_image image = one_segment(PAGE + 100, 40 * PAGE, KERNEL_GPA + 100);

	load(fixture, &image);
	assert_loaded(fixture, PAGE + 100, 40 * PAGE, KERNEL_GPA + 100);
	assert_false(is_mapped(fixture, PAGE + 100, KERNEL_GPA + 100));
	assert_true(is_mapped(fixture, 2 * PAGE, KERNEL_GPA + PAGE));
	assert_true(is_mapped(fixture, 41 * PAGE - 1, KERNEL_GPA + 40 * PAGE - 1));
	assert_false(is_mapped(fixture, 41 * PAGE, KERNEL_GPA + 40 * PAGE));
}

static void reads_what_is_not_congruent(void **state)
{
	const struct fixture *fixture = *state;
	struct kernel_image image = one_segment(PAGE + 512, 40 * PAGE, KERNEL_GPA);

	load(fixture, &image);
	assert_loaded(fixture, PAGE + 512, 40 * PAGE, KERNEL_GPA);
	assert_false(is_mapped(fixture, 5 * PAGE + 512, KERNEL_GPA + 4 * PAGE));
}

static void reads_what_is_small(void **state)
{
	const struct fixture *fixture = *state;
	struct kernel_image image = one_segment(0, KERNEL_MAP_MIN_BYTES, KERNEL_GPA);

	load(fixture, &image);
	assert_loaded(fixture, 0, KERNEL_MAP_MIN_BYTES, KERNEL_GPA);
	assert_false(is_mapped(fixture, 0, KERNEL_GPA));
	image = one_segment(0, KERNEL_MAP_MIN_BYTES + 1, KERNEL_GPA);
	load(fixture, &image);
	assert_true(is_mapped(fixture, 0, KERNEL_GPA));
}

/* A limit on writable memory makes the kernel refuse the mapping, as hugetlb memory does. */
static void reads_all_where_mapping_is_refused(void **state)
{
	const struct fixture *fixture = *state;
	struct kernel_image image = one_segment(0, 40 * PAGE, KERNEL_GPA);
	struct reason reason = {""};
	struct rlimit before;
	struct rlimit tight;
	int error;

	assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
	tight = before;
	tight.rlim_cur = PAGE;
	assert_int_equal(setrlimit(RLIMIT_DATA, &tight), 0);
	error = kernel_load(&image, fixture->fd, &fixture->memory, &reason);
	assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
	assert_int_equal(error, 0);
	assert_loaded(fixture, 0, 40 * PAGE, KERNEL_GPA);
	assert_false(is_mapped(fixture, 0, KERNEL_GPA));
}

static void the_guest_writes_to_its_own_copy(void **state)
{
	const struct fixture *fixture = *state;
	struct kernel_image image = one_segment(0, 40 * PAGE, KERNEL_GPA);
	uint8_t in_file = 0;

	load(fixture, &image);
	fixture->ram[KERNEL_GPA] = 0;
	assert_int_equal(pread(fixture->fd, &in_file, 1, 0), 1);
	assert_int_equal(in_file, file_byte(0));
}

static void loads_several_segments(void **state)
{
	const struct fixture *fixture = *state;
	struct kernel_image image = {
		.segments = {{.file_offset = 0,
			      .file_bytes = 10,
			      .gpa = KERNEL_GPA,
			      .memory_bytes = 10},
			     {.gpa = KERNEL_GPA + 10, .memory_bytes = 90},
			     {.file_offset = 50, .file_bytes = 7, .gpa = 0x500, .memory_bytes = 7}},
		.segment_count = 3,
	};

	load(fixture, &image);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(fixture->ram[KERNEL_GPA + i], file_byte(i));
	for (size_t i = 0; i < 90; i++)
		assert_int_equal(fixture->ram[KERNEL_GPA + 10 + i], 0);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(fixture->ram[0x500 + i], file_byte(50 + i));
}

/* Whether the missing bytes would have been read or mapped. */
static void sees_a_file_that_shrank(void **state)
{
	const struct fixture *fixture = *state;
	struct reason reason = {""};
	struct kernel_image image = one_segment(0, 40 * PAGE, KERNEL_GPA);

	assert_int_equal(ftruncate(fixture->fd, 20 * PAGE + 7), 0);
	assert_int_equal(kernel_load(&image, fixture->fd, &fixture->memory, &reason), -EIO);
	assert_string_equal(reason.text,
			    "4096 bytes at offset 159744 are no longer in the file: it shrank");
	image = one_segment(20 * PAGE, 100, KERNEL_GPA);
	assert_int_equal(kernel_load(&image, fixture->fd, &fixture->memory, &reason), -EIO);
	assert_string_equal(reason.text,
			    "93 bytes at offset 81927 are no longer in the file: it shrank");
}

static void reports_what_cannot_be_read(void **state)
{
	const struct fixture *fixture = *state;
	struct reason reason = {""};
	struct kernel_image image = one_segment(4096, 100, KERNEL_GPA);

	assert_int_equal(kernel_load(&image, -1, &fixture->memory, &reason), -EBADF);
	assert_string_equal(reason.text, "cannot read at byte 4096: Bad file descriptor");
}

static void refuses_what_is_not_memory(void **state)
{
	const struct fixture *fixture = *state;
	struct reason reason = {""};
	struct kernel_image image = one_segment(0, 100, RAM_BYTES - 100);

	assert_int_equal(kernel_load(&image, fixture->fd, &fixture->memory, &reason), -EFAULT);
	assert_string_equal(reason.text,
			    "the kernel's [0x3fff9c, 0x403000) is not in guest memory");
	assert_int_equal(initrd_load(fixture->fd, 101, RAM_BYTES - 100, &fixture->memory, &reason),
			 -EFAULT);
	assert_string_equal(reason.text,
			    "the initrd's 101 bytes at 0x3fff9c are not in guest memory");
}

static void loads_an_initrd(void **state)
{
	const struct fixture *fixture = *state;
	struct reason reason;

	assert_int_equal(
		initrd_load(fixture->fd, FILE_BYTES - 100, 0x200000, &fixture->memory, &reason), 0);
	assert_loaded(fixture, 0, FILE_BYTES - 100, 0x200000);
	assert_true(is_mapped(fixture, 0, 0x200000));
}

static void sees_an_initrd_that_shrank(void **state)
{
	const struct fixture *fixture = *state;
	struct reason reason = {""};

	assert_int_equal(
		initrd_load(fixture->fd, FILE_BYTES + 1, 0x200000, &fixture->memory, &reason),
		-EIO);
	assert_string_equal(reason.text,
			    "1 bytes at offset 1048576 are no longer in the file: it shrank");
}

/* Placement. */

static struct kernel_image kernel_until(uint64_t end_gpa, uint64_t initrd_max_gpa)
{
	return (struct kernel_image){
		.segments = {{.gpa = LAYOUT_MIB, .memory_bytes = end_gpa - LAYOUT_MIB}},
		.segment_count = 1,
		.initrd_max_gpa = initrd_max_gpa,
	};
}

static void places_an_initrd_high(void **state)
{
	static const struct {
		uint64_t initrd_max_gpa;
		uint64_t initrd_bytes;
		uint64_t ram_bytes;
		uint64_t gpa;
	} cases[] = {
		{UINT64_MAX, 1, 64 * LAYOUT_MIB, 64 * LAYOUT_MIB - PAGE},
		{UINT64_MAX, PAGE, 64 * LAYOUT_MIB, 64 * LAYOUT_MIB - PAGE},
		{UINT64_MAX, PAGE + 1, 64 * LAYOUT_MIB, 64 * LAYOUT_MIB - 2 * PAGE},
		{UINT64_MAX, 54 * LAYOUT_MIB, 64 * LAYOUT_MIB, 10 * LAYOUT_MIB},
		{32 * LAYOUT_MIB - 1, PAGE, 64 * LAYOUT_MIB, 32 * LAYOUT_MIB - PAGE},
		{32 * LAYOUT_MIB - 2, PAGE, 64 * LAYOUT_MIB, 32 * LAYOUT_MIB - 2 * PAGE},
		{UINT64_MAX, PAGE, 8 * LAYOUT_GIB, 3 * LAYOUT_GIB - PAGE},
		{0x7fffffff, PAGE, 8 * LAYOUT_GIB, 2 * LAYOUT_GIB - PAGE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kernel_image image =
			kernel_until(10 * LAYOUT_MIB - 5, cases[i].initrd_max_gpa);
		struct reason reason = {""};
		uint64_t gpa = 0;

		assert_int_equal(initrd_place(&gpa, &image, cases[i].initrd_bytes,
					      cases[i].ram_bytes, &reason),
				 0);
		assert_int_equal(gpa, cases[i].gpa);
	}
}

static void a_kernel_above_the_hole_is_in_nobodys_way(void **state)
{
	struct kernel_image image = kernel_until(10 * LAYOUT_MIB, UINT64_MAX);
	struct reason reason;
	uint64_t gpa;

	(void)state;
	image.segments[1] =
		(struct kernel_segment){.gpa = LAYOUT_HOLE_END_GPA, .memory_bytes = LAYOUT_GIB};
	image.segment_count = 2;
	assert_int_equal(initrd_place(&gpa, &image, PAGE, 8 * LAYOUT_GIB, &reason), 0);
	assert_int_equal(gpa, 3 * LAYOUT_GIB - PAGE);
}

static void an_initrd_stays_out_of_low_memory(void **state)
{
	struct kernel_image image = {
		.segments = {{.gpa = 0x10000, .memory_bytes = PAGE}},
		.segment_count = 1,
		.initrd_max_gpa = UINT64_MAX,
	};
	struct reason reason = {""};
	uint64_t gpa = 17;

	(void)state;
	assert_int_equal(initrd_place(&gpa, &image, PAGE, LAYOUT_MIB, &reason), -ENOMEM);
	assert_int_equal(gpa, 17);
}

static void refuses_an_initrd_that_does_not_fit(void **state)
{
	struct kernel_image image = kernel_until(10 * LAYOUT_MIB, 64 * LAYOUT_MIB - 1);
	struct reason reason = {""};
	uint64_t gpa = 17;

	(void)state;
	assert_int_equal(initrd_place(&gpa, &image, 54 * LAYOUT_MIB + 1, 64 * LAYOUT_MIB, &reason),
			 -ENOMEM);
	assert_string_equal(reason.text,
			    "the initrd has 56623105 bytes, but between the kernel's end 0xa00000 "
			    "and 0x4000000 there are 56623104");
	assert_int_equal(initrd_place(&gpa, &image, UINT64_MAX, 64 * LAYOUT_MIB, &reason), -ENOMEM);
	image.initrd_max_gpa = 5 * LAYOUT_MIB;
	assert_int_equal(initrd_place(&gpa, &image, 1, 64 * LAYOUT_MIB, &reason), -ENOMEM);
	assert_string_equal(reason.text,
			    "the initrd has 1 bytes, but between the kernel's end 0xa00000 and "
			    "0x500001 there are 0");
	assert_int_equal(initrd_place(&gpa, &image, 0, 64 * LAYOUT_MIB, &reason), -EINVAL);
	assert_string_equal(reason.text, "the initrd is empty");
	assert_int_equal(gpa, 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(maps_whole_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_partial_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_what_is_not_congruent, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_what_is_small, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_all_where_mapping_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_guest_writes_to_its_own_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(loads_several_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(sees_a_file_that_shrank, setup, teardown),
		cmocka_unit_test_setup_teardown(reports_what_cannot_be_read, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_what_is_not_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(loads_an_initrd, setup, teardown),
		cmocka_unit_test_setup_teardown(sees_an_initrd_that_shrank, setup, teardown),
		cmocka_unit_test(places_an_initrd_high),
		cmocka_unit_test(a_kernel_above_the_hole_is_in_nobodys_way),
		cmocka_unit_test(an_initrd_stays_out_of_low_memory),
		cmocka_unit_test(refuses_an_initrd_that_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
