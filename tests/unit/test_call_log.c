/* SPDX-License-Identifier: MIT */
/* tests/unit/test_call_log.c - lines as strace writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "benches/call_log.h"

static struct call_log call_log;

static int empty(void **state)
{
	(void)state;
	memset(&call_log, 0, sizeof(call_log));
	return 0;
}

static void add_line(const char *line)
{
	struct call_line call;

	if (call_line_parse(&call, line))
		call_log_add(&call_log, &call);
}

static void a_line_has_a_task_a_time_and_a_name(void **state)
{
	struct call_line call;

	(void)state;
	assert_true(call_line_parse(&call, "7  1700000001.000023 close(3) = 0\n"));
	assert_int_equal(call.pid, 7);
	assert_int_equal(call.at_us, UINT64_C(1700000001000023));
	assert_int_equal(call.name_bytes, 5);
	assert_memory_equal(call.name, "close(3)", 8);
}

static void calls_are_counted_by_task(void **state)
{
	(void)state;
	add_line("100 1700000000.000123 prctl(PR_CAPBSET_DROP, CAP_CHOWN) = 0\n");
	add_line("101 1700000000.000123 close(3) = 0\n");
	add_line("100 1700000000.000123 prctl(PR_CAPBSET_DROP, CAP_KILL) = 0\n");
	assert_int_equal(call_log.task_count, 2);
	assert_int_equal(call_log.tasks[0].pid, 100);
	assert_int_equal(call_log.tasks[0].count, 2);
	assert_int_equal(call_log_count(&call_log.tasks[0], "prctl"), 2);
	assert_int_equal(call_log_count(&call_log.tasks[0], "close"), 0);
	assert_int_equal(call_log_count(&call_log.tasks[1], "close"), 1);
}

static void a_call_in_two_lines_is_one(void **state)
{
	(void)state;
	add_line("100 1700000000.000123 wait4(-1,  <unfinished ...>\n");
	add_line("101 1700000000.000123 exit_group(0) = ?\n");
	add_line("101 1700000000.000123 +++ exited with 0 +++\n");
	add_line("100 1700000000.000123 <... wait4 resumed>NULL, 0, NULL) = 101\n");
	add_line("100 1700000000.000123 --- SIGCHLD {si_signo=SIGCHLD} ---\n");
	assert_int_equal(call_log.tasks[0].count, 1);
	assert_int_equal(call_log.tasks[1].count, 1);
}

static void kvm_goes_by_its_requests(void **state)
{
	(void)state;
	add_line("100 1700000000.000123 ioctl(5, KVM_RUN, 0) = 0\n");
	add_line("100 1700000000.000123 ioctl(1, TCGETS, 0x7ffc) = -1 ENOTTY\n");
	add_line("100 1700000000.000123 openat(AT_FDCWD, \"KVM_RUN\", O_RDONLY) = 4\n");
	assert_int_equal(call_log_count(&call_log.tasks[0], "KVM_RUN"), 1);
	assert_int_equal(call_log_count(&call_log.tasks[0], "ioctl"), 1);
	assert_int_equal(call_log_count(&call_log.tasks[0], "openat"), 1);
}

static void what_is_no_line_counts_nothing(void **state)
{
	(void)state;
	add_line("");
	add_line("strace: Process 12 attached\n");
	add_line("100 \n");
	add_line("100 1700000000.000123 read");
	add_line("100 1700000000 read(3");
	add_line("100 read(3) = 0");
	assert_int_equal(call_log.task_count, 0);
}

static void what_does_not_fit_is_in_the_total(void **state)
{
	char line[64];

	(void)state;
	for (unsigned int at = 0; at < CALL_LOG_NAMES_MAX + 5; at++) {
		snprintf(line, sizeof(line), "100 1700000000.000123 call%u() = 0\n", at);
		add_line(line);
	}
	assert_int_equal(call_log.tasks[0].count, CALL_LOG_NAMES_MAX + 5);
	assert_int_equal(call_log.tasks[0].entry_count, CALL_LOG_NAMES_MAX);
	for (unsigned int pid = 200; pid < 200 + CALL_LOG_TASKS_MAX; pid++) {
		snprintf(line, sizeof(line), "%u 1700000000.000123 close(3) = 0\n", pid);
		add_line(line);
	}
	assert_int_equal(call_log.task_count, CALL_LOG_TASKS_MAX);
}

static void the_most_frequent_comes_first(void **state)
{
	(void)state;
	add_line("100 1700000000.000123 write(1) = 1\n");
	add_line("100 1700000000.000123 close(3) = 0\n");
	add_line("100 1700000000.000123 prctl(1) = 0\n");
	add_line("100 1700000000.000123 prctl(1) = 0\n");
	call_log_sort(&call_log.tasks[0]);
	assert_string_equal(call_log.tasks[0].entries[0].name, "prctl");
	assert_string_equal(call_log.tasks[0].entries[1].name, "close");
	assert_string_equal(call_log.tasks[0].entries[2].name, "write");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_a_task_a_time_and_a_name),
		cmocka_unit_test_setup(calls_are_counted_by_task, empty),
		cmocka_unit_test_setup(a_call_in_two_lines_is_one, empty),
		cmocka_unit_test_setup(kvm_goes_by_its_requests, empty),
		cmocka_unit_test_setup(what_is_no_line_counts_nothing, empty),
		cmocka_unit_test_setup(what_does_not_fit_is_in_the_total, empty),
		cmocka_unit_test_setup(the_most_frequent_comes_first, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
