/* SPDX-License-Identifier: MIT */
/*
 * benches/vsock_subject.h - one run of one subject of the vsock benchmark.
 */
#ifndef BENCHES_VSOCK_SUBJECT_H
#define BENCHES_VSOCK_SUBJECT_H

#include "benches/session.h"
#include "benches/vsock_cell.h"

enum vsock_program {
	VSOCK_MOTE,
	VSOCK_PROCESS, /* of the host: the ceiling */
};

struct vsock_subject {
	const char *name;
	enum vsock_program program;
};

/* Absolute, or to be found in PATH. */
struct vsock_paths {
	const char *mote;
	const char *guest;
	const char *guest_args; /* more boot arguments for it; may be NULL */
};

struct vsock_load_time {
	enum vsock_cell cell;
	unsigned int run_ms; /* 0: nothing is done, to see what that costs */
};

/*
 * Start it, have it serve the cell's load, wait for its end.  Returns 0, or a negative errno with
 * the reason in words.
 */
int vsock_subject_run(const struct vsock_subject *subject, const struct vsock_paths *paths,
		      const struct vsock_load_time *what, struct vsock_run *run,
		      char reason[SESSION_REASON_BYTES]);

#endif
