/* SPDX-License-Identifier: MIT */
/*
 * monitor/confine.h - what one VM's processes may still do: the jail and the cgroup, set up
 * from the configuration, at each moment of a run.
 *
 * In the launcher: confine_prepare() before the clone, confine_clone(), confine_launcher() right
 * after it, confine_release() once the VM process is reaped.  In the VM process:
 * confine_arrive() first of all, confine_vm() once the machine is built, and confine_thread() as
 * the last step of each thread before it touches what the guest wrote.
 *
 * Errors: negative errno, and a reason that names the piece and how to allow that it is missing.
 * Threads: confine_thread() on each; the rest in processes with one thread.
 */
#ifndef MONITOR_CONFINE_H
#define MONITOR_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "jail/cgroup.h"
#include "jail/filter.h"
#include "jail/jail.h"
#include "monitor/config.h"
#include "monitor/prepared.h"
#include "monitor/reason.h"
#include "monitor/run_state.h"

struct confinement {
	const struct vm_config *config;
	struct jail jail;
	struct cgroup cgroup;
	int output_fd; /* of confine_keep_output() */
	enum filter_mode mode;
	struct run_state *state;
};

/*
 * What a filter refused and what each piece took will be in `state`.  The room of `prepared` is
 * taken over where it can be used, else closed.
 */
int confine_prepare(struct confinement *confinement, const struct vm_config *config,
		    struct prepared *prepared, struct run_state *state, struct reason *reason);

/* clone3(): 0 in the VM process, its pid in the launcher, or negative errno. */
pid_t confine_clone(struct confinement *confinement, struct reason *reason);

/*
 * The launcher's own part; it cannot open anything by name afterwards.  It waits for
 * confine_begin_room(), for a moment at most: making namespaces beside the first steps of KVM costs
 * these half a millisecond, beside the later ones nothing, as both wait for the kernel's
 * read-copy-update there.  Where the room exists already the wait still pays: the VM process has
 * the CPU first, on which the kernel has started it.
 */
int confine_launcher(struct confinement *confinement, pid_t vm_process, struct reason *reason);

int confine_arrive(struct confinement *confinement, struct reason *reason);

/* In the VM process: VM and memory are there. */
void confine_begin_room(const struct confinement *confinement);

/* Descriptors that confine_vm() leaves open; those below 0 are passed over. */
int confine_keep(struct confinement *confinement, int fd);

/* The same for one that may be a file, and then may grow as it likes; files otherwise cannot
 * outgrow the largest disk. */
int confine_keep_output(struct confinement *confinement, int fd);

/*
 * `threads` is how many threads come later.  Of descriptors, only those of the drives' rings, and
 * of vsock's connections.
 */
int confine_vm(struct confinement *confinement, unsigned int threads, struct reason *reason);

/* One line about the pieces that this host lacks and the user allowed to be missing. */
void confine_warn(const struct confinement *confinement);

int confine_thread(struct confinement *confinement, enum jail_role role, struct reason *reason);

/* The VM process is gone. */
void confine_release(struct confinement *confinement);

#endif
