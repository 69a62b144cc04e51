/* SPDX-License-Identifier: MIT */
/*
 * benches/startup_results.h - what starts took: samples, tables and the results of a report.
 *
 * A subject need not run in each round; ratios are taken within the rounds in which it did, to the
 * subject that is its reference and runs in all of them.
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
	STARTUP_SUBJECTS_MAX = 12,
	STARTUP_ROUNDS_MAX = 10000,
};

enum startup_metric {
	STARTUP_FIRST_INSTRUCTION,
	STARTUP_FIRST_OUTPUT,
	STARTUP_REAPED,
	STARTUP_METRICS,
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
	struct startup_subject *mote;  /* the second reference of a peer; NULL for all others */
	struct startup_subject *less;  /* the same program without a device, or NULL */
	size_t period;                 /* it runs in each round that this divides */
	double us[STARTUP_METRICS][STARTUP_ROUNDS_MAX];
	size_t rounds[STARTUP_ROUNDS_MAX]; /* of each run */
	size_t run_count;
	struct startup_stage stages[SUBJECT_STAGES_MAX];
	size_t stage_count;
};

struct startup_results {
	struct startup_subject subjects[STARTUP_SUBJECTS_MAX];
	size_t subject_count;
};

/* A new subject, all zero but for its period of 1. */
struct startup_subject *startup_results_add(struct startup_results *results);

void startup_results_record(struct startup_subject *of, size_t round,
			    const struct subject_run *run);

void startup_results_print(struct startup_results *results);

/* A new array for report_write(). */
json_t *startup_results_report(struct startup_results *results);

#endif
