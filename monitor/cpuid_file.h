/* SPDX-License-Identifier: MIT */
/*
 * monitor/cpuid_file.h - KVM's answer to KVM_GET_SUPPORTED_CPUID, kept in a file for later starts.
 *
 * For its answer KVM executes CPUID some forty times, each a trap if this host is a VM itself, and
 * the answer stays the same until the host boots anew, as long as the device and KVM's modules are
 * the ones that gave it; a host that is a VM itself keeps its CPUID wherever it wakes up.  The boot
 * is part of the file, as not every /run is emptied by it.
 *
 * The file is "cpuid" in a directory that the caller has found to be root's alone.  It is whole
 * from the moment it can be seen.  One that is not root's alone, or not mote's, is neither used nor
 * replaced nor removed.
 *
 * Memory: none.  Thread: any.  Errors: negative errno, with the table as it was unless said.
 */
#ifndef MONITOR_CPUID_FILE_H
#define MONITOR_CPUID_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "monitor/cpuid.h"

#define CPUID_FILE_NAME  "cpuid"
#define CPUID_FILE_MAGIC "motecpu1"

enum {
	CPUID_FILE_MODULES = 4,
	CPUID_FILE_BOOT_BYTES = 40,
};

/* The head of the file, whose entries follow: which KVM has answered. */
struct cpuid_source {
	char magic[8];
	uint32_t entry_bytes;
	uint32_t entry_count;
	uint64_t device_number;
	uint64_t device_inode;
	uint64_t module_inodes[CPUID_FILE_MODULES]; /* 0: not loaded */
	char boot[CPUID_FILE_BOOT_BYTES];           /* the kernel's boot_id, zeros behind it */
};

/* What tells this KVM from others, without the count.  -ENOENT if the kernel does not say which
 * boot this is. */
int cpuid_file_identify(struct cpuid_source *source, int kvm_fd);

/* Ask KVM: -ENODEV if it is not KVM.  On failure nent is 0. */
int cpuid_file_ask(struct cpuid_table *table, int kvm_fd);

/* -ENOENT if there is none; -ESTALE if it is not this KVM's, or not whole; -EPERM. */
int cpuid_file_read(struct cpuid_table *table, int directory_fd, int kvm_fd);

/* Keep this KVM's answer, in place of an older one.  -EEXIST if something else has the name. */
int cpuid_file_write(const struct cpuid_table *table, int directory_fd, int kvm_fd);

/* Whether there is one, whoever answered. */
bool cpuid_file_exists(int directory_fd);

/* -ENOENT if there is none. */
int cpuid_file_remove(int directory_fd);

#endif
