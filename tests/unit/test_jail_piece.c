/* SPDX-License-Identifier: MIT */
/* tests/unit/test_jail_piece.c - each piece has a name of its own, and is found by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jail/piece.h"

static void every_piece_is_found_by_its_name(void **state)
{
	(void)state;
	for (int piece = 0; piece < JAIL_PIECES; piece++) {
		const char *name = jail_piece_name((enum jail_piece)piece);

		assert_true(strlen(name) > 0);
		assert_int_equal(jail_piece_from_name(name), piece);
	}
}

static void what_is_no_piece_is_told_apart(void **state)
{
	(void)state;
	assert_int_equal(jail_piece_from_name(""), JAIL_PIECES);
	assert_int_equal(jail_piece_from_name("mount"), JAIL_PIECES);
	assert_int_equal(jail_piece_from_name("Mounts"), JAIL_PIECES);
	assert_int_equal(jail_piece_from_name("unknown"), JAIL_PIECES);
	assert_string_equal(jail_piece_name(JAIL_PIECES), "unknown");
	assert_string_equal(jail_piece_name((enum jail_piece) - 1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_piece_is_found_by_its_name),
		cmocka_unit_test(what_is_no_piece_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
