/* SPDX-License-Identifier: MIT */
/* tests/unit/test_delivery.c - what is owed is waited for as long as somebody takes it, and no
 * longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/delivery.h"

#define NS_PER_MS UINT64_C(1000000)
#define PATIENCE  (DELIVERY_MS * NS_PER_MS)
#define STOP      (DELIVERY_STOP_MS * NS_PER_MS)

static const uint64_t start_ns = 5000000000000;

static void nothing_owed_is_the_end(void **state)
{
	struct delivery delivery = DELIVERY_NOT_BEGUN;

	(void)state;
	assert_false(delivery_goes_on(&delivery, 0, start_ns));
}

static void without_progress_it_gives_up(void **state)
{
	struct delivery delivery = DELIVERY_NOT_BEGUN;

	(void)state;
	assert_true(delivery_goes_on(&delivery, 100, start_ns));
	assert_int_equal(delivery.give_up_ns, start_ns + PATIENCE);
	assert_true(delivery_goes_on(&delivery, 100, start_ns + PATIENCE - 1));
	assert_false(delivery_goes_on(&delivery, 100, start_ns + PATIENCE));
}

static void progress_renews_the_patience(void **state)
{
	struct delivery delivery = DELIVERY_NOT_BEGUN;
	uint64_t now_ns = start_ns;

	(void)state;
	for (uint64_t owed_bytes = 20; owed_bytes > 0; owed_bytes--) {
		assert_true(delivery_goes_on(&delivery, owed_bytes, now_ns));
		now_ns = delivery.give_up_ns;
	}
	assert_int_equal(now_ns, start_ns + 20 * PATIENCE);
	assert_false(delivery_goes_on(&delivery, 1, now_ns));
}

/* What grew in between and shrank again is none. */
static void only_less_than_ever_is_progress(void **state)
{
	struct delivery delivery = DELIVERY_NOT_BEGUN;

	(void)state;
	assert_true(delivery_goes_on(&delivery, 10, start_ns));
	assert_true(delivery_goes_on(&delivery, 20, start_ns + 1));
	assert_true(delivery_goes_on(&delivery, 10, start_ns + 2));
	assert_int_equal(delivery.give_up_ns, start_ns + PATIENCE);
}

static void who_wants_it_to_stop_waits_a_little_in_all(void **state)
{
	struct delivery delivery = DELIVERY_NOT_BEGUN;

	(void)state;
	delivery_hurry(&delivery, start_ns);
	assert_int_equal(delivery.give_up_ns, start_ns + STOP);
	assert_true(delivery_goes_on(&delivery, 100, start_ns));
	assert_true(delivery_goes_on(&delivery, 50, start_ns + STOP - 1));
	assert_false(delivery_goes_on(&delivery, 1, start_ns + STOP));
}

static void the_wish_may_come_while_it_goes_on(void **state)
{
	struct delivery delivery = DELIVERY_NOT_BEGUN;
	uint64_t wish_ns = start_ns + PATIENCE / 2;

	(void)state;
	assert_true(delivery_goes_on(&delivery, 100, start_ns));
	delivery_hurry(&delivery, wish_ns);
	assert_true(delivery_goes_on(&delivery, 50, wish_ns));
	assert_int_equal(delivery.give_up_ns, wish_ns + STOP);
}

static void a_wish_prolongs_nothing(void **state)
{
	struct delivery delivery = DELIVERY_NOT_BEGUN;

	(void)state;
	assert_true(delivery_goes_on(&delivery, 100, start_ns));
	delivery_hurry(&delivery, start_ns + PATIENCE - 1);
	assert_int_equal(delivery.give_up_ns, start_ns + PATIENCE);
}

static void the_second_wish_is_the_end(void **state)
{
	struct delivery delivery = DELIVERY_NOT_BEGUN;

	(void)state;
	delivery_hurry(&delivery, start_ns);
	assert_true(delivery_goes_on(&delivery, 100, start_ns + 1));
	delivery_hurry(&delivery, start_ns + 2);
	assert_false(delivery_goes_on(&delivery, 100, start_ns + 2));
	delivery_hurry(&delivery, start_ns + 3);
	assert_int_equal(delivery.give_up_ns, start_ns + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_owed_is_the_end),
		cmocka_unit_test(without_progress_it_gives_up),
		cmocka_unit_test(progress_renews_the_patience),
		cmocka_unit_test(only_less_than_ever_is_progress),
		cmocka_unit_test(who_wants_it_to_stop_waits_a_little_in_all),
		cmocka_unit_test(the_wish_may_come_while_it_goes_on),
		cmocka_unit_test(a_wish_prolongs_nothing),
		cmocka_unit_test(the_second_wish_is_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
