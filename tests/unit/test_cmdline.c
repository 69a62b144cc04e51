/* SPDX-License-Identifier: MIT */
/* tests/unit/test_cmdline.c - what is added goes before the "--", and within the limit. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/cmdline.h"

enum {
	MAX_LENGTH = LAYOUT_CMDLINE_MAX_BYTES - 1,
};

static struct cmdline with(const char *boot_args)
{
	struct cmdline cmdline;
	struct reason reason = {""};

	if (cmdline_init(&cmdline, boot_args, &reason))
		fail_msg("refused: %s", reason.text);
	return cmdline;
}

static void appends(void **state)
{
	static const struct {
		const char *boot_args;
		const char *result;
	} cases[] = {
		{"", "x=1"},
		{"quiet", "quiet x=1"},
		{"quiet ", "quiet x=1"},
		{"  quiet  ", "  quiet x=1"},
		{"   ", "x=1"},
		{"quiet -- run", "quiet x=1 -- run"},
		{"quiet   --  run", "quiet x=1 --  run"},
		{"quiet --", "quiet x=1 --"},
		{"quiet -- ", "quiet x=1 -- "},
		{"--", "x=1 --"},
		{"-- run", "x=1 -- run"},
		{" -- run", "x=1 -- run"},
		{"a -- b -- c", "a x=1 -- b -- c"},
		{"a --b", "a --b x=1"},
		{"a-- b", "a-- b x=1"},
		{"a --- b", "a --- b x=1"},
		{"a -", "a - x=1"},
		{"a=\"b -- c\" d", "a=\"b -- c\" d x=1"},
		{"a=\"b -- c\" -- d", "a=\"b -- c\" x=1 -- d"},
		{"a \"--\" b", "a \"--\" b x=1"},
		{"caf\xc3\xa9", "caf\xc3\xa9 x=1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cmdline cmdline = with(cases[i].boot_args);
		struct reason reason;

		assert_int_equal(cmdline_append(&cmdline, "x=1", &reason), 0);
		assert_string_equal(cmdline.text, cases[i].result);
		assert_int_equal(cmdline.length, strlen(cases[i].result));
	}
}

static void keeps_the_order_of_what_is_added(void **state)
{
	struct cmdline cmdline = with("console=ttyS0 -- sh -c \"a -- b\"");
	struct reason reason;

	(void)state;
	assert_int_equal(cmdline_append(&cmdline, "root=/dev/vda ro", &reason), 0);
	assert_int_equal(cmdline_append(&cmdline, "y", &reason), 0);
	assert_string_equal(cmdline.text, "console=ttyS0 root=/dev/vda ro y -- sh -c \"a -- b\"");
}

static void announces_devices(void **state)
{
	const struct layout_window first = {.base_gpa = 0xc0001000, .gsi = 5};
	const struct layout_window last = {.base_gpa = 0xc000b000, .gsi = 15};
	struct cmdline cmdline = with("quiet -- run");
	struct reason reason;

	(void)state;
	assert_int_equal(cmdline_append_device(&cmdline, &first, &reason), 0);
	assert_int_equal(cmdline_append_device(&cmdline, &last, &reason), 0);
	assert_string_equal(cmdline.text, "quiet virtio_mmio.device=4K@0xc0001000:5 "
					  "virtio_mmio.device=4K@0xc000b000:15 -- run");
}

/* A text of `length` letters. */
static char *letters(size_t length)
{
	static char text[LAYOUT_CMDLINE_MAX_BYTES + 16];

	memset(text, 'a', length);
	text[length] = '\0';
	return text;
}

static void boot_args_have_a_limit(void **state)
{
	struct cmdline cmdline = with(letters(MAX_LENGTH));
	struct cmdline untouched = cmdline;
	struct reason reason = {""};

	(void)state;
	assert_int_equal(cmdline.length, MAX_LENGTH);
	assert_int_equal(cmdline_init(&cmdline, letters(MAX_LENGTH + 1), &reason), -E2BIG);
	assert_string_equal(reason.text, "boot_args has 2048 bytes; at most 2047 fit");
	assert_memory_equal(&cmdline, &untouched, sizeof(cmdline));
}

static void the_whole_has_a_limit(void **state)
{
	struct cmdline cmdline = with(letters(MAX_LENGTH - 4));
	struct cmdline untouched = cmdline;
	struct reason reason = {""};

	(void)state;
	assert_int_equal(cmdline_append(&cmdline, "wxyz", &reason), -E2BIG);
	assert_string_equal(
		reason.text,
		"the command line would have 2048 bytes with \"wxyz\"; at most 2047 fit");
	assert_memory_equal(&cmdline, &untouched, sizeof(cmdline));
	assert_int_equal(cmdline_append(&cmdline, "xyz", &reason), 0);
	assert_int_equal(cmdline.length, MAX_LENGTH);
	assert_string_equal(cmdline.text + MAX_LENGTH - 5, "a xyz");
}

/* The part behind the "--" counts as well, and stays whole up to the last byte. */
static void the_limit_holds_with_a_second_part(void **state)
{
	char *text = letters(MAX_LENGTH - 4);
	struct cmdline cmdline;
	struct cmdline untouched;
	struct reason reason = {""};

	(void)state;
	memcpy(text, "k -- ", strlen("k -- "));
	text[MAX_LENGTH - 5] = 'z';
	cmdline = with(text);
	untouched = cmdline;
	assert_int_equal(cmdline_append(&cmdline, "wxyz", &reason), -E2BIG);
	assert_memory_equal(&cmdline, &untouched, sizeof(cmdline));
	assert_int_equal(cmdline_append(&cmdline, "xyz", &reason), 0);
	assert_int_equal(cmdline.length, MAX_LENGTH);
	assert_memory_equal(cmdline.text, "k xyz -- a", 10);
	assert_string_equal(cmdline.text + MAX_LENGTH - 2, "az");
}

static void refuses_control_characters(void **state)
{
	struct cmdline cmdline = with("quiet");
	struct cmdline untouched = cmdline;
	struct reason reason = {""};

	(void)state;
	assert_int_equal(cmdline_init(&cmdline, "a\nb", &reason), -EINVAL);
	assert_string_equal(reason.text, "byte 1 of the boot_args is the control character 0x0a");
	assert_int_equal(cmdline_init(&cmdline, "abc\x7f", &reason), -EINVAL);
	assert_string_equal(reason.text, "byte 3 of the boot_args is the control character 0x7f");
	assert_int_equal(cmdline_append(&cmdline, "\t", &reason), -EINVAL);
	assert_string_equal(
		reason.text,
		"byte 0 of the part for the command line is the control character 0x09");
	assert_int_equal(cmdline_append(&cmdline, "", &reason), -EINVAL);
	assert_string_equal(reason.text, "an empty part for the command line");
	assert_memory_equal(&cmdline, &untouched, sizeof(cmdline));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends),
		cmocka_unit_test(keeps_the_order_of_what_is_added),
		cmocka_unit_test(announces_devices),
		cmocka_unit_test(boot_args_have_a_limit),
		cmocka_unit_test(the_whole_has_a_limit),
		cmocka_unit_test(the_limit_holds_with_a_second_part),
		cmocka_unit_test(refuses_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
