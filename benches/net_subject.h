/* SPDX-License-Identifier: MIT */
/*
 * benches/net_subject.h - one run of one subject of the network benchmark.
 */
#ifndef BENCHES_NET_SUBJECT_H
#define BENCHES_NET_SUBJECT_H

#include "benches/net_cell.h"
#include "benches/session.h"
#include "benches/tap_link.h"

enum net_program {
	NET_MOTE,
	NET_QEMU,
};

struct net_subject {
	const char *name;
	enum net_program program;
	struct tap_link link;
};

/* Absolute, or to be found in PATH. */
struct net_paths {
	const char *mote;
	const char *qemu;
	const char *guest;
};

struct net_load_time {
	enum net_cell cell;
	unsigned int run_ms;
};

/*
 * Start it, let it run the cell's load, wait for its end.  The subject's tap is there already.
 * Returns 0, or a negative errno with the reason in words: -EPROTO where fewer frames came out of
 * the tap than the guest has sent.
 */
int net_subject_run(const struct net_subject *subject, const struct net_paths *paths,
		    const struct net_load_time *what, struct net_run *run,
		    char reason[SESSION_REASON_BYTES]);

#endif
