/* SPDX-License-Identifier: MIT */
/* benches/startup_command.c - see startup_command.h. */
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

static const char *text_of(unsigned int number)
{
	char *text;

	if (asprintf(&text, "%u", number) < 0)
		err(EXIT_FAILURE, "%u", number);
	return text;
}

void startup_command_floor(struct subject *subject, const char *name,
			   const struct startup_programs *programs, const char *cpuid_path)
{
	size_t count = 5;

	*subject = (struct subject){
		.name = name,
		.arguments = {programs->floor, "--stamps", "3", "--mib",
			      text_of(programs->ram_mib)},
		.format = SUBJECT_STAMP_LINES,
		.has_clock = programs->has_clock,
	};
	if (cpuid_path != NULL) {
		subject->arguments[count++] = "--cpuid";
		subject->arguments[count++] = cpuid_path;
	}
	subject->arguments[count] = programs->guest;
}

/* The vsock's socket is made by each run, and removed by it. */
void startup_command_mote(struct subject *subject, const char *name,
			  const struct startup_programs *programs, const char *prepared,
			  struct startup_devices devices)
{
	json_t *config = vm_config_new(programs->guest, "", programs->ram_mib);
	char file_name[64];

	if (devices.has_disk)
		add_disk(config);
	if (devices.has_nic)
		add_nic(config);
	if (devices.has_vsock)
		vm_config_add_vsock(config, workspace_path("vsock"));
	snprintf(file_name, sizeof(file_name), "%s%s.json", name,
		 programs->has_clock ? ".clock" : "");
	*subject = (struct subject){
		.name = name,
		.arguments = {programs->mote, "run", "--result", "/dev/fd/3", "--prepared",
			      prepared, workspace_write_json(file_name, config)},
		.format = SUBJECT_RESULT_LINE,
		.has_clock = programs->has_clock,
	};
}
