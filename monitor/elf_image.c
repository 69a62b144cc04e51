/* SPDX-License-Identifier: MIT */
/* monitor/elf_image.c - see elf_image.h. */
#include "monitor/elf_image.h"

#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static_assert(sizeof(Elf64_Ehdr) == 64, "ABI");
static_assert(sizeof(Elf64_Phdr) == 56, "ABI");
static_assert(sizeof(Elf64_Nhdr) == 12, "ABI");

bool elf_image_is_elf(const struct file_view *file)
{
	return file_view_has(file, 0, ELFMAG, SELFMAG);
}

static const char *machine_name(unsigned int machine)
{
	switch (machine) {
	case EM_386: return "32-bit x86";
	case EM_ARM: return "32-bit ARM";
	case EM_AARCH64: return "AArch64";
	case EM_RISCV: return "RISC-V";
	case EM_PPC64: return "PowerPC";
	case EM_S390: return "s390";
	default: return "another processor";
	}
}

static const char *type_name(unsigned int type)
{
	switch (type) {
	case ET_NONE: return "no type";
	case ET_REL: return "an object file that was not linked";
	case ET_CORE: return "a core dump";
	default: return "not an executable";
	}
}

static int check_ident(const Elf64_Ehdr *header, struct reason *reason)
{
	if (header->e_ident[EI_CLASS] == ELFCLASS32)
		return reason_set(reason, -ENOEXEC, "a 32-bit ELF file (%s); 64-bit is needed",
				  machine_name(header->e_machine));
	if (header->e_ident[EI_CLASS] != ELFCLASS64)
		return reason_set(reason, -ENOEXEC, "ELF class %u is neither 32-bit nor 64-bit",
				  header->e_ident[EI_CLASS]);
	if (header->e_ident[EI_DATA] != ELFDATA2LSB)
		return reason_set(reason, -ENOEXEC,
				  "ELF data encoding %u is not little-endian (%d)",
				  header->e_ident[EI_DATA], ELFDATA2LSB);
	if (header->e_ident[EI_VERSION] != EV_CURRENT || header->e_version != EV_CURRENT)
		return reason_set(reason, -ENOEXEC, "ELF version %u/%" PRIu32 " is not %d",
				  header->e_ident[EI_VERSION], header->e_version, EV_CURRENT);
	if (header->e_machine != EM_X86_64)
		return reason_set(reason, -ENOEXEC,
				  "an ELF file for machine %u (%s), not x86-64 (%d)",
				  header->e_machine, machine_name(header->e_machine), EM_X86_64);
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return reason_set(reason, -ENOEXEC, "an ELF file of type %u: %s", header->e_type,
				  type_name(header->e_type));
	return 0;
}

static int check_table(const struct file_view *file, const Elf64_Ehdr *header,
		       struct reason *reason)
{
	uint64_t table_bytes = (uint64_t)header->e_phnum * sizeof(Elf64_Phdr);

	if (header->e_phnum == 0)
		return reason_set(reason, -ENOEXEC, "an ELF file without program headers");
	if (header->e_phnum == PN_XNUM)
		return reason_set(
			reason, -ENOEXEC,
			"e_phnum is PN_XNUM (65535): extended numbering is not supported");
	if (header->e_phnum > ELF_IMAGE_HEADERS_MAX)
		return reason_set(reason, -ENOEXEC, "%u program headers; at most %d are accepted",
				  header->e_phnum, ELF_IMAGE_HEADERS_MAX);
	if (header->e_phentsize != sizeof(Elf64_Phdr))
		return reason_set(reason, -ENOEXEC, "e_phentsize is %u, not %zu",
				  header->e_phentsize, sizeof(Elf64_Phdr));
	if (header->e_phoff < sizeof(Elf64_Ehdr))
		return reason_set(reason, -ENOEXEC,
				  "the program headers at %" PRIu64 " lie inside the ELF header",
				  header->e_phoff);
	if (!file_view_holds(file, header->e_phoff, table_bytes))
		return reason_set(reason, -ENOEXEC,
				  "%u program headers at offset %" PRIu64
				  " end beyond the file's %zu bytes",
				  header->e_phnum, header->e_phoff, file->length_bytes);
	return 0;
}

static int read_header(const struct file_view *file, Elf64_Ehdr *header, struct reason *reason)
{
	int error;

	if (!file_view_copy(file, 0, header, sizeof(*header)))
		return reason_set(reason, -ENOEXEC,
				  "the ELF header is cut off after %zu of %zu bytes",
				  file->length_bytes, sizeof(*header));
	error = check_ident(header, reason);
	return error ? error : check_table(file, header, reason);
}

static int add_load(struct elf_image *image, const struct file_view *file, unsigned int index,
		    const Elf64_Phdr *header, uint64_t ram_bytes, struct reason *reason)
{
	struct kernel_segment segment = {
		.file_offset = header->p_offset,
		.file_bytes = header->p_filesz,
		.gpa = header->p_paddr,
		.memory_bytes = header->p_memsz,
	};
	char name[sizeof("segment 4294967295")];

	snprintf(name, sizeof(name), "segment %u", index);
	if (header->p_filesz && !file_view_holds(file, header->p_offset, header->p_filesz))
		return reason_set(reason, -ENOEXEC,
				  "%s has 0x%" PRIx64 " bytes at offset 0x%" PRIx64
				  ", beyond the file's 0x%zx",
				  name, header->p_filesz, header->p_offset, file->length_bytes);
	if (header->p_memsz == 0 && header->p_filesz == 0)
		return 0;
	return kernel_segments_add(&image->segments, &segment, name, ram_bytes, reason);
}

/* One note, its name and descriptor still in the file. */
struct note {
	uint32_t type;
	uint32_t name_bytes;
	uint32_t descriptor_bytes;
	uint64_t name_offset;
	uint64_t descriptor_offset;
};

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) & ~(alignment - 1);
}

/*
 * Take the note at `offset`, which is moved behind it.  False at the end of
 * the notes, and for one that does not fit.  Offsets count from the start of the
 * notes and stay below ELF_IMAGE_NOTES_MAX_BYTES plus two 32-bit sizes: no sum wraps.
 */
static bool next_note(const struct file_view *notes, uint64_t alignment, uint64_t *offset,
		      struct note *note)
{
	Elf64_Nhdr header;

	if (!file_view_copy(notes, *offset, &header, sizeof(header)))
		return false;
	note->type = header.n_type;
	note->name_bytes = header.n_namesz;
	note->descriptor_bytes = header.n_descsz;
	note->name_offset = *offset + sizeof(header);
	note->descriptor_offset = align_up(note->name_offset + header.n_namesz, alignment);
	*offset = align_up(note->descriptor_offset + header.n_descsz, alignment);
	return file_view_holds(notes, note->name_offset, note->name_bytes) &&
	       file_view_holds(notes, note->descriptor_offset, note->descriptor_bytes);
}

static bool note_is_named(const struct file_view *notes, const struct note *note, const char *name)
{
	size_t name_bytes = strlen(name) + 1;

	return note->name_bytes == name_bytes &&
	       file_view_has(notes, note->name_offset, name, name_bytes);
}

static int take_pvh_note(struct elf_image *image, const struct file_view *notes,
			 const struct note *note, struct reason *reason)
{
	uint64_t entry = 0;

	if (note->descriptor_bytes != sizeof(uint32_t) && note->descriptor_bytes != sizeof(entry))
		return reason_set(reason, -ENOEXEC,
				  "the PVH note's descriptor has %" PRIu32 " bytes, not 4 or 8",
				  note->descriptor_bytes);
	/* Little-endian: the first four bytes are the low half. */
	if (image->has_pvh_note ||
	    !file_view_copy(notes, note->descriptor_offset, &entry, note->descriptor_bytes))
		return 0;
	image->has_pvh_note = true;
	image->pvh_entry = entry;
	return 0;
}

static int take_mote_note(struct elf_image *image, const struct file_view *notes,
			  const struct note *note, struct reason *reason)
{
	uint32_t words[2] = {0};

	if (note->descriptor_bytes != sizeof(words))
		return reason_set(reason, -ENOEXEC,
				  "the mote note's descriptor has %" PRIu32 " bytes, not %zu",
				  note->descriptor_bytes, sizeof(words));
	if (image->has_mote_note ||
	    !file_view_copy(notes, note->descriptor_offset, words, sizeof(words)))
		return 0;
	if (words[0] != ELF_IMAGE_MOTE_NOTE_VERSION)
		return reason_set(reason, -ENOEXEC, "the mote note has version %" PRIu32 ", not %d",
				  words[0], ELF_IMAGE_MOTE_NOTE_VERSION);
	if (words[1] != ELF_MOTE_ENTRY_LINUX64 && words[1] != ELF_MOTE_ENTRY_PVH)
		return reason_set(reason, -ENOEXEC,
				  "the mote note asks for entry %" PRIu32
				  ", which is neither 0 (Linux 64-bit) nor 1 (PVH)",
				  words[1]);
	image->has_mote_note = true;
	image->mote_entry = (enum elf_mote_entry)words[1];
	return 0;
}

static int take_note(struct elf_image *image, const struct file_view *notes,
		     const struct note *note, struct reason *reason)
{
	if (note_is_named(notes, note, "Linux"))
		image->has_linux_note = true;
	if (note->type == ELF_IMAGE_PVH_NOTE_TYPE && note_is_named(notes, note, "Xen"))
		return take_pvh_note(image, notes, note, reason);
	if (note->type == ELF_IMAGE_MOTE_NOTE_TYPE && note_is_named(notes, note, "mote"))
		return take_mote_note(image, notes, note, reason);
	return 0;
}

static int read_notes(struct elf_image *image, const struct file_view *file, unsigned int index,
		      const Elf64_Phdr *header, struct reason *reason)
{
	uint64_t alignment = header->p_align == 8 ? 8 : 4;
	struct file_view notes;
	struct note note;
	uint64_t offset = 0;
	int error = 0;

	if (!file_view_holds(file, header->p_offset, header->p_filesz))
		return reason_set(reason, -ENOEXEC,
				  "the notes of program header %u have 0x%" PRIx64
				  " bytes at offset 0x%" PRIx64 ", beyond the file's 0x%zx",
				  index, header->p_filesz, header->p_offset, file->length_bytes);
	if (header->p_filesz > ELF_IMAGE_NOTES_MAX_BYTES)
		return reason_set(reason, -ENOEXEC,
				  "the notes of program header %u have %" PRIu64
				  " bytes; at most %d are accepted",
				  index, header->p_filesz, ELF_IMAGE_NOTES_MAX_BYTES);
	notes.bytes = file->bytes + header->p_offset;
	notes.length_bytes = header->p_filesz;
	while (!error && next_note(&notes, alignment, &offset, &note))
		error = take_note(image, &notes, &note, reason);
	return error;
}

static int take_header(struct elf_image *image, const struct file_view *file, unsigned int index,
		       const Elf64_Phdr *header, bool position_independent, uint64_t ram_bytes,
		       struct reason *reason)
{
	switch (header->p_type) {
	case PT_LOAD: return add_load(image, file, index, header, ram_bytes, reason);
	case PT_NOTE: return read_notes(image, file, index, header, reason);
	case PT_INTERP:
		/* FreeBSD's kernel names an interpreter too, but is no ET_DYN. */
		if (!position_independent)
			return 0;
		return reason_set(reason, -ENOEXEC,
				  "an ELF program or shared object for an operating system, not a "
				  "kernel: it asks for a dynamic linker");
	default: return 0;
	}
}

int elf_image_parse(struct elf_image *image, const struct file_view *file, uint64_t ram_bytes,
		    struct reason *reason)
{
	struct elf_image found = {0};
	Elf64_Ehdr header = {0};
	int error = read_header(file, &header, reason);

	for (unsigned int i = 0; !error && i < header.e_phnum; i++) {
		Elf64_Phdr entry = {0};

		/* check_table() has seen that the whole table is in the file. */
		(void)file_view_copy(file, header.e_phoff + i * sizeof(entry), &entry,
				     sizeof(entry));
		error = take_header(&found, file, i, &entry, header.e_type == ET_DYN, ram_bytes,
				    reason);
	}
	if (error)
		return error;
	if (found.segments.count == 0)
		return reason_set(reason, -ENOEXEC, "an ELF file with nothing to load");
	found.entry = header.e_entry;
	*image = found;
	return 0;
}
