/* SPDX-License-Identifier: MIT */
/*
 * monitor/run_state.h - what the launcher and the VM process tell each other.
 *
 * One shared mapping made before the clone.  The VM process leaves its trace,
 * its counters and its outcome there; the launcher leaves its wish to stop.
 * Whatever way the VM process dies, what it wrote so far can be read.
 *
 * Trust: a guest that took the VM process over can write here.  The launcher
 * therefore treats all of it as data: no pointers, every count clamped, every
 * kind checked (run_state_outcome()).
 */
#ifndef MONITOR_RUN_STATE_H
#define MONITOR_RUN_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "jail/filter.h"
#include "jail/piece.h"
#include "monitor/outcome.h"
#include "monitor/trace.h"

/* Why the guest left its mode, counted over all vCPUs, and what no device answered. */
struct run_counters {
	uint64_t port_exits;
	uint64_t mmio_exits;
	uint64_t other_exits;
	uint64_t unclaimed_reads;
	uint64_t unclaimed_writes;
	uint64_t console_bytes;
	uint64_t console_dropped_bytes;
	uint64_t device_faults; /* guests that broke a queue; from here on summed over devices */
	uint64_t device_refused;
	uint64_t device_host_errors;
	uint64_t device_interrupts;
	uint64_t disk_reads;
	uint64_t disk_writes;
	uint64_t disk_flushes;
	uint64_t disk_read_bytes;
	uint64_t disk_written_bytes;
	uint64_t disk_throttled;
	uint64_t net_received_frames;
	uint64_t net_received_bytes;
	uint64_t net_received_dropped;
	uint64_t net_sent_frames;
	uint64_t net_sent_bytes;
	uint64_t net_sent_dropped;
	uint64_t net_throttled;
	uint64_t vsock_guest_connections; /* established, begun by the guest */
	uint64_t vsock_host_connections;  /* the same by the host */
	uint64_t vsock_refused;
	uint64_t vsock_resets; /* sent to the guest */
	uint64_t vsock_to_guest_bytes;
	uint64_t vsock_from_guest_bytes;
	int32_t console_errno; /* why standard output took nothing any more, or 0 */
};

/* What each piece of the jail took, in the process that gave it up. */
struct confine_costs {
	uint32_t launcher_ns[JAIL_PIECES];
	uint32_t vm_process_ns[JAIL_PIECES];
};

struct run_state {
	struct trace trace;
	struct run_counters counters;
	_Atomic uint32_t claimed;      /* the first to end the run sets it; later ones wait */
	_Atomic uint32_t outcome_kind; /* OUTCOME_NONE until all is delivered */
	_Atomic uint32_t outcome_code;
	_Atomic uint32_t stop_kind; /* the launcher's wish: OUTCOME_NONE, _SIGNAL or _TIMEOUT */
	_Atomic uint32_t stop_code;
	_Atomic uint32_t begin_room; /* a futex: the launcher may go to work (confine.h) */
	struct filter_miss miss;     /* a system call that a role may not make */
	struct confine_costs costs;
};

/* Map a zeroed state that a later clone shares.  Returns 0 or -ENOMEM. */
int run_state_create(struct run_state **state);

/* The first caller gets true and is the one that ends the run. */
bool run_state_claim(struct run_state *state);

/* Publish the outcome; the last thing the VM process does. */
void run_state_finish(struct run_state *state, const struct outcome *outcome);

/* The outcome as published, OUTCOME_NONE if there is none or it makes no sense. */
struct outcome run_state_outcome(const struct run_state *state);

#endif
