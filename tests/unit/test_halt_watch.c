/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_halt_watch.c - when vCPUs are asked, and what their answers come to.
 *
 * The vCPUs have no thread, so that no signal is sent; their answers are written here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/halt_watch.h"

#define NS_PER_MS UINT64_C(1000000)

enum {
	VCPUS = 3,
};

static const uint64_t start_ns = 5000000000000;
static struct kvm_run pages[VCPUS];
static struct vcpu vcpus[VCPUS];
static struct halt_watch watch;

static int set_up(void **state)
{
	(void)state;
	memset(pages, 0, sizeof(pages));
	memset(vcpus, 0, sizeof(vcpus));
	for (unsigned int i = 0; i < VCPUS; i++) {
		vcpus[i].id = i;
		vcpus[i].fd = -1;
		vcpus[i].run = &pages[i];
	}
	halt_watch_init(&watch, vcpus, VCPUS, start_ns);
	return 0;
}

static void answer(enum vcpu_probe first, enum vcpu_probe second, enum vcpu_probe third)
{
	vcpus[0].probe = first;
	vcpus[1].probe = second;
	vcpus[2].probe = third;
}

/* Come when it is due and ask; returns when the answers are due. */
static uint64_t ask(void)
{
	uint64_t now_ns = watch.due_ns;

	assert_false(halt_watch_tick(&watch, now_ns));
	for (unsigned int i = 0; i < VCPUS; i++) {
		assert_int_equal(vcpus[i].probe, VCPU_PROBE_ASKED);
		assert_int_equal(pages[i].immediate_exit, 1);
	}
	assert_int_equal(watch.due_ns, now_ns + HALT_WATCH_ANSWER_MS * NS_PER_MS);
	return watch.due_ns;
}

static void nobody_is_asked_before_it_is_due(void **state)
{
	(void)state;
	assert_int_equal(watch.due_ns, start_ns + HALT_WATCH_FIRST_MS * NS_PER_MS);
	assert_false(halt_watch_tick(&watch, start_ns));
	assert_false(halt_watch_tick(&watch, watch.due_ns - 1));
	assert_int_equal(vcpus[0].probe, VCPU_PROBE_NONE);
	assert_int_equal(pages[0].immediate_exit, 0);
	ask();
}

static void answers_are_not_read_before_they_are_due(void **state)
{
	uint64_t due_ns = ask();

	(void)state;
	answer(VCPU_PROBE_HALTED, VCPU_PROBE_HALTED, VCPU_PROBE_HALTED);
	assert_false(halt_watch_tick(&watch, due_ns - 1));
	assert_int_equal(watch.due_ns, due_ns);
}

/* One vCPU may have started another after its answer: only a halt that lasts counts. */
static void a_halt_is_asked_for_twice(void **state)
{
	uint64_t due_ns = ask();

	(void)state;
	answer(VCPU_PROBE_HALTED, VCPU_PROBE_HALTED, VCPU_PROBE_HALTED);
	assert_false(halt_watch_tick(&watch, due_ns));
	due_ns = ask();
	answer(VCPU_PROBE_HALTED, VCPU_PROBE_BUSY, VCPU_PROBE_HALTED);
	assert_false(halt_watch_tick(&watch, due_ns));
	for (int round = 1; round <= HALT_WATCH_ROUNDS; round++) {
		due_ns = ask();
		answer(VCPU_PROBE_HALTED, VCPU_PROBE_HALTED, VCPU_PROBE_HALTED);
		assert_int_equal(halt_watch_tick(&watch, due_ns), round == HALT_WATCH_ROUNDS);
	}
}

static void all_must_have_halted(void **state)
{
	const enum vcpu_probe others[] = {VCPU_PROBE_ASKED, VCPU_PROBE_BUSY, VCPU_PROBE_QUIET,
					  VCPU_PROBE_NONE};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		for (unsigned int odd = 0; odd < VCPUS; odd++) {
			uint64_t due_ns = ask();

			answer(VCPU_PROBE_HALTED, VCPU_PROBE_HALTED, VCPU_PROBE_HALTED);
			vcpus[odd].probe = others[i];
			assert_false(halt_watch_tick(&watch, due_ns));
		}
	}
}

/* An answer is good for one question: who halted then may run now. */
static void old_answers_do_not_count(void **state)
{
	uint64_t due_ns = ask();

	(void)state;
	answer(VCPU_PROBE_HALTED, VCPU_PROBE_HALTED, VCPU_PROBE_BUSY);
	assert_false(halt_watch_tick(&watch, due_ns));
	due_ns = ask();
	vcpus[2].probe = VCPU_PROBE_HALTED;
	assert_false(halt_watch_tick(&watch, due_ns));
}

/* Ask, and get these answers.  Returns how long the watch waits after them. */
static uint64_t wait_after(enum vcpu_probe first, enum vcpu_probe second, enum vcpu_probe third)
{
	uint64_t due_ns = ask();

	answer(first, second, third);
	assert_false(halt_watch_tick(&watch, due_ns));
	return watch.due_ns - due_ns;
}

static void become_rarer_up_to(uint64_t last_ns, enum vcpu_probe others)
{
	uint64_t before_ns = HALT_WATCH_FIRST_MS * NS_PER_MS;
	uint64_t wait_ns = 0;

	for (int i = 0; i < 100; i++) {
		wait_ns = wait_after(VCPU_PROBE_HALTED, VCPU_PROBE_QUIET, others);
		assert_true(wait_ns == 2 * before_ns || wait_ns == last_ns);
		assert_true(wait_ns >= before_ns);
		before_ns = wait_ns;
	}
	assert_int_equal(wait_ns, last_ns);
}

static void questions_become_rarer_up_to_a_limit(void **state)
{
	(void)state;
	become_rarer_up_to(HALT_WATCH_LAST_MS * NS_PER_MS, VCPU_PROBE_BUSY);
}

static void questions_to_an_idle_guest_become_rarer_still(void **state)
{
	(void)state;
	become_rarer_up_to(HALT_WATCH_LAST_QUIET_MS * NS_PER_MS, VCPU_PROBE_HALTED);
}

static void a_guest_that_is_idle_no_more_is_asked_as_often_as_others(void **state)
{
	(void)state;
	become_rarer_up_to(HALT_WATCH_LAST_QUIET_MS * NS_PER_MS, VCPU_PROBE_QUIET);
	assert_int_equal(wait_after(VCPU_PROBE_QUIET, VCPU_PROBE_QUIET, VCPU_PROBE_BUSY),
			 HALT_WATCH_LAST_MS * NS_PER_MS);
	/* One that did not answer has not said that it was idle. */
	assert_int_equal(wait_after(VCPU_PROBE_QUIET, VCPU_PROBE_ASKED, VCPU_PROBE_QUIET),
			 HALT_WATCH_LAST_MS * NS_PER_MS);
}

/* After the process was stopped for an hour, one question, not the hour's worth. */
static void a_late_tick_catches_up_at_once(void **state)
{
	uint64_t late_ns = start_ns + 3600000 * NS_PER_MS;

	(void)state;
	assert_false(halt_watch_tick(&watch, late_ns));
	assert_int_equal(watch.due_ns, late_ns + HALT_WATCH_ANSWER_MS * NS_PER_MS);
	assert_false(halt_watch_tick(&watch, 2 * late_ns));
	assert_int_equal(watch.due_ns, 2 * late_ns + 2 * HALT_WATCH_FIRST_MS * NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nobody_is_asked_before_it_is_due, set_up),
		cmocka_unit_test_setup(answers_are_not_read_before_they_are_due, set_up),
		cmocka_unit_test_setup(a_halt_is_asked_for_twice, set_up),
		cmocka_unit_test_setup(all_must_have_halted, set_up),
		cmocka_unit_test_setup(old_answers_do_not_count, set_up),
		cmocka_unit_test_setup(questions_become_rarer_up_to_a_limit, set_up),
		cmocka_unit_test_setup(questions_to_an_idle_guest_become_rarer_still, set_up),
		cmocka_unit_test_setup(a_guest_that_is_idle_no_more_is_asked_as_often_as_others,
				       set_up),
		cmocka_unit_test_setup(a_late_tick_catches_up_at_once, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
