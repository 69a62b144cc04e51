/* SPDX-License-Identifier: MIT */
/* monitor/kernel_load.c - see kernel_load.h. */
#include "monitor/kernel_load.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "monitor/layout.h"

static uint64_t page_down(uint64_t value)
{
	return value & ~(LAYOUT_PAGE_BYTES - 1);
}

static uint64_t page_up(uint64_t value)
{
	return page_down(value + LAYOUT_PAGE_BYTES - 1);
}

static int read_fully(int fd, uint64_t offset, uint8_t *target, uint64_t length,
		      struct reason *reason)
{
	while (length > 0) {
		ssize_t got = pread(fd, target, length, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int error = -errno;

			return reason_set(reason, error, "cannot read at byte %" PRIu64 ": %s",
					  offset, strerror(-error));
		}
		if (got == 0)
			return reason_set(reason, -EIO,
					  "%" PRIu64 " bytes at offset %" PRIu64
					  " are no longer in the file: it shrank",
					  length, offset);
		offset += (uint64_t)got;
		target += got;
		length -= (uint64_t)got;
	}
	return 0;
}

/* How many bytes to read, then to map; what is left after both is read again. */
struct split {
	uint64_t head_bytes;
	uint64_t mapped_bytes;
};

/*
 * Which part of a range can be mapped.  Its last page never is, even if whole:
 * reading it proves that the file still reaches that far.
 */
static struct split split_range(uint64_t offset, const uint8_t *target, uint64_t length)
{
	uint64_t address = (uint64_t)(uintptr_t)target;
	uint64_t first = page_up(address);
	uint64_t last = page_down(address + length - 1);
	struct split split = {.head_bytes = length};

	if (address % LAYOUT_PAGE_BYTES != offset % LAYOUT_PAGE_BYTES || first >= last ||
	    last - first < KERNEL_MAP_MIN_BYTES)
		return split;
	split.head_bytes = first - address;
	split.mapped_bytes = last - first;
	return split;
}

static int load_range(int fd, uint64_t offset, uint8_t *target, uint64_t length,
		      struct reason *reason)
{
	struct split split;
	uint64_t behind;
	int error;

	if (length == 0)
		return 0;
	split = split_range(offset, target, length);
	if (split.mapped_bytes &&
	    mmap(target + split.head_bytes, split.mapped_bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd,
		 (off_t)(offset + split.head_bytes)) == MAP_FAILED)
		split = (struct split){.head_bytes = length};
	error = read_fully(fd, offset, target, split.head_bytes, reason);
	if (error)
		return error;
	behind = split.head_bytes + split.mapped_bytes;
	return read_fully(fd, offset + behind, target + behind, length - behind, reason);
}

int kernel_load(const struct kernel_image *image, int fd, const struct guest_memory *memory,
		struct reason *reason)
{
	for (unsigned int i = 0; i < image->segment_count; i++) {
		const struct kernel_segment *segment = &image->segments[i];
		uint8_t *target = guest_memory_at(memory, segment->gpa, segment->memory_bytes);
		int error;

		if (!target)
			return reason_set(reason, -EFAULT,
					  "the kernel's [0x%" PRIx64 ", 0x%" PRIx64
					  ") is not in guest memory",
					  segment->gpa, segment->gpa + segment->memory_bytes);
		error = load_range(fd, segment->file_offset, target, segment->file_bytes, reason);
		if (error)
			return error;
	}
	return 0;
}

/* Where the kernel ends in low memory; what it has above the hole is in nobody's way. */
static uint64_t low_end_gpa(const struct kernel_image *image)
{
	uint64_t end_gpa = LAYOUT_KERNEL_GPA;

	for (unsigned int i = 0; i < image->segment_count; i++) {
		const struct kernel_segment *segment = &image->segments[i];

		if (segment->gpa < LAYOUT_HOLE_GPA &&
		    segment->gpa + segment->memory_bytes > end_gpa)
			end_gpa = segment->gpa + segment->memory_bytes;
	}
	return end_gpa;
}

int initrd_place(uint64_t *gpa, const struct kernel_image *image, uint64_t initrd_bytes,
		 uint64_t ram_bytes, struct reason *reason)
{
	uint64_t floor_gpa = page_up(low_end_gpa(image));
	uint64_t ceiling_gpa = layout_low_ram_bytes(ram_bytes);

	if (initrd_bytes == 0)
		return reason_set(reason, -EINVAL, "the initrd is empty");
	if (image->initrd_max_gpa < ceiling_gpa)
		ceiling_gpa = image->initrd_max_gpa + 1;
	if (initrd_bytes > ceiling_gpa || page_down(ceiling_gpa - initrd_bytes) < floor_gpa)
		return reason_set(reason, -ENOMEM,
				  "the initrd has %" PRIu64
				  " bytes, but between the kernel's end 0x%" PRIx64
				  " and 0x%" PRIx64 " there are %" PRIu64,
				  initrd_bytes, floor_gpa, ceiling_gpa,
				  ceiling_gpa > floor_gpa ? ceiling_gpa - floor_gpa : 0);
	*gpa = page_down(ceiling_gpa - initrd_bytes);
	return 0;
}

int initrd_load(int fd, uint64_t size_bytes, uint64_t gpa, const struct guest_memory *memory,
		struct reason *reason)
{
	uint8_t *target = guest_memory_at(memory, gpa, size_bytes);

	if (!target)
		return reason_set(reason, -EFAULT,
				  "the initrd's %" PRIu64 " bytes at 0x%" PRIx64
				  " are not in guest memory",
				  size_bytes, gpa);
	return load_range(fd, 0, target, size_bytes, reason);
}
