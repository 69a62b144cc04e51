/* SPDX-License-Identifier: MIT */
/*
 * monitor/musl/start.c - where the program begins: its packed relocation, then musl's own start.
 *
 * The linker packs what relocation has to be done into a bitmap (-z pack-relative-relocs): 272
 * bytes instead of 14 KiB, which would be read at each start and stay mapped.  musl knows of that
 * from version 1.2.4 on; Debian 12 has 1.2.3.
 *
 * Nothing is relocated yet and no thread has its storage: so no tables, no stack protector.
 *
 * Source: ELF gABI, "Relative relocation table" (SHT_RELR).
 */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>

/* Newer than the C library's <elf.h>. */
enum {
	DYNAMIC_RELR_BYTES = 35,
	DYNAMIC_RELR = 36,
	BITMAP_WORDS = 63, /* the lowest bit tells a bitmap from an address */
};

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
extern Elf64_Dyn _DYNAMIC[] __attribute__((visibility("hidden")));

void start_relocate(void) __attribute__((no_stack_protector, visibility("hidden")));

/* The stack pointer is musl's only argument, and has to be as it was. */
__asm__(".globl start_program\n"
	".type start_program, @function\n"
	"start_program:\n"
	"	endbr64\n"
	"	mov %rsp, %rbx\n"
	"	and $-16, %rsp\n"
	"	call start_relocate\n"
	"	mov %rbx, %rsp\n"
	"	jmp _start\n");

/* An even entry is the address of a word, an odd one says which of the next 63 words as well. */
static inline void apply(uintptr_t image, const uint64_t *entries, size_t count)
{
	uint64_t *next = (uint64_t *)image;

	for (size_t i = 0; i < count; i++) {
		uint64_t bits = entries[i];

		if ((bits & 1) == 0) {
			next = (uint64_t *)(image + bits);
			*next++ += image;
			continue;
		}
		for (uint64_t *word = next; (bits >>= 1) != 0; word++)
			if (bits & 1)
				*word += image;
		next += BITMAP_WORDS;
	}
}

void start_relocate(void)
{
	uintptr_t image = (uintptr_t)&__ehdr_start;
	const uint64_t *entries = NULL;
	size_t bytes = 0;

	for (Elf64_Dyn *entry = _DYNAMIC; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DYNAMIC_RELR)
			entries = (const uint64_t *)(image + entry->d_un.d_ptr);
		if (entry->d_tag != DYNAMIC_RELR_BYTES)
			continue;
		bytes = entry->d_un.d_val;
		/* A musl that knows of them shall not do it a second time. */
		entry->d_un.d_val = 0;
	}
	if (entries)
		apply(image, entries, bytes / sizeof(*entries));
}
