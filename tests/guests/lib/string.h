/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/string.h - the few string functions a guest needs.
 *
 * The compiler calls the mem functions on its own account, so their names and
 * meaning are those of the C standard.
 */
#ifndef GUEST_STRING_H
#define GUEST_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t size_bytes);
void *memmove(void *to, const void *from, size_t size_bytes);
void *memset(void *to, int byte, size_t size_bytes);
int memcmp(const void *left, const void *right, size_t size_bytes);
size_t strlen(const char *text);

bool string_equal(const char *left, const char *right);
bool string_starts_with(const char *text, const char *prefix);

/* The decimal or 0x number at the start of a text; 0 if there is none. */
uint64_t string_to_number(const char *text);

/* The sum of all bytes, modulo 256: zero for a firmware table that is whole. */
uint8_t bytes_sum(const void *bytes, size_t size_bytes);

#endif
