/* SPDX-License-Identifier: MIT */
/* benches/block_subject.c - see block_subject.h. */
#include "benches/block_subject.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "benches/child.h"
#include "benches/clock.h"
#include "benches/cpu_track.h"
#include "benches/workspace.h"

#define NS_PER_MS UINT64_C(1000000)

enum {
	OUTPUT_MAX_BYTES = 256 * 1024,
	SAMPLE_PERIOD_MS = 20,
	START_MAX_MS = 10000, /* what a subject may take beyond its runs */
	US_PER_S = 1000000,
};

/* The part of a run, in percent, over which processor time is taken: not its edges, where the guest
 * prints, or has not begun. */
enum {
	CPU_FROM_PERCENT = 15,
	CPU_TO_PERCENT = 85,
};

struct session {
	struct child child;
	struct cpu_track track;
	char output[OUTPUT_MAX_BYTES];
	size_t output_bytes;
	size_t line_start; /* of the line that has not ended yet */
	struct block_run runs[BLOCK_DEPTHS];
	uint64_t ended_ns[BLOCK_DEPTHS];
	unsigned int run_count;
	bool has_lines; /* a guest's, one for each run */
};

static struct session session;
static struct block_command command;

static void take_line(const char *line, size_t length)
{
	if (session.run_count == BLOCK_DEPTHS)
		return;
	if (block_parse_guest_line(line, length, &session.runs[session.run_count]) != 0)
		return;
	cpu_track_sample(&session.track);
	session.ended_ns[session.run_count++] = clock_now_ns();
}

/* Whatever is no run's line is the guest's business. */
static void take_lines(void)
{
	char *end;

	while ((end = memchr(session.output + session.line_start, '\n',
			     session.output_bytes - session.line_start)) != NULL) {
		char *line = session.output + session.line_start;

		take_line(line, (size_t)(end - line));
		session.line_start = (size_t)(end + 1 - session.output);
	}
}

/* Returns false at the end of the output. */
static bool take_output(void)
{
	ssize_t got = read(session.child.output_fd, session.output + session.output_bytes,
			   sizeof(session.output) - session.output_bytes);

	if (got <= 0)
		return false;
	session.output_bytes += (size_t)got;
	if (session.has_lines)
		take_lines();
	return true;
}

/* Read until the output ends.  Returns 0 or -ETIMEDOUT, with the child killed. */
static int follow(uint64_t deadline_ns)
{
	struct pollfd output = {.fd = session.child.output_fd, .events = POLLIN};
	uint64_t sample_ns = clock_now_ns();

	while (poll(&output, 1, SAMPLE_PERIOD_MS) <= 0 || take_output()) {
		if (clock_now_ns() > deadline_ns) {
			kill(session.child.pid, SIGKILL);
			return -ETIMEDOUT;
		}
		if (clock_now_ns() >= sample_ns) {
			cpu_track_sample(&session.track);
			sample_ns = clock_now_ns() + SAMPLE_PERIOD_MS * NS_PER_MS;
		}
	}
	return 0;
}

/* Threads on a processor, over the middle of each run, are its processor time per request. */
static void add_cpu(void)
{
	for (unsigned int at = 0; at < session.run_count; at++) {
		struct block_run *run = &session.runs[at];
		uint64_t began_ns = session.ended_ns[at] - run->elapsed_ns;
		double processors = cpu_track_rate(
			&session.track, began_ns + run->elapsed_ns / 100 * CPU_FROM_PERCENT,
			began_ns + run->elapsed_ns / 100 * CPU_TO_PERCENT);

		run->cpu_us = processors * US_PER_S / run->iops;
	}
}

static int finish_runs(void)
{
	if (!session.has_lines)
		return block_parse_fio(session.output, session.output_bytes, session.runs,
				       BLOCK_DEPTHS);
	if (session.run_count != BLOCK_DEPTHS)
		return -EPROTO;
	add_cpu();
	return 0;
}

static int check_end(int good_status, char reason[BLOCK_REASON_BYTES])
{
	int status;
	int error = child_reap(&session.child, &status);

	if (error != 0)
		return error;
	if (WIFEXITED(status) && WEXITSTATUS(status) == good_status)
		return 0;
	snprintf(reason, BLOCK_REASON_BYTES, "%s %d", WIFEXITED(status) ? "exit status" : "signal",
		 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return -EIO;
}

/* The last line that the program wrote to standard error says it best. */
static void take_reason(const char *errors_path, char reason[BLOCK_REASON_BYTES])
{
	FILE *file = fopen(errors_path, "re");
	char line[BLOCK_REASON_BYTES];

	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0')
			snprintf(reason, BLOCK_REASON_BYTES, "%s", line);
	}
	fclose(file);
}

static void begin_session(bool has_lines)
{
	session.output_bytes = 0;
	session.line_start = 0;
	session.run_count = 0;
	session.has_lines = has_lines;
	cpu_track_begin(&session.track, session.child.pid);
}

int block_subject_run(const struct block_subject *subject, const struct block_paths *paths,
		      const struct block_load_time *what, struct block_run runs[BLOCK_DEPTHS],
		      char reason[BLOCK_REASON_BYTES])
{
	const char *errors_path = workspace_path("errors");
	uint64_t allowed_ms = START_MAX_MS + UINT64_C(2) * BLOCK_DEPTHS * what->run_ms;
	int timed_out;
	int error;

	block_command_compose(&command, subject, paths, what);
	error = child_start(&session.child, command.arguments, errors_path);
	if (error != 0) {
		snprintf(reason, BLOCK_REASON_BYTES, "%s: %s", command.arguments[0],
			 strerror(-error));
		return error;
	}
	begin_session(subject->program != BLOCK_FIO);
	timed_out = follow(clock_now_ns() + allowed_ms * NS_PER_MS);
	error = check_end(command.good_status, reason);
	child_close(&session.child);
	if (error == 0 && finish_runs() != 0) {
		snprintf(reason, BLOCK_REASON_BYTES, "its output is not what it should be");
		error = -EPROTO;
	}
	if (error != 0)
		take_reason(errors_path, reason);
	if (timed_out != 0)
		snprintf(reason, BLOCK_REASON_BYTES, "killed, not done after %lu ms", allowed_ms);
	if (error == 0)
		memcpy(runs, session.runs, sizeof(session.runs));
	return timed_out != 0 ? timed_out : error;
}
