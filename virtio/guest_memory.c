/* SPDX-License-Identifier: MIT */
/* virtio/guest_memory.c - see guest_memory.h. */
#include "virtio/guest_memory.h"

#include <errno.h>
#include <string.h>

static int ranges_overlap(const struct guest_memory_range *range, uint64_t base_gpa,
			  uint64_t size_bytes)
{
	return base_gpa < range->base_gpa + range->size_bytes &&
	       range->base_gpa < base_gpa + size_bytes;
}

int guest_memory_add(struct guest_memory *memory, uint64_t base_gpa, uint64_t size_bytes,
		     void *host)
{
	uint64_t end_gpa;

	if (size_bytes == 0 || !host)
		return -EINVAL;
	if (__builtin_add_overflow(base_gpa, size_bytes, &end_gpa))
		return -EOVERFLOW;
	if (memory->count == GUEST_MEMORY_RANGES_MAX)
		return -ENOSPC;
	for (unsigned int i = 0; i < memory->count; i++)
		if (ranges_overlap(&memory->ranges[i], base_gpa, size_bytes))
			return -EINVAL;
	memory->ranges[memory->count++] = (struct guest_memory_range){
		.base_gpa = base_gpa,
		.size_bytes = size_bytes,
		.host = host,
	};
	return 0;
}

void *guest_memory_at(const struct guest_memory *memory, uint64_t gpa, uint64_t length)
{
	for (unsigned int i = 0; i < memory->count; i++) {
		const struct guest_memory_range *range = &memory->ranges[i];
		uint64_t offset = gpa - range->base_gpa;

		/* Written so that nothing can wrap: offset is below size before it is subtracted.
		 */
		if (gpa >= range->base_gpa && offset < range->size_bytes &&
		    length <= range->size_bytes - offset)
			return range->host + offset;
	}
	return NULL;
}

int guest_memory_write(const struct guest_memory *memory, uint64_t gpa, const void *source,
		       size_t length)
{
	void *target = guest_memory_at(memory, gpa, length);

	if (!target)
		return -EFAULT;
	memcpy(target, source, length);
	return 0;
}

int guest_memory_read(const struct guest_memory *memory, uint64_t gpa, void *target, size_t length)
{
	const void *source = guest_memory_at(memory, gpa, length);

	if (!source)
		return -EFAULT;
	memcpy(target, source, length);
	return 0;
}
