/* SPDX-License-Identifier: MIT */
/*
 * benches/startup_command.h - the floor, and mote with any choice of devices, as subjects.
 *
 * All run the same guest, which leaves the devices alone.  The tap is in a network namespace of the
 * benchmark's own, for which root is needed; all subjects are started in it then.
 *
 * Call order: workspace_make(); startup_command_tap() before a subject with a NIC.  Failures end
 * the program with a message.
 */
#ifndef BENCHES_STARTUP_COMMAND_H
#define BENCHES_STARTUP_COMMAND_H

#include <stdbool.h>

#include "benches/subject.h"

enum {
	STARTUP_RAM_MIB = 128,
};

/* How the guest's output begins. */
extern const char startup_guest_says[];

/* Absolute. */
struct startup_paths {
	const char *mote;
	const char *floor;
	const char *guest;
	bool has_clock;       /* it is start_clock */
	const char *prepared; /* what `mote prepare` made, or NULL: as on a host without */
};

struct startup_devices {
	bool has_disk;
	bool has_nic;
	bool has_vsock;
};

void startup_command_tap(void);

void startup_command_floor(struct subject *subject, const char *name,
			   const struct startup_paths *paths);

void startup_command_mote(struct subject *subject, const char *name,
			  const struct startup_paths *paths, struct startup_devices devices);

#endif
