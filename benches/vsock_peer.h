/* SPDX-License-Identifier: MIT */
/*
 * benches/vsock_peer.h - the other end of a Unix socket, as a process of the host: what the guest
 * does, without a VM in between, and so the ceiling.
 */
#ifndef BENCHES_VSOCK_PEER_H
#define BENCHES_VSOCK_PEER_H

#include "benches/vsock_cell.h"

enum {
	VSOCK_PEER_ROUND_TRIP_BYTES = 64,
	VSOCK_PEER_CHUNK_BYTES = 64 * 1024, /* of a read or a write, at both ends */
};

/*
 * Listen at the path, print "ready serve", and serve the cell's load until SIGTERM, which ends the
 * process with success; otherwise with a message.
 */
_Noreturn void vsock_peer_serve(enum vsock_cell cell, const char *path);

#endif
