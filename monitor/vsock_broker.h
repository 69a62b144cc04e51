/* SPDX-License-Identifier: MIT */
/*
 * monitor/vsock_broker.h - the launcher connects for the guest, because the VM process may not.
 *
 * A guest's connection to port P of the host goes to the Unix socket `<uds_path>_P`.  The VM
 * process sees no file and may make no socket, so it asks for the connection over a socketpair and
 * gets it as a descriptor (vsock_client.h is its side).  All that can be asked for is a number: who
 * takes the VM process over reaches the sockets that have the VM's own name, and no others.  A
 * symbolic link of such a name is none: who may write to the directory could have root's launcher
 * connect to what only root may connect to.
 *
 * connect(2) follows links and knows no directory but the working directory.  So the socket is
 * opened by name, without following, and connected to as the descriptor that it then is:
 * the working directory is this process's /proc/self/fd.
 *
 * The launcher hears of requests by SIGIO, answers a bounded number of them at a time, and never
 * waits: AF_UNIX connects at once or not at all.  An answer that finds no room is lost, as only a
 * VM process that asks for more than VSOCK_BROKER_ASKED_MAX without looking can bring that about.
 *
 * Call order: vsock_broker_open() before the clone, with /proc in sight; in the launcher
 * vsock_broker_hand_over() after it, vsock_broker_enter() once it has left its root, then
 * vsock_broker_serve() after each SIGIO, which the caller has blocked; vsock_broker_close() at the
 * end. ABI: SOCK_SEQPACKET of unix(7), one message for each request and answer; O_ASYNC of
 * fcntl(2); /proc/PID/fd of proc(5).
 */
#ifndef MONITOR_VSOCK_BROKER_H
#define MONITOR_VSOCK_BROKER_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "monitor/config.h"

enum {
	VSOCK_BROKER_NONE = -1,
	VSOCK_BROKER_ASKED_MAX = 64, /* requests without an answer so far */
};

struct vsock_broker_request {
	uint64_t token; /* comes back with the answer */
	uint32_t port;
	uint32_t reserved;
};

struct vsock_broker_answer {
	uint64_t token;
	int32_t error; /* 0, and the descriptor comes along; or negative errno */
	uint32_t reserved;
};

static_assert(sizeof(struct vsock_broker_request) == 16, "nothing of the stack goes along");
static_assert(sizeof(struct vsock_broker_answer) == 16, "nothing of the stack goes along");

struct vsock_broker {
	int fd;           /* the launcher's end */
	int vm_fd;        /* the VM process's; the launcher closes it after the clone */
	int directory_fd; /* where the sockets are; borrowed */
	int own_fds_fd;   /* /proc/self/fd, until it is entered */
	char name[CONFIG_VSOCK_NAME_MAX_BYTES + 1]; /* of `<uds_path>` there */
};

/* Returns 0 or negative errno.  The calling process gets the signals. */
int vsock_broker_open(struct vsock_broker *broker, int directory_fd, const char *name);

/* Leave the VM process's end to it alone. */
void vsock_broker_hand_over(struct vsock_broker *broker);

/*
 * Make /proc/self/fd the working directory, for the launcher has no other way there any more.
 * Returns 0, or negative errno if the sockets cannot be reached.
 */
int vsock_broker_enter(const struct vsock_broker *broker);

/* Answer requests.  Returns whether there may be more of them. */
bool vsock_broker_serve(const struct vsock_broker *broker);

/* Accepts one that is not open. */
void vsock_broker_close(struct vsock_broker *broker);

#endif
