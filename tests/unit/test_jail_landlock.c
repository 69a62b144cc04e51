/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_jail_landlock.c - behind Landlock nothing is reached, though all of it is in
 * sight.
 *
 * The root here is the machine's own and the process may be root: what fails, fails by Landlock.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cmocka.h>

#include "jail/landlock.h"
#include "tests/unit/jail_child.h"

enum {
	WITH_TCP = 4,
	WITH_SCOPES = 6,
};

static long landlock_version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* Where there is no Landlock it has to say so, and then there is nothing more to see. */
static void enter(long version_needed)
{
	long version = landlock_version();

	if (version < 0) {
		int error = errno;

		expect(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
		expect(landlock_deny_all() == -error);
		skip_child("this kernel has no Landlock");
	}
	if (version < version_needed)
		skip_child("this kernel's Landlock is too old");
	expect(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	expect(landlock_deny_all() == 0);
}

static void files_denied(void)
{
	int root = open("/", O_PATH | O_CLOEXEC);
	int kept = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	char byte;

	enter(0);
	expect_errno(open("/", O_RDONLY | O_DIRECTORY), EACCES);
	expect_errno(open("/proc/self/status", O_RDONLY), EACCES);
	expect_errno(open("/dev/null", O_WRONLY), EACCES);
	expect_errno(open("/tmp/test_jail_landlock", O_RDWR | O_CREAT, 0600), EACCES);
	/* A directory that was forgotten is of no use. */
	expect_errno(openat(root, "etc/passwd", O_RDONLY), EACCES);
	expect_errno(mkdir("/tmp/test_jail_landlock", 0700), EACCES);
	expect_errno(mknod("/tmp/test_jail_landlock", S_IFIFO | 0600, 0), EACCES);
	expect_errno(symlink("/", "/tmp/test_jail_landlock"), EACCES);
	expect_errno(execl("/bin/true", "true", (char *)NULL), EACCES);
	/* What is open stays open. */
	expect(read(kept, &byte, 1) == 1);
}

static void no_file_can_be_opened(void **state)
{
	(void)state;
	in_child(files_denied);
}

static void mounts_denied(void)
{
	need_root();
	enter(0);
	expect_errno(mount("none", "/tmp", "tmpfs", 0, NULL), EPERM);
	expect_errno(syscall(SYS_pivot_root, ".", "."), EPERM);
}

static void root_cannot_mount(void **state)
{
	(void)state;
	in_child(mounts_denied);
}

static void tcp_denied(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct sockaddr *generic = (const void *)&address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	expect(fd >= 0);
	enter(WITH_TCP);
	expect_errno(bind(fd, generic, sizeof(address)), EACCES);
	address.sin_port = htons(1);
	expect_errno(connect(fd, generic, sizeof(address)), EACCES);
}

static void no_tcp_port_can_be_used(void **state)
{
	(void)state;
	in_child(tcp_denied);
}

static struct sockaddr_un abstract(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "test_jail_landlock.%d",
		 getpid());
	return address;
}

static void abstract_denied(void)
{
	const struct sockaddr_un address = abstract();
	const struct sockaddr *generic = (const void *)&address;
	int heard = socket(AF_UNIX, SOCK_STREAM, 0);
	int caller = socket(AF_UNIX, SOCK_STREAM, 0);

	expect(bind(heard, generic, sizeof(address)) == 0 && listen(heard, 1) == 0);
	enter(WITH_SCOPES);
	expect_errno(connect(caller, generic, sizeof(address)), EPERM);
}

static void no_abstract_socket_can_be_called(void **state)
{
	(void)state;
	in_child(abstract_denied);
}

static void signals_denied(void)
{
	enter(WITH_SCOPES);
	expect_errno(kill(getppid(), 0), EPERM);
	expect(kill(getpid(), 0) == 0);
}

static void no_process_outside_can_be_signalled(void **state)
{
	(void)state;
	in_child(signals_denied);
}

static void too_early(void)
{
	long version = landlock_version();

	become_ordinary();
	if (version < 0)
		skip_child("this kernel has no Landlock");
	expect(landlock_deny_all() == -EPERM);
	expect(open("/", O_RDONLY | O_DIRECTORY) >= 0);
}

static void it_takes_no_new_privs(void **state)
{
	(void)state;
	in_child(too_early);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_file_can_be_opened),
		cmocka_unit_test(root_cannot_mount),
		cmocka_unit_test(no_tcp_port_can_be_used),
		cmocka_unit_test(no_abstract_socket_can_be_called),
		cmocka_unit_test(no_process_outside_can_be_signalled),
		cmocka_unit_test(it_takes_no_new_privs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
