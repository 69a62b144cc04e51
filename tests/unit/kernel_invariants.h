/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/kernel_invariants.h - what holds for every image that kernel_parse() accepts.
 *
 * Written from kernel.h and not from the parsers, so that the sweeps and the
 * fuzzer have something to compare them with.
 */
#ifndef TESTS_UNIT_KERNEL_INVARIANTS_H
#define TESTS_UNIT_KERNEL_INVARIANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/kernel.h"

static inline bool kernel_segment_is_sound(const struct kernel_segment *segment,
					   size_t length_bytes, uint64_t ram_bytes)
{
	uint64_t end_gpa = segment->gpa + segment->memory_bytes;
	uint64_t file_end = segment->file_offset + segment->file_bytes;
	bool low = end_gpa <= layout_low_ram_bytes(ram_bytes);
	bool high = segment->gpa >= LAYOUT_HOLE_END_GPA &&
		    end_gpa <= LAYOUT_HOLE_END_GPA + layout_high_ram_bytes(ram_bytes);
	bool on_tables = segment->gpa < 0xc000 && end_gpa > 0x500;
	bool on_cmdline = segment->gpa < 0x20800 && end_gpa > 0x20000;
	bool on_bios = segment->gpa < 0x100000 && end_gpa > 0x9fc00;

	return segment->memory_bytes > 0 && segment->memory_bytes >= segment->file_bytes &&
	       end_gpa > segment->gpa && (low || high) && !on_tables && !on_cmdline && !on_bios &&
	       (segment->file_bytes == 0 ||
		(file_end > segment->file_offset && file_end <= length_bytes));
}

static inline bool kernel_segments_are_disjoint(const struct kernel_image *image)
{
	for (unsigned int i = 0; i < image->segment_count; i++)
		for (unsigned int j = 0; j < i; j++) {
			const struct kernel_segment *a = &image->segments[i];
			const struct kernel_segment *b = &image->segments[j];

			if (a->gpa < b->gpa + b->memory_bytes && b->gpa < a->gpa + a->memory_bytes)
				return false;
		}
	return true;
}

/* NULL, or what is wrong with the image. */
static inline const char *kernel_invariants(const struct kernel_image *image, size_t length_bytes,
					    uint64_t ram_bytes)
{
	bool entry_is_loaded = false;

	if (image->segment_count == 0 || image->segment_count > KERNEL_SEGMENTS_MAX)
		return "number of segments";
	for (unsigned int i = 0; i < image->segment_count; i++) {
		const struct kernel_segment *segment = &image->segments[i];

		if (!kernel_segment_is_sound(segment, length_bytes, ram_bytes))
			return "a segment";
		if (image->entry_gpa >= segment->gpa &&
		    image->entry_gpa < segment->gpa + segment->file_bytes)
			entry_is_loaded = true;
	}
	if (!kernel_segments_are_disjoint(image))
		return "segments overlap";
	if (!entry_is_loaded)
		return "the entry is not loaded";
	if (image->entry_gpa >=
	    (image->entry == KERNEL_ENTRY_PVH ? LAYOUT_HOLE_END_GPA : LAYOUT_GIB))
		return "the entry is too high";
	if (image->initrd_max_gpa >= layout_low_ram_bytes(ram_bytes))
		return "initrd_max_gpa";
	if (image->setup_header_bytes > sizeof(image->setup_header))
		return "the setup header";
	return NULL;
}

#endif
