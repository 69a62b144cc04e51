/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/image_builder.h - small kernel files made in memory.
 *
 * image_elf() and image_bzimage() make a valid file; a test then damages what it
 * is about.  The last byte of each file is the last one that loading needs, so
 * that any truncation is an error.
 */
#ifndef TESTS_UNIT_IMAGE_BUILDER_H
#define TESTS_UNIT_IMAGE_BUILDER_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	IMAGE_MAX_BYTES = 16384,

	/* ELF: header, program headers, notes, two segments' bytes. */
	IMAGE_NOTES_OFFSET = 0x1d00, /* leaves room for 130 program headers */
	IMAGE_TEXT_OFFSET = 0x2000,
	IMAGE_TEXT_BYTES = 256,
	IMAGE_TEXT_MEMORY_BYTES = 8192,
	IMAGE_TEXT_GPA = 0x100000,
	IMAGE_DATA_OFFSET = IMAGE_TEXT_OFFSET + IMAGE_TEXT_BYTES,
	IMAGE_DATA_BYTES = 128,
	IMAGE_DATA_GPA = 0x200000,
	IMAGE_ELF_BYTES = IMAGE_DATA_OFFSET + IMAGE_DATA_BYTES,
	IMAGE_ENTRY_GPA = IMAGE_TEXT_GPA + 0x10,

	/* bzImage: boot sector, one setup sector, the kernel. */
	IMAGE_KERNEL_OFFSET = 1024,
	IMAGE_KERNEL_BYTES = 0x400,
	IMAGE_KERNEL_GPA = 0x1000000,
	IMAGE_KERNEL_INIT_BYTES = 0x800000,
	IMAGE_SETUP_HEADER_BYTES = 0x26c - 0x1f1,
};

#define IMAGE_RAM_BYTES (UINT64_C(64) << 20)

struct image {
	_Alignas(16) uint8_t bytes[IMAGE_MAX_BYTES];
	size_t length;
};

static inline void image_put16(struct image *image, size_t offset, uint16_t value)
{
	memcpy(image->bytes + offset, &value, sizeof(value));
}

static inline void image_put32(struct image *image, size_t offset, uint32_t value)
{
	memcpy(image->bytes + offset, &value, sizeof(value));
}

static inline void image_put64(struct image *image, size_t offset, uint64_t value)
{
	memcpy(image->bytes + offset, &value, sizeof(value));
}

static inline Elf64_Ehdr *image_ehdr(struct image *image)
{
	return (Elf64_Ehdr *)(void *)image->bytes;
}

/* 0 and 1 are the segments, 2 the notes. */
static inline Elf64_Phdr *image_phdr(struct image *image, unsigned int index)
{
	return (Elf64_Phdr *)(void *)(image->bytes + sizeof(Elf64_Ehdr) +
				      index * sizeof(Elf64_Phdr));
}

static inline void image_elf(struct image *image)
{
	*image = (struct image){.length = IMAGE_ELF_BYTES};
	*image_ehdr(image) = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = IMAGE_ENTRY_GPA,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3,
	};
	*image_phdr(image, 0) = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_offset = IMAGE_TEXT_OFFSET,
		.p_paddr = IMAGE_TEXT_GPA,
		.p_filesz = IMAGE_TEXT_BYTES,
		.p_memsz = IMAGE_TEXT_MEMORY_BYTES,
	};
	*image_phdr(image, 1) = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_offset = IMAGE_DATA_OFFSET,
		.p_paddr = IMAGE_DATA_GPA,
		.p_filesz = IMAGE_DATA_BYTES,
		.p_memsz = IMAGE_DATA_BYTES,
	};
	*image_phdr(image, 2) = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_offset = IMAGE_NOTES_OFFSET,
		.p_align = 4,
	};
	memset(image->bytes + IMAGE_TEXT_OFFSET, 0x90, IMAGE_TEXT_BYTES);
	memset(image->bytes + IMAGE_DATA_OFFSET, 0xda, IMAGE_DATA_BYTES);
}

static inline size_t image_align(size_t value, size_t alignment)
{
	return (value + alignment - 1) / alignment * alignment;
}

/* Append a note, aligned as the notes' program header says (4 unless a test changed it). */
static inline void image_note(struct image *image, const char *name, uint32_t type,
			      const void *descriptor, uint32_t descriptor_bytes)
{
	Elf64_Phdr *notes = image_phdr(image, 2);
	size_t start = (size_t)(notes->p_offset + notes->p_filesz);
	size_t name_start = start + sizeof(Elf64_Nhdr);
	uint32_t name_bytes = (uint32_t)strlen(name) + 1;
	size_t descriptor_start = image_align(name_start + name_bytes, (size_t)notes->p_align);
	Elf64_Nhdr header = {.n_namesz = name_bytes, .n_descsz = descriptor_bytes, .n_type = type};

	memcpy(image->bytes + start, &header, sizeof(header));
	memcpy(image->bytes + name_start, name, name_bytes);
	memcpy(image->bytes + descriptor_start, descriptor, descriptor_bytes);
	notes->p_filesz = image_align(descriptor_start + descriptor_bytes, (size_t)notes->p_align) -
			  notes->p_offset;
	notes->p_memsz = notes->p_filesz;
}

static inline void image_pvh_note(struct image *image, uint32_t entry)
{
	image_note(image, "Xen", 18, &entry, sizeof(entry));
}

static inline void image_mote_note(struct image *image, uint32_t entry)
{
	const uint32_t words[2] = {1, entry};

	image_note(image, "mote", 1, words, sizeof(words));
}

/* Where the fields of a bzImage's setup header are in the file (boot.rst). */
enum {
	BZ_SETUP_SECTS = 0x1f1,
	BZ_SYSSIZE = 0x1f4,
	BZ_BOOT_FLAG = 0x1fe,
	BZ_JUMP = 0x200,
	BZ_MAGIC = 0x202,
	BZ_VERSION = 0x206,
	BZ_LOADFLAGS = 0x211,
	BZ_INITRD_ADDR_MAX = 0x22c,
	BZ_KERNEL_ALIGNMENT = 0x230,
	BZ_RELOCATABLE = 0x234,
	BZ_XLOADFLAGS = 0x236,
	BZ_PREF_ADDRESS = 0x258,
	BZ_INIT_SIZE = 0x260,
};

static inline void image_bzimage(struct image *image)
{
	*image = (struct image){.length = IMAGE_KERNEL_OFFSET + IMAGE_KERNEL_BYTES};
	image->bytes[BZ_SETUP_SECTS] = 1;
	image_put32(image, BZ_SYSSIZE, IMAGE_KERNEL_BYTES / 16);
	image_put16(image, BZ_BOOT_FLAG, 0xaa55);
	image->bytes[BZ_JUMP] = 0xeb;
	image->bytes[BZ_JUMP + 1] = 0x26c - 0x202;
	memcpy(image->bytes + BZ_MAGIC, "HdrS", 4);
	image_put16(image, BZ_VERSION, 0x020f);
	image->bytes[BZ_LOADFLAGS] = 1;
	image_put32(image, BZ_INITRD_ADDR_MAX, 0x7fffffff);
	image_put32(image, BZ_KERNEL_ALIGNMENT, 0x200000);
	image->bytes[BZ_RELOCATABLE] = 1;
	image_put16(image, BZ_XLOADFLAGS, 3);
	image_put64(image, BZ_PREF_ADDRESS, IMAGE_KERNEL_GPA);
	image_put32(image, BZ_INIT_SIZE, IMAGE_KERNEL_INIT_BYTES);
	memset(image->bytes + IMAGE_KERNEL_OFFSET, 0x90, IMAGE_KERNEL_BYTES);
}

#endif
