/* SPDX-License-Identifier: MIT */
/*
 * monitor/prepared.h - what all starts have in common, kept until the host's next boot.
 *
 * Two things cost a start time and are the same for all: KVM's answer to KVM_GET_SUPPORTED_CPUID
 * (cpuid_file.h), and namespaces with nothing in them.  A directory has both: "cpuid", which root's
 * first start keeps there if `mote prepare` has not, and "mounts" and "network" to move into
 * (jail/room.h), which `mote prepare` makes.
 *
 * The directory is one that root has made and only root can change; any other is not used, and so
 * is a file in it.  The namespaces are used by who may enter them, which root of a container's user
 * namespace may not.  A mount namespace that is copied from the host's, as services and containers
 * have, lacks "mounts".  What is missing or does not fit is done at the start as if nothing were
 * prepared.
 *
 * Call order: prepared_open(), prepared_keep_cpuid() if there is no answer, both before the clone;
 * prepared_close() once nothing uses the namespaces any more; the answer stays.
 * Memory: none.  Thread: any, one at a time.
 */
#ifndef MONITOR_PREPARED_H
#define MONITOR_PREPARED_H

#include "monitor/cpuid.h"

#define PREPARED_DIRECTORY "/run/mote"
#define PREPARED_MOUNTS    "mounts"
#define PREPARED_NETWORK   "network"

enum {
	PREPARED_NONE = -1,
	PREPARED_DIRECTORY_MODE = 0755,
};

struct prepared {
	int mounts_fd; /* PREPARED_NONE: no room; both or none */
	int network_fd;
	struct cpuid_table cpuid; /* nent is 0: KVM has to be asked */
};

/*
 * Take what is there; nothing for NULL.  0, also if it is nothing; -EPERM with nothing taken if the
 * directory is one that others than root may change; other negative errno if there is none.
 */
int prepared_open(struct prepared *prepared, const char *directory, int kvm_fd);

/*
 * Ask KVM and keep its answer in the directory, which is made if it is PREPARED_DIRECTORY and not
 * there.  For root, and not where anything else is; nothing is asked if the answer could not be
 * kept.  What fails is no loss: the answer is that of KVM or none.
 */
void prepared_keep_cpuid(struct prepared *prepared, const char *directory, int kvm_fd);

void prepared_close(struct prepared *prepared);

/* The directory itself, for names in it, or -EPERM and others as above. */
int prepared_open_directory(const char *directory);

#endif
