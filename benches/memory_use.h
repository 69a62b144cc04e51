/* SPDX-License-Identifier: MIT */
/*
 * benches/memory_use.h - where memory went: that of a process, and that of the kernel.
 *
 * Sources: proc_pid_smaps(5) and proc_meminfo(5).  The first two functions are pure; a line that
 * they do not know is passed over.
 *
 * A guest's memory is what begins with a mapping without reserve (VmFlags "nr"), which neither the
 * C library nor a program's image has, and is as long as the guest's memory; mappings of a file
 * over parts of it included.
 */
#ifndef BENCHES_MEMORY_USE_H
#define BENCHES_MEMORY_USE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Sums over processes.  A page that several share counts for each with its part of it. */
struct memory_use {
	uint64_t pss_kib;
	uint64_t guest_dirty_kib; /* of these: pages of guest memory that were written */
	uint64_t mappings;
	uint64_t guests; /* processes in which guest memory was found */
};

enum memory_kernel_field {
	MEMORY_SLAB,
	MEMORY_STACKS,
	MEMORY_PAGE_TABLES,
	MEMORY_NESTED_PAGE_TABLES, /* those of guests */
	MEMORY_PERCPU,
	MEMORY_KERNEL_FIELDS,
};

/* Of the whole machine. */
struct memory_machine {
	uint64_t kernel_kib[MEMORY_KERNEL_FIELDS];
	uint64_t available_kib; /* for processes to come, without swapping */
};

/* Add what /proc/PID/smaps says; a string. */
void memory_use_add(struct memory_use *use, const char *smaps, uint64_t guest_bytes);

/* Read what /proc/meminfo says; a string.  Fields that are not there are 0. */
struct memory_machine memory_machine_parse(const char *meminfo);

/* "slab" and so on. */
const char *memory_kernel_name(enum memory_kernel_field field);

/* Both from this machine.  0 or negative errno: the maps of others are for root. */
int memory_use_read(struct memory_use *use, pid_t pid, uint64_t guest_bytes);
int memory_machine_read(struct memory_machine *machine);

#endif
