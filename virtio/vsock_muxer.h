/* SPDX-License-Identifier: MIT */
/*
 * virtio/vsock_muxer.h - many connections over one pair of queues.
 *
 * The muxer knows connections and packets, but neither queues nor how the host's sockets came
 * about: vsock_guest.h brings what the guest says, vsock_host.h what the host does, and vsock.h
 * carries packets through the queues.
 *
 * Whoever changed a connection calls vsock_muxer_settle(), after which it may be gone.  Settling
 * closes the host's end once both ways are over, waits for what can be waited for, and lines the
 * connection up if it has something for the guest.
 *
 * What goes to the guest comes from vsock_muxer_give(), one packet at a time: first resets of
 * connections that do not exist, then each connection that has something in its turn, so that
 * none holds back another.  Those resets lie in a short ring; while it is full no packet of the
 * guest may be taken (vsock_muxer_can_take()), so none is lost and the guest fills nothing.
 *
 * Threads: the caller serialises.
 */
#ifndef VIRTIO_VSOCK_MUXER_H
#define VIRTIO_VSOCK_MUXER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "virtio/device.h"
#include "virtio/vsock_connection.h"
#include "virtio/vsock_packet.h"
#include "virtio/vsock_table.h"

enum {
	VSOCK_RESETS_MAX = 64, /* a power of two */
	VSOCK_EVENTS_MAX = 64, /* of the host's, taken at a time */
	/* Of one connection, at a busy host: 1.4 s, for Linux gives up after 2 s by itself. */
	VSOCK_CONNECT_TRIES_MAX = 17,
};

#define VSOCK_TIMEOUT_NS (UINT64_C(2000) * 1000 * 1000) /* of a state that waits for somebody */
#define VSOCK_RETRY_NS   (UINT64_C(10) * 1000 * 1000)   /* until a stream is requested again */
#define VSOCK_QUEUE_NS   (UINT64_C(10) * 1000 * 1000)   /* the same of a busy host, times tries */

#define VSOCK_HOST_PORT_MIN (UINT32_C(1) << 30) /* of connections that the host begins */
#define VSOCK_HOST_PORT_MAX (UINT32_MAX >> 1)

/* Whom the device reaches on the host; called with the device's lock held. */
struct vsock_owner {
	/*
	 * The guest connects to a port of the host.  Returns at once: 0, and vsock_connected() is
	 * called with the token later, not from within; or negative errno to refuse.  NULL: there
	 * is nothing to connect to.
	 */
	int (*connect)(void *context, uint64_t token, uint32_t port);
	/*
	 * A stream of vsock_connect_stream() is over and its descriptors are closed: 0 when all
	 * that the guest sent was written, ECONNRESET when the guest broke it off, or the errno
	 * with which the host failed.
	 */
	void (*stream_ended)(void *context, uint32_t guest_port, int error);
	void *context;
};

/* An RST for a packet that belongs to no connection. */
struct vsock_reset {
	uint64_t src_cid;
	uint64_t dst_cid;
	uint32_t src_port;
	uint32_t dst_port;
	uint16_t type;
};

/* What was done since the start. */
struct vsock_counters {
	uint64_t guest_connections; /* established, begun by the guest */
	uint64_t host_connections;  /* begun by the host */
	uint64_t refused; /* for want of a slot, a listener or an answer, on either side */
	uint64_t resets;  /* sent to the guest */
	uint64_t to_guest_bytes;
	uint64_t from_guest_bytes;
};

struct vsock_muxer {
	/* The caller's. */
	uint32_t guest_cid;
	int epoll_fd;
	const struct vsock_owner *owner;
	const struct virtio_device_links *links;
	struct vsock_table table;

	struct vsock_counters counters;
	struct vsock_reset resets[VSOCK_RESETS_MAX];
	uint32_t resets_in; /* free-running */
	uint32_t resets_out;
	uint32_t last_host_port;
	uint64_t due_ns;                  /* no later than the first deadline */
	uint64_t woken[VSOCK_EVENTS_MAX]; /* tags of those that epoll named last */
	unsigned int woken_count;
};

void vsock_muxer_init(struct vsock_muxer *muxer);

/* Whether there is room for the answer to one more packet of the guest. */
bool vsock_muxer_can_take(const struct vsock_muxer *muxer);

/* Answer a packet that belongs to no connection: with a reset, unless it is one itself. */
void vsock_muxer_reject(struct vsock_muxer *muxer, const struct vsock_header *header);

/* Whether there may be a packet for the guest. */
bool vsock_muxer_has_packet(const struct vsock_muxer *muxer);

/*
 * Compose the next packet for the guest, with its payload in the segments, which have room for at
 * least one byte.  Returns false if there was none after all.
 */
bool vsock_muxer_give(struct vsock_muxer *muxer, struct iovec *segments, unsigned int count,
		      struct vsock_header *header);

/* See above.  What could be read is waited for until vsock_host_rest() looks after it. */
void vsock_muxer_settle(struct vsock_muxer *muxer, struct vsock_connection *connection);

/* The connection's state lasts so long at most, or VSOCK_NEVER: without end. */
void vsock_muxer_limit(struct vsock_muxer *muxer, struct vsock_connection *connection,
		       uint64_t after_ns);

/* Have the owner connect the host's side of a connection that the guest asks for. */
void vsock_muxer_connect(struct vsock_muxer *muxer, struct vsock_connection *connection);

/* Ask the guest to accept on its port, from a port of the host that is free. */
void vsock_muxer_request(struct vsock_muxer *muxer, struct vsock_connection *connection,
			 uint32_t guest_port);

/* The same for a stream, a little later; the guest has not accepted it this time. */
void vsock_muxer_retry(struct vsock_muxer *muxer, struct vsock_connection *connection);

/* Both sides may send from now on. */
void vsock_muxer_establish(struct vsock_muxer *muxer, struct vsock_connection *connection);

/* The guest is through with a connection, or has to be: it gets an RST, while the host's end is
 * open as long as bytes are buffered for it.
 */
void vsock_muxer_reset(struct vsock_muxer *muxer, struct vsock_connection *connection);

/* The host failed at something, and no peer is to blame: tell the log. */
void vsock_muxer_tell(const struct vsock_muxer *muxer, const char *what, int error);

/*
 * Break a connection off: the host's end is closed as it is, and the guest gets an RST.  The
 * error is for the owner of a stream.
 */
void vsock_muxer_abort(struct vsock_muxer *muxer, struct vsock_connection *connection, int error);

/* The same, when the guest knows already or has never known: the connection is gone. */
void vsock_muxer_drop(struct vsock_muxer *muxer, struct vsock_connection *connection, int error);

/*
 * The guest has forgotten all connections.  What it had sent is still written to hosts that take
 * it; streams that were not established yet wait for the next driver.
 */
void vsock_muxer_forget(struct vsock_muxer *muxer);

#endif
