/* SPDX-License-Identifier: MIT */
/*
 * jail/filter.h - the last step of a thread: only the system calls of its role remain.
 *
 * The lists are in policy.c, a row for each call with the reason why the role needs
 * it.  policy_compile.c turns them into BPF when mote is built (libseccomp), so that sealing
 * is one system call.  A call that is not on the list ends the process: its thread gets SIGSYS,
 * whose handler leaves number and role in `struct filter_miss` and ends the process with
 * FILTER_MISS_STATUS; where that handler cannot run, the kernel ends it with SIGSYS.  So it does
 * for the calls that no mistake leads to (policy_never in policy.h), and for those of other
 * architectures.  The call itself never happens.
 *
 * Call order: filter_prepare() once per process, while it has one thread; filter_seal() last on
 * each thread.  no_new_privs is set (jail.h).
 * Threads: each seals itself; threads made afterwards inherit the filter.
 */
#ifndef JAIL_FILTER_H
#define JAIL_FILTER_H

#include <stdatomic.h>
#include <stdint.h>

enum jail_role {
	JAIL_ROLE_LAUNCHER, /* waits, passes signals on, reports */
	JAIL_ROLE_IO,       /* the I/O thread of the VM process */
	JAIL_ROLE_VCPU,
	JAIL_ROLE_BROKER, /* a launcher that also connects for the guest, by Unix sockets */
	JAIL_ROLES,
};

enum filter_mode {
	FILTER_KILL, /* the only mode but for debugging */
	FILTER_LOG,  /* the kernel's audit log gets what would have been refused */
};

enum {
	FILTER_MISS_STATUS = 128 +
			     31, /* the exit status after a miss, as a shell tells of SIGSYS */
};

/* In memory that the launcher shares, zero at first; the first miss is kept. */
struct filter_miss {
	_Atomic uint32_t role_plus_one; /* 0: there was none */
	_Atomic uint32_t call;          /* number of the system call */
};

/* "launcher", "io", "vcpu", "broker"; "unknown" for what is no role. */
const char *jail_role_name(uint32_t role);

/* The name of a system call of x86-64, or NULL for a number that is none or is too new. */
const char *filter_call_name(uint32_t call);

/*
 * Set the handler of SIGSYS, also for clones.  `miss` outlives the process.  Returns 0 or negative
 * errno: the host has no filters, or no handler can be set.
 */
int filter_prepare(struct filter_miss *miss);

/*
 * Have a miss told of by the process that makes it, instead of noting it for one that outlives it.
 * `tell` runs in that handler, with the calls that are left: a second miss is the kernel's to end.
 * It may return, and the process ends as above.
 */
void filter_tell(void (*tell)(uint32_t call));

/* Returns 0 or negative errno, with nothing sealed. */
int filter_seal(enum jail_role role, enum filter_mode mode);

#endif
