/* SPDX-License-Identifier: MIT */
/* tests/unit/test_cpu_track.c - processor time between samples, and of a process that has it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "benches/clock.h"
#include "benches/cpu_track.h"

enum {
	NS_PER_MS = 1000000,
};

static struct cpu_track track;

/* Idle for 10 ns, then two processors for 10 ns. */
static void set_samples(void)
{
	track.samples[0] = (struct cpu_sample){100, 50};
	track.samples[1] = (struct cpu_sample){110, 50};
	track.samples[2] = (struct cpu_sample){120, 70};
	track.sample_count = 3;
}

static void rate_is_taken_along_straight_lines(void **state)
{
	(void)state;
	set_samples();
	assert_float_equal(cpu_track_rate(&track, 100, 120), 1.0, 1e-9);
	assert_float_equal(cpu_track_rate(&track, 100, 110), 0.0, 1e-9);
	assert_float_equal(cpu_track_rate(&track, 110, 120), 2.0, 1e-9);
	assert_float_equal(cpu_track_rate(&track, 113, 117), 2.0, 1e-9);
	assert_float_equal(cpu_track_rate(&track, 105, 115), 1.0, 1e-9);
}

static void time_outside_the_samples_has_no_rate(void **state)
{
	(void)state;
	set_samples();
	assert_float_equal(cpu_track_rate(&track, 99, 110), 0.0, 0.0);
	assert_float_equal(cpu_track_rate(&track, 110, 121), 0.0, 0.0);
	assert_float_equal(cpu_track_rate(&track, 110, 110), 0.0, 0.0);
	track.sample_count = 1;
	assert_float_equal(cpu_track_rate(&track, 100, 100), 0.0, 0.0);
}

/* A process that only waits, for one that spins: the time is the grandchild's. */
static pid_t start_parent_of_spinner(void)
{
	pid_t parent = fork();
	pid_t spinner;

	if (parent != 0)
		return parent;
	spinner = fork();
	if (spinner == 0)
		for (;;)
			;
	waitpid(spinner, NULL, 0);
	_exit(0);
}

static void descendants_count(void **state)
{
	pid_t parent;
	uint64_t from_ns;
	uint64_t to_ns;

	(void)state;
	parent = start_parent_of_spinner();
	assert_true(parent > 0);
	usleep(50000);
	cpu_track_begin(&track, parent);
	cpu_track_sample(&track);
	assert_int_equal(track.process_count, 2);
	from_ns = clock_now_ns();
	usleep(200000);
	to_ns = clock_now_ns();
	cpu_track_sample(&track);
	kill(track.pids[1], SIGKILL);
	waitpid(parent, NULL, 0);
	assert_true(track.samples[1].cpu_ns > track.samples[0].cpu_ns + 10 * NS_PER_MS);
	assert_true(cpu_track_rate(&track, from_ns, to_ns) < 1.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_is_taken_along_straight_lines),
		cmocka_unit_test(time_outside_the_samples_has_no_rate),
		cmocka_unit_test(descendants_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
