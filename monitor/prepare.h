/* SPDX-License-Identifier: MIT */
/*
 * monitor/prepare.h - `mote prepare`: once after the host's boot, for root.
 *
 * Makes the directory of prepared.h anew: a small tmpfs, which only root can change, with KVM's
 * answer to KVM_GET_SUPPORTED_CPUID and an empty mount and network namespace kept by a mount each.
 * VMs that live in an older room stay in it until they end.  It is for the mount namespace of the
 * caller; another one that exists already sees it where mounts are passed on to it, without
 * the room.  Several at once take turns.
 *
 * Errors: a message on standard error, and OUTCOME_STATUS_HOST.  Nothing is left half made; what
 * was there stays where KVM or the kernel refuse what would take its place.
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
