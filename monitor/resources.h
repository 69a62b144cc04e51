/* SPDX-License-Identifier: MIT */
/*
 * monitor/resources.h - what a run needs of the host, opened.
 *
 * Everything a configuration names is opened here, each thing once, with O_CLOEXEC, before the VM
 * process exists; the rest of a run has descriptors.  What is opened elsewhere: a report
 * (monitor/run.c), what all starts have in common (monitor/prepared.h) and the cgroup
 * (monitor/vm_cgroup.h).
 *
 * Call order: resources_open() once; after the clone resources_hand_over() in the launcher, and
 * resources_release() there at the end.  The other descriptors live until the process ends.
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
#include "monitor/stdio_stream.h"
#include "monitor/uplink.h"
#include "monitor/vsock_broker.h"
#include "monitor/vsock_socket.h"

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
	struct vsock_socket vsock;  /* where clients of the host are to connect */
	struct vsock_broker broker; /* of a vsock socket that has a place */
	struct stdio_stream stdio;  /* where the guest is to have it */
};

/* Returns 0, or a negative errno with `failure` and `reason` set and nothing left open. */
int resources_open(struct resources *resources, const struct vm_config *config,
		   enum outcome_kind *failure, struct reason *reason);

/* Close what only the VM process is to have. */
void resources_hand_over(struct resources *resources);

/*
 * The VM process is gone, or was never there: let others have the drives, remove what was made,
 * leave standard input and output as they were found.  A sealed launcher may do all of this.
 */
void resources_release(struct resources *resources, const struct vm_config *config);

/* Log what is odd about resources that can be used; once the log is where it shall go. */
void resources_warn(const struct resources *resources, const struct vm_config *config);

#endif
