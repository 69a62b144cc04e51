/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/flush_pattern.h - what block_flush.c writes into a sector, and
 * tests/vm/flush_check.c looks for.
 *
 * A sector names its place and the round in which it was written; the rest and the sum follow from
 * both, so that a sector of two rounds is none.
 */
#ifndef GUEST_FLUSH_PATTERN_H
#define GUEST_FLUSH_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/guests/lib/random.h"

#define FLUSH_MAGIC UINT64_C(0x6873756c66656220)

enum {
	FLUSH_SECTOR_BYTES = 512,
	FLUSH_FILL_WORDS = 60,
};

struct flush_sector {
	uint64_t magic;
	uint64_t sector;
	uint64_t round;
	uint64_t fill[FLUSH_FILL_WORDS];
	uint64_t sum;
};

_Static_assert(sizeof(struct flush_sector) == FLUSH_SECTOR_BYTES, "one sector");

static inline uint64_t flush_fill(uint64_t sector, uint64_t round, uint32_t word)
{
	return random_mix(random_mix(sector) + round * FLUSH_FILL_WORDS + word);
}

static inline void flush_make(struct flush_sector *made, uint64_t sector, uint64_t round)
{
	*made = (struct flush_sector){.magic = FLUSH_MAGIC, .sector = sector, .round = round};
	for (uint32_t word = 0; word < FLUSH_FILL_WORDS; word++) {
		made->fill[word] = flush_fill(sector, round, word);
		made->sum += made->fill[word];
	}
}

/* Whether it is a whole sector of that place, whatever its round. */
static inline bool flush_is_whole(const struct flush_sector *found, uint64_t sector)
{
	uint64_t wrong = 0;
	uint64_t sum = 0;

	for (uint32_t word = 0; word < FLUSH_FILL_WORDS; word++) {
		wrong |= found->fill[word] ^ flush_fill(sector, found->round, word);
		sum += found->fill[word];
	}
	return wrong == 0 && found->magic == FLUSH_MAGIC && found->sector == sector &&
	       found->sum == sum;
}

#endif
