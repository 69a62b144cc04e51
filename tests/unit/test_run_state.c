/* SPDX-License-Identifier: MIT */
/* tests/unit/test_run_state.c - one end for each run, and no nonsense out of shared memory. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/run_state.h"

enum {
	THREADS = 8,
};

static int set_up(void **state)
{
	return run_state_create((struct run_state **)state);
}

static int tear_down(void **state)
{
	return munmap(*state, sizeof(struct run_state));
}

static void a_new_state_says_nothing(void **state)
{
	const struct run_state *shared = *state;

	assert_int_equal(run_state_outcome(shared).kind, OUTCOME_NONE);
	assert_int_equal(shared->trace.count, 0);
	assert_int_equal(shared->stop_kind, OUTCOME_NONE);
}

static void *claim(void *shared)
{
	return run_state_claim(shared) ? shared : NULL;
}

static void one_of_many_ends_the_run(void **state)
{
	pthread_t threads[THREADS];
	unsigned int winners = 0;

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, claim, *state), 0);
	for (int i = 0; i < THREADS; i++) {
		void *won;

		pthread_join(threads[i], &won);
		winners += won != NULL;
	}
	assert_int_equal(winners, 1);
	assert_false(run_state_claim(*state));
}

static void what_a_child_published_is_read_here(void **state)
{
	const struct outcome exit = {.kind = OUTCOME_EXIT, .code = 42};
	struct run_state *shared = *state;
	pid_t child = fork();

	if (child == 0) {
		run_state_finish(shared, &exit);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(run_state_outcome(shared).kind, OUTCOME_EXIT);
	assert_int_equal(run_state_outcome(shared).code, 42);
}

static struct outcome read_back(struct run_state *shared, uint32_t kind, uint32_t code)
{
	shared->outcome_kind = kind;
	shared->outcome_code = code;
	return run_state_outcome(shared);
}

static void kinds_that_are_none_are_no_outcome(void **state)
{
	const uint32_t kinds[] = {OUTCOME_KINDS, OUTCOME_KINDS + 1, INT32_MAX, 0x80000000,
				  UINT32_MAX};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		assert_int_equal(read_back(*state, kinds[i], 3).kind, OUTCOME_NONE);
	assert_int_equal(read_back(*state, OUTCOME_KINDS - 1, 3).kind, OUTCOME_KINDS - 1);
}

static void signals_that_are_none_are_no_outcome(void **state)
{
	const uint32_t codes[] = {0, 65, INT32_MAX, 0x80000000, UINT32_MAX};

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		assert_int_equal(read_back(*state, OUTCOME_SIGNAL, codes[i]).kind, OUTCOME_NONE);
	assert_int_equal(read_back(*state, OUTCOME_SIGNAL, 15).code, 15);
	assert_int_equal(read_back(*state, OUTCOME_SIGNAL, 64).code, 64);
}

/* Whatever was written, the exit status is one that a process can have. */
static void every_state_has_an_exit_status(void **state)
{
	const uint32_t codes[] = {0, 1, 64, 125, 126, 255, 256, INT32_MAX, 0x80000000, UINT32_MAX};

	for (uint32_t kind = 0; kind < OUTCOME_KINDS + 2; kind++) {
		for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
			struct outcome outcome = read_back(*state, kind, codes[i]);

			assert_in_range(outcome_status(&outcome, 0), 0, 255);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_state_says_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_of_many_ends_the_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_a_child_published_is_read_here, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(kinds_that_are_none_are_no_outcome, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(signals_that_are_none_are_no_outcome, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(every_state_has_an_exit_status, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
