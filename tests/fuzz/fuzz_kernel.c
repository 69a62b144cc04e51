/* SPDX-License-Identifier: MIT */
/*
 * tests/fuzz/fuzz_kernel.c - any bytes as a kernel file.
 *
 * The first byte chooses the wanted entry (bits 0 and 1), the size of guest
 * memory (bits 2 to 4) and the size of an initrd (bits 5 to 7); the rest is
 * the file.  An accepted image must keep what kernel.h promises, and an initrd
 * that found a place must be clear of it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/kernel.h"
#include "monitor/kernel_load.h"
#include "monitor/layout.h"
#include "tests/unit/kernel_invariants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint64_t ram_sizes[8] = {
	LAYOUT_MIB,     16 * LAYOUT_MIB, 64 * LAYOUT_MIB, 512 * LAYOUT_MIB,
	3 * LAYOUT_GIB, 4 * LAYOUT_GIB,  64 * LAYOUT_GIB, 5 * LAYOUT_MIB + 0x1234,
};

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_initrd(const struct kernel_image *image, uint64_t initrd_bytes,
			 uint64_t ram_bytes)
{
	struct reason reason = {""};
	uint64_t gpa = UINT64_MAX;
	uint64_t end_gpa;

	if (initrd_place(&gpa, image, initrd_bytes, ram_bytes, &reason)) {
		require(gpa == UINT64_MAX && reason.text[0] != '\0');
		return;
	}
	end_gpa = gpa + initrd_bytes;
	require(gpa % LAYOUT_PAGE_BYTES == 0 && gpa >= LAYOUT_MIB);
	require(end_gpa - 1 <= image->initrd_max_gpa && end_gpa <= layout_low_ram_bytes(ram_bytes));
	for (unsigned int i = 0; i < image->segment_count; i++) {
		const struct kernel_segment *segment = &image->segments[i];

		require(end_gpa <= segment->gpa || gpa >= segment->gpa + segment->memory_bytes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kernel_image image;
	struct kernel_image untouched;
	struct reason reason = {""};
	uint64_t ram_bytes;

	if (size == 0)
		return 0;
	ram_bytes = ram_sizes[data[0] >> 2 & 7];
	memset(&image, 0x5a, sizeof(image));
	untouched = image;
	if (kernel_parse(&image, data + 1, size - 1, ram_bytes,
			 (enum config_protocol)(data[0] % 4 % 3), &reason)) {
		require(reason.text[0] != '\0');
		require(memcmp(&image, &untouched, sizeof(image)) == 0);
		return 0;
	}
	require(kernel_invariants(&image, size - 1, ram_bytes) == NULL);
	check_initrd(&image, UINT64_C(1) << (data[0] >> 5) * 5, ram_bytes);
	return 0;
}
