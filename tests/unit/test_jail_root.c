/* SPDX-License-Identifier: MIT */
/* tests/unit/test_jail_root.c - the empty root: nothing is in it, nothing leads out, nothing gets
 * in. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "jail/namespaces.h"
#include "jail/root.h"
#include "tests/unit/jail_child.h"

static void move_in(void)
{
	if (geteuid() == 0) {
		expect(unshare(CLONE_NEWNS) == 0);
	} else {
		uid_t uid = getuid();
		gid_t gid = getgid();

		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			skip_child("no user namespaces for ordinary users here");
		expect(namespaces_map_ids(uid, gid) == 0);
	}
	expect(root_make_empty() == 0);
}

/* All that a directory holds but itself and its parent. */
static unsigned int entries(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	unsigned int count = 0;

	expect(directory != NULL);
	while ((entry = readdir(directory)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(directory);
	return count;
}

static void look_around(void)
{
	char place[8];

	expect(entries("/") == 0);
	expect(entries(".") == 0);
	expect(entries("..") == 0);
	expect(entries("/..") == 0);
	expect(entries("../../../..") == 0);
	expect(getcwd(place, sizeof(place)) && strcmp(place, "/") == 0);
	expect_errno(open("/etc/passwd", O_RDONLY), ENOENT);
	expect_errno(open("/proc/self/status", O_RDONLY), ENOENT);
	expect_errno(open("/dev/null", O_WRONLY), ENOENT);
	expect(root_prove_empty() == 0);
}

/* With all of root's power still there. */
static void put_something(void)
{
	expect_errno(mkdir("/x", 0700), EROFS);
	expect_errno(open("/x", O_RDWR | O_CREAT, 0600), EROFS);
	expect_errno(mknod("/x", S_IFIFO | 0600, 0), EROFS);
	expect_errno(symlink("x", "/y"), EROFS);
	look_around();
}

static void empty_for_root(void)
{
	need_root();
	move_in();
	look_around();
	put_something();
}

static void empty_for_others(void)
{
	become_ordinary();
	move_in();
	look_around();
	put_something();
}

static void roots_new_root_is_empty(void **state)
{
	(void)state;
	in_child(empty_for_root);
}

static void an_ordinary_users_new_root_is_empty(void **state)
{
	(void)state;
	in_child(empty_for_others);
}

static void twice(void)
{
	need_root();
	move_in();
	expect(root_make_empty() == 0);
	look_around();
}

static void it_can_be_made_from_an_empty_one(void **state)
{
	(void)state;
	in_child(twice);
}

/*
 * Below the root of each host is the kernel's first one, which cannot be moved; a host that runs
 * from its initramfs has no other.
 */
static void move_to_the_first_root(void)
{
	int own;

	expect(unshare(CLONE_NEWNS) == 0);
	own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	expect(own >= 0);
	expect(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	expect(umount2("/", MNT_DETACH) == 0);
	expect(setns(own, CLONE_NEWNS) == 0);
	close(own);
}

static void covered(void)
{
	need_root();
	if (access("/init", F_OK) == 0)
		skip_child("this host runs from its initramfs, where all tests are like this one");
	move_to_the_first_root();
	expect(root_make_empty() == 0);
	look_around();
	put_something();
}

static void a_root_that_cannot_be_moved_is_covered(void **state)
{
	(void)state;
	in_child(covered);
}

static void other_roots(void)
{
	expect(root_prove_empty() == -EPERM);
	need_root();
	/* A file system of the right kind that can be written to. */
	expect(unshare(CLONE_NEWNS) == 0);
	expect(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	expect(mount("none", "/tmp", "ramfs", 0, NULL) == 0);
	expect(chroot("/tmp") == 0 && chdir("/") == 0);
	expect(root_prove_empty() == -EPERM);
}

static void another_root_is_no_proof(void **state)
{
	(void)state;
	in_child(other_roots);
}

static void no_power(void)
{
	become_ordinary();
	expect(root_make_empty() < 0);
	expect(open("/proc/self/status", O_RDONLY) >= 0);
}

static void it_takes_power(void **state)
{
	(void)state;
	in_child(no_power);
}

static void the_host_keeps_its_own(void **state)
{
	unsigned int before = entries("/");

	(void)state;
	in_child(empty_for_root);
	assert_int_equal(entries("/"), before);
	assert_int_equal(access("/proc/self/mounts", R_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_new_root_is_empty),
		cmocka_unit_test(an_ordinary_users_new_root_is_empty),
		cmocka_unit_test(it_can_be_made_from_an_empty_one),
		cmocka_unit_test(a_root_that_cannot_be_moved_is_covered),
		cmocka_unit_test(another_root_is_no_proof),
		cmocka_unit_test(it_takes_power),
		cmocka_unit_test(the_host_keeps_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
