/* SPDX-License-Identifier: MIT */
/*
 * virtio/vsock_host.h - what happens at the host's end of connections: clients, bytes, time.
 *
 * Clients come in on a listening socket and say to which port of the guest they want
 * (vsock_greeting.h); one that says anything else, or nothing for two seconds, is hung up on, and
 * so is one for whom there is no slot.  When the host has no descriptors left, clients wait in
 * the socket's queue.  A listening socket that somebody shuts down, as whoever passed it on can, is
 * done with once its queue is empty, and the log is told.
 *
 * Threads: as for the muxer.
 */
#ifndef VIRTIO_VSOCK_HOST_H
#define VIRTIO_VSOCK_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "virtio/vsock_muxer.h"

/* Of the listener's epoll events. */
#define VSOCK_LISTENER_TAG UINT64_MAX
/* How long it is left alone when the host has no descriptors. */
#define VSOCK_LISTENER_REST_NS (UINT64_C(100) * 1000 * 1000)

struct vsock_listener {
	int fd;          /* the caller's, -1 for none; non-blocking */
	bool is_open;    /* clients are welcome; in the epoll set */
	bool is_shut;    /* nobody will ever come again */
	uint64_t due_ns; /* when it is opened again; VSOCK_NEVER */
};

/* Begin and cease to wait for clients. */
void vsock_host_open(struct vsock_muxer *muxer, struct vsock_listener *listener);
void vsock_host_close(struct vsock_muxer *muxer, struct vsock_listener *listener);

/*
 * Handle what epoll has to tell; never waits.  After packets have gone to the guest,
 * vsock_host_rest() ceases to wait for what there was to read and could not be, so that it does
 * not wake anybody.
 */
void vsock_host_serve(struct vsock_muxer *muxer, struct vsock_listener *listener);
void vsock_host_rest(struct vsock_muxer *muxer);

/* End what has lasted too long by now, and find the next deadline. */
void vsock_host_expire(struct vsock_muxer *muxer, struct vsock_listener *listener, uint64_t now_ns);

/* The owner's answer to connect(): a descriptor, which is taken over in any case, or an errno. */
void vsock_host_connected(struct vsock_muxer *muxer, uint64_t token, int fd);

/* A stream of the owner's, which waits for vsock_host_start_streams().  Returns 0 or -ENOSPC, and
 * then the descriptors stay the caller's. */
int vsock_host_connect_stream(struct vsock_muxer *muxer, uint32_t guest_port, int read_fd,
			      int write_fd);

/* The driver is ready: ask for all streams that wait. */
void vsock_host_start_streams(struct vsock_muxer *muxer);

#endif
