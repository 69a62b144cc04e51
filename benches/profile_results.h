/* SPDX-License-Identifier: MIT */
/*
 * benches/profile_results.h - what launches used: the tables and the results of a report.
 */
#ifndef BENCHES_PROFILE_RESULTS_H
#define BENCHES_PROFILE_RESULTS_H

#include <jansson.h>
#include <stddef.h>

#include "benches/call_log.h"
#include "benches/subject.h"

enum {
	PROFILE_ROLES = 3,
	PROFILE_LAUNCHES_MAX = 1000,
};

/* What wait4() tells of a launch. */
enum profile_counter {
	PROFILE_PROCESSOR,
	PROFILE_USER,
	PROFILE_SYSTEM,
	PROFILE_MINOR_FAULTS,
	PROFILE_MAJOR_FAULTS,
	PROFILE_VOLUNTARY,
	PROFILE_INVOLUNTARY,
	PROFILE_COUNTERS,
};

enum profile_mode {
	PROFILE_MODE_USER,
	PROFILE_MODE_SYSTEM,
	PROFILE_MODES,
};

/* What was seen in one stage of the launches that were traced. */
struct profile_stage {
	char name[SUBJECT_STAGE_NAME_BYTES];
	size_t calls;
	double us[2][PROFILE_MODES]; /* on a processor: the program itself, and what it made */
};

struct profiled {
	struct subject subject;
	const char *roles[PROFILE_ROLES]; /* of its processes and threads, as they appear */
	double samples[PROFILE_COUNTERS][PROFILE_LAUNCHES_MAX];
	size_t launches;
	struct call_log calls; /* of one more launch; empty without strace */
	struct profile_stage stages[SUBJECT_STAGES_MAX + 1]; /* the last: after the last stamp */
	size_t stage_count;
	size_t sampled_launches; /* 0 without perf */
};

void profile_results_print(const struct profiled *all, size_t count);

/* A new array for report_write(). */
json_t *profile_results_report(const struct profiled *all, size_t count);

#endif
