/* SPDX-License-Identifier: MIT */
/*
 * tests/jail/trace_rows.c - run mote and count which rows of the policy it comes by.
 *
 *	MOTE_ROWS=COUNTS trace_rows ARGUMENT...
 *
 * Becomes the mote that lies beside it and whose filters send every call that they allow to a
 * tracer first (policy_compile --trace-rows).  The tracer is a process of its own, which nobody
 * sees: for all others this is mote, with mote's process id, signals and exit status.  Any number
 * of them may add to the same COUNTS (row_counts.h) at the same time.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/jail/row_counts.h"

enum {
	OPTIONS = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		  PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL,
};

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void count(struct row_counts *counts, pid_t thread)
{
	unsigned long data = 0;

	if (ptrace(PTRACE_GETEVENTMSG, thread, 0, &data))
		return; /* killed meanwhile */
	atomic_fetch_add(&counts->seen[data / ROW_COUNTS_ROWS_MAX][data % ROW_COUNTS_ROWS_MAX], 1);
}

/* Let a thread go on, as if nobody had looked. */
static void resume(pid_t thread, int status)
{
	int signal_number = WSTOPSIG(status);

	switch (status >> 16) {
	case 0: ptrace(PTRACE_CONT, thread, 0, (long)signal_number); break;
	case PTRACE_EVENT_STOP:
		/* SIGTRAP is a new thread's first stop; others stop the process until SIGCONT. */
		if (signal_number != SIGTRAP) {
			ptrace(PTRACE_LISTEN, thread, 0, 0);
			break;
		}
		__attribute__((fallthrough));
	default: ptrace(PTRACE_CONT, thread, 0, 0); break;
	}
}

static void trace(struct row_counts *counts)
{
	int status = 0;

	for (;;) {
		pid_t thread = waitpid(-1, &status, __WALL);

		if (thread < 0 && errno == EINTR)
			continue;
		if (thread < 0)
			return; /* none is left */
		if (!WIFSTOPPED(status))
			continue;
		if (status >> 16 == PTRACE_EVENT_SECCOMP)
			count(counts, thread);
		resume(thread, status);
	}
}

/* Seize `traced`, say so by closing `ready_fd`, and stay until it and all of its own have ended. */
static void be_tracer(pid_t traced, struct row_counts *counts, int ready_fd)
{
	/* What the shell sends to the group of the traced is not for the tracer. */
	setsid();
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		close(fd); /* else a reader of the output would wait for the tracer too */
	if (ptrace(PTRACE_SEIZE, traced, 0, OPTIONS))
		_exit(EXIT_FAILURE);
	if (write(ready_fd, "", 1) != 1)
		_exit(EXIT_FAILURE);
	close(ready_fd);
	trace(counts);
	_exit(EXIT_SUCCESS);
}

static void start_tracer(struct row_counts *counts)
{
	pid_t traced = getpid();
	int ready[2];
	char byte;
	pid_t child;

	if (pipe2(ready, O_CLOEXEC))
		die("pipe2");
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	child = fork();
	if (child < 0)
		die("fork");
	/* Not a child of what it traces, which may count its children. */
	if (child == 0) {
		if (fork() == 0)
			be_tracer(traced, counts, ready[1]);
		_exit(EXIT_SUCCESS);
	}
	waitpid(child, NULL, 0);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("trace_rows: cannot trace");
	close(ready[0]);
}

int main(int argc, char *argv[])
{
	const char *path = getenv("MOTE_ROWS");
	struct row_counts *counts = path ? row_counts_open(path) : NULL;
	char self[4096];
	char mote[4096 + sizeof("/mote")];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)argc;
	if (!counts || length < 0)
		die("trace_rows: MOTE_ROWS");
	self[length] = '\0';
	snprintf(mote, sizeof(mote), "%s/mote", dirname(self));
	start_tracer(counts);
	execv(mote, argv);
	die(mote);
}
