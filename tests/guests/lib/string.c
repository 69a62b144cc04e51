/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/string.c - see string.h. */
#include "tests/guests/lib/string.h"

void *memcpy(void *to, const void *from, size_t size_bytes)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size_bytes) : : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t size_bytes)
{
	uint8_t *target = to;
	const uint8_t *source = from;

	if (target <= source || target >= source + size_bytes)
		return memcpy(to, from, size_bytes);
	while (size_bytes > 0) {
		size_bytes--;
		*(volatile uint8_t *)(target + size_bytes) = source[size_bytes];
	}
	return to;
}

void *memset(void *to, int byte, size_t size_bytes)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(size_bytes) : "a"(byte) : "memory");
	return to;
}

int memcmp(const void *left, const void *right, size_t size_bytes)
{
	const uint8_t *a = left;
	const uint8_t *b = right;

	for (size_t at = 0; at < size_bytes; at++)
		if (a[at] != b[at])
			return a[at] - b[at];
	return 0;
}

size_t strlen(const char *text)
{
	const char *end = text;

	while (*(const volatile char *)end != '\0')
		end++;
	return (size_t)(end - text);
}

bool string_equal(const char *left, const char *right)
{
	while (*left != '\0' && *left == *right) {
		left++;
		right++;
	}
	return *left == *right;
}

bool string_starts_with(const char *text, const char *prefix)
{
	while (*prefix != '\0')
		if (*text++ != *prefix++)
			return false;
	return true;
}

static unsigned int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return (unsigned int)(digit - '0');
	if (digit >= 'a' && digit <= 'f')
		return (unsigned int)(digit - 'a') + 10;
	if (digit >= 'A' && digit <= 'F')
		return (unsigned int)(digit - 'A') + 10;
	return 16;
}

uint64_t string_to_number(const char *text)
{
	unsigned int base = 10;
	uint64_t number = 0;

	if (string_starts_with(text, "0x")) {
		base = 16;
		text += 2;
	}
	while (digit_value(*text) < base)
		number = number * base + digit_value(*text++);
	return number;
}

uint8_t bytes_sum(const void *bytes, size_t size_bytes)
{
	const uint8_t *at = bytes;
	unsigned int sum = 0;

	while (size_bytes-- > 0)
		sum += *at++;
	return (uint8_t)sum;
}
