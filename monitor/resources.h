/* SPDX-License-Identifier: MIT */
/*
 * monitor/resources.h - the only module that knows paths.
 *
 * Everything a configuration names is opened here, each thing once, with
 * O_CLOEXEC, before the VM process exists.  From here on there are only descriptors.
 *
 * Call order: resources_open() once; the descriptors live until the process ends.
 * Errors: outcome_kind in `failure` says whose fault it is (a bad image, the host), the
 * reason names the key and the path.
 */
#ifndef MONITOR_RESOURCES_H
#define MONITOR_RESOURCES_H

#include <stdint.h>

#include "monitor/config.h"
#include "monitor/drive_file.h"
#include "monitor/outcome.h"
#include "monitor/reason.h"
#include "monitor/uplink.h"

enum {
	RESOURCES_NONE = -1,
};

struct resources {
	int kvm_fd;
	int kernel_fd;
	uint64_t kernel_bytes;
	int initrd_fd; /* RESOURCES_NONE: no initrd */
	uint64_t initrd_bytes;
	int log_fd;     /* RESOURCES_NONE: standard error */
	int metrics_fd; /* RESOURCES_NONE: not wanted */
	int wake_fd;    /* eventfd: the I/O loop's, also written by the launcher */
	/* As in the config, whose counts hold. */
	struct drive_file drives[CONFIG_DRIVES_MAX];
	struct uplink uplinks[CONFIG_INTERFACES_MAX];
};

/* Returns 0, or a negative errno with `failure` and `reason` set and nothing left open. */
int resources_open(struct resources *resources, const struct vm_config *config,
		   enum outcome_kind *failure, struct reason *reason);

/* The VM process is gone, or was never there: let others have the drives. */
void resources_unlock(const struct resources *resources, const struct vm_config *config);

/* Log what is odd about resources that can be used; once the log is where it shall go. */
void resources_warn(const struct resources *resources, const struct vm_config *config);

#endif
