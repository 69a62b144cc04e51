/* SPDX-License-Identifier: MIT */
/*
 * benches/fleet.h - many VMs of one subject, alive at once.
 *
 * Call order: fleet_begin(), fleet_grow() any number of times, fleet_stop().  What fails ends the
 * program with a message.  However it ends, by a failure or a signal, the VMs end with it; so there
 * is one fleet at a time, and workspace_make() comes before.
 */
#ifndef BENCHES_FLEET_H
#define BENCHES_FLEET_H

#include <stddef.h>
#include <sys/types.h>

#include "benches/child.h"
#include "benches/memory_use.h"
#include "benches/subject.h"
#include "benches/task_time.h"

enum {
	FLEET_VMS_MAX = 10000,
	FLEET_PROCESSES_MAX = 2, /* of a VM: mote has a launcher and a VM process */
};

struct fleet_vm {
	struct child child;
	pid_t pids[FLEET_PROCESSES_MAX];
	size_t pid_count;
	double start_us; /* from the spawn to the guest's first byte */
};

struct fleet {
	const struct subject *subject;
	struct fleet_vm vms[FLEET_VMS_MAX];
	size_t count;
};

void fleet_begin(struct fleet *fleet, const struct subject *subject);

/* Start VMs, each once the one before has printed a byte, until `count` are alive. */
void fleet_grow(struct fleet *fleet, size_t count);

/* Of one VM, all its processes. */
struct memory_use fleet_memory(const struct fleet *fleet, size_t vm, uint64_t guest_bytes);

/* Of all VMs. */
struct task_time fleet_time(const struct fleet *fleet);

/*
 * SIGTERM to all, then wait for all.  Returns the microseconds from the first signal to the last
 * process reaped.  A VM that had ended before is a failure.
 */
double fleet_stop(struct fleet *fleet);

#endif
