/* SPDX-License-Identifier: MIT */
/*
 * monitor/vsock_client.h - the VM process's side of the broker (vsock_broker.h): ask the launcher
 * for connections, take its answers.
 *
 * Neither waits.  At most VSOCK_BROKER_ASKED_MAX requests are on their way, and the others wait
 * here, so that the socket between the two always has room.
 *
 * Call order: vsock_client_init(); vsock_client_ask() whenever the guest connects; when `fd` is
 * readable, vsock_client_take() until it has nothing more.
 * Threads: the caller serialises.
 */
#ifndef MONITOR_VSOCK_CLIENT_H
#define MONITOR_VSOCK_CLIENT_H

#include <stdint.h>

#include "monitor/vsock_broker.h"

enum {
	VSOCK_CLIENT_WAITING_MAX = 1024, /* a power of two */
};

struct vsock_client {
	int fd; /* borrowed; VSOCK_BROKER_NONE: there is nobody to ask */
	uint32_t asked;
	uint32_t waiting_in; /* free-running */
	uint32_t waiting_out;
	struct vsock_broker_request waiting[VSOCK_CLIENT_WAITING_MAX];
};

/* Into zeroed memory, which it does not touch further. */
void vsock_client_init(struct vsock_client *client, int fd);

/*
 * Returns 0, and the answer comes in time; or negative errno: nobody to ask (-ECONNREFUSED), too
 * many wait (-EAGAIN), or the launcher is gone.
 */
int vsock_client_ask(struct vsock_client *client, uint64_t token, uint32_t port);

/*
 * Take an answer: `connected` is a socket, the caller's now, or negative errno.  Returns 0, -EAGAIN
 * if there is none, or negative errno if there will be no more.
 */
int vsock_client_take(struct vsock_client *client, uint64_t *token, int *connected);

#endif
