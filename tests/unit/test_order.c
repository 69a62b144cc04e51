/* SPDX-License-Identifier: MIT */
/* tests/unit/test_order.c - the order of the subjects in a round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "benches/order.h"

enum {
	SUBJECTS = 5,
	ROUNDS = 1000,
};

static void test_each_subject_has_one_turn(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		size_t order[SUBJECTS];
		unsigned int turns[SUBJECTS] = {0};

		order_draw(order, SUBJECTS);
		for (size_t turn = 0; turn < SUBJECTS; turn++) {
			assert_in_range(order[turn], 0, SUBJECTS - 1);
			turns[order[turn]]++;
		}
		for (size_t subject = 0; subject < SUBJECTS; subject++)
			assert_int_equal(turns[subject], 1);
	}
}

/* Each of the 20 pairs is 200 of the 4000 neighbours; 120 is more than five deviations away. */
static void test_each_follows_each_other(void **state)
{
	unsigned int followed[SUBJECTS][SUBJECTS] = {{0}};
	size_t order[SUBJECTS];

	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		order_draw(order, SUBJECTS);
		for (size_t turn = 1; turn < SUBJECTS; turn++)
			followed[order[turn - 1]][order[turn]]++;
	}
	for (size_t one = 0; one < SUBJECTS; one++)
		for (size_t other = 0; other < SUBJECTS; other++)
			assert_true(one == other || followed[one][other] > 120);
}

static void test_one_and_none(void **state)
{
	size_t order[1] = {7};

	(void)state;
	order_draw(order, 0);
	assert_int_equal(order[0], 7);
	order_draw(order, 1);
	assert_int_equal(order[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_subject_has_one_turn),
		cmocka_unit_test(test_each_follows_each_other),
		cmocka_unit_test(test_one_and_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
