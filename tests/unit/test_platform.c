/* SPDX-License-Identifier: MIT */
/* tests/unit/test_platform.c - the chips' wish to stop, when several vCPUs have one at once. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "monitor/platform.h"

enum {
	ROUNDS = 20000,
	SPINS = 10000,
	DELAYS = 200,
	EXIT_CODE = 42,
};

static struct platform platform;

/* Both threads spin on these, because a barrier that sleeps would wake them one after the other. */
static _Atomic int started;
static _Atomic int finished;

static void wait_until(const _Atomic int *round, int number)
{
	for (unsigned int spins = 0; atomic_load(round) != number; spins++)
		if (spins > SPINS)
			sched_yield();
}

static void write_port(uint16_t port, uint8_t value)
{
	assert_true(bus_access(&platform.ports, port, &value, sizeof(value), true));
}

static void build(void)
{
	const struct platform_links links = {0};

	platform_init(&platform, &links);
	assert_int_equal(platform_build(&platform, 1, false), 0);
}

static void test_no_wish(void **state)
{
	struct outcome outcome = {.kind = OUTCOME_LEFT, .code = 1};

	(void)state;
	build();
	assert_false(platform_stopped(&platform, &outcome));
	assert_int_equal(outcome.kind, OUTCOME_LEFT);
	assert_int_equal(outcome.code, 1);
}

static void test_first_wish_stands(void **state)
{
	struct outcome outcome;

	(void)state;
	build();
	write_port(LAYOUT_PORT_EXIT, EXIT_CODE);
	write_port(LAYOUT_PORT_PVPANIC, 1);
	assert_true(platform_stopped(&platform, &outcome));
	assert_int_equal(outcome.kind, OUTCOME_EXIT);
	assert_int_equal(outcome.code, EXIT_CODE);
}

static void *panic_each_round(void *unused)
{
	uint8_t value = 1;

	for (int round = 1; round <= ROUNDS; round++) {
		wait_until(&started, round);
		bus_access(&platform.ports, LAYOUT_PORT_PVPANIC, &value, sizeof(value), true);
		atomic_store(&finished, round);
	}
	return unused;
}

/* An exit and a panic at once are one of the two, never an exit with the panic's code 0. */
static void test_wishes_do_not_mix(void **state)
{
	pthread_t other;
	struct outcome outcome;

	(void)state;
	build();
	assert_int_equal(pthread_create(&other, NULL, panic_each_round, NULL), 0);
	for (int round = 1; round <= ROUNDS; round++) {
		platform.stop = 0;
		atomic_store(&started, round);
		/* The other thread needs a moment to see it; how long differs, so try them all. */
		for (volatile int delay = round % DELAYS; delay > 0; delay--)
			;
		write_port(LAYOUT_PORT_EXIT, EXIT_CODE);
		wait_until(&finished, round);
		assert_true(platform_stopped(&platform, &outcome));
		assert_int_equal(outcome.code, outcome.kind == OUTCOME_EXIT ? EXIT_CODE : 0);
	}
	pthread_join(other, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_wish),
		cmocka_unit_test(test_first_wish_stands),
		cmocka_unit_test(test_wishes_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
