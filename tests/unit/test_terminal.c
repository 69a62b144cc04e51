/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_terminal.c - the terminal is raw for the guest, and as before afterwards.
 *
 * A terminal has a foreground only for the session that it controls, so the tests that
 * need one run in a child with a session of its own; its exit status is the verdict.
 */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/terminal.h"

enum {
	HANG_SECONDS = 20,
};

/* In a child: what does not hold ends it, with the line as its status. */
#define CLAIM(claim)                               \
	do {                                       \
		if (!(claim))                      \
			_exit(__LINE__ % 200 + 1); \
	} while (0)

static bool same(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
	       a->c_lflag == b->c_lflag && memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

static bool is_raw(int fd)
{
	struct termios now;

	return tcgetattr(fd, &now) == 0 && !(now.c_lflag & (ICANON | ECHO | ISIG)) &&
	       (now.c_oflag & (OPOST | ONLCR)) == (OPOST | ONLCR);
}

static bool is_as(int fd, const struct termios *before)
{
	struct termios now;

	return tcgetattr(fd, &now) == 0 && same(&now, before);
}

/* Run a body as the leader of a session with a terminal; a stop counts as a failure. */
static void in_a_session(void (*body)(int fd))
{
	int master;
	int slave;
	int status;
	pid_t child;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	child = fork();
	if (child == 0) {
		alarm(HANG_SECONDS);
		CLAIM(setsid() > 0);
		CLAIM(ioctl(slave, TIOCSCTTY, 0) == 0);
		body(slave);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	if (WIFSTOPPED(status))
		kill(child, SIGKILL);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(master);
	close(slave);
}

static void enter_and_leave(int fd)
{
	struct terminal terminal = {.raw = false};
	struct termios before;

	CLAIM(tcgetattr(fd, &before) == 0);
	CLAIM(terminal_enter(&terminal, fd) == 0);
	CLAIM(terminal.raw && is_raw(fd));
	terminal_leave(&terminal);
	CLAIM(!terminal.raw && is_as(fd, &before));
	/* Somebody else's settings from here on. */
	before.c_lflag &= ~(tcflag_t)ECHO;
	CLAIM(tcsetattr(fd, TCSANOW, &before) == 0);
	terminal_leave(&terminal);
	CLAIM(is_as(fd, &before));
}

static void raw_and_back(void **state)
{
	(void)state;
	in_a_session(enter_and_leave);
}

/* The shell has changed the settings in between; what was there first counts. */
static void enter_twice(int fd)
{
	struct terminal terminal = {.raw = false};
	struct termios before;

	CLAIM(tcgetattr(fd, &before) == 0);
	CLAIM(terminal_enter(&terminal, fd) == 0);
	CLAIM(tcsetattr(fd, TCSANOW, &before) == 0);
	CLAIM(terminal_enter(&terminal, fd) == 0);
	CLAIM(is_raw(fd));
	CLAIM(terminal_enter(&terminal, fd) == 0);
	terminal_leave(&terminal);
	CLAIM(is_as(fd, &before));
}

static void entering_again_keeps_the_first_settings(void **state)
{
	(void)state;
	in_a_session(enter_twice);
}

/* Give the foreground to a process group of its own, which waits to be killed. */
static pid_t take_foreground(int fd)
{
	pid_t other = fork();

	if (other == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(HANG_SECONDS);
		for (;;)
			pause();
	}
	CLAIM(other > 0);
	CLAIM(setpgid(other, other) == 0);
	CLAIM(tcsetpgrp(fd, other) == 0);
	return other;
}

static void enter_in_background(int fd)
{
	struct terminal terminal = {.raw = false};
	struct termios before;
	pid_t other;

	CLAIM(tcgetattr(fd, &before) == 0);
	other = take_foreground(fd);
	CLAIM(terminal_enter(&terminal, fd) == 0);
	CLAIM(!terminal.raw && is_as(fd, &before));
	terminal_leave(&terminal);
	kill(other, SIGKILL);
}

static void in_the_background_it_is_left_alone(void **state)
{
	(void)state;
	in_a_session(enter_in_background);
}

static void leave_in_background(int fd)
{
	struct terminal terminal = {.raw = false};
	struct termios before;
	sigset_t blocked;
	pid_t launcher;
	int status;

	CLAIM(tcgetattr(fd, &before) == 0);
	/* Not in the group of the session's leader, which is orphaned and gets EIO, no stop. */
	launcher = fork();
	if (launcher == 0) {
		pid_t other;

		signal(SIGTTOU, SIG_IGN);
		CLAIM(setpgid(0, 0) == 0);
		CLAIM(tcsetpgrp(fd, getpid()) == 0);
		signal(SIGTTOU, SIG_DFL);
		CLAIM(terminal_enter(&terminal, fd) == 0);
		CLAIM(terminal.raw);
		other = take_foreground(fd);
		terminal_leave(&terminal);
		CLAIM(is_as(fd, &before));
		CLAIM(sigprocmask(SIG_SETMASK, NULL, &blocked) == 0);
		CLAIM(!sigismember(&blocked, SIGTTOU));
		kill(other, SIGKILL);
		_exit(0);
	}
	CLAIM(waitpid(launcher, &status, WUNTRACED) == launcher);
	if (WIFSTOPPED(status))
		kill(launcher, SIGKILL);
	CLAIM(WIFEXITED(status));
	_exit(WEXITSTATUS(status));
}

static void sent_to_the_background_it_is_put_back(void **state)
{
	(void)state;
	in_a_session(leave_in_background);
}

static void what_is_no_terminal_is_left_alone(void **state)
{
	struct terminal terminal = {.raw = false};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(terminal_enter(&terminal, null), 0);
	assert_false(terminal.raw);
	assert_int_equal(terminal_enter(&terminal, -1), 0);
	assert_false(terminal.raw);
	terminal_leave(&terminal);
	close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_and_back),
		cmocka_unit_test(entering_again_keeps_the_first_settings),
		cmocka_unit_test(in_the_background_it_is_left_alone),
		cmocka_unit_test(sent_to_the_background_it_is_put_back),
		cmocka_unit_test(what_is_no_terminal_is_left_alone),
	};

	alarm(HANG_SECONDS);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
