/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/chip.h - a guest's accesses to one chip, as the bus makes them.
 *
 * The data of each access ends at an inaccessible page, so that a chip that
 * touches one byte more than the access has dies on the spot.
 */
#ifndef TESTS_UNIT_CHIP_H
#define TESTS_UNIT_CHIP_H

#include <stdint.h>

#include "monitor/bus.h"
#include "tests/unit/guard.h"

typedef void chip_access_fn(void *chip, const struct bus_access *access);

static inline uint64_t chip_exchange(chip_access_fn *access_chip, void *chip, uint64_t offset,
				     uint32_t size_bytes, bool is_write, uint64_t value)
{
	struct guard guard = guard_copy(&value, size_bytes);
	struct bus_access access = {offset, guard.bytes, size_bytes, is_write};
	uint64_t result = 0;

	if (!is_write)
		memset(guard.bytes, 0, size_bytes);
	access_chip(chip, &access);
	memcpy(&result, guard.bytes, size_bytes);
	guard_release(&guard);
	return result;
}

static inline void chip_write(chip_access_fn *access_chip, void *chip, uint64_t offset,
			      uint32_t size_bytes, uint64_t value)
{
	chip_exchange(access_chip, chip, offset, size_bytes, true, value);
}

static inline uint64_t chip_read(chip_access_fn *access_chip, void *chip, uint64_t offset,
				 uint32_t size_bytes)
{
	return chip_exchange(access_chip, chip, offset, size_bytes, false, 0);
}

#endif
