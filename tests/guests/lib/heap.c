/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/heap.c - see heap.h. */
#include "tests/guests/lib/heap.h"

#include "tests/guests/lib/boot.h"
#include "tests/guests/lib/console.h"
#include "tests/guests/lib/exit.h"

/* Above every image (link.ld) and what a boot protocol puts around it. */
#define HEAP_START UINT64_C(0x400000)

/* What the library's page tables map. */
#define HEAP_END_MAX (UINT64_C(3) << 30)

static uint64_t next = HEAP_START;
static uint64_t end;

uint64_t heap_end(void)
{
	struct boot_range range;

	for (uint32_t index = 0; end == 0 && boot_range(index, &range); index++)
		if (range.type == BOOT_RANGE_RAM && range.base < HEAP_START &&
		    range.base + range.size > HEAP_START)
			end = range.base + range.size;
	return end < HEAP_END_MAX ? end : HEAP_END_MAX;
}

void *heap_take(size_t size_bytes, size_t alignment)
{
	uint64_t start = (next + alignment - 1) & ~(uint64_t)(alignment - 1);

	if (start > heap_end() || heap_end() - start < size_bytes) {
		print("no memory for %lu bytes\n", size_bytes);
		exit_code(EXIT_CODE_NO_MEMORY);
	}
	next = start + size_bytes;
	return (void *)start;
}
