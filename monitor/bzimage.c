/* SPDX-License-Identifier: MIT */
/* monitor/bzimage.c - see bzimage.h. */
#include "monitor/bzimage.h"

#include <asm/bootparam.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "monitor/layout.h"

#define MAGIC_OFFSET 0x202
#define MAGIC        "HdrS"
#define BOOT_FLAG    0xaa55
#define JUMP_SHORT   0xeb /* opcode of the jump whose target is the end of the header */

/* The header must reach at least behind init_size, the last field that is used here. */
#define HEADER_BYTES_MIN (offsetof(struct setup_header, init_size) + sizeof(uint32_t))
#define PARAGRAPH_BYTES  16 /* the unit of syssize */

static_assert(BZIMAGE_SETUP_HEADER_OFFSET + offsetof(struct setup_header, header) == MAGIC_OFFSET,
	      "ABI");
static_assert(BZIMAGE_SETUP_HEADER_OFFSET + offsetof(struct setup_header, init_size) == 0x260,
	      "ABI");
static_assert(sizeof(struct setup_header) <= BZIMAGE_SETUP_HEADER_MAX_BYTES, "ABI");

bool bzimage_is_bzimage(const struct file_view *file)
{
	return file_view_has(file, MAGIC_OFFSET, MAGIC, strlen(MAGIC));
}

/*
 * Copy the header, as long as it says it is.  Its end is the target of the
 * two-byte jump at 0x200.
 */
static int read_header(struct bzimage *image, const struct file_view *file,
		       struct setup_header *header, struct reason *reason)
{
	const uint64_t jump_offset = BZIMAGE_SETUP_HEADER_OFFSET +
				     offsetof(struct setup_header, jump);
	uint8_t jump[2] = {0};
	uint32_t header_bytes;

	(void)file_view_copy(file, jump_offset, jump, sizeof(jump));
	if (jump[0] != JUMP_SHORT)
		return reason_set(reason, -ENOEXEC,
				  "the bzImage's byte at 0x200 is 0x%02x, not the jump 0x%02x",
				  jump[0], JUMP_SHORT);
	header_bytes = (uint32_t)(MAGIC_OFFSET - BZIMAGE_SETUP_HEADER_OFFSET) + jump[1];
	if (header_bytes < HEADER_BYTES_MIN || header_bytes > BZIMAGE_SETUP_HEADER_MAX_BYTES)
		return reason_set(reason, -ENOEXEC,
				  "the bzImage's setup header has %" PRIu32
				  " bytes, which is outside %zu..%d",
				  header_bytes, HEADER_BYTES_MIN, BZIMAGE_SETUP_HEADER_MAX_BYTES);
	if (!file_view_copy(file, BZIMAGE_SETUP_HEADER_OFFSET, image->setup_header, header_bytes))
		return reason_set(reason, -ENOEXEC,
				  "the bzImage's setup header ends at %" PRIu32
				  ", beyond the file's %zu bytes",
				  BZIMAGE_SETUP_HEADER_OFFSET + header_bytes, file->length_bytes);
	image->setup_header_bytes = header_bytes;
	memcpy(header, image->setup_header,
	       header_bytes < sizeof(*header) ? header_bytes : sizeof(*header));
	return 0;
}

static int check_protocol(const struct setup_header *header, struct reason *reason)
{
	if (header->boot_flag != BOOT_FLAG)
		return reason_set(reason, -ENOEXEC, "the bzImage's boot flag is 0x%04x, not 0x%04x",
				  header->boot_flag, BOOT_FLAG);
	if (header->version < BZIMAGE_PROTOCOL_MIN)
		return reason_set(
			reason, -ENOEXEC,
			"the bzImage speaks boot protocol %d.%02d; 2.12 (Linux 3.8) is needed",
			header->version >> 8, header->version & 0xff);
	if (!(header->loadflags & LOADED_HIGH))
		return reason_set(reason, -ENOEXEC,
				  "a zImage for low memory (loadflags 0x%02x), not a bzImage",
				  header->loadflags);
	if (!(header->xloadflags & XLF_KERNEL_64))
		return reason_set(
			reason, -ENOEXEC,
			"the bzImage has no 64-bit entry (xloadflags 0x%04x): a 32-bit kernel",
			header->xloadflags);
	return 0;
}

/* The protected-mode part of the file. */
static int find_payload(const struct setup_header *header, const struct file_view *file,
			struct kernel_segment *segment, struct reason *reason)
{
	uint64_t sectors = header->setup_sects ? header->setup_sects
					       : BZIMAGE_SETUP_SECTORS_DEFAULT;

	segment->file_offset = (sectors + 1) * BZIMAGE_SECTOR_BYTES;
	segment->file_bytes = (uint64_t)header->syssize * PARAGRAPH_BYTES;
	if (segment->file_bytes <= BZIMAGE_ENTRY_OFFSET)
		return reason_set(reason, -ENOEXEC,
				  "the bzImage's kernel has %" PRIu64
				  " bytes, too few for the 64-bit entry at 0x%x",
				  segment->file_bytes, BZIMAGE_ENTRY_OFFSET);
	if (!file_view_holds(file, segment->file_offset, segment->file_bytes))
		return reason_set(reason, -ENOEXEC,
				  "the bzImage's kernel has 0x%" PRIx64
				  " bytes at offset 0x%" PRIx64 ", beyond the file's 0x%zx",
				  segment->file_bytes, segment->file_offset, file->length_bytes);
	return 0;
}

static int check_placement(const struct setup_header *header, struct reason *reason)
{
	uint64_t alignment = header->kernel_alignment;

	if (header->pref_address < LAYOUT_KERNEL_GPA ||
	    header->pref_address % LAYOUT_PAGE_BYTES != 0)
		return reason_set(reason, -ENOEXEC,
				  "the bzImage's pref_address 0x%" PRIx64
				  " is not a page above 1 MiB",
				  (uint64_t)header->pref_address);
	if (header->relocatable_kernel &&
	    (alignment < LAYOUT_PAGE_BYTES || (alignment & (alignment - 1)) != 0))
		return reason_set(reason, -ENOEXEC,
				  "the bzImage's kernel_alignment 0x%" PRIx64
				  " is not a power of two from 4096 up",
				  alignment);
	if (header->relocatable_kernel && header->pref_address % alignment != 0)
		return reason_set(reason, -ENOEXEC,
				  "the bzImage's pref_address 0x%" PRIx64
				  " is not aligned to its kernel_alignment 0x%" PRIx64,
				  (uint64_t)header->pref_address, alignment);
	return 0;
}

/*
 * The code in front of the decompressor copies the image to the end of
 * [load address, load address + init_size) and runs on the monitor's page tables
 * until then, so all of it must be in their range.
 */
static int place(struct bzimage *image, const struct setup_header *header,
		 struct kernel_segment *segment, uint64_t ram_bytes, struct reason *reason)
{
	int error = check_placement(header, reason);

	if (error)
		return error;
	segment->gpa = header->pref_address;
	segment->memory_bytes = header->init_size > segment->file_bytes ? header->init_size
									: segment->file_bytes;
	error = kernel_segments_add(&image->segments, segment, "the bzImage's kernel", ram_bytes,
				    reason);
	if (error)
		return error;
	if (segment->gpa + segment->memory_bytes > LAYOUT_IDENTITY_MAP_BYTES)
		return reason_set(reason, -ENOEXEC,
				  "the bzImage's kernel needs memory up to 0x%" PRIx64
				  ", beyond the 0x%" PRIx64 " that is mapped at its entry",
				  segment->gpa + segment->memory_bytes, LAYOUT_IDENTITY_MAP_BYTES);
	image->entry_gpa = segment->gpa + BZIMAGE_ENTRY_OFFSET;
	image->initrd_max_gpa = header->initrd_addr_max;
	return 0;
}

int bzimage_parse(struct bzimage *image, const struct file_view *file, uint64_t ram_bytes,
		  struct reason *reason)
{
	struct bzimage found = {0};
	struct setup_header header = {0};
	struct kernel_segment segment = {0};
	int error;

	error = read_header(&found, file, &header, reason);
	if (!error)
		error = check_protocol(&header, reason);
	if (!error)
		error = find_payload(&header, file, &segment, reason);
	if (!error)
		error = place(&found, &header, &segment, ram_bytes, reason);
	if (!error)
		*image = found;
	return error;
}
