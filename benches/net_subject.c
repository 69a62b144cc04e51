/* SPDX-License-Identifier: MIT */
/* benches/net_subject.c - see net_subject.h. */
#include "benches/net_subject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "benches/clock.h"
#include "benches/command.h"
#include "benches/vm_config.h"
#include "benches/workspace.h"

enum {
	RAM_MIB = 64,
	WARM_UP_SHARE = 5, /* of the run, beforehand and uncounted */
};

/* What happens while a guest runs. */
struct course {
	const struct net_subject *subject;
	enum net_traffic_kind traffic_kind;
	struct net_traffic traffic;
	bool has_traffic;
	int error;
	struct net_run run;
	uint64_t ended_ns; /* 0: it has not said what it counted */
};

static struct session session;
static struct command command;

/*
 * The guest notifies from where it runs, at level 3: its other way, through a gate to level 0,
 * would add the same to every subject and so blur what the monitors differ in.
 */
static const char *boot_args(const struct tap_link *link, const struct net_load_time *what)
{
	const struct net_cell_text *cell = &net_cells[what->cell];
	char guest_ip[TAP_LINK_TEXT_BYTES];
	char host_ip[TAP_LINK_TEXT_BYTES];
	const char *peer = cell->traffic == NET_TRAFFIC_ECHO ? host_ip : NULL;

	tap_link_guest_ip(link, guest_ip);
	tap_link_host_ip(link, host_ip);
	return command_keep(&command, "notify=user ip=%s gw=%s %s%s run_ms=%u warmup_ms=%u %s",
			    guest_ip, host_ip,
			    peer == NULL ? "" : "peer=", peer == NULL ? "" : peer, what->run_ms,
			    what->run_ms / WARM_UP_SHARE, cell->guest_args);
}

static void compose_mote(const struct net_subject *subject, const struct net_paths *paths,
			 const struct net_load_time *what)
{
	json_t *config = vm_config_new(paths->guest, boot_args(&subject->link, what), RAM_MIB);
	char mac[TAP_LINK_TEXT_BYTES];

	tap_link_guest_mac(&subject->link, mac);
	vm_config_add_interface(config, "eth0", subject->link.name, mac);
	command_add_mote(&command, paths->mote);
	command_add(&command, workspace_write_json("net.json", config));
}

static void compose_qemu(const struct net_subject *subject, const struct net_paths *paths,
			 const struct net_load_time *what)
{
	char mac[TAP_LINK_TEXT_BYTES];

	tap_link_guest_mac(&subject->link, mac);
	command_add_microvm(&command, paths->qemu, RAM_MIB);
	command_add_two(&command, "-netdev",
			command_keep(&command,
				     "tap,id=eth0,ifname=%s,script=no,downscript=no,vnet_hdr=on,"
				     "vhost=off",
				     subject->link.name));
	command_add_two(&command, "-device",
			command_keep(&command, "virtio-net-device,netdev=eth0,mac=%s", mac));
	command_add_two(&command, "-kernel", paths->guest);
	command_add_two(&command, "-append", boot_args(&subject->link, what));
}

static void compose(const struct net_subject *subject, const struct net_paths *paths,
		    const struct net_load_time *what)
{
	command_begin(&command);
	if (subject->program == NET_MOTE)
		compose_mote(subject, paths, what);
	else
		compose_qemu(subject, paths, what);
}

static void start_traffic(struct course *course)
{
	course->error =
		net_traffic_start(&course->traffic, course->traffic_kind, &course->subject->link);
	course->has_traffic = course->error == 0;
}

static void stop_traffic(struct course *course)
{
	if (course->has_traffic)
		net_traffic_stop(&course->traffic);
	course->has_traffic = false;
}

/* Frames for a guest must not come before it is ready: it counts from the first one on. */
static void take_line(void *context, const char *line, size_t length)
{
	static const char ready[] = "ready receive";
	struct course *course = context;

	if (length == strlen(ready) && memcmp(line, ready, length) == 0 && !course->has_traffic)
		start_traffic(course);
	if (course->ended_ns != 0 || net_parse_guest_line(line, length, &course->run) != 0)
		return;
	cpu_track_sample(&session.track);
	course->ended_ns = clock_now_ns();
	stop_traffic(course);
}

static int follow(struct course *course, const struct net_load_time *what,
		  char reason[SESSION_REASON_BYTES])
{
	const struct session_plan plan = {
		.allowed_ms = SESSION_START_MAX_MS + UINT64_C(3) * what->run_ms,
		.take_line = take_line,
		.context = course,
	};
	int error;

	course->traffic_kind = net_cells[what->cell].traffic;
	if (course->traffic_kind == NET_TRAFFIC_ECHO)
		start_traffic(course);
	error = course->error == 0 ? session_run(&session, &command, &plan, reason) : 0;
	stop_traffic(course);
	if (course->error != 0) {
		snprintf(reason, SESSION_REASON_BYTES, "the host's end of the tap: %s",
			 strerror(-course->error));
		return course->error;
	}
	return error;
}

/* What the guest sent has to have come out. */
static int check_count(const struct course *course, enum net_cell cell, uint64_t tap_frames,
		       char reason[SESSION_REASON_BYTES])
{
	if (!net_cells[cell].is_counted_by_tap || tap_frames >= course->run.frames)
		return 0;
	snprintf(reason, SESSION_REASON_BYTES, "%lu frames sent, %lu came out of the tap",
		 course->run.frames, tap_frames);
	return -EPROTO;
}

int net_subject_run(const struct net_subject *subject, const struct net_paths *paths,
		    const struct net_load_time *what, struct net_run *run,
		    char reason[SESSION_REASON_BYTES])
{
	struct course course = {.subject = subject};
	uint64_t before;
	uint64_t after;
	int error = tap_link_count(&subject->link, &before);

	if (error != 0)
		return error;
	compose(subject, paths, what);
	error = follow(&course, what, reason);
	if (error == 0 && course.ended_ns == 0) {
		snprintf(reason, SESSION_REASON_BYTES, "its output is not what it should be");
		session_take_reason(reason);
		error = -EPROTO;
	}
	if (error == 0)
		error = tap_link_count(&subject->link, &after);
	if (error == 0)
		error = check_count(&course, what->cell, after - before, reason);
	if (error != 0)
		return error;
	course.run.processors =
		session_processors(&session, course.ended_ns, course.run.elapsed_ns);
	*run = course.run;
	return 0;
}
