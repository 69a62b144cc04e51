/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/cksum.h - the checksum of cksum(1), so that a script can compare streams.
 *
 * Source: POSIX.1-2017, cksum: CRC-32 with the polynomial 0x04c11db7, high bit first, over the
 * bytes and then their number.
 */
#ifndef GUEST_CKSUM_H
#define GUEST_CKSUM_H

#include <stdint.h>

struct cksum {
	uint32_t crc;
	uint64_t size_bytes;
};

void cksum_start(struct cksum *sum);
void cksum_add(struct cksum *sum, const uint8_t *bytes, uint32_t size_bytes);

/* `crc` is the checksum from here on, and nothing may be added. */
void cksum_end(struct cksum *sum);

#endif
