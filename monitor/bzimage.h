/* SPDX-License-Identifier: MIT */
/*
 * monitor/bzimage.h - what a bzImage's setup header says.
 *
 * Only the 64-bit entry is used (protocol 2.12 and later, XLF_KERNEL_64): the
 * real-mode part of the file is skipped, and of it only the setup header is kept
 * for the zero page.
 *
 * The kernel goes to pref_address and nowhere else.  A relocatable kernel that is
 * loaded lower moves itself up to pref_address before it unpacks, so a lower place
 * saves no memory, and a higher one has no advantage.
 *
 * Source: Linux, Documentation/arch/x86/boot.rst; struct setup_header in
 * <asm/bootparam.h>.
 */
#ifndef MONITOR_BZIMAGE_H
#define MONITOR_BZIMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "monitor/file_view.h"
#include "monitor/kernel_segment.h"
#include "monitor/reason.h"

enum {
	BZIMAGE_SETUP_HEADER_OFFSET = 0x1f1,
	/* In the zero page the header's room ends at edd_mbr_sig_buffer. */
	BZIMAGE_SETUP_HEADER_MAX_BYTES = 0x290 - BZIMAGE_SETUP_HEADER_OFFSET,
	BZIMAGE_PROTOCOL_MIN = 0x020c,
	BZIMAGE_ENTRY_OFFSET = 0x200, /* of the 64-bit entry, in the protected-mode part */
	BZIMAGE_SECTOR_BYTES = 512,
	BZIMAGE_SETUP_SECTORS_DEFAULT = 4, /* what setup_sects 0 means */
};

struct bzimage {
	struct kernel_segments segments; /* always one */
	uint64_t entry_gpa;
	uint64_t initrd_max_gpa; /* initrd_addr_max */
	uint32_t setup_header_bytes;
	uint8_t setup_header[BZIMAGE_SETUP_HEADER_MAX_BYTES]; /* as in the file */
};

/* Whether the file has the magic of a Linux setup header in its place. */
bool bzimage_is_bzimage(const struct file_view *file);

/*
 * Read the setup header.
 *
 * The segment's memory_bytes include all that the kernel needs while it unpacks
 * itself (init_size).  Returns 0, -ENOEXEC or -ENOMEM (it would need more
 * memory), with a reason.
 */
int bzimage_parse(struct bzimage *image, const struct file_view *file, uint64_t ram_bytes,
		  struct reason *reason);

#endif
