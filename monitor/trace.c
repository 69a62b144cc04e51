/* SPDX-License-Identifier: MIT */
/* monitor/trace.c - see trace.h. */
#include "monitor/trace.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <time.h>

static const char *const names[TRACE_STAGES] = {
	[TRACE_START] = "start",
	[TRACE_CONFIG] = "config",
	[TRACE_RESOURCES] = "resources",
	[TRACE_PREPARE] = "prepare",
	[TRACE_CLONE] = "clone",
	[TRACE_VM] = "vm",
	[TRACE_MEMORY] = "memory",
	[TRACE_KERNEL] = "kernel",
	[TRACE_IRQCHIP] = "irqchip",
	[TRACE_VCPUS] = "vcpus",
	[TRACE_JAIL] = "jail",
	[TRACE_THREADS] = "threads",
	[TRACE_TABLES] = "tables",
	[TRACE_SEAL] = "seal",
	[TRACE_FIRST_ENTRY] = "first-entry",
	[TRACE_FIRST_EXIT] = "first-exit",
	[TRACE_GUEST_BOOT] = "guest-boot",
	[TRACE_GUEST_STAGE] = "guest-stage",
	[TRACE_END] = "end",
	[TRACE_OUTPUT] = "output",
	[TRACE_REAPED] = "reaped",
};

uint64_t trace_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void trace_stamp_value(struct trace *trace, enum trace_stage stage, uint32_t value)
{
	uint64_t now_ns = trace_now_ns();
	uint32_t slot;

	/* A guest may write stages for ever: it gets a share, so that mote's own end is still seen.
	 */
	if ((stage == TRACE_GUEST_BOOT || stage == TRACE_GUEST_STAGE) &&
	    atomic_fetch_add_explicit(&trace->guest_count, 1, memory_order_relaxed) >=
		    TRACE_GUEST_STAMPS_MAX) {
		atomic_store_explicit(&trace->guest_count, TRACE_GUEST_STAMPS_MAX,
				      memory_order_relaxed);
		return;
	}
	slot = atomic_fetch_add_explicit(&trace->count, 1, memory_order_relaxed);
	/* The count must not wrap back into the table. */
	if (slot >= TRACE_STAMPS_MAX) {
		atomic_store_explicit(&trace->count, TRACE_STAMPS_MAX, memory_order_relaxed);
		return;
	}
	trace->stamps[slot] = (struct trace_stamp){
		.stage = stage,
		.value = value,
		.ns = now_ns,
	};
}

void trace_stamp(struct trace *trace, enum trace_stage stage)
{
	trace_stamp_value(trace, stage, 0);
}

const char *trace_stage_name(uint32_t stage)
{
	return stage < TRACE_STAGES ? names[stage] : "?";
}

const char *trace_value_name(const struct trace_stamp *stamp)
{
	if (stamp->stage != TRACE_KERNEL)
		return NULL;
	return stamp->value == TRACE_ENTRY_PVH ? "pvh" : "linux64";
}

/* By insertion: qsort() may ask the system for more memory, which a sealed launcher may not. */
static void insert_by_time(struct trace_stamp *stamps, unsigned int count, struct trace_stamp stamp)
{
	for (; count > 0 && stamps[count - 1].ns > stamp.ns; count--)
		stamps[count] = stamps[count - 1];
	stamps[count] = stamp;
}

unsigned int trace_read(const struct trace *trace, struct trace_stamp *copy)
{
	uint32_t count = atomic_load_explicit(&trace->count, memory_order_acquire);
	unsigned int kept = 0;

	if (count > TRACE_STAMPS_MAX)
		count = TRACE_STAMPS_MAX;
	for (uint32_t i = 0; i < count; i++) {
		const struct trace_stamp stamp = trace->stamps[i];

		if (stamp.stage < TRACE_STAGES && stamp.ns != 0)
			insert_by_time(copy, kept++, stamp);
	}
	return kept;
}

static void print_stamp(const struct trace_stamp *stamp, uint64_t previous_ns, uint64_t start_ns,
			FILE *stream)
{
	char name[32];

	if (stamp->stage == TRACE_GUEST_STAGE)
		snprintf(name, sizeof(name), "%s %" PRIu32, trace_stage_name(stamp->stage),
			 stamp->value);
	else if (trace_value_name(stamp))
		snprintf(name, sizeof(name), "%s %s", trace_stage_name(stamp->stage),
			 trace_value_name(stamp));
	else
		snprintf(name, sizeof(name), "%s", trace_stage_name(stamp->stage));
	fprintf(stream, "%-16s %12.1f %12.1f\n", name, (double)(stamp->ns - previous_ns) / 1000,
		(double)(stamp->ns - start_ns) / 1000);
}

void trace_print(const struct trace *trace, FILE *stream)
{
	struct trace_stamp stamps[TRACE_STAMPS_MAX];
	unsigned int count = trace_read(trace, stamps);

	fprintf(stream, "%-16s %12s %12s\n", "stage", "own us", "running us");
	for (unsigned int i = 0; i < count; i++)
		print_stamp(&stamps[i], stamps[i ? i - 1 : 0].ns, stamps[0].ns, stream);
}
