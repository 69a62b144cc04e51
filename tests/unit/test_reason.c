/* SPDX-License-Identifier: MIT */
/* tests/unit/test_reason.c - a failure is one line, and a long reason is cut. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/reason.h"

static void the_error_comes_back(void **state)
{
	struct reason reason;

	(void)state;
	assert_int_equal(reason_set(&reason, -ENOSPC, "%s: %d of %d", "ring", 3, 2), -ENOSPC);
	assert_string_equal(reason.text, "ring: 3 of 2");
	assert_int_equal(reason_set(&reason, 0, "short"), 0);
	assert_string_equal(reason.text, "short");
}

static void a_long_reason_is_cut(void **state)
{
	struct {
		struct reason reason;
		char after;
	} guarded = {.after = 'x'};
	char text[2 * REASON_MAX_BYTES];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	reason_set(&guarded.reason, -EINVAL, "%s", text);
	assert_int_equal(strlen(guarded.reason.text), REASON_MAX_BYTES - 1);
	assert_int_equal(guarded.after, 'x');
	text[REASON_MAX_BYTES - 1] = '\0';
	reason_set(&guarded.reason, -EINVAL, "%s", text);
	assert_string_equal(guarded.reason.text, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_error_comes_back),
		cmocka_unit_test(a_long_reason_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
