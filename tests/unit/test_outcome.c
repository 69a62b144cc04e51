/* SPDX-License-Identifier: MIT */
/* tests/unit/test_outcome.c - each way to end has a name and a status of its own. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/outcome.h"

static int status_of(enum outcome_kind kind, uint32_t code, unsigned int clean)
{
	const struct outcome outcome = {.kind = kind, .code = code};

	return outcome_status(&outcome, clean);
}

static void names_lead_back_to_kinds(void **state)
{
	(void)state;
	for (int kind = OUTCOME_EXIT; kind < OUTCOME_KINDS; kind++)
		assert_int_equal(outcome_from_name(outcome_name((enum outcome_kind)kind)), kind);
	assert_int_equal(outcome_from_name("no-such-outcome"), OUTCOME_NONE);
	assert_int_equal(outcome_from_name(""), OUTCOME_NONE);
	assert_int_equal(outcome_from_name("running"), OUTCOME_NONE);
	assert_string_equal(outcome_name(OUTCOME_NONE), "running");
}

static void guest_codes_pass_up_to_their_maximum(void **state)
{
	(void)state;
	assert_int_equal(status_of(OUTCOME_EXIT, 0, 0), 0);
	assert_int_equal(status_of(OUTCOME_EXIT, 42, 0), 42);
	assert_int_equal(status_of(OUTCOME_EXIT, 125, 0), 125);
	assert_int_equal(status_of(OUTCOME_EXIT, 126, 0), 125);
	assert_int_equal(status_of(OUTCOME_EXIT, UINT32_MAX, 0), 125);
}

static void signals_read_as_in_a_shell(void **state)
{
	(void)state;
	assert_int_equal(status_of(OUTCOME_SIGNAL, SIGTERM, 0), 143);
	assert_int_equal(status_of(OUTCOME_SIGNAL, SIGHUP, 0), 129);
}

/* Of mote's own outcomes no two share a status, and none could be the guest's or a signal's. */
static void own_statuses_are_distinct(void **state)
{
	(void)state;
	for (int kind = OUTCOME_EXIT; kind < OUTCOME_KINDS; kind++) {
		int status = status_of((enum outcome_kind)kind, 0, 0);

		if (kind == OUTCOME_EXIT || kind == OUTCOME_SIGNAL)
			continue;
		assert_in_range(status, OUTCOME_STATUS_CONFIG, 255);
		if (status > OUTCOME_STATUS_HOST)
			assert_in_range(status, 160, 255);
		for (int other = kind + 1; other < OUTCOME_KINDS; other++)
			assert_int_not_equal(status, status_of((enum outcome_kind)other, 0, 0));
	}
	assert_int_equal(status_of(OUTCOME_BAD_CONFIG, 0, 0), 126);
	assert_int_equal(status_of(OUTCOME_HOST_FAILURE, 0, 0), 127);
}

static void clean_kinds_are_success_and_no_others(void **state)
{
	const unsigned int clean = OUTCOME_BIT(OUTCOME_RESET) | OUTCOME_BIT(OUTCOME_HALTED);

	(void)state;
	assert_int_equal(status_of(OUTCOME_RESET, 0, clean), 0);
	assert_int_equal(status_of(OUTCOME_HALTED, 0, clean), 0);
	assert_int_not_equal(status_of(OUTCOME_POWER_OFF, 0, clean), 0);
	assert_int_not_equal(status_of(OUTCOME_PANIC, 0, clean), 0);
	assert_int_equal(status_of(OUTCOME_EXIT, 3, clean), 3);
	assert_int_not_equal(status_of(OUTCOME_RESET, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_lead_back_to_kinds),
		cmocka_unit_test(guest_codes_pass_up_to_their_maximum),
		cmocka_unit_test(signals_read_as_in_a_shell),
		cmocka_unit_test(own_statuses_are_distinct),
		cmocka_unit_test(clean_kinds_are_success_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
