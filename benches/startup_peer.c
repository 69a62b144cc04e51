/* SPDX-License-Identifier: MIT */
/* benches/startup_peer.c - see startup_peer.h. */
#include "benches/startup_peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "benches/command.h"
#include "benches/vm_config.h"
#include "benches/workspace.h"

enum {
	PROBE_MAX_MS = 5000, /* one that does not notice the end of the guest runs for ever */
};

/* For each of the two guests: their texts live as long as the subjects. */
static struct command commands[STARTUP_PEERS][2];
static struct session session;

static void compose_qemu(struct command *command, const struct startup_guest *guest)
{
	command_add_microvm(command, "qemu-system-x86_64", guest->ram_mib);
	command_add_two(command, "-kernel", guest->path);
}

/* Its configuration is mote's without what only mote knows; a list of drives has to be there. */
static void compose_firecracker(struct command *command, const struct startup_guest *guest)
{
	json_t *config = vm_config_new(guest->path, "", guest->ram_mib);

	json_object_set_new(config, "drives", json_array());
	command_add_two(command, "firecracker", "--no-api");
	command_add_two(command, "--level", "Error");
	command_add_two(command, "--config-file",
			workspace_write_json(guest->has_clock ? "firecracker.clock.json"
							      : "firecracker.json",
					     config));
}

static void compose_cloud_hypervisor(struct command *command, const struct startup_guest *guest)
{
	command_add(command, "cloud-hypervisor");
	command_add_two(command, "--kernel", guest->path);
	command_add_two(command, "--cpus", "boot=1");
	command_add_two(command, "--memory", command_keep(command, "size=%uM", guest->ram_mib));
	command_add_two(command, "--console", "off");
	command_add_two(command, "--serial", "tty");
}

/* With an initial RAM disk, whatever it is, no root file system is made. */
static void compose_kvmtool(struct command *command, const struct startup_guest *guest)
{
	command_add_two(command, "lkvm", "run");
	command_add_two(command, "--kernel", guest->path);
	command_add_two(command, "--initrd", guest->path);
	command_add_two(command, "--cpus", "1");
	command_add_two(command, "--mem", command_keep(command, "%u", guest->ram_mib));
	command_add_two(command, "--network", "mode=none");
	command_add_two(command, "--console", "serial");
}

static void compose_solo5(struct command *command, const struct startup_guest *guest)
{
	command_add(command, "solo5-hvt");
	command_add(command, command_keep(command, "--mem=%u", guest->ram_mib));
	command_add(command, guest->path);
}

static const struct {
	const char *name;
	void (*compose)(struct command *command, const struct startup_guest *guest);
} peers[STARTUP_PEERS] = {
	{"qemu-microvm", compose_qemu},
	{"firecracker", compose_firecracker},
	{"cloud-hypervisor", compose_cloud_hypervisor},
	{"kvmtool", compose_kvmtool},
	{"solo5-hvt", compose_solo5},
};

const char *startup_peer_name(size_t peer)
{
	return peers[peer].name;
}

/* The first line on standard error, or else on standard output; what was known stays if none. */
static void take_first_line(char reason[SESSION_REASON_BYTES])
{
	FILE *file = fopen(workspace_path(SESSION_ERRORS_NAME), "re");
	char line[SESSION_REASON_BYTES] = "";

	if (file == NULL || fgets(line, sizeof(line), file) == NULL)
		snprintf(line, sizeof(line), "%.*s", (int)session.output_bytes, session.output);
	if (file != NULL)
		fclose(file);
	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] != '\0')
		snprintf(reason, SESSION_REASON_BYTES, "%s", line);
}

static int probe(const struct command *command, const char *says, char reason[SESSION_REASON_BYTES])
{
	const struct session_plan plan = {.allowed_ms = PROBE_MAX_MS};
	int error = session_run(&session, command, &plan, reason);

	if (error == 0 &&
	    memmem(session.output, session.output_bytes, says, strlen(says)) == NULL) {
		snprintf(reason, SESSION_REASON_BYTES, "the guest said nothing");
		error = -EPROTO;
	}
	if (error == -EIO || error == -EPROTO)
		take_first_line(reason);
	return error;
}

int startup_peer_prepare(size_t peer, const struct startup_guest *guest, struct subject *subject,
			 char reason[SESSION_REASON_BYTES])
{
	struct command *command = &commands[peer][guest->has_clock];
	int error;

	command_begin(command);
	peers[peer].compose(command, guest);
	error = probe(command, guest->says, reason);
	if (error != 0)
		return error;
	*subject = (struct subject){
		.name = peers[peer].name,
		.format = SUBJECT_NO_STAMPS,
		.guest_says = guest->says,
		.errors_path = workspace_path(SESSION_ERRORS_NAME),
		.good_status = command->good_status,
		.has_clock = guest->has_clock,
	};
	memcpy(subject->arguments, command->arguments, sizeof(subject->arguments));
	return 0;
}
