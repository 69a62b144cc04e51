/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/jail_child.h - a test's body in a process of its own, as what it gives up is gone for
 * good.
 *
 * The body says what is wrong with expect() and what keeps it from saying anything with
 * skip_child(); the test passes, fails or is skipped like its child.
 */
#ifndef TESTS_UNIT_JAIL_CHILD_H
#define TESTS_UNIT_JAIL_CHILD_H

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CHILD_FAILED = 1,
	CHILD_SKIPPED = 77,
	CHILD_SECONDS = 20,
	NOBODY = 65534,
};

static inline void expect_at(bool holds, const char *what, const char *file, int line)
{
	if (holds)
		return;
	dprintf(STDERR_FILENO, "# %s:%d: not so: %s (errno: %s)\n", file, line, what,
		strerror(errno));
	_exit(CHILD_FAILED);
}

#define expect(condition) expect_at((condition), #condition, __FILE__, __LINE__)

/* A call that has to fail, and with what. */
#define expect_errno(call, number) expect((call) < 0 && errno == (number))

static inline void skip_child(const char *reason)
{
	dprintf(STDERR_FILENO, "# skipped: %s\n", reason);
	_exit(CHILD_SKIPPED);
}

static inline void need_root(void)
{
	if (geteuid() != 0)
		skip_child("only root can be jailed like this");
}

/* An ordinary user, as one is after a login: dumpable, so that /proc/self is the user's own. */
static inline void become_ordinary(void)
{
	if (geteuid() != 0)
		return;
	expect(setgroups(0, NULL) == 0);
	expect(setresgid(NOBODY, NOBODY, NOBODY) == 0);
	expect(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	expect(prctl(PR_SET_DUMPABLE, 1) == 0);
}

static inline int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static inline void in_child(void (*body)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(CHILD_SECONDS);
		body();
		_exit(0);
	}
	status = wait_for(pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

#endif
