/* SPDX-License-Identifier: MIT */
/*
 * benches/startup_command.h - the floor, and mote with any choice of devices, as subjects.
 *
 * All run the same guest, which leaves the devices alone.  The tap is in a network namespace of the
 * benchmark's own, for which root is needed; all subjects are started in it then.
 *
 * Call order: workspace_make(); startup_command_tap() before a subject with a NIC.  Failures end
 * the program with a message.  Texts live until exit.
 */
#ifndef BENCHES_STARTUP_COMMAND_H
#define BENCHES_STARTUP_COMMAND_H

#include <stdbool.h>

#include "benches/subject.h"

/* How the guest's output begins. */
extern const char startup_guest_says[];

/* All paths are absolute. */
struct startup_programs {
	const char *mote;
	const char *floor;
	const char *guest;
	unsigned int ram_mib; /* of the guest */
	bool has_clock;       /* it is start_clock */
};

struct startup_devices {
	bool has_disk;
	bool has_nic;
	bool has_vsock;
};

void startup_command_tap(void);

/* With `cpuid_path` it reads what KVM supports from that file, else it asks. */
void startup_command_floor(struct subject *subject, const char *name,
			   const struct startup_programs *programs, const char *cpuid_path);

/* `prepared` is for --prepared, as preparation.h has it. */
void startup_command_mote(struct subject *subject, const char *name,
			  const struct startup_programs *programs, const char *prepared,
			  struct startup_devices devices);

#endif
