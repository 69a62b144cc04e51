/* SPDX-License-Identifier: MIT */
/* tests/unit/test_segments.c - copies out of, into and beyond bytes in pieces. */
#include "virtio/segments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

enum {
	BYTES = 12,
	DIVISIONS = 5,
	PIECES = 5,
};

/* Each adds up to BYTES; a piece may be empty. */
static const size_t divisions[DIVISIONS][PIECES] = {
	{12, 0, 0, 0, 0}, {1, 1, 1, 1, 8}, {0, 5, 0, 7, 0}, {4, 4, 4, 0, 0}, {0, 0, 11, 0, 1},
};

static void divide(const struct guard *bytes, const size_t *division, struct iovec *segments)
{
	uint8_t *place = bytes->bytes;

	for (unsigned int i = 0; i < PIECES; i++) {
		segments[i] = (struct iovec){place, division[i]};
		place += division[i];
	}
}

static void any_part_is_read_from_any_division(void **state)
{
	struct guard bytes = guard_copy("abcdefghijkl", BYTES);
	struct iovec segments[PIECES];

	(void)state;
	for (unsigned int d = 0; d < DIVISIONS; d++) {
		divide(&bytes, divisions[d], segments);
		for (size_t from = 0; from <= BYTES; from++)
			for (size_t length = 0; length <= BYTES - from; length++) {
				char target[BYTES] = {0};

				assert_int_equal(
					segments_read(segments, PIECES, from, target, length),
					length);
				assert_memory_equal(target, bytes.bytes + from, length);
			}
	}
	guard_release(&bytes);
}

static void any_part_is_written_to_any_division(void **state)
{
	struct guard bytes = guard_copy("............", BYTES);
	struct iovec segments[PIECES];

	(void)state;
	for (unsigned int d = 0; d < DIVISIONS; d++) {
		divide(&bytes, divisions[d], segments);
		for (size_t from = 0; from <= BYTES; from++) {
			char expected[BYTES];

			memset(bytes.bytes, '.', BYTES);
			memset(expected, '.', BYTES);
			memcpy(expected + from, "xyz", BYTES - from < 3 ? BYTES - from : 3);
			segments_write(segments, PIECES, from, "xyz", 3);
			assert_memory_equal(bytes.bytes, expected, BYTES);
		}
	}
	guard_release(&bytes);
}

static void what_lies_beyond_is_left_out(void **state)
{
	struct guard bytes = guard_copy("abcdefghijkl", BYTES);
	struct iovec segments[PIECES];
	char target[BYTES];

	(void)state;
	divide(&bytes, divisions[1], segments);
	assert_int_equal(segments_read(segments, PIECES, 10, target, BYTES), 2);
	assert_memory_equal(target, "kl", 2);
	assert_int_equal(segments_read(segments, PIECES, 12, target, 1), 0);
	assert_int_equal(segments_read(segments, PIECES, SIZE_MAX, target, 1), 0);
	assert_int_equal(segments_read(segments, 0, 0, target, 1), 0);
	assert_int_equal(segments_write(segments, PIECES, 11, "12", 2), 1);
	assert_memory_equal(bytes.bytes, "abcdefghijk1", BYTES);
	assert_int_equal(segments_write(segments, PIECES, 13, "12", 2), 0);
	guard_release(&bytes);
}

static void a_list_without_its_beginning(void **state)
{
	struct guard bytes = guard_copy("abcdefghijkl", BYTES);
	struct iovec segments[PIECES];
	struct iovec rest[PIECES];

	(void)state;
	for (unsigned int d = 0; d < DIVISIONS; d++) {
		divide(&bytes, divisions[d], segments);
		for (size_t skipped = 0; skipped <= BYTES + 1; skipped++) {
			unsigned int count = segments_skip(segments, PIECES, skipped, rest);
			size_t left = skipped < BYTES ? BYTES - skipped : 0;
			char target[BYTES];

			for (unsigned int i = 0; i < count; i++)
				assert_int_not_equal(rest[i].iov_len, 0);
			assert_int_equal(segments_read(rest, count, 0, target, BYTES), left);
			assert_memory_equal(target, bytes.bytes + BYTES - left, left);
		}
	}
	guard_release(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_part_is_read_from_any_division),
		cmocka_unit_test(any_part_is_written_to_any_division),
		cmocka_unit_test(what_lies_beyond_is_left_out),
		cmocka_unit_test(a_list_without_its_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
