/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/guard.h - bytes that end where the address space does.
 *
 * guard_copy() places a copy of a buffer so that its last byte is the last one
 * before an inaccessible page: a parser that reads one byte too many dies on
 * the spot, in every build and not only under a sanitizer.
 */
#ifndef TESTS_UNIT_GUARD_H
#define TESTS_UNIT_GUARD_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct guard {
	uint8_t *bytes; /* the copy */
	uint8_t *mapping;
	size_t mapping_bytes;
};

static inline struct guard guard_copy(const void *source, size_t length)
{
	enum {
		PAGE = 4096
	};
	size_t body = (length + PAGE - 1) / PAGE * PAGE;
	struct guard guard = {.mapping_bytes = body + PAGE};

	guard.mapping = mmap(NULL, guard.mapping_bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (guard.mapping == MAP_FAILED || mprotect(guard.mapping + body, PAGE, PROT_NONE))
		abort();
	guard.bytes = guard.mapping + body - length;
	if (length)
		memcpy(guard.bytes, source, length);
	return guard;
}

static inline void guard_release(struct guard *guard)
{
	munmap(guard->mapping, guard->mapping_bytes);
}

#endif
