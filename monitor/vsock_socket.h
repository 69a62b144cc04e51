/* SPDX-License-Identifier: MIT */
/*
 * monitor/vsock_socket.h - the Unix socket of a VM's vsock device, on which clients of the host
 * ask for ports of the guest.
 *
 * The path is vsock.uds_path, of any length: what is too long for an address is bound from within
 * its directory.  A file that a dead process left there is replaced; a socket that somebody listens
 * on, and a file that is none, are refused.  Mode and owner are as wanted before anybody can
 * connect, whatever the umask is.
 *
 * Or the path is /dev/fd/N, a socket that listens already, as inetd and systemd pass one on
 * (open_path.h).  Its file is whose it was, and so are mode and owner.
 *
 * Call order: vsock_socket_open() while names are known and the process has one thread; at the end
 * vsock_socket_remove(), which a launcher without a root can still do.
 * Errors: negative errno; the reason names the key.
 */
#ifndef MONITOR_VSOCK_SOCKET_H
#define MONITOR_VSOCK_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

#include "monitor/config.h"
#include "monitor/reason.h"

enum {
	VSOCK_SOCKET_NONE = -1,
	VSOCK_SOCKET_BACKLOG = 128,
};

struct vsock_socket {
	int fd;           /* listens, non-blocking */
	int directory_fd; /* where its file is; VSOCK_SOCKET_NONE: an inherited one without a path
			   */
	char name[CONFIG_VSOCK_NAME_MAX_BYTES + 1]; /* of the file, in that directory */
	bool is_made;                               /* the file is mote's, and this is it */
	dev_t device;
	ino_t inode;
};

/* Returns 0, or negative errno with nothing left behind. */
int vsock_socket_open(struct vsock_socket *socket, const struct vm_config *config,
		      struct reason *reason);

/* Log what is odd about one that can be used. */
void vsock_socket_warn(const struct vsock_socket *socket);

/* Remove the file if it was made here and is still the same. */
void vsock_socket_remove(struct vsock_socket *socket);

/* The same, and close all.  Accepts one that is not open. */
void vsock_socket_close(struct vsock_socket *socket);

#endif
