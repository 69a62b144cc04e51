/* SPDX-License-Identifier: MIT */
/*
 * benches/vsock_traffic.h - the host's client of a VM's vsock, or of a process that serves the
 * same.
 *
 * Call order: vsock_traffic_start() once the other end is ready, vsock_traffic_join() once for each
 * that was started.  Threads: one of its own in between.
 */
#ifndef BENCHES_VSOCK_TRAFFIC_H
#define BENCHES_VSOCK_TRAFFIC_H

#include <pthread.h>

#include "benches/vsock_cell.h"

enum {
	VSOCK_PORT_END = 5, /* of the guest: a connection there ends it */
};

struct vsock_traffic_plan {
	enum vsock_cell cell;
	const char *socket_path;
	bool is_vm;             /* which wants a greeting, and is told to end */
	unsigned int warmup_ms; /* beforehand and uncounted */
	unsigned int run_ms;    /* 0: the connection is made, and nothing done with it */
	/* Called in the end, on the client's thread. */
	void (*ended)(void *context);
	void *context;
};

struct vsock_traffic {
	struct vsock_traffic_plan plan;
	pthread_t thread;
	int error;            /* after the join: negative errno, or 0 and */
	struct vsock_run run; /* `processors` and events aside */
	uint64_t ended_ns;
};

/* Returns 0 or negative errno. */
int vsock_traffic_start(struct vsock_traffic *traffic, const struct vsock_traffic_plan *plan);

void vsock_traffic_join(struct vsock_traffic *traffic);

#endif
