/* SPDX-License-Identifier: MIT */
/*
 * monitor/doctor_child.h - try something in a child that cannot hang or harm the parent.
 *
 * VMs, namespaces and the like belong to the process that makes them, so the child's
 * end is their clean-up.
 */
#ifndef MONITOR_DOCTOR_CHILD_H
#define MONITOR_DOCTOR_CHILD_H

#include <stddef.h>
#include <stdint.h>

enum {
	DOCTOR_CHILD_TIMEOUT_MS = 5000,
	DOCTOR_CHILD_RESULT_MAX_BYTES = 4096, /* a pipe takes this much at once */
};

/*
 * Fork, run `attempt` on a zeroed result there, and fetch the result.  Returns 0, a
 * negative errno if there is no child, -ETIMEDOUT (the child has been killed), or
 * -ECHILD if it died before it had a result.  `result` is untouched on failure.
 */
int doctor_child_run(void (*attempt)(const void *argument, void *result), const void *argument,
		     void *result, size_t result_bytes);

/*
 * The same, with the child born into the cgroup v2 group of a descriptor, as a VM process is; -1 is
 * for none.
 */
int doctor_child_run_in(int cgroup_fd, void (*attempt)(const void *argument, void *result),
			const void *argument, void *result, size_t result_bytes);

/* A running clock for the steps of an attempt, in microseconds. */
uint64_t doctor_clock_us(void);

#endif
