/* SPDX-License-Identifier: MIT */
/* tests/unit/test_jail_descriptors.c - exactly the known ones stay open. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jail/descriptors.h"
#include "tests/unit/jail_child.h"

enum {
	LOOKED_AT = 1024,
	HIGHEST = 1000,
};

static bool is_among(int fd, const int *list, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (list[i] == fd)
			return true;
	return false;
}

/* Open many, keep a few, look at all. */
static void keep(const int *kept, unsigned int count)
{
	for (int fd = STDERR_FILENO + 1; fd <= HIGHEST; fd++)
		expect(dup2(STDERR_FILENO, fd) == fd);
	expect(descriptors_keep_only(kept, count) == 0);
	for (int fd = 0; fd < LOOKED_AT; fd++)
		expect((fcntl(fd, F_GETFD) >= 0) == is_among(fd, kept, count));
}

static void kept_in_order(void)
{
	const int kept[] = {0, 1, 2, 5, 6, 9, HIGHEST};

	keep(kept, sizeof(kept) / sizeof(kept[0]));
}

static void kept_in_any_order(void)
{
	const int kept[] = {77, 2, 5, -1, HIGHEST, 2, 0, -1, 78, 1, 5, 77};

	keep(kept, sizeof(kept) / sizeof(kept[0]));
}

static void kept_is_one(void)
{
	const int kept[] = {STDERR_FILENO};

	keep(kept, 1);
}

static void none_kept(void)
{
	const int none = -1;

	expect(descriptors_keep_only(&none, 0) == 0);
	for (int fd = 0; fd < LOOKED_AT; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			_exit(CHILD_FAILED);
}

static void too_many(void)
{
	int kept[DESCRIPTORS_KEPT_MAX + 1] = {0};

	expect(descriptors_keep_only(kept, DESCRIPTORS_KEPT_MAX + 1) == -E2BIG);
	expect(fcntl(STDERR_FILENO, F_GETFD) >= 0);
	kept[0] = STDERR_FILENO;
	expect(descriptors_keep_only(kept, DESCRIPTORS_KEPT_MAX) == 0);
	expect(fcntl(STDERR_FILENO, F_GETFD) >= 0);
}

static void those_in_order_stay(void **state)
{
	(void)state;
	in_child(kept_in_order);
}

static void those_in_any_order_stay(void **state)
{
	(void)state;
	in_child(kept_in_any_order);
}

static void a_single_one_stays(void **state)
{
	(void)state;
	in_child(kept_is_one);
}

static void all_can_be_closed(void **state)
{
	(void)state;
	in_child(none_kept);
}

static void more_than_the_most_are_refused(void **state)
{
	(void)state;
	in_child(too_many);
}

static void the_highest_is_found(void **state)
{
	const int list[] = {4, -1, 9, 0};

	(void)state;
	assert_int_equal(descriptors_highest(list, 4), 9);
	assert_int_equal(descriptors_highest(list, 2), 4);
	assert_int_equal(descriptors_highest(list, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_in_order_stay),
		cmocka_unit_test(those_in_any_order_stay),
		cmocka_unit_test(a_single_one_stays),
		cmocka_unit_test(all_can_be_closed),
		cmocka_unit_test(more_than_the_most_are_refused),
		cmocka_unit_test(the_highest_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
