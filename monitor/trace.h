/* SPDX-License-Identifier: MIT */
/*
 * monitor/trace.h - where the time of a launch went.
 *
 * One clock read and one array slot per stage, so it is always on.  A stamp
 * marks the end of its stage: the time of a stage is the distance to the stamp
 * before it.  Times are CLOCK_MONOTONIC nanoseconds, so that whoever started mote can
 * relate them to its own.
 *
 * Threads: stamps may come from any thread and from both processes; slots are
 * taken atomically and what does not fit is dropped.
 * Trust: the trace lies in memory that the VM process can write, so readers clamp the
 * count and check each stage.
 */
#ifndef MONITOR_TRACE_H
#define MONITOR_TRACE_H

#include <stdint.h>
#include <stdio.h>

enum {
	TRACE_STAMPS_MAX = 64,
	TRACE_GUEST_STAMPS_MAX = 40, /* of those, what the guest's own stamps may take */
};

enum trace_stage {
	TRACE_START,       /* main() entered */
	TRACE_CONFIG,      /* configuration read and checked */
	TRACE_RESOURCES,   /* everything it names is open */
	TRACE_PREPARE,     /* the jail's beginnings, and the cgroup */
	TRACE_CLONE,       /* the VM process runs */
	TRACE_VM,          /* KVM_CREATE_VM */
	TRACE_MEMORY,      /* guest memory and its slots */
	TRACE_KERNEL,      /* kernel and initrd in place */
	TRACE_IRQCHIP,     /* interrupt controllers and devices */
	TRACE_VCPUS,       /* vCPUs created, registers set */
	TRACE_JAIL,        /* nothing can be opened by name any more */
	TRACE_THREADS,     /* threads started */
	TRACE_TABLES,      /* zero page, command line, MPTable, ACPI */
	TRACE_SEAL,        /* every thread has only the system calls of its role */
	TRACE_FIRST_ENTRY, /* about to enter the guest for the first time */
	TRACE_FIRST_EXIT,  /* the guest's first exit */
	TRACE_GUEST_BOOT,  /* the guest wrote 123 to the boot timer page */
	TRACE_GUEST_STAGE, /* the guest wrote another value there */
	TRACE_END,         /* the outcome is known */
	TRACE_OUTPUT,      /* console output delivered */
	TRACE_REAPED,      /* the VM process is gone */
	TRACE_STAGES,
};

/* The way into the kernel that was chosen, as the value of TRACE_KERNEL. */
enum trace_entry {
	TRACE_ENTRY_LINUX64,
	TRACE_ENTRY_PVH,
};

struct trace_stamp {
	uint32_t stage;
	uint32_t value; /* of TRACE_GUEST_STAGE: what the guest wrote; TRACE_KERNEL: trace_entry */
	uint64_t ns;
};

struct trace {
	_Atomic uint32_t count; /* slots taken; may exceed what fits */
	_Atomic uint32_t guest_count;
	struct trace_stamp stamps[TRACE_STAMPS_MAX];
};

/* The clock of every stamp. */
uint64_t trace_now_ns(void);

void trace_stamp(struct trace *trace, enum trace_stage stage);
void trace_stamp_value(struct trace *trace, enum trace_stage stage, uint32_t value);

/* The word for a stage, e.g. "first-entry"; "?" for a number that is none. */
const char *trace_stage_name(uint32_t stage);

/* The word for what a stamp's value says, or NULL if it is a number or says nothing. */
const char *trace_value_name(const struct trace_stamp *stamp);

/*
 * Copy what can be trusted of `trace` into `copy`, which has TRACE_STAMPS_MAX slots, in
 * order of time.  Returns the number of stamps.
 */
unsigned int trace_read(const struct trace *trace, struct trace_stamp *copy);

/* A table for people: stage, its own time, and the running time. */
void trace_print(const struct trace *trace, FILE *stream);

#endif
