/* SPDX-License-Identifier: MIT */
/* monitor/doctor_child.c - see doctor_child.h. */
#include "monitor/doctor_child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t doctor_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static _Noreturn void child(void (*attempt)(const void *argument, void *result),
			    const void *argument, size_t result_bytes, int out)
{
	uint8_t result[DOCTOR_CHILD_RESULT_MAX_BYTES] __attribute__((aligned(16))) = {0};

	/* Whoever interrupts doctor ends the attempt too. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	attempt(argument, result);
	_exit(write(out, result, result_bytes) == (ssize_t)result_bytes ? 0 : 1);
}

/* Wait for the result until the deadline; signals do not prolong it. */
static int fetch(int in, void *result, size_t result_bytes)
{
	uint64_t deadline_us = doctor_clock_us() + UINT64_C(1000) * DOCTOR_CHILD_TIMEOUT_MS;
	uint8_t copy[DOCTOR_CHILD_RESULT_MAX_BYTES];
	struct pollfd ready = {.fd = in, .events = POLLIN};
	int count;

	do {
		uint64_t now_us = doctor_clock_us();

		if (now_us >= deadline_us)
			return -ETIMEDOUT;
		count = poll(&ready, 1, (int)((deadline_us - now_us) / 1000) + 1);
	} while (count == 0 || (count < 0 && errno == EINTR));
	if (count < 0)
		return -errno;
	if (read(in, copy, result_bytes) != (ssize_t)result_bytes)
		return -ECHILD;
	memcpy(result, copy, result_bytes);
	return 0;
}

static pid_t fork_into(int cgroup_fd)
{
	struct clone_args arguments = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (unsigned int)cgroup_fd,
	};

	return cgroup_fd < 0 ? fork() : (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
}

int doctor_child_run(void (*attempt)(const void *argument, void *result), const void *argument,
		     void *result, size_t result_bytes)
{
	return doctor_child_run_in(-1, attempt, argument, result, result_bytes);
}

int doctor_child_run_in(int cgroup_fd, void (*attempt)(const void *argument, void *result),
			const void *argument, void *result, size_t result_bytes)
{
	int ends[2];
	pid_t pid;
	int error;

	assert(result_bytes <= DOCTOR_CHILD_RESULT_MAX_BYTES);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	pid = fork_into(cgroup_fd);
	if (pid == 0)
		child(attempt, argument, result_bytes, ends[1]);
	error = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (error == 0)
		error = fetch(ends[0], result, result_bytes);
	close(ends[0]);
	if (pid < 0)
		return error;
	/*
	 * A child stuck in the kernel does not die of SIGKILL, and waiting for it would hang
	 * as well: it is left to init then.
	 */
	if (error != 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, NULL, error == -ETIMEDOUT ? WNOHANG : 0) < 0 && errno == EINTR)
		;
	return error;
}
