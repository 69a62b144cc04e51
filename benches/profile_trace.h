/* SPDX-License-Identifier: MIT */
/*
 * benches/profile_trace.h - one launch at a time under strace or perf, divided by stages.
 *
 * The stages are those of the program's own stamps.  strace tells when each system call began;
 * perf, by a sample for each 50 us that a process was on a processor, how long it was in user mode
 * and how long in the kernel.  Guest mode counts as either, as the host's kernel has it.  Both make
 * a launch slower, so only the shares mean something.
 *
 * Call order: workspace_make() before.
 */
#ifndef BENCHES_PROFILE_TRACE_H
#define BENCHES_PROFILE_TRACE_H

#include <stdbool.h>

#include "benches/profile_results.h"

/* A sample: who was on a processor, when, and in which mode. */
struct profile_sample {
	long pid;
	uint64_t at_us; /* of the clock that stamps use */
	enum profile_mode mode;
};

/* A line "PID SECONDS.MICROSECONDS: ADDRESS" of `perf script`; returns whether it is one. */
bool profile_sample_parse(struct profile_sample *sample, const char *line);

/* Launch the subject and add up what was seen.  Returns false where the tool cannot do its work. */
bool profile_trace_calls(struct profiled *of);
bool profile_trace_samples(struct profiled *of);

#endif
