/* SPDX-License-Identifier: MIT */
/*
 * monitor/prepared.h - what `mote prepare` has left for all starts until the host's next boot.
 *
 * Two things cost a start time and are the same for all: KVM's answer to KVM_GET_SUPPORTED_CPUID,
 * for which it executes CPUID some forty times, each a trap if this host is a VM itself; and
 * namespaces with nothing in them.  A directory has both: "cpuid", and "mounts" and "network" to
 * move into (jail/room.h).
 *
 * The directory is one that root has made and only root can change; any other is not used, and so
 * is a file in it.  The answer is used as long as the device and KVM's modules are the ones that
 * gave it; a host that is a VM itself keeps its CPUID wherever it wakes up.  The namespaces are
 * used by who may enter them, which root of a container's user namespace may not.  A mount
 * namespace that is copied from the host's, as services and containers have, lacks "mounts".
 * What is missing or does not fit is done at the start as if nothing were prepared.
 *
 * Call order: prepared_open() before the clone, prepared_close() once nothing uses the namespaces
 * any more; the answer stays.
 * Memory: none.  Thread: any, one at a time.
 */
#ifndef MONITOR_PREPARED_H
#define MONITOR_PREPARED_H

#include <stdint.h>

#include "monitor/cpuid.h"

#define PREPARED_DIRECTORY "/run/mote"
#define PREPARED_CPUID     "cpuid"
#define PREPARED_MAGIC     "motecpu1"
#define PREPARED_MOUNTS    "mounts"
#define PREPARED_NETWORK   "network"

enum {
	PREPARED_NONE = -1,
	PREPARED_MODULES = 4,
};

/* Which KVM has answered: the head of the file "cpuid", whose entries follow. */
struct prepared_source {
	char magic[8];
	uint32_t entry_bytes;
	uint32_t entry_count;
	uint64_t device_number;
	uint64_t device_inode;
	uint64_t module_inodes[PREPARED_MODULES]; /* 0: not loaded */
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

void prepared_close(struct prepared *prepared);

/* The directory itself, for names in it, or -EPERM and others as above. */
int prepared_open_directory(const char *directory);

/* A file in it, which is a regular one and root's alone like the directory, or negative errno. */
int prepared_open_file(int directory_fd, const char *name);

/* What tells this KVM from others, without the count.  0 or negative errno. */
int prepared_identify(struct prepared_source *source, int kvm_fd);

#endif
