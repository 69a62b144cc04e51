/* SPDX-License-Identifier: MIT */
/* tests/unit/test_task_time.c - time and turns of threads. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "benches/task_time.h"

enum {
	SLEEPS = 5,
	NS_PER_MS = 1000000,
};

static void threads_add_up(void **state)
{
	struct task_time sum = {0};

	(void)state;
	assert_int_equal(task_time_add(&sum, "1000 20 3\n"), 0);
	assert_int_equal(task_time_add(&sum, "500 0 1\n"), 0);
	assert_int_equal(sum.running_ns, 1500);
	assert_int_equal(sum.turns, 4);
	assert_int_equal(sum.threads, 2);
}

static void other_text_is_refused(void **state)
{
	struct task_time sum = {0};

	(void)state;
	assert_int_equal(task_time_add(&sum, ""), -EPROTO);
	assert_int_equal(task_time_add(&sum, "12 34\n"), -EPROTO);
	assert_int_equal(sum.threads, 0);
}

static void each_sleep_is_a_turn(void **state)
{
	const struct timespec time = {.tv_nsec = NS_PER_MS};
	struct task_time before = {0};
	struct task_time after = {0};

	(void)state;
	assert_int_equal(task_time_read(&before, getpid()), 0);
	if (before.threads == 0) {
		print_message("skip: the kernel has no schedstat\n");
		skip();
	}
	for (int sleep = 0; sleep < SLEEPS; sleep++)
		nanosleep(&time, NULL);
	assert_int_equal(task_time_read(&after, getpid()), 0);
	assert_int_equal(before.threads, 1);
	assert_true(after.turns - before.turns >= SLEEPS);
	assert_true(after.running_ns > before.running_ns);
}

static void nobody_has_no_threads(void **state)
{
	pid_t child = fork();
	struct task_time sum = {0};

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(task_time_read(&sum, child), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_add_up),
		cmocka_unit_test(other_text_is_refused),
		cmocka_unit_test(each_sleep_is_a_turn),
		cmocka_unit_test(nobody_has_no_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
