/* SPDX-License-Identifier: MIT */
/* tests/unit/test_memory_use.c - maps of processes and the kernel's memory, as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "benches/memory_use.h"

#ifndef __has_feature
#define __has_feature(name) 0
#endif

enum {
	GUEST_BYTES = 0x10000,
	PAGES = 8,
};

static const char smaps[] =
	/* An image, whose name looks like a flag. */
	"00400000-00500000 r-xp 00000000 fe:00 11                         /tmp/VmFlags: nr\n"
	"Size:               1024 kB\n"
	"Rss:                 700 kB\n"
	"Pss:                 350 kB\n"
	"Pss_Dirty:             2 kB\n"
	"Private_Dirty:         1 kB\n"
	"VmFlags: rd ex mr mw me \n"
	/* The guest's memory, a file over the middle of it. */
	"7f0000000000-7f0000004000 rw-p 00000000 00:00 0 \n"
	"Pss:                  12 kB\n"
	"Private_Dirty:         8 kB\n"
	"VmFlags: rd wr mr mw me nr nh \n"
	"7f0000004000-7f0000008000 rw-p 00001000 fe:00 12                 /tmp/guest\n"
	"Pss:                  16 kB\n"
	"Private_Dirty:         4 kB\n"
	"VmFlags: rd wr mr mw me ac \n"
	"7f0000008000-7f0000010000 rw-p 00000000 00:00 0 \n"
	"Pss:                  20 kB\n"
	"Private_Dirty:        20 kB\n"
	"VmFlags: rd wr mr mw me nr nh \n"
	/* Right behind it. */
	"7f0000010000-7f0000020000 rw-p 00000000 00:00 0                  [stack]\n"
	"Pss:                 100 kB\n"
	"Private_Dirty:       100 kB\n"
	"VmFlags: rd wr mr mw me gd ac \n";

static void guest_memory_is_told_from_the_rest(void **state)
{
	struct memory_use use = {0};

	(void)state;
	memory_use_add(&use, smaps, GUEST_BYTES);
	assert_int_equal(use.pss_kib, 350 + 12 + 16 + 20 + 100);
	assert_int_equal(use.guest_dirty_kib, 8 + 4 + 20);
	assert_int_equal(use.mappings, 5);
	assert_int_equal(use.guests, 1);
}

static void processes_add_up(void **state)
{
	struct memory_use use = {0};

	(void)state;
	memory_use_add(&use, smaps, GUEST_BYTES);
	memory_use_add(&use, "", GUEST_BYTES);
	memory_use_add(&use,
		       "00400000-00500000 r--p 00000000 fe:00 11 /a\nPss: 3 kB\nVmFlags: rd\n",
		       GUEST_BYTES);
	assert_int_equal(use.pss_kib, 498 + 3);
	assert_int_equal(use.guests, 1);
}

/* Cut anywhere, it reads nothing behind the end and counts no mapping that it has not seen whole.
 */
static void cut_text_is_read_to_its_end(void **state)
{
	(void)state;
	for (size_t length = 0; length < sizeof(smaps); length++) {
		char *cut = strndup(smaps, length);
		struct memory_use use = {0};

		memory_use_add(&use, cut, GUEST_BYTES);
		assert_true(use.mappings <= 5);
		assert_true(use.pss_kib <= 498);
		free(cut);
	}
}

static void kernel_memory_is_found_by_name(void **state)
{
	struct memory_machine machine = memory_machine_parse("MemTotal:       24683828 kB\n"
							     "MemAvailable:   20718080 kB\n"
							     "Slab:             100000 kB\n"
							     "SReclaimable:      40000 kB\n"
							     "KernelStack:        2000 kB\n"
							     "PageTables:         3000 kB\n"
							     "SecPageTables:      4000 kB\n"
							     "Percpu:             5000 kB\n");

	(void)state;
	assert_int_equal(machine.available_kib, 20718080);
	assert_int_equal(machine.kernel_kib[MEMORY_SLAB], 100000);
	assert_int_equal(machine.kernel_kib[MEMORY_STACKS], 2000);
	assert_int_equal(machine.kernel_kib[MEMORY_PAGE_TABLES], 3000);
	assert_int_equal(machine.kernel_kib[MEMORY_NESTED_PAGE_TABLES], 4000);
	assert_int_equal(machine.kernel_kib[MEMORY_PERCPU], 5000);
}

/* This process with a guest's memory in it, of which three pages are written. */
static void own_memory_is_seen(void **state)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	char *guest = mmap(NULL, PAGES * page_bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct memory_use use = {0};

	(void)state;
#if __has_feature(address_sanitizer)
	print_message("skip: AddressSanitizer maps without reserve too\n");
	skip();
#endif
	assert_true(guest != MAP_FAILED);
	for (size_t page = 0; page < 3; page++)
		guest[page * 2 * page_bytes] = 1;
	assert_int_equal(memory_use_read(&use, getpid(), PAGES * page_bytes), 0);
	if (use.guests == 0) {
		print_message(
			"skip: vm.overcommit_memory is 2, nothing is mapped without reserve\n");
		skip();
	}
	assert_int_equal(use.guest_dirty_kib, 3 * page_bytes / 1024);
	assert_true(use.pss_kib > use.guest_dirty_kib);
	munmap(guest, PAGES * page_bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guest_memory_is_told_from_the_rest),
		cmocka_unit_test(processes_add_up),
		cmocka_unit_test(cut_text_is_read_to_its_end),
		cmocka_unit_test(kernel_memory_is_found_by_name),
		cmocka_unit_test(own_memory_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
