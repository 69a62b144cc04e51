/* SPDX-License-Identifier: MIT */
/* benches/child.c - see child.h. */
#include "benches/child.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "benches/clock.h"

enum {
	ERRORS_MODE = 0600,
	DESCRIPTORS_EACH = 2,
	DESCRIPTORS_BESIDES = 32,
};

/* The ends that we keep and those that the program gets. */
struct pipes {
	int output[2];
	int result[2];
};

void child_allow(size_t count)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < count * DESCRIPTORS_EACH + DESCRIPTORS_BESIDES)
		errx(EXIT_FAILURE, "the limit of descriptors (ulimit -n) is too low for %zu",
		     count);
}

static int pipes_open(struct pipes *pipes)
{
	int error;

	if (pipe2(pipes->output, O_CLOEXEC) != 0)
		return -errno;
	if (pipe2(pipes->result, O_CLOEXEC) == 0)
		return 0;
	error = -errno;
	close(pipes->output[0]);
	close(pipes->output[1]);
	return error;
}

/* posix_spawn() promises not to write through its arguments; its prototype cannot say so. */
static int copy_arguments(char *copy[CHILD_ARGUMENTS_MAX], const char *const arguments[])
{
	size_t count = 0;

	while (arguments[count] != NULL)
		count++;
	if (count >= CHILD_ARGUMENTS_MAX)
		return -E2BIG;
	memcpy(copy, arguments, (count + 1) * sizeof(*copy));
	return 0;
}

/* Everything that needs preparation comes before the stamp. */
static int spawn(struct child *child, char *arguments[], const struct pipes *pipes,
		 const char *errors_path)
{
	posix_spawn_file_actions_t actions;
	int error;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipes->output[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes->result[1], CHILD_RESULT_FD);
	if (errors_path != NULL)
		posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors_path,
						 O_WRONLY | O_CREAT | O_TRUNC, ERRORS_MODE);
	child->spawned_ns = clock_now_ns();
	error = posix_spawnp(&child->pid, arguments[0], &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

int child_start(struct child *child, const char *const arguments[], const char *errors_path)
{
	char *copy[CHILD_ARGUMENTS_MAX];
	struct child started;
	struct pipes pipes;
	int error = copy_arguments(copy, arguments);

	if (error == 0)
		error = pipes_open(&pipes);
	if (error != 0)
		return error;
	error = spawn(&started, copy, &pipes, errors_path);
	close(pipes.output[1]);
	close(pipes.result[1]);
	started.output_fd = pipes.output[0];
	started.result_fd = pipes.result[0];
	if (error != 0)
		child_close(&started);
	else
		*child = started;
	return error;
}

void child_drain(const struct child *child)
{
	char bytes[4096];

	while (read(child->output_fd, bytes, sizeof(bytes)) > 0)
		;
}

int child_reap(const struct child *child, int *status)
{
	pid_t reaped;

	do {
		reaped = waitpid(child->pid, status, 0);
	} while (reaped < 0 && errno == EINTR);
	return reaped == child->pid ? 0 : -errno;
}

void child_close(struct child *child)
{
	close(child->output_fd);
	close(child->result_fd);
}
