/* SPDX-License-Identifier: MIT */
/* jail/filter.c - see filter.h. */
#include "jail/filter.h"

#include <assert.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail/filter_programs.h"

static_assert(FILTER_PROGRAM_ROLES == (int)JAIL_ROLES && FILTER_PROGRAM_MODES == FILTER_LOG + 1,
	      "a program for each role and mode");

enum {
	FROM_SECCOMP = 1, /* SYS_SECCOMP, the si_code, which the C library's headers leave out */
};

/* Where a miss is noted; set once, before there are threads. */
static struct filter_miss *noted;

/* Who tells of it instead, in a process that nobody outlives. */
static void (*teller)(uint32_t call);

/* The first to miss ends the process; who comes second may not end it before that is noted. */
static void note(uint32_t role, uint32_t call)
{
	uint32_t none = 0;

	if (!atomic_compare_exchange_strong(&noted->role_plus_one, &none, role + 1))
		for (;;)
			pause();
	atomic_store(&noted->call, call);
}

/*
 * Runs in the thread that made the call, sealed as it is.  Not by SIGKILL: the first process of a
 * pid namespace cannot send that to itself.
 */
static void on_forbidden_call(int signal_number, siginfo_t *info, void *context)
{
	(void)signal_number;
	(void)context;
	/* The filter of a role returns the role with its verdict, and the kernel leaves it here. */
	if (info->si_code == FROM_SECCOMP && teller)
		teller((uint32_t)info->si_syscall);
	else if (info->si_code == FROM_SECCOMP)
		note((uint32_t)info->si_errno, (uint32_t)info->si_syscall);
	syscall(SYS_exit_group, FILTER_MISS_STATUS);
}

int filter_prepare(struct filter_miss *miss)
{
	struct sigaction action = {.sa_sigaction = on_forbidden_call, .sa_flags = SA_SIGINFO};
	const uint32_t needed = SECCOMP_RET_TRAP;
	sigset_t forbidden_call;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &needed))
		return -errno;
	noted = miss;
	/* Nothing may come in between: what runs here next ends the process. */
	sigfillset(&action.sa_mask);
	if (sigaction(SIGSYS, &action, NULL))
		return -errno;
	/* Blocked, the kernel would end the process before the miss is noted. */
	sigemptyset(&forbidden_call);
	sigaddset(&forbidden_call, SIGSYS);
	return sigprocmask(SIG_UNBLOCK, &forbidden_call, NULL) ? -errno : 0;
}

void filter_tell(void (*tell)(uint32_t call))
{
	teller = tell;
}

int filter_seal(enum jail_role role, enum filter_mode mode)
{
	const struct filter_program *program;
	struct sock_fprog argument;

	if ((unsigned int)role >= JAIL_ROLES || (unsigned int)mode > FILTER_LOG)
		return -EINVAL;
	program = &filter_programs[role][mode];
	/* The kernel only reads it. */
	argument.filter = (struct sock_filter *)(uintptr_t)program->code;
	argument.len = program->length;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &argument) ? -errno : 0;
}

const char *jail_role_name(uint32_t role)
{
	static const char *const names[] = {
		[JAIL_ROLE_LAUNCHER] = "launcher",
		[JAIL_ROLE_IO] = "io",
		[JAIL_ROLE_VCPU] = "vcpu",
		[JAIL_ROLE_BROKER] = "broker",
	};

	return role < JAIL_ROLES ? names[role] : "unknown";
}

const char *filter_call_name(uint32_t call)
{
	const char *name = filter_call_names;

	if (call >= filter_call_name_count)
		return NULL;
	while (call-- > 0)
		name += strlen(name) + 1;
	return *name ? name : NULL;
}
