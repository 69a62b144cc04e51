/* SPDX-License-Identifier: MIT */
/* benches/session.c - see session.h. */
#include "benches/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>
#include <sys/wait.h>
#include <unistd.h>

#include "benches/clock.h"
#include "benches/workspace.h"

#define NS_PER_MS UINT64_C(1000000)

enum {
	SAMPLE_PERIOD_MS = 20,
	CPU_FROM_PERCENT = 15,
	CPU_TO_PERCENT = 85,
};

static void take_lines(struct session *session, const struct session_plan *plan)
{
	char *end;

	while ((end = memchr(session->output + session->line_start, '\n',
			     session->output_bytes - session->line_start)) != NULL) {
		char *line = session->output + session->line_start;

		plan->take_line(plan->context, line, (size_t)(end - line));
		session->line_start = (size_t)(end + 1 - session->output);
	}
}

/* Returns false at the end of the output. */
static bool take_output(struct session *session, const struct session_plan *plan)
{
	ssize_t got = read(session->child.output_fd, session->output + session->output_bytes,
			   sizeof(session->output) - session->output_bytes);

	if (got <= 0)
		return false;
	session->output_bytes += (size_t)got;
	if (plan->take_line != NULL)
		take_lines(session, plan);
	return true;
}

/* Read until the output ends.  Returns 0 or -ETIMEDOUT, with the child killed. */
static int follow(struct session *session, const struct session_plan *plan)
{
	struct pollfd output = {.fd = session->child.output_fd, .events = POLLIN};
	uint64_t sample_ns = clock_now_ns();
	uint64_t deadline_ns = sample_ns + plan->allowed_ms * NS_PER_MS;

	while (poll(&output, 1, SAMPLE_PERIOD_MS) <= 0 || take_output(session, plan)) {
		if (clock_now_ns() > deadline_ns) {
			kill(session->child.pid, SIGKILL);
			return -ETIMEDOUT;
		}
		if (clock_now_ns() >= sample_ns) {
			cpu_track_sample(&session->track);
			sample_ns = clock_now_ns() + SAMPLE_PERIOD_MS * NS_PER_MS;
		}
	}
	return 0;
}

static int check_end(const struct session *session, int good_status,
		     char reason[SESSION_REASON_BYTES])
{
	int status;
	int error = child_reap(&session->child, &status);

	if (error != 0)
		return error;
	if (WIFEXITED(status) && WEXITSTATUS(status) == good_status)
		return 0;
	snprintf(reason, SESSION_REASON_BYTES, "%s %d",
		 WIFEXITED(status) ? "exit status" : "signal",
		 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return -EIO;
}

/* The last line that the program wrote to standard error says it best. */
void session_take_reason(char reason[SESSION_REASON_BYTES])
{
	FILE *file = fopen(workspace_path(SESSION_ERRORS_NAME), "re");
	char line[SESSION_REASON_BYTES];

	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0')
			snprintf(reason, SESSION_REASON_BYTES, "%s", line);
	}
	fclose(file);
}

int session_run(struct session *session, const struct command *command,
		const struct session_plan *plan, char reason[SESSION_REASON_BYTES])
{
	int timed_out;
	int error = child_start(&session->child, command->arguments,
				workspace_path(SESSION_ERRORS_NAME));

	if (error != 0) {
		snprintf(reason, SESSION_REASON_BYTES, "%s: %s", command->arguments[0],
			 strerror(-error));
		return error;
	}
	session->output_bytes = 0;
	session->line_start = 0;
	cpu_track_begin(&session->track, session->child.pid);
	timed_out = follow(session, plan);
	error = check_end(session, command->good_status, reason);
	child_close(&session->child);
	if (error != 0)
		session_take_reason(reason);
	if (timed_out != 0)
		snprintf(reason, SESSION_REASON_BYTES, "killed, not done after %lu ms",
			 plan->allowed_ms);
	return timed_out != 0 ? timed_out : error;
}

/* A program that ends at once after its last line may be gone before it is sampled once more. */
double session_processors(const struct session *session, uint64_t ended_ns, uint64_t elapsed_ns)
{
	const struct cpu_track *track = &session->track;
	uint64_t from_ns = ended_ns - elapsed_ns + elapsed_ns / 100 * CPU_FROM_PERCENT;
	uint64_t to_ns = ended_ns - elapsed_ns + elapsed_ns / 100 * CPU_TO_PERCENT;

	if (track->sample_count > 0)
		to_ns = MIN(to_ns, track->samples[track->sample_count - 1].at_ns);
	return cpu_track_rate(track, from_ns, to_ns);
}
