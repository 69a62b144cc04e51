/* SPDX-License-Identifier: MIT */
/*
 * monitor/musl/relro.c - make read-only what only the program's relocation writes to: tables of
 * functions and the global offset table.
 *
 * The linker marks it (-z relro), and a dynamic loader or glibc's static start heeds that.  musl's
 * static start (1.2.3) does not, so here it is a constructor, before main().
 *
 * Source: ELF gABI, program header; PT_GNU_RELRO of the LSB 5.0.
 */
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	PAGE_BYTES = 4096,
};

/* Where the program lies, from the linker. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

/* As far as whole pages go: the linker sees to it that nothing else begins in the last one. */
static int protect(const Elf64_Phdr *segment)
{
	uintptr_t image = (uintptr_t)&__ehdr_start;
	uintptr_t first = (image + segment->p_vaddr) & ~(uintptr_t)(PAGE_BYTES - 1);
	uintptr_t end = (image + segment->p_vaddr + segment->p_memsz) &
			~(uintptr_t)(PAGE_BYTES - 1);

	return mprotect((void *)first, end - first, PROT_READ);
}

static void __attribute__((constructor)) protect_relocated(void)
{
	uintptr_t headers = (uintptr_t)&__ehdr_start + __ehdr_start.e_phoff;
	const Elf64_Phdr *segments = (const Elf64_Phdr *)headers;

	for (unsigned int i = 0; i < __ehdr_start.e_phnum; i++)
		if (segments[i].p_type == PT_GNU_RELRO && protect(&segments[i]))
			abort();
}
