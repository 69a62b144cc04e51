/* SPDX-License-Identifier: MIT */
/*
 * monitor/elf_image.h - what an ELF64 kernel says about itself.
 *
 * Reads the ELF header, the program headers and the notes, and nothing else of
 * the file, so that a start touches two or three of its pages.  Segments go by
 * p_paddr; p_vaddr and p_align are the guest's own business and are not looked at.
 * An ET_DYN file (a static-pie unikernel) is loaded where its p_paddr says too:
 * nothing is relocated.
 *
 * Which entry point is taken is not decided here: kernel.h does that.
 *
 * Sources: System V ABI (gABI) chapters 4 and 5; Xen's public/elfnote.h for
 * XEN_ELFNOTE_PHYS32_ENTRY.  The note of mote's own has the name "mote", type 1
 * and two 32-bit words: version 1, and one of enum elf_mote_entry.
 */
#ifndef MONITOR_ELF_IMAGE_H
#define MONITOR_ELF_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "monitor/file_view.h"
#include "monitor/kernel_segment.h"
#include "monitor/reason.h"

enum {
	ELF_IMAGE_HEADERS_MAX = 128,       /* program headers; Linux has 5, FreeBSD 9 */
	ELF_IMAGE_NOTES_MAX_BYTES = 65536, /* in one PT_NOTE; Linux has some hundred bytes */
	ELF_IMAGE_PVH_NOTE_TYPE = 18,
	ELF_IMAGE_MOTE_NOTE_TYPE = 1,
	ELF_IMAGE_MOTE_NOTE_VERSION = 1,
};

enum elf_mote_entry {
	ELF_MOTE_ENTRY_LINUX64 = 0,
	ELF_MOTE_ENTRY_PVH = 1,
};

struct elf_image {
	struct kernel_segments segments;
	uint64_t entry;      /* e_entry as it stands: physical, virtual or nonsense */
	bool has_linux_note; /* any note named "Linux" */
	bool has_pvh_note;
	bool has_mote_note;
	uint64_t pvh_entry;
	enum elf_mote_entry mote_entry;
};

/* Whether the file starts as every ELF file does. */
bool elf_image_is_elf(const struct file_view *file);

/*
 * Read the headers and notes of an ELF file.
 *
 * The segments found are loadable in `ram_bytes` of guest memory.  A note that
 * does not fit into its PT_NOTE ends the walk through that one: linkers pad
 * between notes in more ways than the specification knows, and no note is
 * obligatory.  Returns 0, -ENOEXEC or -ENOMEM (it would need more memory), with a reason.
 */
int elf_image_parse(struct elf_image *image, const struct file_view *file, uint64_t ram_bytes,
		    struct reason *reason);

#endif
