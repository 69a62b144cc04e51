/* SPDX-License-Identifier: MIT */
/* benches/fleet.c - see fleet.h. */
#include "benches/fleet.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "benches/clock.h"
#include "benches/proc_file.h"

enum {
	CHILDREN_BYTES = 128,
	DECIMAL = 10,
};

#define NS_PER_US 1000.0

/* The one that is alive, for whoever ends the program. */
static const struct fleet *alive;
static struct sigaction former_term;
static struct sigaction former_hangup;

static void end_all(void)
{
	for (size_t at = 0; alive != NULL && at < alive->count; at++)
		kill(alive->vms[at].child.pid, SIGTERM);
}

/* A terminal's signals reach the VMs as well; these reach only us. */
static void on_signal(int number)
{
	end_all();
	sigaction(number, number == SIGTERM ? &former_term : &former_hangup, NULL);
	raise(number);
}

static void end_with_us(void)
{
	const struct sigaction action = {.sa_handler = on_signal};

	atexit(end_all);
	sigaction(SIGTERM, &action, &former_term);
	sigaction(SIGHUP, &action, &former_hangup);
}

void fleet_begin(struct fleet *fleet, const struct subject *subject)
{
	if (alive == NULL)
		end_with_us();
	fleet->subject = subject;
	fleet->count = 0;
	alive = fleet;
}

/* A VM that has printed has all its processes. */
static void find_processes(struct fleet_vm *vm)
{
	char children[CHILDREN_BYTES];
	int pid = vm->child.pid;
	char *end = children;
	int error =
		proc_file_read(children, sizeof(children), "/proc/%d/task/%d/children", pid, pid);

	if (error != 0)
		errx(EXIT_FAILURE, "/proc/%d/task/%d/children: %s", pid, pid, strerror(-error));
	vm->pids[0] = pid;
	vm->pid_count = 1;
	while (vm->pid_count < FLEET_PROCESSES_MAX && (pid = (int)strtol(end, &end, DECIMAL)) > 0)
		vm->pids[vm->pid_count++] = pid;
}

static void start(struct fleet *fleet, struct fleet_vm *vm)
{
	int error = child_start(&vm->child, fleet->subject->arguments, NULL);
	char byte;

	if (error != 0)
		errx(EXIT_FAILURE, "%s: %s", fleet->subject->arguments[0], strerror(-error));
	if (read(vm->child.output_fd, &byte, 1) != 1)
		errx(EXIT_FAILURE, "%s number %zu ended before its guest ran", fleet->subject->name,
		     fleet->count + 1);
	vm->start_us = (double)(clock_now_ns() - vm->child.spawned_ns) / NS_PER_US;
	find_processes(vm);
}

void fleet_grow(struct fleet *fleet, size_t count)
{
	for (; fleet->count < count; fleet->count++)
		start(fleet, &fleet->vms[fleet->count]);
}

struct memory_use fleet_memory(const struct fleet *fleet, size_t vm, uint64_t guest_bytes)
{
	const struct fleet_vm *of = &fleet->vms[vm];
	struct memory_use use = {0};

	for (size_t at = 0; at < of->pid_count; at++) {
		int error = memory_use_read(&use, of->pids[at], guest_bytes);

		if (error != 0)
			errx(EXIT_FAILURE, "the memory of process %d: %s", (int)of->pids[at],
			     strerror(-error));
	}
	if (use.guests != 1)
		errx(EXIT_FAILURE, "%s: no guest memory found in process %d", fleet->subject->name,
		     (int)of->child.pid);
	return use;
}

struct task_time fleet_time(const struct fleet *fleet)
{
	struct task_time sum = {0};

	for (size_t vm = 0; vm < fleet->count; vm++)
		for (size_t at = 0; at < fleet->vms[vm].pid_count; at++) {
			int error = task_time_read(&sum, fleet->vms[vm].pids[at]);

			if (error != 0)
				errx(EXIT_FAILURE, "the time of process %d: %s",
				     (int)fleet->vms[vm].pids[at], strerror(-error));
		}
	if (sum.threads < fleet->count)
		errx(EXIT_FAILURE, "this kernel does not tell the time of threads (schedstat)");
	return sum;
}

static void signal_all(const struct fleet *fleet)
{
	for (size_t at = 0; at < fleet->count; at++) {
		pid_t pid = fleet->vms[at].child.pid;

		if (waitpid(pid, NULL, WNOHANG) != 0)
			errx(EXIT_FAILURE, "%s number %zu had ended already", fleet->subject->name,
			     at + 1);
		kill(pid, SIGTERM);
	}
}

double fleet_stop(struct fleet *fleet)
{
	uint64_t began_ns = clock_now_ns();
	size_t count = fleet->count;
	uint64_t ended_ns;
	int status;

	signal_all(fleet);
	/* From here on their numbers may become those of others. */
	fleet->count = 0;
	for (size_t at = 0; at < count; at++)
		child_reap(&fleet->vms[at].child, &status);
	ended_ns = clock_now_ns();
	for (size_t at = 0; at < count; at++)
		child_close(&fleet->vms[at].child);
	return (double)(ended_ns - began_ns) / NS_PER_US;
}
