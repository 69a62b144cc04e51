/* SPDX-License-Identifier: MIT */
/* tests/unit/test_jail_namespaces.c - the flags, what the host refuses, and the two that are filled
 * in. */
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "jail/namespaces.h"
#include "tests/unit/jail_child.h"

static void each_piece_has_its_flag(void **state)
{
	(void)state;
	assert_int_equal(namespaces_flags(0), 0);
	assert_int_equal(namespaces_flags(JAIL_PIECE_BIT(JAIL_PIDS)), CLONE_NEWPID);
	assert_int_equal(namespaces_flags(JAIL_PIECE_BIT(JAIL_IPC)), CLONE_NEWIPC);
	assert_int_equal(namespaces_flags(JAIL_PIECE_BIT(JAIL_HOSTNAME)), CLONE_NEWUTS);
	assert_int_equal(namespaces_flags(JAIL_PIECE_BIT(JAIL_CGROUPS)), CLONE_NEWCGROUP);
	assert_int_equal(namespaces_flags(JAIL_PIECE_BIT(JAIL_USERS)), CLONE_NEWUSER);
	assert_int_equal(namespaces_flags(UINT32_MAX), namespaces_flags(NAMESPACES_PIECES));
	assert_int_equal(namespaces_flags(JAIL_PIECE_BIT(JAIL_SECCOMP)), 0);
}

static void tried_by_root(void)
{
	struct stat before;
	struct stat after;

	need_root();
	expect(stat("/proc/self/ns/ipc", &before) == 0);
	expect(namespaces_try(NAMESPACES_PIECES & ~JAIL_PIECE_BIT(JAIL_USERS)) == 0);
	expect(namespaces_try(0) == 0);
	/* The process itself stays where it is, and has no child left. */
	expect(stat("/proc/self/ns/ipc", &after) == 0 && before.st_ino == after.st_ino);
	expect_errno(waitpid(-1, NULL, WNOHANG), ECHILD);
}

static void root_may_have_all(void **state)
{
	(void)state;
	in_child(tried_by_root);
}

static void tried_by_others(void)
{
	become_ordinary();
	expect(namespaces_try(JAIL_PIECE_BIT(JAIL_PIDS)) == -EPERM);
	expect(namespaces_try(JAIL_PIECE_BIT(JAIL_HOSTNAME)) == -EPERM);
	expect_errno(waitpid(-1, NULL, WNOHANG), ECHILD);
	if (unshare(CLONE_NEWUSER) < 0)
		skip_child("no user namespaces for ordinary users here");
	expect(namespaces_try(NAMESPACES_PIECES & ~JAIL_PIECE_BIT(JAIL_USERS)) == 0);
}

static void others_may_with_a_user_namespace(void **state)
{
	(void)state;
	in_child(tried_by_others);
}

static void expect_file(const char *path, const char *content)
{
	char text[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	expect(fd >= 0);
	got = read(fd, text, sizeof(text) - 1);
	expect(got >= 0);
	text[got] = '\0';
	close(fd);
	expect(strcmp(text, content) == 0);
}

static void mapped(void)
{
	char line[64];
	uid_t uid;
	gid_t gid;

	become_ordinary();
	uid = getuid();
	gid = getgid();
	if (unshare(CLONE_NEWUSER) < 0)
		skip_child("no user namespaces for ordinary users here");
	expect(namespaces_map_ids(uid, gid) == 0);
	expect(getuid() == uid && geteuid() == uid && getgid() == gid && getegid() == gid);
	snprintf(line, sizeof(line), "%10u %10u %10u\n", uid, uid, 1U);
	expect_file("/proc/self/uid_map", line);
	snprintf(line, sizeof(line), "%10u %10u %10u\n", gid, gid, 1U);
	expect_file("/proc/self/gid_map", line);
	expect_file("/proc/self/setgroups", "deny\n");
	/* There is nobody else to become. */
	expect_errno(setresuid(0, 0, 0), EINVAL);
	expect_errno(setresgid(0, 0, 0), EINVAL);
	expect_errno(setgroups(0, NULL), EPERM);
	/* A map is written once. */
	expect(namespaces_map_ids(uid, gid) == -EPERM);
}

static void only_the_own_ids_are_mapped(void **state)
{
	(void)state;
	in_child(mapped);
}

static void not_mapped(void)
{
	become_ordinary();
	if (getuid() == 1)
		skip_child("uid 1 is the user's own");
	if (unshare(CLONE_NEWUSER) < 0)
		skip_child("no user namespaces for ordinary users here");
	expect(namespaces_map_ids(1, 1) == -EPERM);
}

static void somebody_elses_ids_are_refused(void **state)
{
	(void)state;
	in_child(not_mapped);
}

static void forgotten(void)
{
	struct utsname name;

	need_root();
	expect(unshare(CLONE_NEWUTS) == 0);
	expect(namespaces_forget_hostname() == 0);
	expect(uname(&name) == 0);
	expect(strcmp(name.nodename, "mote") == 0 && strcmp(name.domainname, "") == 0);
}

static void the_hostname_is_forgotten_inside_only(void **state)
{
	struct utsname before;
	struct utsname after;

	(void)state;
	assert_int_equal(uname(&before), 0);
	in_child(forgotten);
	assert_int_equal(uname(&after), 0);
	assert_memory_equal(&before, &after, sizeof(before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_piece_has_its_flag),
		cmocka_unit_test(root_may_have_all),
		cmocka_unit_test(others_may_with_a_user_namespace),
		cmocka_unit_test(only_the_own_ids_are_mapped),
		cmocka_unit_test(somebody_elses_ids_are_refused),
		cmocka_unit_test(the_hostname_is_forgotten_inside_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
