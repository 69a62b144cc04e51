/* SPDX-License-Identifier: MIT */
/*
 * monitor/bus.h - which device answers at an address or a port.
 *
 * A bus is a fixed table of regions, searched for each exit that the guest
 * causes.  The machine has two: one for I/O ports, one for MMIO.  An access
 * that no region contains reads as zero, is otherwise ignored, and is counted:
 * guests probe for devices that are not there, and a guest that reads ones
 * from an absent clock chip may wait for ever.
 *
 * Call order: bus_add() while the machine is built, bus_access() afterwards.
 * Threads: bus_access() may be called from every vCPU thread at once.  It holds
 * the region's lock around the device's function, so that a device needs to
 * know no locking.
 */
#ifndef MONITOR_BUS_H
#define MONITOR_BUS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	BUS_REGIONS_MAX = 32,
	BUS_ACCESS_MAX_BYTES = 8,
};

/* One access, inside one region.  A read fills `data`, which arrives zeroed. */
struct bus_access {
	uint64_t offset; /* from the start of the region */
	uint8_t *data;   /* size_bytes of it, least significant byte first */
	uint32_t size_bytes;
	bool is_write;
};

struct bus_region {
	uint64_t base;
	uint64_t size;
	const char *name;
	pthread_mutex_t *lock; /* NULL: the device needs none */
	void *owner;
	void (*access)(void *owner, const struct bus_access *access);
};

struct bus {
	struct bus_region regions[BUS_REGIONS_MAX]; /* sorted by base */
	unsigned int count;
	_Atomic uint64_t unclaimed_reads;
	_Atomic uint64_t unclaimed_writes;
};

/*
 * Add a region.  Returns 0, -ENOSPC if the table is full, -EINVAL for an empty or
 * wrapping region, or -EEXIST for one that overlaps another.
 */
int bus_add(struct bus *bus, const struct bus_region *region);

/*
 * Serve one access of at most BUS_ACCESS_MAX_BYTES.  An access that begins inside a region and ends
 * outside of it is unclaimed.  Returns whether a device answered.
 */
bool bus_access(struct bus *bus, uint64_t address, uint8_t *data, uint32_t size_bytes,
		bool is_write);

#endif
