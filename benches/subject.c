/* SPDX-License-Identifier: MIT */
/* benches/subject.c - see subject.h. */
#include "benches/subject.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "benches/child.h"
#include "benches/clock.h"

enum {
	OUTPUT_MAX_BYTES = 4096,
	OUTPUT_PIECES_MAX = 1024,
	RESULT_MAX_BYTES = 32 *
			   1024, /* less than a pipe holds, so that it can be read at the end */
};

/* What a run printed, and when each piece of it came. */
struct output {
	char bytes[OUTPUT_MAX_BYTES];
	size_t length;
	size_t ends[OUTPUT_PIECES_MAX]; /* up to where the output was there at ns[] */
	uint64_t ns[OUTPUT_PIECES_MAX];
	size_t piece_count;
};

static struct output output;

/* Pieces beyond what there is room for are dropped: only the first of the guest's matters. */
static void keep_piece(const char *bytes, size_t length, uint64_t now_ns)
{
	if (output.piece_count == OUTPUT_PIECES_MAX || length > OUTPUT_MAX_BYTES - output.length)
		return;
	memcpy(output.bytes + output.length, bytes, length);
	output.length += length;
	output.ends[output.piece_count] = output.length;
	output.ns[output.piece_count] = now_ns;
	output.piece_count++;
}

/* Reads to the end, or kills the program that says nothing for too long. */
static void drain_output(const struct child *child)
{
	struct pollfd readable = {.fd = child->output_fd, .events = POLLIN};
	char bytes[4096];
	ssize_t got;

	output.length = 0;
	output.piece_count = 0;
	do {
		if (poll(&readable, 1, SUBJECT_RUN_MAX_MS) == 0)
			kill(child->pid, SIGKILL);
		got = read(child->output_fd, bytes, sizeof(bytes));
		if (got > 0)
			keep_piece(bytes, (size_t)got, clock_now_ns());
	} while (got > 0);
}

/* When the first byte of the guest's own output came; 0 if none did. */
static uint64_t first_output_ns(const struct subject *subject)
{
	const char *says = subject->guest_says == NULL ? "" : subject->guest_says;
	const char *at = memmem(output.bytes, output.length, says, strlen(says));

	if (at == NULL)
		return 0;
	for (size_t piece = 0; piece < output.piece_count; piece++)
		if (output.ends[piece] > (size_t)(at - output.bytes))
			return output.ns[piece];
	return 0;
}

static int reap(const struct subject *subject, const struct child *child)
{
	int status;
	int error = child_reap(child, &status);

	if (error != 0)
		return error;
	if (WIFEXITED(status) && WEXITSTATUS(status) == subject->good_status)
		return 0;
	fprintf(stderr, "%s: %s %d\n", subject->name, WIFEXITED(status) ? "status" : "signal",
		WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return -EIO;
}

static void read_result(int fd, char *text)
{
	size_t length = 0;
	ssize_t got;

	do {
		got = read(fd, text + length, RESULT_MAX_BYTES - 1 - length);
		if (got > 0)
			length += (size_t)got;
	} while (got > 0);
	text[length] = '\0';
}

static void add_stage(struct subject_run *run, const char *name, uint64_t ns)
{
	struct subject_stage *stage = &run->stages[run->stage_count];

	if (run->stage_count == SUBJECT_STAGES_MAX || ns == 0)
		return;
	snprintf(stage->name, sizeof(stage->name), "%.*s", SUBJECT_STAGE_NAME_BYTES - 1, name);
	stage->ns = ns;
	run->stage_count++;
}

static bool read_result_line(struct subject_run *run, const char *text)
{
	json_t *result = json_loads(text, 0, NULL);
	json_t *stage;
	size_t at;

	if (result == NULL)
		return false;
	json_array_foreach (json_object_get(result, "trace"), at, stage) {
		const char *name = json_string_value(json_object_get(stage, "stage"));
		json_int_t ns = json_integer_value(json_object_get(stage, "ns"));

		if (name != NULL && ns > 0)
			add_stage(run, name, (uint64_t)ns);
	}
	json_decref(result);
	return true;
}

/* Works in place: each blank becomes the end of a name. */
static bool read_stamp_lines(struct subject_run *run, char *text)
{
	while (*text != '\0') {
		char *blank = strchr(text, ' ');
		char *end;
		uint64_t ns;

		if (blank == NULL)
			return false;
		*blank = '\0';
		ns = strtoull(blank + 1, &end, 10);
		if (*end != '\n')
			return false;
		add_stage(run, text, ns);
		text = end + 1;
	}
	return true;
}

static uint64_t stage_ns(const struct subject_run *run, const char *name)
{
	for (unsigned int at = 0; at < run->stage_count; at++)
		if (strcmp(run->stages[at].name, name) == 0)
			return run->stages[at].ns;
	return 0;
}

int subject_take_stamps(const struct subject *subject, struct subject_run *run, int result_fd)
{
	static char text[RESULT_MAX_BYTES];
	bool is_readable;

	read_result(result_fd, text);
	is_readable = subject->format == SUBJECT_RESULT_LINE ? read_result_line(run, text)
							     : read_stamp_lines(run, text);
	run->first_instruction_ns = stage_ns(run, "guest-boot");
	if (run->first_instruction_ns == 0)
		run->first_instruction_ns = stage_ns(run, "first-exit");
	if (is_readable && run->first_instruction_ns != 0)
		return 0;
	fprintf(stderr, "%s: no stamp of the first instruction in: %s\n", subject->name, text);
	return -EPROTO;
}

int subject_run(const struct subject *subject, struct subject_run *run)
{
	struct subject_run seen = {0};
	struct child child;
	int error = child_start(&child, subject->arguments, subject->errors_path);

	if (error != 0) {
		fprintf(stderr, "%s: %s: %s\n", subject->name, subject->arguments[0],
			strerror(-error));
		return error;
	}
	seen.spawned_ns = child.spawned_ns;
	drain_output(&child);
	error = reap(subject, &child);
	seen.reaped_ns = clock_now_ns();
	seen.first_output_ns = first_output_ns(subject);
	if (error == 0 && seen.first_output_ns == 0)
		error = -EIO;
	if (error == 0 && subject->format != SUBJECT_NO_STAMPS)
		error = subject_take_stamps(subject, &seen, child.result_fd);
	if (error == 0 && subject->has_clock)
		error = guest_clock_parse(&seen.clock, output.bytes, output.length);
	child_close(&child);
	if (error == 0)
		*run = seen;
	return error;
}
