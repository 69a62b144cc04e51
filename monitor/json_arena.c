/* SPDX-License-Identifier: MIT */
/* monitor/json_arena.c - see json_arena.h. */
#include "monitor/json_arena.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum {
	KEPT_BYTES = 1 << 16,    /* a configuration of some 20 KiB */
	SCRATCH_BYTES = 1 << 19, /* several times what the longest report takes */
	ALIGN_BYTES = 16,
};

/* Pages that nothing is made in are never touched, so they cost nothing. */
static _Alignas(ALIGN_BYTES) char arena[KEPT_BYTES + SCRATCH_BYTES];
static size_t kept_used_bytes;
static size_t scratch_used_bytes;

static void *take(char *from, size_t size_bytes, size_t *used_bytes, size_t bytes)
{
	void *taken = from + *used_bytes;

	if (bytes > size_bytes - *used_bytes)
		return NULL;
	*used_bytes += (bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
	return taken;
}

static void *take_kept(size_t bytes)
{
	void *taken = take(arena, KEPT_BYTES, &kept_used_bytes, bytes);

	return taken ? taken : malloc(bytes);
}

static void *take_scratch(size_t bytes)
{
	return take(arena + KEPT_BYTES, SCRATCH_BYTES, &scratch_used_bytes, bytes);
}

static void give_back(void *taken)
{
	if ((uintptr_t)taken - (uintptr_t)arena >= sizeof(arena))
		free(taken);
}

void json_arena_keep(void)
{
	json_set_alloc_funcs(take_kept, give_back);
}

void json_arena_scratch(void)
{
	scratch_used_bytes = 0;
	json_set_alloc_funcs(take_scratch, give_back);
}
