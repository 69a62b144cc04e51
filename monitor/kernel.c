/* SPDX-License-Identifier: MIT */
/* monitor/kernel.c - see kernel.h. */
#include "monitor/kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "monitor/elf_image.h"
#include "monitor/file_view.h"
#include "monitor/kernel_guess.h"
#include "monitor/layout.h"

static void take_segments(struct kernel_image *image, const struct kernel_segments *segments)
{
	memcpy(image->segments, segments->list, segments->count * sizeof(*segments->list));
	image->segment_count = segments->count;
}

static bool linux64_usable(const struct elf_image *elf)
{
	return elf->entry < LAYOUT_IDENTITY_MAP_BYTES &&
	       kernel_segments_hold(&elf->segments, elf->entry);
}

static int enter_linux64(struct kernel_image *image, const struct elf_image *elf,
			 struct reason *reason)
{
	if (!kernel_segments_hold(&elf->segments, elf->entry))
		return reason_set(reason, -EINVAL,
				  "the Linux 64-bit entry needs a physical address in e_entry, but "
				  "0x%" PRIx64 " is in no loaded segment",
				  elf->entry);
	if (!linux64_usable(elf))
		return reason_set(reason, -EINVAL,
				  "e_entry 0x%" PRIx64 " is beyond the 0x%" PRIx64
				  " that is mapped at the Linux 64-bit entry",
				  elf->entry, LAYOUT_IDENTITY_MAP_BYTES);
	image->entry = KERNEL_ENTRY_LINUX64;
	image->entry_gpa = elf->entry;
	return 0;
}

static int enter_pvh(struct kernel_image *image, const struct elf_image *elf, struct reason *reason)
{
	if (!elf->has_pvh_note)
		return reason_set(reason, -EINVAL,
				  "the PVH entry needs an ELF note of type %d named \"Xen\", and "
				  "there is none",
				  ELF_IMAGE_PVH_NOTE_TYPE);
	if (elf->pvh_entry > UINT32_MAX)
		return reason_set(reason, -EINVAL, "the PVH entry 0x%" PRIx64 " is not below 4 GiB",
				  elf->pvh_entry);
	if (!kernel_segments_hold(&elf->segments, elf->pvh_entry))
		return reason_set(reason, -EINVAL,
				  "the PVH entry 0x%" PRIx64 " is in no loaded segment",
				  elf->pvh_entry);
	image->entry = KERNEL_ENTRY_PVH;
	image->entry_gpa = elf->pvh_entry;
	return 0;
}

/* The rules at the top of kernel.h, in their order. */
static int enter_auto(struct kernel_image *image, const struct elf_image *elf,
		      struct reason *reason)
{
	bool usable = linux64_usable(elf);

	if (elf->has_mote_note)
		return elf->mote_entry == ELF_MOTE_ENTRY_PVH ? enter_pvh(image, elf, reason)
							     : enter_linux64(image, elf, reason);
	if (elf->has_linux_note && usable)
		return enter_linux64(image, elf, reason);
	if (elf->has_pvh_note && (elf->pvh_entry == elf->entry || !usable))
		return enter_pvh(image, elf, reason);
	if (usable)
		return enter_linux64(image, elf, reason);
	return reason_set(reason, -ENOEXEC,
			  "no entry point: e_entry 0x%" PRIx64
			  " is not the physical address of a loaded byte below 0x%" PRIx64
			  ", and there is no PVH note",
			  elf->entry, LAYOUT_IDENTITY_MAP_BYTES);
}

static int enter_elf(struct kernel_image *image, const struct elf_image *elf,
		     enum config_protocol wanted, struct reason *reason)
{
	switch (wanted) {
	case CONFIG_PROTOCOL_LINUX64: return enter_linux64(image, elf, reason);
	case CONFIG_PROTOCOL_PVH: return enter_pvh(image, elf, reason);
	case CONFIG_PROTOCOL_AUTO: break;
	}
	return enter_auto(image, elf, reason);
}

static int parse_elf(struct kernel_image *image, const struct file_view *file, uint64_t ram_bytes,
		     enum config_protocol wanted, struct reason *reason)
{
	struct elf_image elf;
	int error = elf_image_parse(&elf, file, ram_bytes, reason);

	if (error)
		return error;
	image->is_linux = elf.has_linux_note;
	image->has_pvh_note = elf.has_pvh_note;
	image->has_mote_note = elf.has_mote_note;
	image->initrd_max_gpa = layout_low_ram_bytes(ram_bytes) - 1;
	take_segments(image, &elf.segments);
	return enter_elf(image, &elf, wanted, reason);
}

static int parse_bzimage(struct kernel_image *image, const struct file_view *file,
			 uint64_t ram_bytes, enum config_protocol wanted, struct reason *reason)
{
	struct bzimage bzimage;
	int error = bzimage_parse(&bzimage, file, ram_bytes, reason);

	if (error)
		return error;
	if (wanted == CONFIG_PROTOCOL_PVH)
		return reason_set(reason, -EINVAL,
				  "a bzImage has no PVH entry; use the vmlinux it was made from");
	image->entry = KERNEL_ENTRY_LINUX64;
	image->entry_gpa = bzimage.entry_gpa;
	image->is_linux = true;
	image->initrd_max_gpa = layout_low_ram_bytes(ram_bytes) - 1;
	if (bzimage.initrd_max_gpa < image->initrd_max_gpa)
		image->initrd_max_gpa = bzimage.initrd_max_gpa;
	image->setup_header_bytes = bzimage.setup_header_bytes;
	memcpy(image->setup_header, bzimage.setup_header, sizeof(image->setup_header));
	take_segments(image, &bzimage.segments);
	return 0;
}

static int refuse(const struct file_view *file, struct reason *reason)
{
	const char *guess;

	if (file->length_bytes == 0)
		return reason_set(reason, -ENOEXEC, "the file is empty");
	guess = kernel_guess(file);
	if (guess)
		return reason_set(reason, -ENOEXEC,
				  "neither an ELF file nor a bzImage; it looks like %s", guess);
	return reason_set(reason, -ENOEXEC, "neither an ELF file nor a bzImage");
}

int kernel_parse(struct kernel_image *image, const void *file, size_t length_bytes,
		 uint64_t ram_bytes, enum config_protocol wanted, struct reason *reason)
{
	const struct file_view view = {.bytes = file, .length_bytes = length_bytes};
	struct kernel_image found = {0};
	int error;

	if (elf_image_is_elf(&view))
		error = parse_elf(&found, &view, ram_bytes, wanted, reason);
	else if (bzimage_is_bzimage(&view))
		error = parse_bzimage(&found, &view, ram_bytes, wanted, reason);
	else
		error = refuse(&view, reason);
	if (!error)
		*image = found;
	return error;
}
