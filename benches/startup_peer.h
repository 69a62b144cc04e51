/* SPDX-License-Identifier: MIT */
/*
 * benches/startup_peer.h - other monitors, each started with the same guest in its leanest way.
 *
 * One adapter for each, which knows the command line and writes the configuration.  What a peer
 * prints beside the guest's output is told apart by what the guest says.  A peer makes no stamps:
 * the first byte of output and its end are seen from outside, the rest has to come from the guest.
 *
 * Call order: workspace_make() before.
 */
#ifndef BENCHES_STARTUP_PEER_H
#define BENCHES_STARTUP_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "benches/session.h"
#include "benches/subject.h"

enum {
	STARTUP_PEERS = 5,
};

struct startup_guest {
	const char *path;
	const char *says; /* how its output begins */
	unsigned int ram_mib;
	bool has_clock; /* it is start_clock */
};

/* "qemu-microvm" and so on; `peer` is less than STARTUP_PEERS. */
const char *startup_peer_name(size_t peer);

/*
 * Make the peer a subject, if it is to be found in PATH and a first run of the guest in it is as it
 * should be.  Returns 0, or a negative errno with the reason: the first line that it said where it
 * said something.
 */
int startup_peer_prepare(size_t peer, const struct startup_guest *guest, struct subject *subject,
			 char reason[SESSION_REASON_BYTES]);

#endif
