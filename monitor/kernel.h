/* SPDX-License-Identifier: MIT */
/*
 * monitor/kernel.h - from a kernel file to where its parts go and where it starts.
 *
 * Detects the format (ELF64 or bzImage), has it checked against the file and
 * against the size of guest memory, and decides by which protocol the kernel is
 * entered.  Pure over (file, length): no heap, no I/O, nothing kept; the image
 * holds all that loading and boot code need, so the file may be unmapped.
 *
 * Trust: the file is the user's, but every byte is treated as hostile.
 *
 * Which entry `auto` takes.  A PVH note alone decides nothing, since a kernel may
 * carry one and still work better by the other entry (Nanos reads its command
 * line only there).  The first rule that fits:
 *   1. a mote note says which;
 *   2. a Linux image with a usable e_entry: Linux 64-bit;
 *   3. a PVH note, and either its entry is e_entry itself or e_entry is not usable
 *      (FreeBSD and NetBSD have a virtual address there): PVH;
 *   4. a usable e_entry: Linux 64-bit;
 *   5. refused.
 * Usable means: the physical address of a byte from the file, below
 * LAYOUT_IDENTITY_MAP_BYTES.
 */
#ifndef MONITOR_KERNEL_H
#define MONITOR_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/bzimage.h"
#include "monitor/config.h"
#include "monitor/kernel_segment.h"
#include "monitor/reason.h"

enum kernel_entry {
	KERNEL_ENTRY_LINUX64,
	KERNEL_ENTRY_PVH,
};

struct kernel_image {
	enum kernel_entry entry;
	uint64_t entry_gpa;
	bool is_linux; /* a bzImage, or an ELF file with a note named "Linux": all of them have one
			*/
	bool has_pvh_note;
	bool has_mote_note;

	/* In guest memory, disjoint, clear of the monitor's low tables; in the file's order. */
	struct kernel_segment segments[KERNEL_SEGMENTS_MAX];
	unsigned int segment_count;
	uint64_t initrd_max_gpa; /* the highest address that a byte of an initrd may have */

	/* bzImage only, else 0 bytes: goes to the zero page at the offset it has in the file. */
	uint32_t setup_header_bytes;
	uint8_t setup_header[BZIMAGE_SETUP_HEADER_MAX_BYTES];
};

/*
 * Check a kernel file.
 *
 * Returns 0; -ENOEXEC for a file that is no kernel of a known kind or contradicts
 * itself; -ENOMEM if it does not fit into `ram_bytes` of guest memory; or -EINVAL
 * if it cannot be entered as `wanted`.  On failure the image is untouched and the
 * reason says why.
 */
int kernel_parse(struct kernel_image *image, const void *file, size_t length_bytes,
		 uint64_t ram_bytes, enum config_protocol wanted, struct reason *reason);

#endif
