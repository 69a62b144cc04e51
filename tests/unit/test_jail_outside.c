/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_jail_outside.c - a jail as the host sees it: /proc of the inmate and of its
 * launcher, and which of them dies with which.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cap-ng.h>
#include <cmocka.h>

#include "tests/unit/jail_inmate.h"

enum {
	PATH_BYTES = 64,
	TEXT_BYTES = 8192,
	MOMENT_US = 1000,
};

/* An inmate to be looked at from outside, by root; returns once it is in jail. */
static void stay(void)
{
	for (;;)
		pause();
}

static const struct attempt staying = {stay, NULL};

/* How a launcher ended that never got to the end of jail_shed(). */
static void explain_end(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_SKIPPED)
		skip();
	fail_msg("the launcher ended: %#x", (unsigned int)status);
}

static pid_t start_launcher(void (*body)(void))
{
	int status = 0;
	pid_t pid;

	if (geteuid() != 0) {
		print_message("# skipped: only root can look into a jail\n");
		skip();
	}
	attempt = &staying;
	shared->jailed = false;
	shared->shed = false;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		body();
		_exit(0);
	}
	while (!shared->jailed || !shared->shed) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			explain_end(status);
		usleep(MOMENT_US);
	}
	return pid;
}

/* The inmate has to follow it, and then is the test's to reap (adopt_orphans). */
static void kill_launcher(pid_t launcher)
{
	int status;

	kill(launcher, SIGKILL);
	wait_for(launcher);
	alarm(CHILD_SECONDS);
	status = wait_for(shared->inmate);
	alarm(0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static const char *status_of(pid_t pid)
{
	static char text[TEXT_BYTES];
	char path[PATH_BYTES];
	FILE *file;
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

static uint64_t number_in(const char *status, const char *key)
{
	const char *line = strstr(status, key);

	assert_non_null(line);
	return strtoull(line + strlen(key), NULL, 16);
}

static unsigned int entries_of(pid_t pid, const char *name)
{
	char path[PATH_BYTES];
	DIR *directory;
	unsigned int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	directory = opendir(path);
	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 2;
}

static unsigned int lines_of(pid_t pid, const char *name)
{
	char path[PATH_BYTES];
	FILE *file;
	unsigned int count = 0;
	int byte;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "re");
	assert_non_null(file);
	while ((byte = getc(file)) != EOF)
		count += byte == '\n';
	fclose(file);
	return count;
}

static ino_t namespace_of(pid_t pid, const char *name)
{
	char path[PATH_BYTES];
	struct stat found;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	assert_int_equal(stat(path, &found), 0);
	return found.st_ino;
}

static void check_sets(pid_t pid)
{
	const char *status = status_of(pid);

	assert_int_equal(number_in(status, "CapInh:"), 0);
	assert_int_equal(number_in(status, "CapPrm:"), 0);
	assert_int_equal(number_in(status, "CapEff:"), 0);
	assert_int_equal(number_in(status, "CapBnd:"), 0);
	assert_int_equal(number_in(status, "CapAmb:"), 0);
	assert_int_equal(number_in(status, "NoNewPrivs:"), 1);
	capng_setpid(pid);
	capng_clear(CAPNG_SELECT_ALL);
	assert_int_equal(capng_get_caps_process(), 0);
	assert_int_equal(capng_have_capabilities(CAPNG_SELECT_ALL), CAPNG_NONE);
}

static void check_inmate(pid_t pid, bool with_users)
{
	const char *const names[] = {"mnt", "pid", "net", "ipc", "uts", "cgroup"};

	check_sets(pid);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_not_equal(namespace_of(pid, names[i]), namespace_of(getpid(), names[i]));
	assert_int_equal(namespace_of(pid, "user") != namespace_of(getpid(), "user"), with_users);
	assert_int_equal(entries_of(pid, "root"), 0);
	assert_int_equal(entries_of(pid, "cwd"), 0);
	assert_int_equal(entries_of(pid, "fd"), 3);
	assert_int_equal(lines_of(pid, "mountinfo"), 1);
	/* A heading of two lines, and lo. */
	assert_int_equal(lines_of(pid, "net/dev"), 3);
	/* At most the heading. */
	assert_in_range(lines_of(pid, "net/route"), 0, 1);
}

/* The launcher is in the room as well. */
static void check_launcher(pid_t pid, uint64_t kept)
{
	const char *status = status_of(pid);

	assert_int_equal(number_in(status, "CapPrm:"), kept);
	assert_int_equal(number_in(status, "CapEff:"), kept);
	assert_int_equal(number_in(status, "CapInh:"), 0);
	assert_int_equal(number_in(status, "CapBnd:"), 0);
	assert_int_equal(number_in(status, "CapAmb:"), 0);
	assert_int_equal(number_in(status, "NoNewPrivs:"), 1);
	assert_int_equal(namespace_of(pid, "mnt"), namespace_of(shared->inmate, "mnt"));
	assert_int_equal(namespace_of(pid, "net"), namespace_of(shared->inmate, "net"));
	assert_int_equal(entries_of(pid, "root"), 0);
}

static void from_outside_roots_looks_empty(void **state)
{
	pid_t launcher = start_launcher(launch_as_root);

	(void)state;
	check_inmate(shared->inmate, false);
	check_launcher(launcher, UINT64_C(1) << CAP_KILL);
	kill_launcher(launcher);
}

static void from_outside_an_ordinary_users_looks_empty(void **state)
{
	pid_t launcher = start_launcher(launch_as_ordinary);

	(void)state;
	check_inmate(shared->inmate, true);
	check_launcher(launcher, 0);
	kill_launcher(launcher);
}

static void roots_dies_with_a_killed_launcher(void **state)
{
	(void)state;
	kill_launcher(start_launcher(launch_as_root));
}

static void an_ordinary_users_dies_with_a_killed_launcher(void **state)
{
	(void)state;
	kill_launcher(start_launcher(launch_as_ordinary));
}

/* The launcher ends before the clone has done anything. */
static void arrive_late(void)
{
	need_root();
	shared->result = 0;
	if (fork() == 0) {
		expect(jail_init(&jail) == 0);
		if (fork() == 0) {
			alarm(CHILD_SECONDS);
			while (room_has_launcher(&jail.room))
				usleep(MOMENT_US);
			shared->result = jail_arrive(&jail);
			_exit(0);
		}
		_exit(0);
	}
	while (shared->result == 0)
		usleep(MOMENT_US);
	expect(shared->result == -ESRCH);
}

static void a_clone_without_launcher_does_not_arrive(void **state)
{
	(void)state;
	in_child(arrive_late);
}

/* Both can be killed by the launcher, and only root's by a capability. */
static void kill_inmate(void)
{
	pid_t inmate;
	int status;

	attempt = &staying;
	inmate = launch_inmate();
	expect_errno(open("/etc/passwd", O_RDONLY), ENOENT);
	expect(kill(inmate, SIGKILL) == 0);
	status = wait_for(inmate);
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void kill_roots(void)
{
	need_root();
	kill_inmate();
}

static void kill_ordinary(void)
{
	become_ordinary();
	kill_inmate();
}

static void the_launcher_can_kill_roots(void **state)
{
	(void)state;
	in_child(kill_roots);
}

static void the_launcher_can_kill_an_ordinary_users(void **state)
{
	(void)state;
	in_child(kill_ordinary);
}

/* Not every init reaps. */
static int adopt_orphans(void **state)
{
	return share(state) || prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_outside_roots_looks_empty),
		cmocka_unit_test(from_outside_an_ordinary_users_looks_empty),
		cmocka_unit_test(roots_dies_with_a_killed_launcher),
		cmocka_unit_test(an_ordinary_users_dies_with_a_killed_launcher),
		cmocka_unit_test(a_clone_without_launcher_does_not_arrive),
		cmocka_unit_test(the_launcher_can_kill_roots),
		cmocka_unit_test(the_launcher_can_kill_an_ordinary_users),
	};

	return cmocka_run_group_tests(tests, adopt_orphans, NULL);
}
