/* SPDX-License-Identifier: MIT */
/* benches/startup_command.c - see startup_subject.h. */
#include "benches/startup_command.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benches/disk_file.h"
#include "benches/tap_link.h"
#include "benches/vm_config.h"
#include "benches/workspace.h"

enum {
	DISK_BYTES = 1 << 20,
};

const char startup_guest_says[] = "hello from a mote unikernel";

static const struct tap_link tap = {"mote0", 0};

static void require(int error, const char *what)
{
	if (error != 0)
		errx(EXIT_FAILURE, "%s: %s", what, strerror(-error));
}

void startup_command_tap(void)
{
	require(tap_link_enter(), "a network namespace for a tap, which root can make");
	require(tap_link_make(&tap), tap.name);
}

static void add_disk(json_t *config)
{
	const char *disk_path = workspace_path("disk.img");
	int error = disk_file_make(disk_path, DISK_BYTES);

	require(error == -ENOTSUP ? 0 : error, disk_path);
	vm_config_add_drive(config, "disk", disk_path, false);
}

static void add_nic(json_t *config)
{
	char mac[TAP_LINK_TEXT_BYTES];

	tap_link_guest_mac(&tap, mac);
	vm_config_add_interface(config, "eth0", tap.name, mac);
}

void startup_command_floor(struct subject *subject, const char *name,
			   const struct startup_paths *paths)
{
	*subject = (struct subject){
		.name = name,
		.arguments = {paths->floor, "--stamps", "3", paths->guest},
		.format = SUBJECT_STAMP_LINES,
		.has_clock = paths->has_clock,
	};
}

/* The vsock's socket is made by each run, and removed by it. */
void startup_command_mote(struct subject *subject, const char *name,
			  const struct startup_paths *paths, struct startup_devices devices)
{
	json_t *config = vm_config_new(paths->guest, "", STARTUP_RAM_MIB);
	char file_name[64];

	if (devices.has_disk)
		add_disk(config);
	if (devices.has_nic)
		add_nic(config);
	if (devices.has_vsock)
		vm_config_add_vsock(config, workspace_path("vsock"));
	snprintf(file_name, sizeof(file_name), "%s%s.json", name, paths->has_clock ? ".clock" : "");
	*subject = (struct subject){
		.name = name,
		.arguments = {paths->mote, "run", "--result", "/dev/fd/3", "--prepared",
			      paths->prepared == NULL ? "none" : paths->prepared,
			      workspace_write_json(file_name, config)},
		.format = SUBJECT_RESULT_LINE,
		.has_clock = paths->has_clock,
	};
}
