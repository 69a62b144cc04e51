/* SPDX-License-Identifier: MIT */
/* monitor/kernel_segment.c - see kernel_segment.h. */
#include "monitor/kernel_segment.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

#include "monitor/layout.h"

/*
 * What the monitor writes before the guest's first instruction.  Low memory
 * between these is free: some unikernels link a trampoline there.
 */
static const struct {
	uint64_t start_gpa;
	uint64_t end_gpa;
	const char *name;
} reserved[] = {
	{LAYOUT_GDT_GPA, LAYOUT_PD_GPA + LAYOUT_PAGE_BYTES, "the boot tables"},
	{LAYOUT_CMDLINE_GPA, LAYOUT_CMDLINE_GPA + LAYOUT_CMDLINE_MAX_BYTES, "the command line"},
	{LAYOUT_LOW_RAM_END_GPA, LAYOUT_KERNEL_GPA, "the MPTable and ACPI area"},
};

static bool overlap(uint64_t start_a, uint64_t end_a, uint64_t start_b, uint64_t end_b)
{
	return start_a < end_b && start_b < end_a;
}

static int check_in_ram(uint64_t start, uint64_t end, const char *name, uint64_t ram_bytes,
			struct reason *reason)
{
	uint64_t low_end = layout_low_ram_bytes(ram_bytes);
	uint64_t high_end = LAYOUT_HOLE_END_GPA + layout_high_ram_bytes(ram_bytes);

	if (end <= low_end || (start >= LAYOUT_HOLE_END_GPA && end <= high_end))
		return 0;
	if (ram_bytes > LAYOUT_HOLE_GPA && overlap(start, end, low_end, LAYOUT_HOLE_END_GPA))
		return reason_set(reason, -ENOMEM,
				  "%s at [0x%" PRIx64 ", 0x%" PRIx64
				  ") reaches into the device hole [0x%" PRIx64 ", 0x%" PRIx64 ")",
				  name, start, end, low_end, LAYOUT_HOLE_END_GPA);
	return reason_set(reason, -ENOMEM,
			  "%s at [0x%" PRIx64 ", 0x%" PRIx64
			  ") ends beyond guest memory's 0x%" PRIx64,
			  name, start, end, ram_bytes > LAYOUT_HOLE_GPA ? high_end : low_end);
}

static int check_reserved(uint64_t start, uint64_t end, const char *name, struct reason *reason)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (overlap(start, end, reserved[i].start_gpa, reserved[i].end_gpa))
			return reason_set(reason, -ENOEXEC,
					  "%s at [0x%" PRIx64 ", 0x%" PRIx64
					  ") overlaps %s at [0x%" PRIx64 ", 0x%" PRIx64 ")",
					  name, start, end, reserved[i].name, reserved[i].start_gpa,
					  reserved[i].end_gpa);
	return 0;
}

static int check_others(const struct kernel_segments *segments, uint64_t start, uint64_t end,
			const char *name, struct reason *reason)
{
	for (unsigned int i = 0; i < segments->count; i++) {
		const struct kernel_segment *other = &segments->list[i];
		uint64_t other_end = other->gpa + other->memory_bytes;

		if (overlap(start, end, other->gpa, other_end))
			return reason_set(reason, -ENOEXEC,
					  "%s at [0x%" PRIx64 ", 0x%" PRIx64
					  ") overlaps another segment at [0x%" PRIx64 ", 0x%" PRIx64
					  ")",
					  name, start, end, other->gpa, other_end);
	}
	return 0;
}

int kernel_segments_add(struct kernel_segments *segments, const struct kernel_segment *segment,
			const char *name, uint64_t ram_bytes, struct reason *reason)
{
	uint64_t start = segment->gpa;
	uint64_t end;
	int error;

	if (segment->file_bytes > segment->memory_bytes)
		return reason_set(reason, -ENOEXEC,
				  "%s has %" PRIu64 " bytes in the file but only %" PRIu64
				  " in memory",
				  name, segment->file_bytes, segment->memory_bytes);
	if (__builtin_add_overflow(start, segment->memory_bytes, &end))
		return reason_set(reason, -ENOEXEC,
				  "%s at 0x%" PRIx64 " with 0x%" PRIx64
				  " bytes wraps around the end of the address space",
				  name, start, segment->memory_bytes);
	error = check_in_ram(start, end, name, ram_bytes, reason);
	if (!error)
		error = check_reserved(start, end, name, reason);
	if (!error)
		error = check_others(segments, start, end, name, reason);
	if (error)
		return error;
	if (segments->count == KERNEL_SEGMENTS_MAX)
		return reason_set(reason, -ENOEXEC, "%s is one too many: at most %d can be loaded",
				  name, KERNEL_SEGMENTS_MAX);
	segments->list[segments->count++] = *segment;
	return 0;
}

bool kernel_segments_hold(const struct kernel_segments *segments, uint64_t gpa)
{
	for (unsigned int i = 0; i < segments->count; i++) {
		const struct kernel_segment *segment = &segments->list[i];

		if (gpa >= segment->gpa && gpa - segment->gpa < segment->file_bytes)
			return true;
	}
	return false;
}
