/* SPDX-License-Identifier: MIT */
/*
 * jail/cgroup.h - a control group for one VM process: its share of CPU, memory and I/O.
 *
 * A group PARENT/mote-PID-NUMBER is made in the v2 hierarchy, and in the v1 hierarchy of each
 * controller that v2 does not have; hosts with v1 alone, v2 alone and both are served.  On v2 the
 * VM process is born in it (CLONE_INTO_CGROUP), so nobody waits for the lock that moving a process
 * takes.  On v1 the process itself, as its first act and while it has one thread, moves that
 * thread, which needs no such lock either.
 *
 * PARENT is made where it is missing and stays.  Groups do not: the launcher removes its own,
 * and those of launchers that were killed are removed by the next one under the same parent.
 *
 * Call order, in the launcher: cgroup_create(), clone3() with cgroup_clone_fd(), cgroup_sweep(),
 * and cgroup_remove() once the VM process is reaped; in the clone: cgroup_enter(). The launchers
 * under one parent share a pid namespace: by its pid, one is known to be alive.
 *
 * Ownership: descriptors belong to the struct until cgroup_enter() or cgroup_remove(); all are
 * close-on-exec.  Memory: none is allocated.  Threads: one at a time.
 * Errors: negative errno, and the error says which file or controller it was.
 * Source: Linux Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
 */
#ifndef JAIL_CGROUP_H
#define JAIL_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	CGROUP_IO_MAX = 8,
	CGROUP_NAME_MAX_BYTES = 47,
	CGROUP_HIERARCHIES_MAX = 5, /* v2, and one for each controller */
};

/* What one block device may be asked for; 0 is no limit. */
struct cgroup_io {
	uint32_t major;
	uint32_t minor;
	uint64_t read_bytes_per_s;
	uint64_t write_bytes_per_s;
	uint64_t read_ops_per_s;
	uint64_t write_ops_per_s;
};

/* 0 is no limit, but for swap.  Controllers without any limit are not needed on the host. */
struct cgroup_limits {
	uint32_t cpu_weight; /* 1 to 10000; 100 is everybody's default */
	uint64_t cpu_quota_us;
	uint64_t cpu_period_us; /* set whenever the quota is */
	uint64_t memory_max_bytes;
	bool has_swap_max; /* only together with memory_max_bytes */
	uint64_t swap_max_bytes;
	uint64_t pids_max;
	struct cgroup_io io[CGROUP_IO_MAX];
	unsigned int io_count;
};

struct cgroup_hierarchy {
	int parent_fd;
	int group_fd;
	int tasks_fd; /* v1 only */
	bool is_v2;
};

struct cgroup {
	char name[CGROUP_NAME_MAX_BYTES + 1];
	struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES_MAX];
	unsigned int hierarchy_count;
};

/* What went wrong, for a sentence such as "memory: memory.max: cannot be written". */
struct cgroup_error {
	const char *controller; /* "cpu" ...; "cgroup2" for v2 as a whole; never NULL */
	const char *file;       /* of the group, or NULL where it is about the controller */
	const char *text;       /* never NULL */
};

/*
 * Make the group and set its limits.  `root_fd` is where the hierarchies are mounted,
 * /sys/fs/cgroup; `parent` is a relative path without "." and "..", or "." for the root itself.
 * `pid` is the caller's and `number` differs from that of any earlier group of the same pid, as a
 * clock does.  Returns 0 or negative errno, with no group left and nothing to release.
 */
int cgroup_create(struct cgroup *cgroup, int root_fd, const char *parent, pid_t pid,
		  uint64_t number, const struct cgroup_limits *limits, struct cgroup_error *error);

/* The descriptor for CLONE_INTO_CGROUP, or -1 where there is no v2 group. */
int cgroup_clone_fd(const struct cgroup *cgroup);

/*
 * In the clone, before it has threads or gives up any privilege: enter the groups of v1, as
 * clone3() has seen to that of v2, and close all descriptors.  Returns 0 or negative errno.
 */
int cgroup_enter(struct cgroup *cgroup);

/*
 * Remove what launchers left behind that were killed: empty groups of this module's
 * names under the same parent whose pid is gone.  Meant for when the VM runs, since it takes as
 * long as there are groups.  Returns how many were removed.
 */
unsigned int cgroup_sweep(const struct cgroup *cgroup);

/*
 * Remove the group, waiting for up to CGROUP_REMOVE_TIMEOUT_MS for what is still dying in it,
 * and close all descriptors.  Accepts a zeroed one and one that was entered.  Returns 0, or the
 * negative errno of a group that stays: the next sweep will take it.
 * System calls: unlinkat, clock_nanosleep, close.
 */
enum {
	CGROUP_REMOVE_TIMEOUT_MS = 200,
};
int cgroup_remove(struct cgroup *cgroup);

#endif
