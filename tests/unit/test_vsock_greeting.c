/* SPDX-License-Identifier: MIT */
/* tests/unit/test_vsock_greeting.c - the line of a client, whole, in pieces and wrong. */
#include "virtio/vsock_greeting.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

/* Parse a text that ends where the address space does. */
static int parse(const char *text, size_t length, uint32_t *port)
{
	struct guard guard = guard_copy(text, length);
	int result = vsock_greeting_parse((const char *)guard.bytes, length, port);

	guard_release(&guard);
	return result;
}

static void test_good_lines(void **state)
{
	static const struct {
		const char *text;
		uint32_t port;
	} cases[] = {
		{"CONNECT 1\n", 1},
		{"connect 52\n", 52},
		{"CoNnEcT 1024\n", 1024},
		{"CONNECT 0\n", 0},
		{"CONNECT 4294967294\n", 4294967294},
		{"CONNECT   7  \n", 7},
		{"CONNECT 7\r\n", 7},
		{"CONNECT 00000000000000000000007\n", 7}, /* 32 bytes */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t port = 99;

		assert_int_equal(parse(cases[i].text, strlen(cases[i].text), &port), 0);
		assert_int_equal(port, cases[i].port);
	}
}

/* Every beginning of a good line is unfinished, and the line in it has not been touched. */
static void test_pieces(void **state)
{
	static const char line[] = "connect 1024\n";
	uint32_t port = 99;

	(void)state;
	for (size_t length = 0; length < sizeof(line) - 2; length++)
		assert_int_equal(parse(line, length, &port), -EAGAIN);
	assert_int_equal(port, 99);
}

/* Steps never lead beyond the newline, whatever the line's length is. */
static void test_steps_stop_at_the_newline(void **state)
{
	static const char *const lines[] = {"CONNECT 1\n", "CONNECT 12\n", "CONNECT 4294967294\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		size_t length = 0;
		uint32_t port;

		while (parse(lines[i], length, &port) == -EAGAIN)
			length += vsock_greeting_step(length);
		assert_int_equal(length, strlen(lines[i]));
	}
	for (size_t length = 0; length < VSOCK_GREETING_MAX_BYTES; length++)
		assert_in_range(vsock_greeting_step(length), 1, VSOCK_GREETING_MAX_BYTES - length);
}

static void test_wrong_lines(void **state)
{
	static const char *const lines[] = {
		"\n",
		"GET / HTTP/1.1\r\n",
		"CONNECX 1\n",
		"CONNECT\n",
		"CONNECT \n",
		"CONNECT  \n",
		"CONNECT a\n",
		"CONNECT -1\n",
		"CONNECT +1\n",
		"CONNECT 1a\n",
		"CONNECT 1 2\n",
		"CONNECT\t1\n",
		"CONNECT 0x10\n",
		"CONNECT 4294967295\n",
		"CONNECT 4294967296\n",
		"CONNECT 99999999999999999999999\n",
		"CONNECT 000000000000000000000007\n", /* 33 bytes */
		"CONN\n",
		"X",
		"CONNECT 0000000000000000000000001", /* no newline in 33 bytes */
		"CONNECT 000000000000000000000001",  /* nor in 32 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		uint32_t port = 99;

		assert_int_equal(parse(lines[i], strlen(lines[i]), &port), -EINVAL);
		assert_int_equal(port, 99);
	}
}

static void test_answers(void **state)
{
	char text[VSOCK_ANSWER_MAX_BYTES];

	(void)state;
	assert_int_equal(vsock_greeting_answer(text, 1073741824), 14);
	assert_memory_equal(text, "OK 1073741824\n", 14);
	assert_int_equal(vsock_greeting_answer(text, 0), 5);
	assert_memory_equal(text, "OK 0\n", 5);
	assert_int_equal(vsock_greeting_answer(text, UINT32_MAX), 14);
	assert_memory_equal(text, "OK 4294967295\n", 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_lines),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_steps_stop_at_the_newline),
		cmocka_unit_test(test_wrong_lines),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
