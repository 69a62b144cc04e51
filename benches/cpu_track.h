/* SPDX-License-Identifier: MIT */
/*
 * benches/cpu_track.h - processor time of a process and its descendants, sampled as they run.
 *
 * What counts is the time that their threads were on a processor: in user mode, in the kernel, and
 * in guest mode, threads that io_uring made for them included.  What the kernel does for
 * them elsewhere (interrupts, its own threads) does not.
 *
 * Call order: cpu_track_begin(), then cpu_track_sample() every few milliseconds, then
 * cpu_track_rate().  A struct begins anew with each cpu_track_begin().
 */
#ifndef BENCHES_CPU_TRACK_H
#define BENCHES_CPU_TRACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum {
	CPU_TRACK_PROCESSES_MAX = 8,
	CPU_TRACK_SAMPLES_MAX = 16384,
	CPU_TRACK_SEARCHES = 4, /* samples that look for descendants: all are made at the start */
};

struct cpu_sample {
	uint64_t at_ns;
	uint64_t cpu_ns;
};

struct cpu_track {
	pid_t pids[CPU_TRACK_PROCESSES_MAX];
	clockid_t clocks[CPU_TRACK_PROCESSES_MAX];
	size_t process_count;
	struct cpu_sample samples[CPU_TRACK_SAMPLES_MAX]; /* those beyond are dropped */
	size_t sample_count;
};

void cpu_track_begin(struct cpu_track *track, pid_t pid);

/* Adds nothing once one of the processes has ended: its time can no longer be had. */
void cpu_track_sample(struct cpu_track *track);

/*
 * Processors in use on average between two times, straight lines drawn between the samples; 0 if
 * the samples do not span the time asked for.
 */
double cpu_track_rate(const struct cpu_track *track, uint64_t from_ns, uint64_t to_ns);

#endif
