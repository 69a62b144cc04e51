/* SPDX-License-Identifier: MIT */
/*
 * monitor/doctor.h - `mote doctor`: what this host offers, and what would slow a start.
 *
 * Runs every check once, prints one line for each finding (or one JSON object)
 * on standard output, and changes nothing on the host: descriptors are closed,
 * trial VMs and namespaces live in children that are gone before it returns.
 * No check waits longer than DOCTOR_CHILD_TIMEOUT_MS.
 *
 * The checks, in their order, are the table in doctor.c; each one's remedy says
 * what to do and why it matters for starting a VM.
 */
#ifndef MONITOR_DOCTOR_H
#define MONITOR_DOCTOR_H

#include <stdbool.h>

/*
 * The whole command.  Returns its exit status: 0 if mote can run here, however
 * many warnings there are, else OUTCOME_STATUS_HOST.  Call it while the process has
 * one thread, because it forks.
 */
int doctor_run(bool json);

#endif
