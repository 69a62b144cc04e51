/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_jail.c - the whole jail but its filters: what a VM process can still do, root's,
 * in a room of its own or in one for all, as well as an ordinary user's.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/jail_inmate.h"

enum {
	LOOKED_AT = 1024,
};

static void opens_no_file(void)
{
	const char *const paths[] = {
		"/etc/passwd", "/proc/self/status", "/dev/null",     "/dev/kvm",
		"/tmp",        "/proc/1/root",      "../etc/passwd", "/sys/kernel",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		expect(open(paths[i], O_RDONLY) < 0 && (errno == ENOENT || errno == EACCES));
	expect(open("/x", O_RDWR | O_CREAT, 0600) < 0);
	expect(mkdir("/x", 0700) < 0);
	expect(execl("/bin/true", "true", (char *)NULL) < 0);
	if (has_landlock())
		expect_errno(open("/", O_RDONLY | O_DIRECTORY), EACCES);
}

static void changes_no_mount(void)
{
	expect_errno(mount("none", "/", "tmpfs", 0, NULL), EPERM);
	expect_errno(umount2("/", MNT_DETACH), EPERM);
	expect_errno(fsopen("tmpfs", 0), EPERM);
	expect_errno(chroot("/"), EPERM);
	expect_errno(syscall(SYS_pivot_root, ".", "."), EPERM);
	expect_errno(unshare(CLONE_NEWNS), EPERM);
}

static void reaches_no_process(void)
{
	expect(getpid() == 1 && getppid() == 0);
	expect_errno(kill(shared->launcher, 0), ESRCH);
	expect_errno(kill(shared->launcher, SIGKILL), ESRCH);
	expect_errno(kill(-1, SIGKILL), ESRCH);
	expect_errno(syscall(SYS_pidfd_open, shared->launcher, 0), ESRCH);
	expect_errno(setpriority(PRIO_PROCESS, (id_t)shared->launcher, 1), ESRCH);
}

static void has_no_network(void)
{
	struct sockaddr_in loopback = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct ifreq device = {.ifr_ifindex = 1};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int caller = socket(AF_UNIX, SOCK_STREAM, 0);

	expect(fd >= 0 && caller >= 0);
	expect(ioctl(fd, SIOCGIFNAME, &device) == 0 && strcmp(device.ifr_name, "lo") == 0);
	expect(ioctl(fd, SIOCGIFFLAGS, &device) == 0 && !(device.ifr_flags & IFF_UP));
	device.ifr_flags = IFF_UP;
	expect_errno(ioctl(fd, SIOCSIFFLAGS, &device), EPERM);
	device.ifr_ifindex = 2;
	expect_errno(ioctl(fd, SIOCGIFNAME, &device), ENODEV);
	expect_errno(connect(fd, (const void *)&loopback, sizeof(loopback)), ENETUNREACH);
	expect_errno(connect(caller, (const void *)&abstract, sizeof(abstract)), ECONNREFUSED);
}

static void knows_no_hostname(void)
{
	struct utsname name;

	expect(uname(&name) == 0);
	expect(strcmp(name.nodename, "mote") == 0 && strcmp(name.domainname, "") == 0);
	expect_errno(sethostname("x", 1), EPERM);
}

static void finds_no_ipc(void)
{
	struct shmid_ds found;

	expect_errno(shmctl(segment, IPC_STAT, &found), EINVAL);
	expect(shmat(segment, NULL, 0) == (void *)-1);
}

static void holds_no_capability(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct held[2];
	const struct __user_cap_data_struct none[2] = {0};
	struct __user_cap_data_struct one[2] = {{.permitted = 1, .effective = 1}};

	expect(syscall(SYS_capget, &header, held) == 0);
	expect(memcmp(held, none, sizeof(none)) == 0);
	expect_errno(syscall(SYS_capset, &header, one), EPERM);
	for (int number = 0; number <= CAP_LAST_CAP; number++)
		expect(prctl(PR_CAPBSET_READ, number) <= 0);
	expect(prctl(PR_GET_SECUREBITS) & SECBIT_NOROOT_LOCKED);
}

static void has_no_privilege(void)
{
	expect(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	expect(prctl(PR_GET_DUMPABLE) == 0);
	expect(umask(0) == 0077);
}

static void becomes_nobody_else(void)
{
	expect(getuid() == shared->jail.uid && geteuid() == shared->jail.uid);
	expect(getgid() == shared->jail.gid && getegid() == shared->jail.gid);
	expect(setresuid(0, 0, 0) < 0 && setresgid(0, 0, 0) < 0);
	expect_errno(setgroups(0, NULL), EPERM);
	if (shared->jail.is_root) {
		expect(getuid() == JAIL_FIRST_AUTO_ID + (uid_t)shared->launcher);
		expect(getgroups(0, NULL) == 0);
	}
}

static void keeps_three_descriptors(void)
{
	for (int fd = 0; fd < LOOKED_AT; fd++)
		expect((fcntl(fd, F_GETFD) >= 0) == (fd <= STDERR_FILENO));
}

static void meets_its_limits(void)
{
	struct rlimit limit;

	expect(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
	for (int i = 0; i < NEW_FDS; i++)
		expect(eventfd(0, 0) >= 0);
	expect_errno(eventfd(0, 0), EMFILE);
}

static void *do_nothing(void *unused)
{
	return unused;
}

/* What has to come after jail_enter(), and what it left room for. */
static void starts_a_thread(void)
{
	pthread_t thread;

	expect(pthread_create(&thread, NULL, do_nothing, NULL) == 0);
	expect(pthread_join(thread, NULL) == 0);
}

static void dies_with_its_launcher(void)
{
	int number = 0;

	expect(prctl(PR_GET_PDEATHSIG, &number) == 0 && number == SIGKILL);
}

static void lacks_nothing(void)
{
	expect((shared->jail.missing & ~JAIL_PIECE_BIT(JAIL_LANDLOCK)) == 0);
	expect(has_landlock() == !(shared->jail.missing & JAIL_PIECE_BIT(JAIL_LANDLOCK)));
}

static void limit_threads(void)
{
	jail.threads_max = 1;
}

static void starts_no_thread_too_many(void)
{
	pthread_t thread;

	expect(pthread_create(&thread, NULL, do_nothing, NULL) == EAGAIN);
}

/* Others of the uid that could not be left behind may have any number of them. */
static void limit_threads_of_others(void)
{
	limit_threads();
	jail.missing |= JAIL_PIECE_BIT(JAIL_IDS);
}

/* Each is tried by all kinds of inmates. */
static struct {
	const char *name_of_roots;
	const char *name_of_sharing;
	const char *name_of_ordinary;
	struct attempt attempt;
} attempts[] = {
#define ROW(body)                                                                               \
	{                                                                                       \
		"root's " #body, "root's in a shared room " #body, "an ordinary user's " #body, \
		{                                                                               \
			body, NULL                                                              \
		}                                                                               \
	}
	ROW(opens_no_file),
	ROW(changes_no_mount),
	ROW(reaches_no_process),
	ROW(has_no_network),
	ROW(knows_no_hostname),
	ROW(finds_no_ipc),
	ROW(holds_no_capability),
	ROW(has_no_privilege),
	ROW(becomes_nobody_else),
	ROW(keeps_three_descriptors),
	ROW(meets_its_limits),
	ROW(starts_a_thread),
	ROW(dies_with_its_launcher),
	ROW(lacks_nothing),
	{"root's starts_no_thread_too_many",
	 "root's in a shared room starts_no_thread_too_many",
	 "an ordinary user's starts_no_thread_too_many",
	 {starts_no_thread_too_many, limit_threads}},
	{"root's, with ids of others, starts_a_thread",
	 "root's in a shared room, with ids of others, starts_a_thread",
	 "an ordinary user's, with ids of others, starts_a_thread",
	 {starts_a_thread, limit_threads_of_others}},
#undef ROW
};

enum {
	ATTEMPTS = sizeof(attempts) / sizeof(attempts[0]),
	KINDS = 3,
};

static void roots_inmate(void **state)
{
	attempt = *state;
	in_child(launch_as_root);
}

static void sharing_inmate(void **state)
{
	attempt = *state;
	shares_room = true;
	in_child(launch_as_root);
	shares_room = false;
}

static void ordinary_inmate(void **state)
{
	attempt = *state;
	in_child(launch_as_ordinary);
}

int main(void)
{
	struct CMUnitTest tests[KINDS * ATTEMPTS] = {0};

	for (size_t i = 0; i < ATTEMPTS; i++) {
		struct CMUnitTest *kinds = &tests[KINDS * i];

		kinds[0].name = attempts[i].name_of_roots;
		kinds[0].test_func = roots_inmate;
		kinds[1].name = attempts[i].name_of_sharing;
		kinds[1].test_func = sharing_inmate;
		kinds[2].name = attempts[i].name_of_ordinary;
		kinds[2].test_func = ordinary_inmate;
		for (size_t kind = 0; kind < KINDS; kind++)
			kinds[kind].initial_state = &attempts[i].attempt;
	}
	return cmocka_run_group_tests(tests, share, NULL);
}
