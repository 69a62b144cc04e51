/* SPDX-License-Identifier: MIT */
/* tests/unit/test_jail_limits.c - each limit is met by what it is to stop. */
#include <fcntl.h>
#include <mqueue.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "jail/limits.h"
#include "tests/unit/jail_child.h"

enum {
	FILE_BYTES = 4096,
	DESCRIPTORS = 10,
	LOW = 3,
};

static const struct limits usual = {
	.file_bytes = FILE_BYTES,
	.descriptors = DESCRIPTORS,
	.threads = RLIM_INFINITY,
};

static void expect_limit(__rlimit_resource_t resource, rlim_t most)
{
	struct rlimit limit;

	expect(getrlimit(resource, &limit) == 0);
	expect(limit.rlim_cur <= most && limit.rlim_max <= most);
}

static void lowered(void)
{
	expect(limits_lower(&usual) == 0);
	expect_limit(RLIMIT_CORE, 0);
	expect_limit(RLIMIT_FSIZE, FILE_BYTES);
	expect_limit(RLIMIT_MEMLOCK, LIMITS_LOCKED_BYTES);
	expect_limit(RLIMIT_MSGQUEUE, 0);
	expect_limit(RLIMIT_NICE, 0);
	expect_limit(RLIMIT_NOFILE, DESCRIPTORS);
	expect_limit(RLIMIT_RTPRIO, 0);
}

static void soft_and_hard_are_lowered(void **state)
{
	(void)state;
	in_child(lowered);
}

static void stays_low(void)
{
	const struct rlimit low = {1, LOW};
	struct rlimit limit;

	expect(setrlimit(RLIMIT_FSIZE, &low) == 0);
	expect(limits_lower(&usual) == 0);
	expect(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	expect(limit.rlim_cur == 1 && limit.rlim_max == LOW);
}

static void what_is_lower_already_stays(void **state)
{
	(void)state;
	in_child(stays_low);
}

static void no_file_grows(void)
{
	int fd = memfd_create("limits", MFD_CLOEXEC);

	signal(SIGXFSZ, SIG_IGN);
	expect(fd >= 0 && limits_lower(&usual) == 0);
	expect(pwrite(fd, "x", 1, FILE_BYTES - 1) == 1);
	expect_errno(pwrite(fd, "x", 1, FILE_BYTES), EFBIG);
	expect_errno(ftruncate(fd, FILE_BYTES + 1), EFBIG);
}

static void a_file_does_not_grow_further(void **state)
{
	(void)state;
	in_child(no_file_grows);
}

static void no_descriptor(void)
{
	int fd;

	expect(limits_lower(&usual) == 0);
	do
		fd = dup(STDERR_FILENO);
	while (fd >= 0 && fd < DESCRIPTORS);
	expect_errno(fd, EMFILE);
	expect_errno(dup2(STDERR_FILENO, DESCRIPTORS), EBADF);
}

static void no_more_descriptors_than_that(void **state)
{
	(void)state;
	in_child(no_descriptor);
}

static void no_locked_memory(void)
{
	void *memory = mmap(NULL, 2 * LIMITS_LOCKED_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	become_ordinary();
	expect(memory != MAP_FAILED && limits_lower(&usual) == 0);
	expect_errno(syscall(SYS_mlock, memory, 2 * LIMITS_LOCKED_BYTES), ENOMEM);
}

static void no_memory_is_locked(void **state)
{
	(void)state;
	in_child(no_locked_memory);
}

static void no_queue(void)
{
	mqd_t queue;

	become_ordinary();
	expect(limits_lower(&usual) == 0);
	queue = mq_open("/test_jail_limits", O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
	expect_errno(queue, EMFILE);
}

static void no_message_queue_is_made(void **state)
{
	(void)state;
	in_child(no_queue);
}

static void no_thread(void)
{
	struct limits limits = usual;
	pid_t pid;

	/* A uid that has no other process; root's own is not counted. */
	need_root();
	expect(setresuid(NOBODY - 1, NOBODY - 1, NOBODY - 1) == 0);
	limits.threads = 2;
	expect(limits_lower(&limits) == 0);
	pid = fork();
	expect(pid >= 0);
	if (pid == 0)
		_exit(fork() < 0 && errno == EAGAIN ? 0 : 1);
	expect(wait_for(pid) == 0);
}

static void no_more_threads_than_that(void **state)
{
	(void)state;
	in_child(no_thread);
}

static void not_raised(void)
{
	const struct rlimit high = {RLIM_INFINITY, RLIM_INFINITY};

	become_ordinary();
	expect(limits_lower(&usual) == 0);
	expect_errno(setrlimit(RLIMIT_CORE, &high), EPERM);
	expect_errno(setrlimit(RLIMIT_FSIZE, &high), EPERM);
	expect_errno(setrlimit(RLIMIT_NOFILE, &high), EPERM);
}

static void they_cannot_be_raised_again(void **state)
{
	(void)state;
	in_child(not_raised);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(soft_and_hard_are_lowered),
		cmocka_unit_test(what_is_lower_already_stays),
		cmocka_unit_test(a_file_does_not_grow_further),
		cmocka_unit_test(no_more_descriptors_than_that),
		cmocka_unit_test(no_memory_is_locked),
		cmocka_unit_test(no_message_queue_is_made),
		cmocka_unit_test(no_more_threads_than_that),
		cmocka_unit_test(they_cannot_be_raised_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
