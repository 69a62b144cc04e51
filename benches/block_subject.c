/* SPDX-License-Identifier: MIT */
/* benches/block_subject.c - see block_subject.h. */
#include "benches/block_subject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "benches/clock.h"

enum {
	US_PER_S = 1000000,
};

/* What a guest said: one line for each run. */
struct guest_runs {
	struct block_run runs[BLOCK_DEPTHS];
	uint64_t ended_ns[BLOCK_DEPTHS];
	unsigned int count;
};

static struct session session;
static struct command command;

/* Whatever is no run's line is the guest's business. */
static void take_line(void *context, const char *line, size_t length)
{
	struct guest_runs *guest = context;

	if (guest->count == BLOCK_DEPTHS)
		return;
	if (block_parse_guest_line(line, length, &guest->runs[guest->count]) != 0)
		return;
	cpu_track_sample(&session.track);
	guest->ended_ns[guest->count++] = clock_now_ns();
}

/* Threads on a processor, over the middle of each run, are its processor time per request. */
static int finish_guest(struct guest_runs *guest)
{
	if (guest->count != BLOCK_DEPTHS)
		return -EPROTO;
	for (unsigned int at = 0; at < guest->count; at++) {
		struct block_run *run = &guest->runs[at];
		double processors =
			session_processors(&session, guest->ended_ns[at], run->elapsed_ns);

		run->cpu_us = processors * US_PER_S / run->iops;
	}
	return 0;
}

int block_subject_run(const struct block_subject *subject, const struct block_paths *paths,
		      const struct block_load_time *what, struct block_run runs[BLOCK_DEPTHS],
		      char reason[SESSION_REASON_BYTES])
{
	bool is_guest = subject->program != BLOCK_FIO;
	struct guest_runs seen = {.count = 0};
	const struct session_plan plan = {
		.allowed_ms = SESSION_START_MAX_MS + UINT64_C(2) * BLOCK_DEPTHS * what->run_ms,
		.take_line = is_guest ? take_line : NULL,
		.context = &seen,
	};
	int error;

	block_command_compose(&command, subject, paths, what);
	error = session_run(&session, &command, &plan, reason);
	if (error != 0)
		return error;
	if (is_guest)
		error = finish_guest(&seen);
	else
		error = block_parse_fio(session.output, session.output_bytes, seen.runs,
					BLOCK_DEPTHS);
	if (error != 0) {
		snprintf(reason, SESSION_REASON_BYTES, "its output is not what it should be");
		session_take_reason(reason);
		return error;
	}
	memcpy(runs, seen.runs, sizeof(seen.runs));
	return 0;
}
