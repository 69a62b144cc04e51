/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/memory.c - touches all RAM that the memory map lists.
 *
 * Each word must be zero at first, takes a pattern that depends on its address,
 * and must still hold it once all the others were written.  Exit code 1 for
 * memory that was not zero, 2 for memory that lost its pattern, 3 if there is
 * more than the library can map.
 */
#include "tests/guests/lib/memory.h"
#include "tests/guests/lib/guest.h"

#define PATTERN UINT64_C(0x9e3779b97f4a7c15)

struct tally {
	uint64_t touched_bytes;
	uint64_t wrong_pages;
	uint64_t first_wrong;
};

static void count_wrong(struct tally *tally, const uint64_t *word)
{
	if (tally->wrong_pages++ == 0)
		tally->first_wrong = (uint64_t)word;
}

/* The first access writes, so that a page that is not there yet is brought in once only. */
static void check_zero_and_fill(struct tally *tally, uint64_t *words, uint64_t count)
{
	uint64_t other = 0;

	if (__atomic_exchange_n(words, (uint64_t)words ^ PATTERN, __ATOMIC_RELAXED) != 0)
		count_wrong(tally, words);
	for (uint64_t at = 1; at < count; at++) {
		other |= words[at];
		words[at] = (uint64_t)(words + at) ^ PATTERN;
	}
	if (other != 0)
		count_wrong(tally, words);
}

static void check_pattern(struct tally *tally, uint64_t *words, uint64_t count)
{
	uint64_t other = 0;

	for (uint64_t at = 0; at < count; at++)
		other |= words[at] ^ (uint64_t)(words + at) ^ PATTERN;
	if (other != 0)
		count_wrong(tally, words);
}

static void visit_range(const struct boot_range *range, struct tally *tally,
			void (*visit)(struct tally *tally, uint64_t *words, uint64_t count))
{
	uint64_t end = range->base + range->size;
	uint64_t next;

	for (uint64_t at = range->base; at < end; at = next) {
		next = (at + MEMORY_PAGE_BYTES) & ~(uint64_t)(MEMORY_PAGE_BYTES - 1);
		if (next > end)
			next = end;
		if (memory_is_in_use(at))
			continue;
		visit(tally, (uint64_t *)at, (next - at) / sizeof(uint64_t));
		tally->touched_bytes += next - at;
	}
}

static bool map_all(void)
{
	struct boot_range range;

	for (uint32_t index = 0; boot_range(index, &range); index++)
		if (range.type == BOOT_RANGE_RAM && !memory_map_up_to(range.base + range.size))
			return false;
	return true;
}

static struct tally visit_all(void (*visit)(struct tally *tally, uint64_t *words, uint64_t count))
{
	struct tally tally = {0, 0, 0};
	struct boot_range range;

	for (uint32_t index = 0; boot_range(index, &range); index++)
		if (range.type == BOOT_RANGE_RAM)
			visit_range(&range, &tally, visit);
	return tally;
}

static bool report(const struct tally *tally, const char *what)
{
	print("%lu KiB %s, %lu pages wrong", tally->touched_bytes / 1024, what, tally->wrong_pages);
	if (tally->wrong_pages != 0)
		print(", first at 0x%lx", tally->first_wrong);
	print("\n");
	return tally->wrong_pages == 0;
}

int guest_main(void)
{
	struct tally zero;
	struct tally pattern;

	if (!map_all()) {
		print("more memory than this guest can map\n");
		return 3;
	}
	zero = visit_all(check_zero_and_fill);
	pattern = visit_all(check_pattern);
	if (!report(&zero, "were zero"))
		return 1;
	return report(&pattern, "read back") ? 0 : 2;
}
