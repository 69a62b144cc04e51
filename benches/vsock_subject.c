/* SPDX-License-Identifier: MIT */
/* benches/vsock_subject.c - see vsock_subject.h. */
#include "benches/vsock_subject.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "benches/command.h"
#include "benches/vm_config.h"
#include "benches/vsock_traffic.h"
#include "benches/workspace.h"

enum {
	RAM_MIB = 64,
	WARM_UP_SHARE = 5, /* of the run, beforehand and uncounted */
	RESULT_MAX_BYTES = 16 * 1024,
};

/* What happens while a subject runs. */
struct course {
	const struct vsock_subject *subject;
	struct vsock_traffic_plan plan;
	struct vsock_traffic traffic;
	bool has_traffic;
	int error;
};

static struct session session;
static struct command command;

/* A guest that receives and sends in large packets. */
static void compose_mote(const struct vsock_paths *paths, const char *socket_path)
{
	/* Of an argument that is there twice, the guest takes the first. */
	const char *boot_args = command_keep(
		&command, "runs=serve %s queue=64 packet=65536 rx_buffer=65536 credit=2097152",
		paths->guest_args == NULL ? "" : paths->guest_args);
	json_t *config = vm_config_new(paths->guest, boot_args, RAM_MIB);

	vm_config_add_vsock(config, socket_path);
	command_add_mote(&command, paths->mote);
	command_add_two(&command, "--result", workspace_path("result"));
	command_add(&command, workspace_write_json("vsock.json", config));
}

static void compose(const struct vsock_subject *subject, const struct vsock_paths *paths,
		    enum vsock_cell cell, const char *socket_path)
{
	command_begin(&command);
	if (subject->program == VSOCK_MOTE) {
		compose_mote(paths, socket_path);
		return;
	}
	command_add_two(&command, "/proc/self/exe", "--peer");
	command_add_two(&command, vsock_cells[cell].name, socket_path);
}

/* On the client's thread; a VM was told by its vsock, if that worked. */
static void end_subject(void *context)
{
	const struct course *course = context;

	if (course->subject->program == VSOCK_PROCESS)
		kill(session.child.pid, SIGTERM);
}

static void take_line(void *context, const char *line, size_t length)
{
	static const char ready[] = "ready serve";
	struct course *course = context;

	if (length != strlen(ready) || memcmp(line, ready, length) != 0 || course->has_traffic)
		return;
	course->error = vsock_traffic_start(&course->traffic, &course->plan);
	course->has_traffic = course->error == 0;
}

static int follow(struct course *course, char reason[SESSION_REASON_BYTES])
{
	const struct session_plan plan = {
		.allowed_ms = SESSION_START_MAX_MS + UINT64_C(3) * course->plan.run_ms,
		.take_line = take_line,
		.context = course,
	};
	int error = session_run(&session, &command, &plan, reason);

	if (course->has_traffic) {
		vsock_traffic_join(&course->traffic);
		course->error = course->traffic.error;
	}
	if (course->error != 0) {
		snprintf(reason, SESSION_REASON_BYTES, "the host's end of the socket: %s",
			 strerror(-course->error));
		return course->error;
	}
	if (error == 0 && !course->has_traffic) {
		snprintf(reason, SESSION_REASON_BYTES, "it ended before it was ready");
		return -EPROTO;
	}
	return error;
}

static int read_events(struct vsock_events *events, char reason[SESSION_REASON_BYTES])
{
	char text[RESULT_MAX_BYTES];
	FILE *file = fopen(workspace_path("result"), "re");
	size_t length = file == NULL ? 0 : fread(text, 1, sizeof(text), file);
	int error = vsock_parse_result(text, length, events);

	if (file != NULL)
		fclose(file);
	if (error != 0)
		snprintf(reason, SESSION_REASON_BYTES, "its result is not what it should be");
	return error;
}

/* The path of a socket that is there no more, of the run before, is free again. */
int vsock_subject_run(const struct vsock_subject *subject, const struct vsock_paths *paths,
		      const struct vsock_load_time *what, struct vsock_run *run,
		      char reason[SESSION_REASON_BYTES])
{
	const char *socket_path = workspace_path("socket");
	struct course course = {
		.subject = subject,
		.plan =
			{
				.cell = what->cell,
				.socket_path = socket_path,
				.is_vm = subject->program == VSOCK_MOTE,
				.warmup_ms = what->run_ms / WARM_UP_SHARE,
				.run_ms = what->run_ms,
				.ended = end_subject,
			},
	};
	struct vsock_run *seen = &course.traffic.run;
	int error;

	course.plan.context = &course;
	remove(socket_path);
	compose(subject, paths, what->cell, socket_path);
	error = follow(&course, reason);
	if (error == 0 && subject->program == VSOCK_MOTE)
		error = read_events(&seen->events, reason);
	if (error != 0)
		return error;
	seen->processors = session_processors(&session, course.traffic.ended_ns, seen->elapsed_ns);
	*run = *seen;
	return 0;
}
