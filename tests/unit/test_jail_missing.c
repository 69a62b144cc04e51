/* SPDX-License-Identifier: MIT */
/* tests/unit/test_jail_missing.c - what becomes of a jail on a host that lacks a piece of it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "tests/unit/jail_inmate.h"

/* As an ordinary user on a host that gives that user no namespaces, and who says it is all right.
 */
static void allow_all_to_be_missing(void)
{
	jail.is_root = true;
	jail.uid = JAIL_FIRST_AUTO_ID;
	jail.allow_missing = UINT32_MAX;
	jail.new_fds_max = 0;
}

static void lives_with_what_there_is(void)
{
	const uint32_t missing = JAIL_PIECE_BIT(JAIL_MOUNTS) | JAIL_PIECE_BIT(JAIL_PIDS) |
				 JAIL_PIECE_BIT(JAIL_NETWORK) | JAIL_PIECE_BIT(JAIL_IPC) |
				 JAIL_PIECE_BIT(JAIL_HOSTNAME) | JAIL_PIECE_BIT(JAIL_CGROUPS) |
				 JAIL_PIECE_BIT(JAIL_IDS) | JAIL_PIECE_BIT(JAIL_CAPABILITIES);
	struct utsname name;

	expect((shared->jail.missing & ~JAIL_PIECE_BIT(JAIL_LANDLOCK)) == missing);
	expect(uname(&name) == 0 && strcmp(name.nodename, host.nodename) == 0);
	expect(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	expect(fcntl(STDERR_FILENO + 1, F_GETFD) < 0);
	expect_errno(eventfd(0, 0), EMFILE);
}

static void all_that_can_be_missing_may_be(void **state)
{
	static const struct attempt poor = {lives_with_what_there_is, allow_all_to_be_missing};

	(void)state;
	attempt = &poor;
	in_child(launch_as_ordinary);
}

static void refused(void)
{
	become_ordinary();
	expect(jail_init(&jail) == 0);
	jail.is_root = true;
	jail.allow_missing = JAIL_PIECE_BIT(JAIL_MOUNTS);
	expect(jail_clone_refused(&jail, -EPERM) == -EPERM);
	expect(jail.failed == JAIL_PIDS && jail.missing == 0);
	jail.allow_missing = JAIL_PIECE_BIT(JAIL_PIDS);
	expect(jail_clone_refused(&jail, -EPERM) == -EPERM);
	expect(jail.failed == JAIL_IPC);
}

static void a_refused_namespace_is_named(void **state)
{
	(void)state;
	in_child(refused);
}

static void not_refused(void)
{
	need_root();
	expect(jail_init(&jail) == 0);
	jail.allow_missing = UINT32_MAX;
	/* All of them can be had: so it was something else. */
	expect(jail_clone_refused(&jail, -EAGAIN) == -EAGAIN);
	expect(jail.missing == 0);
}

static void another_failure_of_the_clone_stays_one(void **state)
{
	(void)state;
	in_child(not_refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_can_be_missing_may_be),
		cmocka_unit_test(a_refused_namespace_is_named),
		cmocka_unit_test(another_failure_of_the_clone_stays_one),
	};

	return cmocka_run_group_tests(tests, share, NULL);
}
