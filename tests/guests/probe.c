/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/probe.c - checks, from the inside, the machine that the monitor promises.
 *
 * Each check is a TAP line.  Exit code 1 if one fails.  Options say what to expect where
 * the machine can be configured: vcpus=N, mib=N, acpi=on or acpi=off.
 */
#include "tests/guests/probe.h"

#include "tests/guests/lib/boot.h"
#include "tests/guests/lib/console.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/layout.h"
#include "tests/guests/lib/string.h"

enum {
	COMMAND_LINE_MAX_BYTES = 2048,
	HEADER_MAGIC = 0x53726448, /* "HdrS" */
	OLDEST_VERSION = 0x20c,
};

#define MIB      UINT64_C(0x100000)
#define LOW_END  UINT64_C(0x9fc00)
#define HOLE     UINT64_C(0xc0000000)
#define HOLE_END UINT64_C(0x100000000)

static uint32_t checks;
static uint32_t failures;

void probe_check(bool holds, const char *what)
{
	checks++;
	if (!holds)
		failures++;
	print("%s %u - %s\n", holds ? "ok" : "not ok", checks, what);
}

static void check_linux(const struct boot_zero_page *page)
{
	probe_check((uint64_t)page == 0x7000, "zero page: at 0x7000");
	probe_check(page->boot_flag == 0xaa55, "zero page: boot flag");
	probe_check(page->header == HEADER_MAGIC, "zero page: header magic");
	probe_check(page->version >= OLDEST_VERSION, "zero page: protocol version");
	probe_check(page->loader_type != 0, "zero page: loader type");
	probe_check(page->command_line != 0, "zero page: command line pointer");
	probe_check(page->command_line_size == strlen(boot_command_line()),
		    "zero page: command line size is its length");
	probe_check(page->ramdisk_size == 0, "zero page: no initrd");
	probe_check(page->e820_count > 0 && page->e820_count <= BOOT_RANGES_MAX,
		    "zero page: memory map");
}

static void check_pvh(const struct boot_start_info *info)
{
	probe_check((uint64_t)info == 0x6000, "start info: at 0x6000");
	probe_check(info->magic == BOOT_START_INFO_MAGIC, "start info: magic");
	probe_check(info->version >= 1, "start info: version with a memory map");
	probe_check(info->module_count == 0, "start info: no module");
	probe_check(info->memory_map_count > 0, "start info: memory map");
}

static bool overlaps(const struct boot_range *range, uint64_t start, uint64_t end)
{
	return range->base < end && start < range->base + range->size;
}

static void check_memory_map(void)
{
	uint64_t wanted = boot_number("mib=", 0) * MIB;
	uint64_t ram_bytes = MIB - LOW_END; /* behind the low range, not in the map */
	uint64_t end_before = 0;
	bool is_sorted = true;
	bool is_clear = true;
	bool has_low = false;
	bool has_kernel = false;
	struct boot_range range;

	for (uint32_t index = 0; boot_range(index, &range); index++) {
		is_sorted &= range.size > 0 && range.base >= end_before;
		end_before = range.base + range.size;
		is_clear &= !overlaps(&range, LOW_END, MIB) && !overlaps(&range, HOLE, HOLE_END);
		has_low |= range.base == 0 && range.size == LOW_END;
		has_kernel |= range.base == MIB && range.type == BOOT_RANGE_RAM;
		if (range.type == BOOT_RANGE_RAM)
			ram_bytes += range.size;
	}
	probe_check(is_sorted, "memory map: sorted, without overlap");
	probe_check(has_low, "memory map: RAM up to 0x9fc00");
	probe_check(has_kernel, "memory map: RAM from 1 MiB on");
	probe_check(is_clear, "memory map: nothing over the tables and the device hole");
	if (wanted != 0)
		probe_check(ram_bytes == wanted, "memory map: as much RAM as configured");
}

static bool is_zero(const uint64_t *words, uint64_t count)
{
	uint64_t other = 0;

	for (uint64_t at = 0; at < count; at++)
		other |= words[at];
	return other == 0;
}

/* The first page of each MiB behind this image, in memory that is mapped from the start. */
static void check_zeroed(void)
{
	bool all_zero = true;
	struct boot_range range;

	for (uint32_t index = 0; boot_range(index, &range); index++)
		if (range.type == BOOT_RANGE_RAM && range.base >= MIB && range.base < HOLE)
			for (uint64_t at = 2 * MIB; at + MIB <= range.base + range.size; at += MIB)
				all_zero &= is_zero((const uint64_t *)at, 512);
	probe_check(all_zero, "memory: zeroed, in samples");
}

static void check_command_line(void)
{
	uint64_t address = (uint64_t)boot_command_line();

	probe_check(address == 0x20000, "command line: at 0x20000");
	probe_check(strlen(boot_command_line()) < COMMAND_LINE_MAX_BYTES,
		    "command line: ends within its limit");
}

int guest_main(void)
{
	if (boot_protocol() == ENTRY_LINUX64)
		check_linux(boot_zero_page());
	else
		check_pvh(boot_start_info());
	check_command_line();
	check_memory_map();
	check_zeroed();
	probe_tables();
	probe_processor();
	probe_devices();
	print("1..%u\n", checks);
	return failures != 0;
}
