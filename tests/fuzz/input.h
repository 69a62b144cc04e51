/* SPDX-License-Identifier: MIT */
/* tests/fuzz/input.h - the fuzzer's bytes, taken one after the other as choices; zeros at the end.
 */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct input {
	const uint8_t *bytes;
	size_t size;
};

/* What has to hold whatever the bytes are. */
static inline void require(bool holds)
{
	if (!holds)
		abort();
}

static inline uint8_t take(struct input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->bytes++;
}

static inline uint16_t take_u16(struct input *input)
{
	uint8_t low = take(input);

	return (uint16_t)(low | take(input) << 8);
}

#endif
