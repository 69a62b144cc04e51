/* SPDX-License-Identifier: MIT */
/*
 * benches/startup_results.h - what starts took: samples, tables and the results of a report.
 *
 * A subject need not run in each round; ratios are taken within the rounds in which it did, to the
 * subject that is its reference and runs in all of these.  What a program's own stamps cannot tell
 * comes from the guest's clock (guest_clock.h), in runs of a guest that has one.
 *
 * Call order: startup_results_add() for each subject, startup_results_record() for each of its
 * runs in the order of the rounds, then the two outputs.
 */
#ifndef BENCHES_STARTUP_RESULTS_H
#define BENCHES_STARTUP_RESULTS_H

#include <jansson.h>
#include <stdbool.h>

#include "benches/subject.h"

enum {
	STARTUP_SUBJECTS_MAX = 24,
	STARTUP_ROUNDS_MAX = 10000,
};

enum startup_metric {
	STARTUP_FIRST_INSTRUCTION,
	STARTUP_MAIN,
	STARTUP_FIRST_OUTPUT,
	STARTUP_REAPED,
	STARTUP_CLOCK_ERROR, /* by how much the guest's clock is late, where a stamp tells */
	STARTUP_METRICS,
};

/* Each is a bit of startup_subject.metrics. */
enum startup_metric_set {
	STARTUP_SET_STAMPED = 1 << STARTUP_FIRST_INSTRUCTION | 1 << STARTUP_FIRST_OUTPUT |
			      1 << STARTUP_REAPED,
	STARTUP_SET_PEER = 1 << STARTUP_FIRST_OUTPUT | 1 << STARTUP_REAPED,
	STARTUP_SET_STAMPED_CLOCK = 1 << STARTUP_MAIN | 1 << STARTUP_CLOCK_ERROR,
	STARTUP_SET_PEER_CLOCK = 1 << STARTUP_FIRST_INSTRUCTION | 1 << STARTUP_MAIN,
};

/* When each stage of a subject ended, in microseconds since the spawn. */
struct startup_stage {
	char name[SUBJECT_STAGE_NAME_BYTES];
	double us[STARTUP_ROUNDS_MAX];
	size_t count;
};

struct startup_subject {
	struct subject subject;
	struct startup_subject *floor; /* reference; NULL for the floor itself */
	struct startup_subject *other; /* a second reference, or NULL */
	struct startup_subject *less;  /* mote as it is without what this one adds, or NULL */
	unsigned int metrics;
	size_t period; /* it runs in each round that this divides */
	double us[STARTUP_METRICS][STARTUP_ROUNDS_MAX];
	size_t rounds[STARTUP_ROUNDS_MAX]; /* of each run */
	size_t run_count;
	struct startup_stage stages[SUBJECT_STAGES_MAX];
	size_t stage_count;
};

struct startup_results {
	struct startup_subject subjects[STARTUP_SUBJECTS_MAX];
	size_t subject_count;
	double ticks_per_us; /* of guests' clocks */
};

/* A new subject, all zero but for its period of 1. */
struct startup_subject *startup_results_add(struct startup_results *results);

void startup_results_record(const struct startup_results *results, struct startup_subject *of,
			    size_t round, const struct subject_run *run);

void startup_results_print(struct startup_results *results);

/* A new array for report_write(). */
json_t *startup_results_report(struct startup_results *results);

#endif
