/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/memory.c - see memory.h. */
#include "tests/guests/lib/memory.h"

#include "tests/guests/lib/boot.h"
#include "tests/guests/lib/layout.h"

#define GIB             (UINT64_C(1) << 30)
#define PAGE_2M         (UINT64_C(1) << 21)
#define MAPPED_AT_START (4 * GIB)

enum {
	ENTRY_TABLE = 0x27,   /* present, writable, user, accessed */
	ENTRY_PAGE_2M = 0xe7, /* the same, dirty, and large */
	ENTRIES = 512,
	BOOT_STRUCTURES_END = 0x10000,
	COMMAND_LINE_BYTES = 4096,
};

/* In link.ld and tables.S. */
extern const uint8_t guest_image_start[];
extern const uint8_t guest_image_end[];
extern uint64_t page_directory_pointers[ENTRIES];

static uint64_t high_directories[MEMORY_HIGH_GIB_MAX][ENTRIES]
	__attribute__((aligned(MEMORY_PAGE_BYTES)));

/* Entries that were absent are in no TLB, so nothing has to be flushed. */
static void map_gib(uint32_t high_gib)
{
	uint64_t base = MAPPED_AT_START + high_gib * GIB;

	for (uint32_t page = 0; page < ENTRIES; page++)
		high_directories[high_gib][page] = (base + page * PAGE_2M) | ENTRY_PAGE_2M;
	page_directory_pointers[base / GIB] = (uint64_t)high_directories[high_gib] | ENTRY_TABLE;
}

bool memory_map_up_to(uint64_t end)
{
	if (end > MAPPED_AT_START + MEMORY_HIGH_GIB_MAX * GIB)
		return false;
	for (uint32_t gib = 0; MAPPED_AT_START + gib * GIB < end; gib++)
		if (high_directories[gib][0] == 0)
			map_gib(gib);
	return true;
}

static bool overlaps(uint64_t page, uint64_t start, uint64_t size_bytes)
{
	return page < start + size_bytes && start < page + MEMORY_PAGE_BYTES;
}

bool memory_is_in_use(uint64_t page)
{
	uint64_t image = (uint64_t)guest_image_start;
	uint64_t command_line = (uint64_t)boot_command_line();
	uint64_t structure = boot_protocol() == ENTRY_PVH ? (uint64_t)boot_start_info()
							  : (uint64_t)boot_zero_page();

	return page < BOOT_STRUCTURES_END ||
	       overlaps(page, image, (uint64_t)guest_image_end - image) ||
	       overlaps(page, command_line, COMMAND_LINE_BYTES) ||
	       overlaps(page, structure, MEMORY_PAGE_BYTES);
}
