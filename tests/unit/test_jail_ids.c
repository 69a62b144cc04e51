/* SPDX-License-Identifier: MIT */
/* tests/unit/test_jail_ids.c - a process becomes somebody else, in every sense and for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/fsuid.h>

#include <cmocka.h>

#include "jail/caps.h"
#include "jail/ids.h"
#include "tests/unit/jail_child.h"

enum {
	UID = 0x70000001,
	GID = 0x70000002,
};

static void changed(void)
{
	const gid_t groups[] = {1, 2, 3};
	uid_t uid[3];
	gid_t gid[3];

	need_root();
	expect(setgroups(3, groups) == 0);
	expect(ids_become(UID, GID) == 0);
	expect(getresuid(&uid[0], &uid[1], &uid[2]) == 0);
	expect(getresgid(&gid[0], &gid[1], &gid[2]) == 0);
	for (int i = 0; i < 3; i++)
		expect(uid[i] == UID && gid[i] == GID);
	expect(setfsuid(UID) == UID && setfsgid(GID) == GID);
	expect(getgroups(0, NULL) == 0);
}

static void every_id_changes(void **state)
{
	(void)state;
	in_child(changed);
}

static void not_back(void)
{
	need_root();
	expect(ids_become(UID, GID) == 0);
	expect(caps_keep_only(CAPS_NONE) == 0);
	expect_errno(setresuid(0, 0, 0), EPERM);
	expect_errno(setresuid((uid_t)-1, 0, (uid_t)-1), EPERM);
	expect_errno(setresgid(0, 0, 0), EPERM);
	expect_errno(setuid(0), EPERM);
	expect_errno(seteuid(0), EPERM);
	expect_errno(setgroups(0, NULL), EPERM);
	setfsuid(0);
	expect(setfsuid((uid_t)-1) == UID);
	expect(ids_become(UID + 1, GID) == -EPERM);
	expect(getuid() == UID && geteuid() == UID);
}

static void there_is_no_way_back(void **state)
{
	(void)state;
	in_child(not_back);
}

static void root_refused(void)
{
	need_root();
	expect(ids_become(0, GID) == -EINVAL);
	expect(ids_become(UID, 0) == -EINVAL);
	expect(geteuid() == 0 && getegid() == 0);
}

static void root_is_nobody_to_become(void **state)
{
	(void)state;
	in_child(root_refused);
}

static void not_allowed(void)
{
	become_ordinary();
	expect(ids_become(UID, GID) == -EPERM);
	expect(getuid() != UID);
}

static void an_ordinary_user_cannot(void **state)
{
	(void)state;
	in_child(not_allowed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_id_changes),
		cmocka_unit_test(there_is_no_way_back),
		cmocka_unit_test(root_is_nobody_to_become),
		cmocka_unit_test(an_ordinary_user_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
