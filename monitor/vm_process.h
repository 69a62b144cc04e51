/* SPDX-License-Identifier: MIT */
/*
 * monitor/vm_process.h - the process that holds one VM, from clone to end.
 *
 * Builds the machine, starts its threads, runs the boot vCPU on its own main
 * thread and ends with the first outcome that any thread comes to.  Further
 * vCPUs have a thread each; one I/O thread looks after input, the console's
 * left-overs, the launcher's wishes and guests that halted for good.
 *
 * The boot vCPU is the main thread because one thread less has to be waited for before the guest's
 * first instruction, which comes once every thread is sealed.
 *
 * No allocation and no new thread once the guest runs.
 */
#ifndef MONITOR_VM_PROCESS_H
#define MONITOR_VM_PROCESS_H

#include "monitor/config.h"
#include "monitor/confine.h"
#include "monitor/prepared.h"
#include "monitor/resources.h"
#include "monitor/run_state.h"

struct vm_process {
	const struct vm_config *config;
	const struct resources *resources;
	const struct prepared *prepared;
	struct run_state *state;
	struct confinement *confinement;
};

/* The launcher's job; never returns.  What it came to is in the run state. */
void vm_process_main(void *vm_process) __attribute__((noreturn));

#endif
