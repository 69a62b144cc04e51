/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_rate_limiter.c - rates hold exactly, whatever the sizes, and for hours.
 *
 * Time is a number here: a run of hours takes a moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "virtio/rate_limiter.h"

#define SECOND_NS UINT64_C(1000000000)
#define HOUR_NS   (3600 * SECOND_NS)
#define START_NS  UINT64_C(123456789)
#define MIB       (UINT64_C(1) << 20)

static struct rate_limiter limiter;

static void limit_bytes(uint64_t size, uint64_t burst, uint64_t refill_ns)
{
	token_bucket_init(&limiter.bytes, size, burst, refill_ns, START_NS);
}

static void limit_operations(uint64_t size, uint64_t burst, uint64_t refill_ns)
{
	token_bucket_init(&limiter.operations, size, burst, refill_ns, START_NS);
}

static int set_up(void **state)
{
	(void)state;
	limiter = (struct rate_limiter){0};
	return 0;
}

/* Requests of one size, each made as soon as it may be, for so long: how many passed. */
static uint64_t run_for(uint64_t request_bytes, uint64_t duration_ns)
{
	uint64_t now_ns = START_NS;
	uint64_t passed = 0;

	while (now_ns < START_NS + duration_ns) {
		uint64_t wait_ns = rate_limiter_take(&limiter, request_bytes, now_ns);

		if (wait_ns == 0)
			passed++;
		else
			now_ns += wait_ns;
	}
	return passed;
}

/* Take as often as it passes at one moment. */
static uint64_t take_all(uint64_t bytes, uint64_t now_ns)
{
	uint64_t passed = 0;

	while (rate_limiter_take(&limiter, bytes, now_ns) == 0)
		passed++;
	return passed;
}

/* Within 0.1 %. */
static void assert_about(uint64_t found, uint64_t wanted)
{
	assert_in_range(found, wanted - wanted / 1000, wanted + wanted / 1000);
}

static void no_limit_lets_all_pass(void **state)
{
	(void)state;
	assert_false(rate_limiter_is_on(&limiter));
	assert_int_equal(rate_limiter_take(&limiter, UINT64_MAX, 0), 0);
	limit_bytes(0, 5, SECOND_NS);
	limit_operations(5, 5, 0);
	assert_false(rate_limiter_is_on(&limiter));
	for (int i = 0; i < 100; i++)
		assert_int_equal(rate_limiter_take(&limiter, UINT64_MAX, START_NS), 0);
}

static void either_bucket_turns_it_on(void **state)
{
	(void)state;
	limit_bytes(1, 0, 1);
	assert_true(rate_limiter_is_on(&limiter));
	limiter = (struct rate_limiter){0};
	limit_operations(1, 0, 1);
	assert_true(rate_limiter_is_on(&limiter));
}

static void a_bucket_starts_full_and_says_how_long_to_wait(void **state)
{
	(void)state;
	limit_operations(1000, 0, SECOND_NS);
	assert_int_equal(take_all(0, START_NS), 1000);
	assert_int_equal(rate_limiter_take(&limiter, 0, START_NS), SECOND_NS / 1000);
	assert_int_equal(rate_limiter_take(&limiter, 0, START_NS + 400000), 600000);
	assert_int_equal(rate_limiter_take(&limiter, 0, START_NS + 999999), 1);
	assert_int_equal(rate_limiter_take(&limiter, 0, START_NS + 1000000), 0);
	assert_int_equal(rate_limiter_take(&limiter, 0, START_NS + 1000000), SECOND_NS / 1000);
}

static void a_bucket_fills_up_to_its_size(void **state)
{
	(void)state;
	limit_operations(10, 0, SECOND_NS);
	assert_int_equal(take_all(0, START_NS), 10);
	assert_int_equal(take_all(0, START_NS + HOUR_NS), 10);
	assert_int_equal(take_all(0, START_NS + HOUR_NS + SECOND_NS / 2), 5);
}

/* What the bucket held at the start comes on top of the rate. */
static void ten_seconds_hold_the_rate(void **state)
{
	(void)state;
	limit_operations(1000, 0, SECOND_NS);
	assert_about(run_for(4096, 10 * SECOND_NS), 11000);
	set_up(NULL);
	limit_bytes(5000000, 0, SECOND_NS / 10);
	assert_about(run_for(4096, 10 * SECOND_NS), 505000000 / 4096);
	set_up(NULL);
	limit_bytes(5000000, 0, SECOND_NS / 10);
	assert_about(run_for(64 * 1024, 10 * SECOND_NS), 505000000 / (64 * 1024));
	set_up(NULL);
	limit_operations(100, 0, SECOND_NS / 10);
	limit_bytes(50000000, 0, SECOND_NS);
	assert_about(run_for(4096, 10 * SECOND_NS), 10100);
	set_up(NULL);
	limit_operations(100, 0, SECOND_NS / 10);
	limit_bytes(5000000, 0, SECOND_NS / 10);
	assert_about(run_for(64 * 1024, 10 * SECOND_NS), 505000000 / (64 * 1024));
}

/* Sizes that no refill time divides, asked at moments that fit neither: nothing is forgotten. */
static void hours_lose_no_token(void **state)
{
	uint64_t passed;

	(void)state;
	limit_operations(7, 0, SECOND_NS / 3 + 1);
	passed = run_for(0, 5 * HOUR_NS);
	assert_int_equal(passed, 7 + 7 * 5 * HOUR_NS / (SECOND_NS / 3 + 1));

	/* One token in a day, looked at each second: it comes when the day is over. */
	set_up(NULL);
	limit_operations(1, 0, 24 * HOUR_NS);
	assert_int_equal(rate_limiter_take(&limiter, 0, START_NS), 0);
	for (uint64_t now_ns = 0; now_ns < 24 * HOUR_NS; now_ns += SECOND_NS)
		assert_int_equal(rate_limiter_take(&limiter, 0, START_NS + now_ns),
				 24 * HOUR_NS - now_ns);
	assert_int_equal(rate_limiter_take(&limiter, 0, START_NS + 24 * HOUR_NS), 0);
}

/* A wait that was told is enough, to the nanosecond, and one less is not. */
static void waits_are_exact(void **state)
{
	uint64_t now_ns = START_NS;

	(void)state;
	limit_bytes(999983, 0, 777777777);
	for (uint64_t i = 1; i < 20000; i++) {
		uint64_t bytes = i * 7919 % 999983;
		uint64_t wait_ns = rate_limiter_take(&limiter, bytes, now_ns);

		if (wait_ns == 0)
			continue;
		assert_int_equal(rate_limiter_take(&limiter, bytes, now_ns + wait_ns - 1), 1);
		now_ns += wait_ns;
		assert_int_equal(rate_limiter_take(&limiter, bytes, now_ns), 0);
	}
	assert_true(now_ns > START_NS + HOUR_NS);
}

static void a_request_larger_than_the_bucket_leaves_a_debt(void **state)
{
	(void)state;
	limit_bytes(MIB, 0, SECOND_NS);
	assert_int_equal(rate_limiter_take(&limiter, 4 * MIB, START_NS), 0);
	assert_int_equal(limiter.bytes.level_tokens, -3 * (int64_t)MIB);
	/* Three seconds pay the debt, and one byte more is there right after. */
	assert_int_equal(rate_limiter_take(&limiter, 1, START_NS), 3 * SECOND_NS + 954);
	/* Another large one waits for a full bucket. */
	assert_int_equal(rate_limiter_take(&limiter, 4 * MIB, START_NS), 4 * SECOND_NS);
	assert_int_equal(rate_limiter_take(&limiter, 4 * MIB, START_NS + 4 * SECOND_NS - 1), 1);
	assert_int_equal(rate_limiter_take(&limiter, 4 * MIB, START_NS + 4 * SECOND_NS), 0);
	set_up(NULL);
	limit_bytes(MIB, 0, SECOND_NS);
	assert_int_equal(run_for(4 * MIB, 400 * SECOND_NS), 100);
}

/* A flush moves no bytes, so no debt of bytes keeps it. */
static void no_bytes_wait_for_no_bytes(void **state)
{
	(void)state;
	limit_bytes(MIB, 0, SECOND_NS);
	assert_int_equal(rate_limiter_take(&limiter, 4 * MIB, START_NS), 0);
	assert_int_equal(rate_limiter_take(&limiter, 0, START_NS), 0);
}

static void the_burst_is_spent_first_and_once(void **state)
{
	(void)state;
	limit_operations(10, 25, SECOND_NS);
	assert_int_equal(rate_limiter_take(&limiter, 0, START_NS), 0);
	assert_int_equal(limiter.operations.burst_left, 24);
	assert_int_equal(limiter.operations.level_tokens, 10);
	assert_int_equal(take_all(0, START_NS), 34);
	assert_int_equal(limiter.operations.burst_left, 0);
	assert_int_equal(take_all(0, START_NS + HOUR_NS), 10);
	assert_int_equal(limiter.operations.burst_left, 0);
}

/* One request out of both: the burst covers its part, the bucket the rest. */
static void a_request_may_straddle_burst_and_bucket(void **state)
{
	(void)state;
	limit_bytes(100, 50, SECOND_NS);
	assert_int_equal(rate_limiter_take(&limiter, 120, START_NS), 0);
	assert_int_equal(limiter.bytes.burst_left, 0);
	assert_int_equal(limiter.bytes.level_tokens, 30);
	set_up(NULL);
	limit_bytes(100, 50, SECOND_NS);
	assert_int_equal(rate_limiter_take(&limiter, 500, START_NS), 0);
	assert_int_equal(limiter.bytes.level_tokens, -350);
}

static void both_buckets_or_none(void **state)
{
	struct token_bucket before;

	(void)state;
	limit_operations(1, 0, SECOND_NS);
	limit_bytes(100, 5, SECOND_NS);
	assert_int_equal(rate_limiter_take(&limiter, 10, START_NS), 0);
	before = limiter.bytes;
	assert_int_equal(rate_limiter_take(&limiter, 10, START_NS), SECOND_NS);
	assert_memory_equal(&limiter.bytes, &before, sizeof(before));

	set_up(NULL);
	limit_operations(10, 5, SECOND_NS);
	limit_bytes(100, 0, SECOND_NS);
	assert_int_equal(rate_limiter_take(&limiter, 100, START_NS), 0);
	before = limiter.operations;
	assert_int_equal(rate_limiter_take(&limiter, 50, START_NS), SECOND_NS / 2);
	assert_memory_equal(&limiter.operations, &before, sizeof(before));
}

/* The longer wait is told. */
static void the_scarcer_bucket_decides(void **state)
{
	(void)state;
	limit_operations(1, 0, SECOND_NS);
	limit_bytes(100, 0, 3 * SECOND_NS);
	assert_int_equal(rate_limiter_take(&limiter, 100, START_NS), 0);
	assert_int_equal(rate_limiter_take(&limiter, 100, START_NS), 3 * SECOND_NS);
	assert_int_equal(rate_limiter_take(&limiter, 1, START_NS), SECOND_NS);
}

static void a_clock_that_jumps_harms_nothing(void **state)
{
	(void)state;
	limit_operations(10, 0, SECOND_NS);
	assert_int_equal(take_all(0, START_NS), 10);
	/* Back: nothing for free, and no wait for the old time to return. */
	assert_int_equal(rate_limiter_take(&limiter, 0, 5), SECOND_NS / 10);
	assert_int_equal(rate_limiter_take(&limiter, 0, 5 + SECOND_NS / 10), 0);
	assert_int_equal(rate_limiter_take(&limiter, 0, 5 + SECOND_NS / 10), SECOND_NS / 10);
	/* To the end of time: a full bucket, no more. */
	assert_int_equal(take_all(0, UINT64_MAX), 10);
	assert_int_equal(rate_limiter_take(&limiter, 0, 0), SECOND_NS / 10);
}

static void huge_numbers_do_not_wrap(void **state)
{
	(void)state;
	limit_bytes(INT64_MAX, INT64_MAX, UINT64_MAX);
	assert_int_equal(rate_limiter_take(&limiter, INT64_MAX, START_NS), 0);
	assert_int_equal(rate_limiter_take(&limiter, UINT64_MAX, START_NS), 0);
	assert_int_equal(limiter.bytes.level_tokens, INT64_MIN);
	assert_int_equal(rate_limiter_take(&limiter, UINT64_MAX, START_NS), UINT64_MAX);
	/* 2^63 and one tokens at (2^63 - 1) / (2^64 - 1) a nanosecond: four more than there were.
	 */
	assert_int_equal(rate_limiter_take(&limiter, 1, UINT64_MAX), START_NS + 5);
	assert_true(limiter.bytes.level_tokens < 0);

	limit_bytes(UINT64_MAX, 0, 1);
	assert_int_equal(rate_limiter_take(&limiter, UINT64_MAX, START_NS), 0);
	assert_int_equal(rate_limiter_take(&limiter, 1, START_NS), 1);
	assert_int_equal(rate_limiter_take(&limiter, 1, START_NS + 1), 0);

	limit_bytes(1, 0, UINT64_MAX);
	assert_int_equal(rate_limiter_take(&limiter, UINT64_MAX, START_NS), 0);
	assert_int_equal(rate_limiter_take(&limiter, 1, START_NS), UINT64_MAX);
	assert_int_equal(rate_limiter_take(&limiter, 1, UINT64_MAX), UINT64_MAX);
}

static void the_point_of_time_neither_wraps_nor_means_never(void **state)
{
	uint64_t due_ns = 1;

	(void)state;
	limit_operations(1, 0, SECOND_NS);
	assert_true(rate_limiter_admits(&limiter, 0, START_NS, &due_ns));
	assert_int_equal(due_ns, 1);
	assert_false(rate_limiter_admits(&limiter, 0, START_NS, &due_ns));
	assert_int_equal(due_ns, START_NS + SECOND_NS);

	limit_operations(1, 0, UINT64_MAX - START_NS - 1);
	assert_true(rate_limiter_admits(&limiter, 0, START_NS, &due_ns));
	assert_false(rate_limiter_admits(&limiter, 0, START_NS, &due_ns));
	assert_int_equal(due_ns, UINT64_MAX - 1);
	limit_operations(1, 0, UINT64_MAX - START_NS);
	assert_true(rate_limiter_admits(&limiter, 0, START_NS, &due_ns));
	assert_false(rate_limiter_admits(&limiter, 0, START_NS, &due_ns));
	assert_int_equal(due_ns, UINT64_MAX - 1);
	limit_operations(1, 0, UINT64_MAX);
	assert_true(rate_limiter_admits(&limiter, 0, START_NS, &due_ns));
	assert_false(rate_limiter_admits(&limiter, 0, START_NS, &due_ns));
	assert_int_equal(due_ns, UINT64_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_limit_lets_all_pass, set_up),
		cmocka_unit_test_setup(either_bucket_turns_it_on, set_up),
		cmocka_unit_test_setup(a_bucket_starts_full_and_says_how_long_to_wait, set_up),
		cmocka_unit_test_setup(a_bucket_fills_up_to_its_size, set_up),
		cmocka_unit_test_setup(ten_seconds_hold_the_rate, set_up),
		cmocka_unit_test_setup(hours_lose_no_token, set_up),
		cmocka_unit_test_setup(waits_are_exact, set_up),
		cmocka_unit_test_setup(a_request_larger_than_the_bucket_leaves_a_debt, set_up),
		cmocka_unit_test_setup(no_bytes_wait_for_no_bytes, set_up),
		cmocka_unit_test_setup(the_burst_is_spent_first_and_once, set_up),
		cmocka_unit_test_setup(a_request_may_straddle_burst_and_bucket, set_up),
		cmocka_unit_test_setup(both_buckets_or_none, set_up),
		cmocka_unit_test_setup(the_scarcer_bucket_decides, set_up),
		cmocka_unit_test_setup(a_clock_that_jumps_harms_nothing, set_up),
		cmocka_unit_test_setup(huge_numbers_do_not_wrap, set_up),
		cmocka_unit_test_setup(the_point_of_time_neither_wraps_nor_means_never, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
