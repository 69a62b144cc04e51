/* SPDX-License-Identifier: MIT */
/* monitor/bus.c - see bus.h. */
#include "monitor/bus.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/* How many regions begin at or below an address; the last of them is the only candidate. */
static unsigned int regions_up_to(const struct bus *bus, uint64_t address)
{
	unsigned int low = 0;
	unsigned int high = bus->count;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (bus->regions[middle].base <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int bus_add(struct bus *bus, const struct bus_region *region)
{
	unsigned int place;
	uint64_t last;

	if (region->size == 0 || __builtin_add_overflow(region->base, region->size - 1, &last))
		return -EINVAL;
	if (bus->count == BUS_REGIONS_MAX)
		return -ENOSPC;
	place = regions_up_to(bus, region->base);
	if (place > 0 && region->base - bus->regions[place - 1].base < bus->regions[place - 1].size)
		return -EEXIST;
	if (place < bus->count && bus->regions[place].base <= last)
		return -EEXIST;
	memmove(&bus->regions[place + 1], &bus->regions[place],
		(bus->count - place) * sizeof(bus->regions[0]));
	bus->regions[place] = *region;
	bus->count++;
	return 0;
}

static const struct bus_region *find_region(const struct bus *bus, uint64_t address,
					    uint32_t size_bytes)
{
	unsigned int place = regions_up_to(bus, address);
	const struct bus_region *region;
	uint64_t offset;

	if (place == 0 || size_bytes == 0 || size_bytes > BUS_ACCESS_MAX_BYTES)
		return NULL;
	region = &bus->regions[place - 1];
	offset = address - region->base;
	/* Written so that nothing can wrap: offset is below size before it is subtracted. */
	if (offset >= region->size || size_bytes > region->size - offset)
		return NULL;
	return region;
}

bool bus_access(struct bus *bus, uint64_t address, uint8_t *data, uint32_t size_bytes,
		bool is_write)
{
	const struct bus_region *region = find_region(bus, address, size_bytes);
	struct bus_access access = {
		.data = data,
		.size_bytes = size_bytes,
		.is_write = is_write,
	};

	if (!is_write)
		memset(data, 0, size_bytes);
	if (!region) {
		/* Nothing is ordered by these counts, they are only ever shown. */
		atomic_fetch_add_explicit(is_write ? &bus->unclaimed_writes : &bus->unclaimed_reads,
					  1, memory_order_relaxed);
		return false;
	}
	access.offset = address - region->base;
	if (region->lock)
		pthread_mutex_lock(region->lock);
	region->access(region->owner, &access);
	if (region->lock)
		pthread_mutex_unlock(region->lock);
	return true;
}
