/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/random.h - numbers that look random and repeat with their seed (xorshift).
 */
#ifndef GUEST_RANDOM_H
#define GUEST_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state; /* never 0 */
};

/* Scatters the bits of a number, so that neighbours share none. */
static inline uint64_t random_mix(uint64_t number)
{
	number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
	return number ^ number >> 31;
}

static inline void random_seed(struct random *random, uint64_t seed)
{
	random->state = random_mix(seed + UINT64_C(0x9e3779b97f4a7c15)) | 1;
}

static inline uint64_t random_next(struct random *random)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return random->state;
}

/* One of 0 to bound - 1; `bound` is not 0. */
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
	return random_next(random) % bound;
}

#endif
