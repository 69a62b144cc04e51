/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/cksum.c - see cksum.h. */
#include "tests/guests/lib/cksum.h"

#define POLYNOMIAL 0x04c11db7U

static uint32_t table[256];

static void make_table(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte << 24;

		for (int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc >> 31 != 0 ? POLYNOMIAL : 0);
		table[byte] = crc;
	}
}

static uint32_t add(uint32_t crc, uint8_t byte)
{
	return crc << 8 ^ table[crc >> 24 ^ byte];
}

void cksum_start(struct cksum *sum)
{
	if (table[1] == 0)
		make_table();
	sum->crc = 0;
	sum->size_bytes = 0;
}

void cksum_add(struct cksum *sum, const uint8_t *bytes, uint32_t size_bytes)
{
	for (uint32_t at = 0; at < size_bytes; at++)
		sum->crc = add(sum->crc, bytes[at]);
	sum->size_bytes += size_bytes;
}

void cksum_end(struct cksum *sum)
{
	for (uint64_t left = sum->size_bytes; left > 0; left >>= 8)
		sum->crc = add(sum->crc, (uint8_t)left);
	sum->crc = ~sum->crc;
}
