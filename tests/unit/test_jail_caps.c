/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_jail_caps.c - capabilities go, and do not come back.
 *
 * libcap-ng reads the sets, so that the code under test does not judge itself.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/xattr.h>

#include <cap-ng.h>
#include <cmocka.h>

#include "jail/caps.h"
#include "tests/unit/jail_child.h"

enum {
	STATUS_BYTES = 8192,
};

static capng_results_t held(capng_select_t sets)
{
	capng_clear(CAPNG_SELECT_ALL);
	expect(capng_get_caps_process() == 0);
	return capng_have_capabilities(sets);
}

static void none_left(void)
{
	need_root();
	expect(caps_close_ways() == 0);
	expect(held(CAPNG_SELECT_BOUNDS) == CAPNG_NONE);
	expect(caps_keep_only(CAPS_NONE) == 0);
	expect(held(CAPNG_SELECT_CAPS) == CAPNG_NONE);
	expect(held(CAPNG_SELECT_AMBIENT) == CAPNG_NONE);
	expect(!capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN));
}

static void no_set_has_one_afterwards(void **state)
{
	(void)state;
	in_child(none_left);
}

static void only_kill(void)
{
	need_root();
	expect(caps_hold(CAPS_BIT(CAP_KILL) | CAPS_BIT(CAP_SYS_ADMIN)));
	expect(caps_keep_only(CAPS_BIT(CAP_KILL)) == 0);
	expect(caps_hold(CAPS_BIT(CAP_KILL)));
	expect(!caps_hold(CAPS_BIT(CAP_KILL) | CAPS_BIT(CAP_SYS_ADMIN)));
	capng_clear(CAPNG_SELECT_ALL);
	expect(capng_get_caps_process() == 0);
	for (unsigned int number = 0; number <= CAP_LAST_CAP; number++) {
		expect(capng_have_capability(CAPNG_EFFECTIVE, number) == (number == CAP_KILL));
		expect(capng_have_capability(CAPNG_PERMITTED, number) == (number == CAP_KILL));
		expect(!capng_have_capability(CAPNG_INHERITABLE, number));
	}
}

static void one_can_be_kept(void **state)
{
	(void)state;
	in_child(only_kill);
}

static void raise_ambient(int number)
{
	capng_clear(CAPNG_SELECT_ALL);
	expect(capng_get_caps_process() == 0);
	expect(capng_update(CAPNG_ADD, CAPNG_INHERITABLE, (unsigned int)number) == 0);
	expect(capng_apply(CAPNG_SELECT_CAPS) == 0);
	expect(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) == 0);
}

static void ambient_gone(void)
{
	need_root();
	raise_ambient(CAP_NET_RAW);
	expect(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0) == 1);
	expect(caps_keep_only(CAPS_NONE) == 0);
	expect(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0) == 0);
	expect(held(CAPNG_SELECT_CAPS) == CAPNG_NONE);
}

static void an_ambient_one_goes_with_the_others(void **state)
{
	(void)state;
	in_child(ambient_gone);
}

static void not_raised_again(void)
{
	need_root();
	expect(caps_close_ways() == 0);
	expect(caps_keep_only(CAPS_NONE) == 0);
	expect_errno(caps_keep_only(CAPS_BIT(CAP_SYS_ADMIN)), EPERM);
	expect_errno(mount("none", "/", "tmpfs", 0, NULL), EPERM);
	expect_errno(socket(AF_INET, SOCK_RAW, 1), EPERM);
	expect_errno(prctl(PR_SET_SECUREBITS, 0), EPERM);
	expect_errno(prctl(PR_CAPBSET_DROP, CAP_CHOWN), EPERM);
	expect(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) < 0);
	expect_errno(setgroups(0, NULL), EPERM);
	/* Still uid 0: a change of uid brings nothing back either. */
	expect(setresuid(0, 0, 0) == 0);
	expect(held(CAPNG_SELECT_CAPS) == CAPNG_NONE);
}

static void none_can_be_raised_again(void **state)
{
	(void)state;
	in_child(not_raised_again);
}

static void bits_locked(void)
{
	need_root();
	expect(caps_close_ways() == 0);
	expect(prctl(PR_GET_SECUREBITS) & SECBIT_NOROOT_LOCKED);
	/* Not even with the capability for it. */
	expect(caps_hold(CAPS_BIT(CAP_SETPCAP)));
	expect_errno(prctl(PR_SET_SECUREBITS, 0), EPERM);
	expect_errno(prctl(PR_SET_KEEPCAPS, 1), EPERM);
	expect_errno(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), EPERM);
	/* And twice is once. */
	expect(caps_close_ways() == 0);
}

static void the_secure_bits_are_locked(void **state)
{
	(void)state;
	in_child(bits_locked);
}

static void copy_file(const char *path, int to)
{
	int from = open(path, O_RDONLY | O_CLOEXEC);
	char piece[STATUS_BYTES];
	ssize_t got;

	expect(from >= 0);
	while ((got = read(from, piece, sizeof(piece))) > 0)
		expect(write(to, piece, (size_t)got) == got);
	expect(got == 0);
	close(from);
}

/*
 * cat, set-uid root and, if wanted, with all capabilities of its own, ready to be executed.  Gone
 * from the folder at once.
 */
static int open_privileged_cat(bool with_capabilities)
{
	char path[] = "/tmp/test_jail_caps.XXXXXX";
	const struct vfs_cap_data all = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = {{.permitted = UINT32_MAX}, {.permitted = 0x1ff}},
	};
	struct statvfs place;
	int to = mkstemp(path);
	bool refused;
	int fd;

	expect(to >= 0 && fstatvfs(to, &place) == 0);
	copy_file("/bin/cat", to);
	expect(fchmod(to, 04755) == 0);
	refused = place.f_flag & (ST_NOSUID | ST_NOEXEC) ||
		  (with_capabilities &&
		   fsetxattr(to, "security.capability", &all, sizeof(all), 0) < 0);
	close(to);
	fd = open(path, O_PATH | O_CLOEXEC);
	unlink(path);
	if (refused)
		skip_child("/tmp takes no privileged programs");
	expect(fd >= 0);
	return fd;
}

static char status_text[STATUS_BYTES];

/* What the privileged cat sees of its own status after `prepare`; 0 or what execve() failed with.
 */
static int run_cat(int cat, void (*prepare)(void))
{
	char *arguments[] = {(char[]){"cat"}, (char[]){"/proc/self/status"}, NULL};
	char *environment[] = {NULL};
	int ends[2];
	size_t length = 0;
	ssize_t got;
	pid_t pid;
	int status;

	expect(pipe(ends) == 0);
	pid = fork();
	expect(pid >= 0);
	if (pid == 0) {
		prepare();
		dup2(ends[1], STDOUT_FILENO);
		syscall(SYS_execveat, cat, "", arguments, environment, AT_EMPTY_PATH);
		_exit(errno);
	}
	close(ends[1]);
	while ((got = read(ends[0], status_text + length, sizeof(status_text) - 1 - length)) > 0)
		length += (size_t)got;
	status_text[length] = '\0';
	close(ends[0]);
	status = wait_for(pid);
	expect(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static uint64_t status_number(const char *key, int base)
{
	const char *line = strstr(status_text, key);

	expect(line);
	return strtoull(line + strlen(key), NULL, base);
}

static uint64_t capabilities_in_status(void)
{
	return status_number("CapInh:", 16) | status_number("CapPrm:", 16) |
	       status_number("CapEff:", 16) | status_number("CapBnd:", 16) |
	       status_number("CapAmb:", 16);
}

/* CAP_SETUID and CAP_SETGID are there for the change of ids, as in jail.c. */
static void close_ways_and_drop(void)
{
	expect(caps_close_ways() == 0);
	expect(setgroups(0, NULL) == 0);
	expect(setresgid(NOBODY, NOBODY, NOBODY) == 0);
	expect(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	expect(caps_keep_only(CAPS_NONE) == 0);
}

static void close_ways_and_all_privileges(void)
{
	close_ways_and_drop();
	expect(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

static void only_drop(void)
{
	expect(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	expect(caps_keep_only(CAPS_NONE) == 0);
}

static void set_uid_program(void)
{
	int cat;

	need_root();
	cat = open_privileged_cat(false);
	/* First that it would give all, or the rest shows nothing. */
	expect(run_cat(cat, only_drop) == 0);
	expect(status_number("CapEff:", 16) != 0);
	expect(run_cat(cat, close_ways_and_drop) == 0);
	expect(capabilities_in_status() == 0);
	expect(run_cat(cat, close_ways_and_all_privileges) == 0);
	expect(capabilities_in_status() == 0);
	expect(status_number("Uid:\t65534\t", 10) == NOBODY);
}

static void a_set_uid_program_brings_none(void **state)
{
	(void)state;
	in_child(set_uid_program);
}

/* The kernel refuses a program that asks for capabilities outside the bounding set. */
static void program_with_capabilities(void)
{
	int cat;

	need_root();
	cat = open_privileged_cat(true);
	expect(run_cat(cat, close_ways_and_drop) == EPERM);
	expect(run_cat(cat, close_ways_and_all_privileges) == EPERM ||
	       capabilities_in_status() == 0);
}

static void a_program_with_capabilities_brings_none(void **state)
{
	(void)state;
	in_child(program_with_capabilities);
}

static void without_power(void)
{
	become_ordinary();
	expect(!caps_hold(CAPS_BIT(CAP_SETPCAP)));
	/* The bounding set is full here, and cannot be emptied: that has to be told. */
	expect_errno(caps_close_ways(), EPERM);
	expect(caps_keep_only(CAPS_NONE) == 0);
	expect_errno(caps_keep_only(CAPS_BIT(CAP_KILL)), EPERM);
}

static void what_cannot_be_done_is_told(void **state)
{
	(void)state;
	in_child(without_power);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_set_has_one_afterwards),
		cmocka_unit_test(one_can_be_kept),
		cmocka_unit_test(an_ambient_one_goes_with_the_others),
		cmocka_unit_test(none_can_be_raised_again),
		cmocka_unit_test(the_secure_bits_are_locked),
		cmocka_unit_test(a_set_uid_program_brings_none),
		cmocka_unit_test(a_program_with_capabilities_brings_none),
		cmocka_unit_test(what_cannot_be_done_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
