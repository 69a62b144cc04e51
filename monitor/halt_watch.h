/* SPDX-License-Identifier: MIT */
/*
 * monitor/halt_watch.h - notice a guest that halted for good.
 *
 * Some unikernels end by halting with interrupts off.  KVM then waits inside
 * the kernel and nothing ever comes out again.  So now and then every vCPU is
 * taken out of the guest and asked; if all of them halted with interrupts off,
 * nothing can wake them.  The questions come at doubling intervals, so that a
 * server that lives for days is hardly ever disturbed: up to ten seconds, and up to a
 * minute while no vCPU needs anything of mote, as that of an idle guest.
 *
 * Thread: the I/O thread.
 */
#ifndef MONITOR_HALT_WATCH_H
#define MONITOR_HALT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "monitor/vcpu.h"

enum {
	HALT_WATCH_FIRST_MS = 50,
	HALT_WATCH_LAST_MS = 10000,
	HALT_WATCH_LAST_QUIET_MS = 60000,
	HALT_WATCH_ANSWER_MS = 5, /* from question to answer */
	HALT_WATCH_ROUNDS = 2,    /* questions in a row that all must answer alike */
};

struct halt_watch {
	struct vcpu *vcpus;
	unsigned int vcpu_count;
	bool asked;
	int rounds_halted;
	int interval_ms;
	uint64_t due_ns;
};

void halt_watch_init(struct halt_watch *watch, struct vcpu *vcpus, unsigned int vcpu_count,
		     uint64_t now_ns);

/*
 * Ask, or read the answers, if it is time.  Returns whether all vCPUs halted for
 * good; `due_ns` is when to come back.
 */
bool halt_watch_tick(struct halt_watch *watch, uint64_t now_ns);

#endif
