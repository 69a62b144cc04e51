/* SPDX-License-Identifier: MIT */
/* benches/subject.c - see subject.h. */
#include "benches/subject.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "benches/child.h"
#include "benches/clock.h"

enum {
	RESULT_MAX_BYTES = 32 *
			   1024, /* less than a pipe holds, so that it can be read at the end */
};

/* Reads to the end and returns when the first byte came, or 0 if none did. */
static uint64_t drain_output(int fd)
{
	uint64_t first_ns = 0;
	char bytes[4096];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		if (first_ns == 0)
			first_ns = clock_now_ns();
	return first_ns;
}

static int reap(const struct subject *subject, const struct child *child)
{
	int status;
	int error = child_reap(child, &status);

	if (error != 0)
		return error;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
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
	int error = child_start(&child, subject->arguments, NULL);

	if (error != 0) {
		fprintf(stderr, "%s: %s: %s\n", subject->name, subject->arguments[0],
			strerror(-error));
		return error;
	}
	seen.spawned_ns = child.spawned_ns;
	seen.first_output_ns = drain_output(child.output_fd);
	error = reap(subject, &child);
	seen.reaped_ns = clock_now_ns();
	if (error == 0 && seen.first_output_ns == 0)
		error = -EIO;
	if (error == 0)
		error = subject_take_stamps(subject, &seen, child.result_fd);
	child_close(&child);
	if (error == 0)
		*run = seen;
	return error;
}
