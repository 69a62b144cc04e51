/* SPDX-License-Identifier: MIT */
/*
 * monitor/checksum.h - the byte that makes a firmware table sum up to zero.
 *
 * The MP specification and ACPI use the same rule: all bytes of a table, its
 * checksum field included, add up to 0 modulo 256.
 */
#ifndef MONITOR_CHECKSUM_H
#define MONITOR_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* What to store in the checksum field, which is 0 while this runs. */
static inline uint8_t checksum_of(const void *table, size_t length)
{
	const uint8_t *bytes = table;
	uint8_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return (uint8_t)(0x100 - sum);
}

#endif
