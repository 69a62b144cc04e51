/* SPDX-License-Identifier: MIT */
/* tests/unit/test_printable.c - what a terminal would obey is gone, and words are left as they are.
 */
#include "monitor/printable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

static void expect(const char *text, const char *wanted)
{
	struct guard guard = guard_copy(text, strlen(text) + 1);

	printable_filter((char *)guard.bytes);
	assert_string_equal((char *)guard.bytes, wanted);
	guard_release(&guard);
}

static void words_stay(void **state)
{
	(void)state;
	expect("", "");
	expect(" /srv/a b~", " /srv/a b~");
	expect("caf\xc3\xa9 \xc2\xa0 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x90\xa7 \xf4\x8f\xbf\xbf",
	       "caf\xc3\xa9 \xc2\xa0 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x90\xa7 \xf4\x8f\xbf\xbf");
	expect("\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80",
	       "\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80");
}

static void controls_go(void **state)
{
	(void)state;
	expect("a\nb\x1b[2J\r\t\x01\x1f\x7f.", "a?b?[2J?????.");
	/* C1: as UTF-8, and as the single bytes of older terminals. */
	expect("\xc2\x80 \xc2\x9b"
	       "31m \xc2\x9f",
	       "?? ??31m ??");
	expect("\x9b"
	       "31m \x80\x9f",
	       "?31m ??");
}

static void what_is_not_well_formed_goes(void **state)
{
	(void)state;
	expect("\xc3", "?");
	expect("\xe6\x97", "??");
	expect("\xf0\x9f\x90", "???");
	expect("\xc3z\xe6\x97z\xf0\x9f\x90z", "?z??z???z");
	expect("\xc1\xbf \xe0\x9f\xbf \xf0\x8f\xbf\xbf", "?? ??? ????");
	expect("\xed\xa0\x80 \xed\xbf\xbf", "??? ???");
	expect("\xf4\x90\x80\x80 \xf7\xbf\xbf\xbf", "???? ????");
	expect("\xf8\x90\x90\x90 \xff\xfe", "???? ??");
}

/* A control written with more bytes than it needs is a control all the same to some. */
static void nothing_is_smuggled(void **state)
{
	(void)state;
	expect("\xc0\x9b \xc1\x9b \xe0\x80\x9b \xe0\x82\x9b \xf0\x80\x82\x9b",
	       "?? ?? ??? ??? ????");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_stay),
		cmocka_unit_test(controls_go),
		cmocka_unit_test(what_is_not_well_formed_goes),
		cmocka_unit_test(nothing_is_smuggled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
