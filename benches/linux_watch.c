/* SPDX-License-Identifier: MIT */
/*
 * benches/linux_watch.c - runs a monitor with a Linux guest and says when the guest's init spoke.
 *
 *	linux_watch WORD PROGRAM [ARGUMENT...]
 *
 * Writes one line, "FIRST EXIT STATUS": nanoseconds from right before the program was started to
 *the moment that WORD had come out of it, and to the end of it, and its exit status.  FIRST is 0 if
 *the word never came.  What the program writes to standard output is only looked at.
 *
 * Static, since it runs in the lab, which has no C library.  Exit status: 0, or 1 when there is
 * nothing to tell.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "benches/clock.h"

enum {
	OUTPUT_MAX_BYTES = 1 << 16, /* a word that comes later is not found */
};

static char output[OUTPUT_MAX_BYTES];

/* When the word was there, or 0.  Returns once the program has closed its output. */
static uint64_t await_word(int fd, const char *word)
{
	size_t length = 0;
	uint64_t found_ns = 0;

	for (;;) {
		/* Past the buffer's end its last byte is all that is kept. */
		size_t start = length < sizeof(output) ? length : sizeof(output) - 1;
		ssize_t got = read(fd, output + start, sizeof(output) - start);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return found_ns;
		length = start + (size_t)got;
		if (found_ns == 0 && memmem(output, length, word, strlen(word)) != NULL)
			found_ns = clock_now_ns();
	}
}

static int start(char *const arguments[], int output_fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error == 0)
		error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
							 O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawnp(pid, arguments[0], &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int watch(const char *word, char *const arguments[])
{
	uint64_t started_ns;
	uint64_t found_ns;
	int ends[2];
	int status;
	int error;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return errno;
	started_ns = clock_now_ns();
	error = start(arguments, ends[1], &pid);
	close(ends[1]);
	if (error != 0)
		return error;
	found_ns = await_word(ends[0], word);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	printf("%" PRIu64 " %" PRIu64 " %d\n", found_ns == 0 ? 0 : found_ns - started_ns,
	       clock_now_ns() - started_ns, exit_status(status));
	return 0;
}

int main(int argc, char **argv)
{
	int error;

	if (argc < 3) {
		fputs("usage: linux_watch WORD PROGRAM [ARGUMENT...]\n", stderr);
		return 1;
	}
	error = watch(argv[1], argv + 2);
	if (error != 0)
		fprintf(stderr, "linux_watch: %s: %s\n", argv[2], strerror(error));
	return error == 0 ? 0 : 1;
}
