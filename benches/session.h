/* SPDX-License-Identifier: MIT */
/*
 * benches/session.h - one run of a program that prints: its output line by line, and the processor
 * time of all its processes meanwhile.
 *
 * Call order: session_run(), after which output and track are there to be read until the next.
 */
#ifndef BENCHES_SESSION_H
#define BENCHES_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "benches/child.h"
#include "benches/command.h"
#include "benches/cpu_track.h"

enum {
	SESSION_OUTPUT_MAX_BYTES = 256 * 1024,
	SESSION_REASON_BYTES = 256,
	SESSION_START_MAX_MS = 30000, /* on a busy host, what a program takes beyond its work */
};

/* The workspace's file that holds what the last run wrote to standard error. */
#define SESSION_ERRORS_NAME "errors"

struct session {
	struct child child;
	struct cpu_track track;
	char output[SESSION_OUTPUT_MAX_BYTES];
	size_t output_bytes;
	size_t line_start; /* of the line that has not ended yet */
};

struct session_plan {
	uint64_t allowed_ms; /* then the program is killed */
	/* Gets each line without its end, as soon as it is there; may be NULL. */
	void (*take_line)(void *context, const char *line, size_t length);
	void *context;
};

/*
 * Run the command to its end.  Returns 0, or a negative errno with the reason in words: the
 * program's own where it gave one.  -EIO for a status that is not the good one, -ETIMEDOUT for a
 * program that had to be killed.
 */
int session_run(struct session *session, const struct command *command,
		const struct session_plan *plan, char reason[SESSION_REASON_BYTES]);

/* The reason that the program gave last, where its own is better than what is known from outside.
 */
void session_take_reason(char reason[SESSION_REASON_BYTES]);

/*
 * Processors in use over the middle of a stretch of that length which ended then: at its edges a
 * guest prints, or has not begun.
 */
double session_processors(const struct session *session, uint64_t ended_ns, uint64_t elapsed_ns);

#endif
