/* SPDX-License-Identifier: MIT */
/*
 * monitor/vm_cgroup.h - mote.cgroup, as a group on this host.
 *
 * Between the configuration, which names devices by path, and jail/cgroup.h, which knows
 * numbers only.  For the launcher, while it is single-threaded and has all its privileges.
 *
 * Call order and ownership: as in jail/cgroup.h, where the rest of a group's life is.
 * Errors: 0 or negative errno; the reason names key and file.
 */
#ifndef MONITOR_VM_CGROUP_H
#define MONITOR_VM_CGROUP_H

#include "jail/cgroup.h"
#include "monitor/config.h"
#include "monitor/reason.h"

#define VM_CGROUP_ROOT "/sys/fs/cgroup" /* where every host mounts its hierarchies */

/*
 * Make the group below `root`.  Without mote.cgroup it is zeroed, which all that comes after
 * takes as none.
 */
int vm_cgroup_create(struct cgroup *cgroup, const struct config_cgroup *config, const char *root,
		     struct reason *reason);

/* Say why clone3() with CLONE_INTO_CGROUP failed with this error, and return the error. */
int vm_cgroup_explain_clone(const struct config_cgroup *config, int error, struct reason *reason);

#endif
