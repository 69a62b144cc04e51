/* SPDX-License-Identifier: MIT */
/*
 * monitor/prepare.h - `mote prepare`: once after the host's boot, for root.
 *
 * Makes the directory of prepared.h anew: a small tmpfs, which only root can change, with KVM's
 * answer to KVM_GET_SUPPORTED_CPUID and an empty mount and network namespace kept by a mount each.
 * VMs that live in an older room stay in it until they end.
 *
 * Errors: a message on standard error, and OUTCOME_STATUS_HOST.  Nothing is left half made.
 */
#ifndef MONITOR_PREPARE_H
#define MONITOR_PREPARE_H

#include <stdbool.h>

/*
 * Make it, or with `undo` remove it, which is fine if there is nothing.  NULL is
 * PREPARED_DIRECTORY.  Returns the exit status.
 */
int prepare_command(const char *directory, bool undo);

#endif
