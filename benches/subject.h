/* SPDX-License-Identifier: MIT */
/*
 * benches/subject.h - a program under measurement, and one run of it.
 *
 * A run spawns the program with its output on a pipe, stamps the clock right
 * before, at the first byte that the guest printed and when the process was
 * reaped, and takes over the stamps that the program made itself, on the result pipe
 * of child.h: `mote` in the trace of its result line, the floor in lines "NAME NANOSECONDS".  All
 * stamps are CLOCK_MONOTONIC, so that they can be compared across processes.
 */
#ifndef BENCHES_SUBJECT_H
#define BENCHES_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "benches/child.h"
#include "benches/guest_clock.h"

enum {
	SUBJECT_RUN_MAX_MS = 20000, /* a program that prints nothing for so long is killed */
	SUBJECT_STAGES_MAX = 48,
	SUBJECT_STAGE_NAME_BYTES = 32,
};

enum subject_format {
	SUBJECT_RESULT_LINE, /* JSON with a "trace" array of {"stage", "ns"} */
	SUBJECT_STAMP_LINES, /* "NAME NANOSECONDS" */
	SUBJECT_NO_STAMPS,   /* a program that knows nothing of this */
};

struct subject {
	const char *name;
	const char *arguments[CHILD_ARGUMENTS_MAX]; /* the program's path first, NULL last */
	enum subject_format format;
	const char *guest_says;  /* where the program prints too: how the guest's output begins */
	const char *errors_path; /* takes standard error; NULL: it goes to ours */
	int good_status;
	bool has_clock; /* the guest is start_clock */
};

struct subject_stage {
	char name[SUBJECT_STAGE_NAME_BYTES];
	uint64_t ns;
};

struct subject_run {
	uint64_t spawned_ns;
	uint64_t first_instruction_ns; /* stage "guest-boot", or "first-exit" where there is none;
					* 0 without stamps */
	uint64_t first_output_ns;
	uint64_t reaped_ns;
	struct guest_clock clock; /* all 0 unless the subject has one */
	struct subject_stage stages[SUBJECT_STAGES_MAX];
	unsigned int stage_count;
};

/*
 * Read the stamps that a run of the subject left on its result pipe, into `stages` and
 * `first_instruction_ns`.  Returns 0, or -EPROTO with a message.
 */
int subject_take_stamps(const struct subject *subject, struct subject_run *run, int result_fd);

/*
 * Run it once.  Returns 0, or a negative errno with a message on standard error: -EIO for a
 * status other than the good one or a run without output of the guest, -EPROTO for stamps that are
 * missing or unreadable, or a guest without its clock.
 */
int subject_run(const struct subject *subject, struct subject_run *run);

#endif
