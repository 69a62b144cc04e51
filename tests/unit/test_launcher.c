/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_launcher.c - every way a VM process can end, and every way to make it end.
 *
 * Each launch runs in a child of its own, because a launcher changes the process's signals;
 * the child's exit status is outcome_status() of what the launcher judged.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/launcher.h"

enum {
	HANG_SECONDS = 20,
	EXIT_CODE = 42,
	LONG_MS = 600000,
};

static struct terminal terminal;
static struct launcher launcher;
static struct vm_config config;
static struct confinement confinement;
static struct vsock_broker broker;

static int set_up(void **state)
{
	(void)state;
	alarm(HANG_SECONDS);
	launcher = (struct launcher){
		.terminal = &terminal,
		.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.start_ns = trace_now_ns(),
		.confinement = &confinement,
	};
	return launcher.wake_fd < 0 || run_state_create(&launcher.state);
}

static int tear_down(void **state)
{
	(void)state;
	close(launcher.wake_fd);
	return munmap(launcher.state, sizeof(*launcher.state));
}

static void finish(enum outcome_kind kind, uint32_t code) __attribute__((noreturn));
static void finish(enum outcome_kind kind, uint32_t code)
{
	const struct outcome outcome = {.kind = kind, .code = code};

	run_state_finish(launcher.state, &outcome);
	_exit(0);
}

/* The jobs: what a VM process may do. */
static void end_well(void *unused) __attribute__((noreturn));
static void end_well(void *unused)
{
	(void)unused;
	finish(OUTCOME_EXIT, EXIT_CODE);
}

static void end_without_a_word(void *unused) __attribute__((noreturn));
static void end_without_a_word(void *unused)
{
	(void)unused;
	_exit(0);
}

static void die_of(void *number) __attribute__((noreturn));
static void die_of(void *number)
{
	const struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	signal(*(const int *)number, SIG_DFL);
	kill(getpid(), *(const int *)number);
	for (;;)
		pause();
}

static void obey(void *unused) __attribute__((noreturn));
static void obey(void *unused)
{
	struct pollfd wake = {.fd = launcher.wake_fd, .events = POLLIN};

	(void)unused;
	while (poll(&wake, 1, -1) <= 0)
		;
	finish((enum outcome_kind)atomic_load(&launcher.state->stop_kind),
	       atomic_load(&launcher.state->stop_code));
}

static void ask_for(void *number) __attribute__((noreturn));
static void ask_for(void *number)
{
	kill(getppid(), *(const int *)number);
	obey(NULL);
}

static void ignore_all(void *unused) __attribute__((noreturn));
static void ignore_all(void *unused)
{
	(void)unused;
	kill(getppid(), SIGTERM);
	for (;;)
		pause();
}

/* Does not stop, and in bad hands: claims that a stop is under way, and denies it when there is
 * one. */
static void lie_about_stopping(void *unused) __attribute__((noreturn));
static void lie_about_stopping(void *unused)
{
	(void)unused;
	atomic_store(&launcher.state->stop_code, UINT32_MAX);
	atomic_store(&launcher.state->stop_kind, OUTCOME_TIMEOUT);
	kill(getppid(), SIGTERM);
	for (;;) {
		usleep(1000);
		atomic_store(&launcher.state->stop_kind, OUTCOME_NONE);
	}
}

/* What the launcher hears besides the end: a stopped child, and its own continuation. */
static void make_noise(void *unused) __attribute__((noreturn));
static void make_noise(void *unused)
{
	pid_t self = getpid();

	(void)unused;
	if (fork() == 0) {
		while (getppid() == self) {
			usleep(1000);
			kill(self, SIGCONT);
		}
		_exit(0);
	}
	kill(getppid(), SIGCONT);
	raise(SIGSTOP);
	end_well(NULL);
}

/* Asks the launcher for a connection, and tells what it got. */
static void connect_to_nobody(void *unused) __attribute__((noreturn));
static void connect_to_nobody(void *unused)
{
	const struct vsock_broker_request request = {.token = 7, .port = 1234};
	struct vsock_broker_answer answer = {0};
	struct pollfd answered = {.fd = broker.vm_fd, .events = POLLIN};

	(void)unused;
	if (write(broker.vm_fd, &request, sizeof(request)) != sizeof(request) ||
	    poll(&answered, 1, -1) != 1 ||
	    read(broker.vm_fd, &answer, sizeof(answer)) != sizeof(answer))
		finish(OUTCOME_EXIT, 1);
	finish(OUTCOME_EXIT, answer.token == 7 && answer.error == -ENOENT ? EXIT_CODE : 2);
}

/* Never gives the launcher a rest, nor takes what it answers. */
static void flood(void *unused) __attribute__((noreturn));
static void flood(void *unused)
{
	const struct vsock_broker_request request = {.port = 1234};

	(void)unused;
	while (atomic_load(&launcher.state->stop_kind) == OUTCOME_NONE)
		if (write(broker.vm_fd, &request, sizeof(request)) < 0 && errno != EAGAIN)
			finish(OUTCOME_EXIT, 1);
	finish((enum outcome_kind)atomic_load(&launcher.state->stop_kind), 0);
}

/* The jail has tests of its own: this VM process stays in the host's namespaces. */
static int start(void (*job)(void *owner) __attribute__((noreturn)), void *owner)
{
	struct prepared nothing;
	struct reason reason;

	if (prepared_open(&nothing, NULL, -1) ||
	    confine_prepare(&confinement, &config, &nothing, launcher.state, &reason))
		return -1;
	confinement.jail.missing = UINT32_MAX;
	return launcher_start(&launcher, job, owner, &reason);
}

/* Launch in a child, as mote does; returns the child's wait status. */
static int launch(void (*job)(void *owner) __attribute__((noreturn)), void *owner)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct outcome outcome;

		alarm(HANG_SECONDS);
		if (start(job, owner))
			_exit(99);
		status = launcher_wait(&launcher);
		outcome = launcher_judge(&launcher, status);
		/* The VM process is reaped, and was the only child. */
		_exit(waitpid(-1, NULL, WNOHANG) < 0 ? outcome_status(&outcome, 0) : 98);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static int launched_status(void (*job)(void *owner) __attribute__((noreturn)), void *owner)
{
	int status = launch(job, owner);

	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int status_of(enum outcome_kind kind, int code)
{
	const struct outcome outcome = {.kind = kind, .code = (uint32_t)code};

	return outcome_status(&outcome, 0);
}

static void a_normal_end(void **state)
{
	(void)state;
	assert_int_equal(launched_status(end_well, NULL), EXIT_CODE);
}

static void an_end_without_an_outcome(void **state)
{
	(void)state;
	assert_int_equal(launched_status(end_without_a_word, NULL),
			 status_of(OUTCOME_HOST_FAILURE, 0));
}

static void a_killed_child(void **state)
{
	int kill_signal = SIGKILL;
	int fault = SIGSEGV;
	int blocked_call = SIGSYS;

	(void)state;
	assert_int_equal(launched_status(die_of, &kill_signal), status_of(OUTCOME_HOST_FAILURE, 0));
	assert_int_equal(launched_status(die_of, &fault), status_of(OUTCOME_HOST_FAILURE, 0));
	assert_int_equal(launched_status(die_of, &blocked_call),
			 status_of(OUTCOME_BLOCKED_CALL, 0));
}

static void a_time_limit(void **state)
{
	(void)state;
	launcher.timeout_ms = 20;
	assert_int_equal(launched_status(obey, NULL), status_of(OUTCOME_TIMEOUT, 0));
}

static void a_time_limit_that_was_over_before_the_start(void **state)
{
	(void)state;
	launcher.timeout_ms = 1;
	launcher.start_ns = 1;
	assert_int_equal(launched_status(obey, NULL), status_of(OUTCOME_TIMEOUT, 0));
}

static void a_time_limit_that_is_not_reached(void **state)
{
	(void)state;
	launcher.timeout_ms = LONG_MS;
	assert_int_equal(launched_status(end_well, NULL), EXIT_CODE);
}

/* The broker belongs to the process that launches, as the signals go there. */
static int launched_status_with_broker(void (*job)(void *owner) __attribute__((noreturn)))
{
	int directory = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct outcome outcome;

		alarm(HANG_SECONDS);
		launcher.broker = &broker;
		if (vsock_broker_open(&broker, directory, "nobody") ||
		    vsock_broker_enter(&broker) || start(job, NULL))
			_exit(99);
		vsock_broker_hand_over(&broker);
		status = launcher_wait(&launcher);
		outcome = launcher_judge(&launcher, status);
		_exit(outcome_status(&outcome, 0));
	}
	close(directory);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_connection_for_the_guest(void **state)
{
	(void)state;
	assert_int_equal(launched_status_with_broker(connect_to_nobody), EXIT_CODE);
}

static void a_flood_of_requests_does_not_put_off_the_time_limit(void **state)
{
	(void)state;
	launcher.timeout_ms = 100;
	assert_int_equal(launched_status_with_broker(flood), status_of(OUTCOME_TIMEOUT, 0));
}

static void the_signals_that_stop(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

	(void)state;
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		int number = signals[i];

		assert_int_equal(tear_down(NULL), 0);
		assert_int_equal(set_up(NULL), 0);
		assert_int_equal(launched_status(ask_for, &number),
				 status_of(OUTCOME_SIGNAL, number));
	}
}

static void signals_that_were_ignored_stay_so(void **state)
{
	int number = SIGHUP;

	(void)state;
	signal(SIGHUP, SIG_IGN);
	launcher.timeout_ms = 200;
	assert_int_equal(launched_status(ask_for, &number), status_of(OUTCOME_TIMEOUT, 0));
	signal(SIGHUP, SIG_DFL);
}

/* As some supervisors leave it to those they start. */
static void an_end_is_seen_although_sigchld_was_ignored(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		alarm(HANG_SECONDS);
		signal(SIGCHLD, SIG_IGN);
		if (start(end_well, NULL))
			_exit(99);
		status = launcher_wait(&launcher);
		_exit(WIFEXITED(status) ? EXIT_CODE : 98);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_CODE);
}

static void a_child_that_cannot_be_woken_is_killed(void **state)
{
	(void)state;
	close(launcher.wake_fd);
	launcher.wake_fd = -1;
	assert_int_equal(launched_status(ignore_all, NULL), status_of(OUTCOME_SIGNAL, SIGTERM));
}

static void a_child_that_does_not_obey_is_killed_after_the_grace(void **state)
{
	uint64_t before_ns = trace_now_ns();

	(void)state;
	assert_int_equal(launched_status(lie_about_stopping, NULL),
			 status_of(OUTCOME_SIGNAL, SIGTERM));
	assert_true(trace_now_ns() - before_ns >= UINT64_C(1000000) * LAUNCHER_GRACE_MS);
}

static void other_news_is_not_the_end(void **state)
{
	(void)state;
	assert_int_equal(launched_status(make_noise, NULL), EXIT_CODE);
}

/* The judge alone, over what a VM process in bad hands may leave behind. */
enum {
	EXITED_0 = 0,
	EXITED_3 = 3 << 8,
	EXITED_BY_MISS = FILTER_MISS_STATUS << 8,
};

static enum outcome_kind judged(uint32_t kind, uint32_t code, int wait_status)
{
	atomic_store(&launcher.state->outcome_kind, kind);
	atomic_store(&launcher.state->outcome_code, code);
	return launcher_judge(&launcher, wait_status).kind;
}

static void the_judge_believes_no_nonsense(void **state)
{
	const uint32_t kinds[] = {OUTCOME_NONE, OUTCOME_KINDS, INT32_MAX, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		assert_int_equal(judged(kinds[i], 0, EXITED_0), OUTCOME_HOST_FAILURE);
		assert_int_equal(judged(kinds[i], 0, EXITED_3), OUTCOME_HOST_FAILURE);
		assert_int_equal(judged(kinds[i], 0, SIGKILL), OUTCOME_HOST_FAILURE);
		assert_int_equal(judged(kinds[i], 0, SIGSEGV | 0x80), OUTCOME_HOST_FAILURE);
		assert_int_equal(judged(kinds[i], 0, SIGSYS), OUTCOME_BLOCKED_CALL);
		assert_int_equal(judged(kinds[i], 0, SIGSYS | 0x80), OUTCOME_BLOCKED_CALL);
	}
	assert_int_equal(judged(OUTCOME_SIGNAL, UINT32_MAX, EXITED_0), OUTCOME_HOST_FAILURE);
	/* What was published counts, however the process died, unless a filter ended it. */
	assert_int_equal(judged(OUTCOME_EXIT, 0, SIGKILL), OUTCOME_EXIT);
	assert_int_equal(judged(OUTCOME_EXIT, 0, SIGSYS), OUTCOME_BLOCKED_CALL);
}

static void a_wish_counts_only_if_it_was_the_launchers(void **state)
{
	(void)state;
	atomic_store(&launcher.state->stop_kind, OUTCOME_SIGNAL);
	atomic_store(&launcher.state->stop_code, INT32_MAX);
	assert_int_equal(judged(OUTCOME_NONE, 0, SIGKILL), OUTCOME_HOST_FAILURE);
	launcher.wish = (struct outcome){.kind = OUTCOME_TIMEOUT};
	assert_int_equal(judged(OUTCOME_NONE, 0, SIGKILL), OUTCOME_TIMEOUT);
	assert_int_equal(judged(OUTCOME_EXIT, 0, EXITED_0), OUTCOME_EXIT);
}

static void leave_miss(uint32_t role_plus_one, uint32_t call)
{
	atomic_store(&launcher.state->miss.role_plus_one, role_plus_one);
	atomic_store(&launcher.state->miss.call, call);
}

static void a_miss_is_one_only_with_its_note(void **state)
{
	(void)state;
	assert_int_equal(judged(OUTCOME_NONE, 0, EXITED_BY_MISS), OUTCOME_HOST_FAILURE);
	leave_miss(JAIL_ROLE_IO + 1, 0);
	assert_int_equal(judged(OUTCOME_NONE, 0, EXITED_BY_MISS), OUTCOME_BLOCKED_CALL);
	assert_int_equal(judged(OUTCOME_NONE, 0, EXITED_0), OUTCOME_HOST_FAILURE);
	assert_int_equal(judged(OUTCOME_EXIT, 0, EXITED_BY_MISS), OUTCOME_BLOCKED_CALL);
	assert_int_equal(judged(OUTCOME_EXIT, 0, EXITED_0), OUTCOME_EXIT);
	leave_miss(UINT32_MAX, UINT32_MAX);
	assert_int_equal(judged(OUTCOME_NONE, 0, EXITED_BY_MISS), OUTCOME_BLOCKED_CALL);
}

static void a_miss_on_the_way_to_a_stop_is_told(void **state)
{
	(void)state;
	launcher.wish = (struct outcome){.kind = OUTCOME_TIMEOUT};
	leave_miss(JAIL_ROLE_VCPU + 1, 0);
	assert_int_equal(judged(OUTCOME_NONE, 0, EXITED_BY_MISS), OUTCOME_BLOCKED_CALL);
	assert_int_equal(judged(OUTCOME_NONE, 0, SIGSYS), OUTCOME_BLOCKED_CALL);
	assert_int_equal(judged(OUTCOME_NONE, 0, SIGKILL), OUTCOME_TIMEOUT);
}

static void fill_trace(struct trace *trace)
{
	for (uint32_t i = 0; i < TRACE_STAMPS_MAX; i++)
		trace->stamps[i] = (struct trace_stamp){
			.stage = TRACE_GUEST_STAGE,
			.ns = TRACE_STAMPS_MAX - i,
		};
	trace->count = TRACE_STAMPS_MAX;
}

/* However much of it there is: a call too many would be the end of the launcher's report. */
static void what_is_left_can_be_read_once_sealed(void **state)
{
	static struct trace_stamp stamps[TRACE_STAMPS_MAX];
	int status;
	pid_t child;

	(void)state;
	fill_trace(&launcher.state->trace);
	child = fork();
	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    filter_prepare(&launcher.state->miss) ||
		    filter_seal(JAIL_ROLE_LAUNCHER, FILTER_KILL))
			syscall(SYS_exit_group, 99);
		syscall(SYS_exit_group, trace_read(&launcher.state->trace, stamps));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), TRACE_STAMPS_MAX);
}

int main(void)
{
#define LAUNCHER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		LAUNCHER_TEST(a_normal_end),
		LAUNCHER_TEST(a_connection_for_the_guest),
		LAUNCHER_TEST(a_flood_of_requests_does_not_put_off_the_time_limit),
		LAUNCHER_TEST(an_end_without_an_outcome),
		LAUNCHER_TEST(a_killed_child),
		LAUNCHER_TEST(a_time_limit),
		LAUNCHER_TEST(a_time_limit_that_was_over_before_the_start),
		LAUNCHER_TEST(a_time_limit_that_is_not_reached),
		LAUNCHER_TEST(the_signals_that_stop),
		LAUNCHER_TEST(signals_that_were_ignored_stay_so),
		LAUNCHER_TEST(an_end_is_seen_although_sigchld_was_ignored),
		LAUNCHER_TEST(a_child_that_does_not_obey_is_killed_after_the_grace),
		LAUNCHER_TEST(a_child_that_cannot_be_woken_is_killed),
		LAUNCHER_TEST(other_news_is_not_the_end),
		LAUNCHER_TEST(the_judge_believes_no_nonsense),
		LAUNCHER_TEST(a_wish_counts_only_if_it_was_the_launchers),
		LAUNCHER_TEST(a_miss_is_one_only_with_its_note),
		LAUNCHER_TEST(a_miss_on_the_way_to_a_stop_is_told),
		LAUNCHER_TEST(what_is_left_can_be_read_once_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
