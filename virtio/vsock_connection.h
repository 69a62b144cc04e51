/* SPDX-License-Identifier: MIT */
/*
 * virtio/vsock_connection.h - one stream between a port of the guest and a port of the host.
 *
 * Source: virtio 1.2, sections 5.10.6.3 to 5.10.6.6.
 *
 *	GREETING     a client on the host has connected; its CONNECT line is being read
 *	WAITING      a stream that was refused is to be requested again
 *	REQUESTED    the guest is asked to accept (REQUEST, then its RESPONSE)
 *	CONNECTING   the guest asks, and the host's side is being connected, now or a little later
 *	ESTABLISHED
 *	CLOSING      both ways are over and the guest knows it (SHUTDOWN); its RST is waited for
 *	RESETTING    an RST is due to the guest, after which it may use the two ports again
 *	DRAINING     over for the guest; what it sent still goes to a host that reads slowly
 *
 * Towards the host: bytes go to the host's end from where they lie in guest memory.  What it does
 * not take goes into a buffer, and its size is also the credit that the guest has: a guest that
 * sends more is reset.  The guest is told of new credit once that is more than half of all, or of
 *the guest's own buffer if that is less, so that it sends in large pieces, however little a host
 *reads at a time.
 *
 * Towards the guest: nothing is kept here.  Bytes are read from the host's end straight into the
 * guest's buffers, at most as many as it has credit for.  Without credit it is asked once, and
 * the host's end is left alone until there is some.
 *
 * Half-close: when the guest sends no more, the host sees the end of the stream after all that is
 * buffered.  When the host sends no more, the guest gets SHUTDOWN after all data.  When the host
 * reads no more (EPIPE), the guest is told so, what it still sends is dropped, and what the host
 * sent before still arrives.  When both ways are over, SHUTDOWN says so, and the guest's RST ends
 * it.
 *
 * A host that does not read keeps its connection DRAINING, and the slot in use, until it reads or
 * goes away: there is no time limit on bytes that were accepted.
 *
 * Whoever changes a connection looks at vsock_connection_next_op() and vsock_connection_events()
 * afterwards (see vsock_muxer.h).
 *
 * Ownership: the host's end is the connection's; the buffer is borrowed, and only touched where
 * bytes are held, from its beginning.  Threads: the caller serialises.
 */
#ifndef VIRTIO_VSOCK_CONNECTION_H
#define VIRTIO_VSOCK_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "virtio/vsock_end.h"
#include "virtio/vsock_greeting.h"
#include "virtio/vsock_packet.h"

enum {
	/* What the guest may send before the host reads; powers of two. */
	VSOCK_CREDIT_BYTES = 64 * 1024,
	VSOCK_WIDE_CREDIT_BYTES = 1024 * 1024,
};

enum vsock_state {
	VSOCK_FREE,
	VSOCK_GREETING,
	VSOCK_WAITING,
	VSOCK_REQUESTED,
	VSOCK_CONNECTING,
	VSOCK_ESTABLISHED,
	VSOCK_CLOSING,
	VSOCK_RESETTING,
	VSOCK_DRAINING,
};

enum vsock_origin {
	VSOCK_FROM_GUEST,
	VSOCK_FROM_CLIENT, /* CONNECT on the listening socket */
	VSOCK_FROM_OWNER,  /* a stream that the machine's owner wants connected */
};

/* A place in a list of the table: slot numbers plus one, 0 for none. */
struct vsock_link {
	uint16_t previous;
	uint16_t next;
	bool is_in;
};

struct vsock_connection {
	enum vsock_state state;
	enum vsock_origin origin;
	uint32_t guest_port;
	uint32_t host_port;
	uint64_t deadline_ns; /* of the state, where the connection is in the table's list of those
			       */

	struct vsock_end end;
	bool end_is_closed; /* and its owner knows */
	bool can_read;      /* there was something to read at the host's end, and may still be */
	char greeting[VSOCK_GREETING_MAX_BYTES];
	uint8_t greeting_bytes;
	bool is_queued;        /* CONNECTING, and too many wait at the host: to be asked again */
	uint8_t connect_tries; /* so far */

	/* From the guest; free-running. */
	uint32_t received;     /* what it sent */
	uint32_t forwarded;    /* what of it the host took: fwd_cnt */
	uint32_t told;         /* fwd_cnt in the last packet to the guest */
	uint8_t *buffer;       /* [forwarded, received), as a ring */
	uint32_t credit_bytes; /* its size, a power of two */
	uint32_t buffer_base;  /* which count lies at the ring's beginning */

	/* To the guest; free-running. */
	uint32_t sent;
	uint32_t guest_forwarded; /* as the guest said last */
	uint32_t guest_allocated;

	/* What the guest said of itself, for good. */
	bool guest_sends_no_more;
	bool guest_takes_no_more;
	/* What became of the host's end. */
	bool host_sends_no_more;
	bool host_takes_no_more;
	bool host_was_told; /* that nothing more comes for it */

	/* What the guest has to be told. */
	bool request_sent;
	bool response_is_due;
	bool credit_was_asked;  /* by the guest */
	bool credit_requested;  /* of the guest */
	uint32_t shutdown_told; /* VSOCK_SHUTDOWN_* */

	/* The table's. */
	uint32_t generation;
	uint16_t next_in_bucket;
	bool is_in_bucket;
	struct vsock_link ready;
	struct vsock_link timed;
};

static inline uint32_t vsock_connection_buffered(const struct vsock_connection *connection)
{
	return connection->received - connection->forwarded;
}

/* Take over what any packet of the guest says of its credit. */
void vsock_connection_hear(struct vsock_connection *connection, const struct vsock_header *header);

/*
 * Bytes that the guest sent, all of those in `segments`.  Returns 0, or negative errno to reset
 * the connection: -EPROTO if the guest had said it sends no more, -ENOBUFS if it has no credit
 * for them, or the host's error.
 */
int vsock_connection_take(struct vsock_connection *connection, const struct iovec *segments,
			  unsigned int count, uint32_t bytes);

/* The guest's SHUTDOWN.  Afterwards, BOTH from the guest is to be answered with a reset. */
void vsock_connection_shut_down(struct vsock_connection *connection, uint32_t flags);

/* Whether the guest has said that it neither sends nor takes any more. */
static inline bool vsock_connection_is_left(const struct vsock_connection *connection)
{
	return connection->guest_sends_no_more && connection->guest_takes_no_more;
}

/* Write what is buffered, as much as the host takes.  Returns 0 or negative errno to reset. */
int vsock_connection_flush(struct vsock_connection *connection);

/* How many bytes the guest has room for. */
uint32_t vsock_connection_credit(const struct vsock_connection *connection);

/*
 * Read bytes for the guest: no more than it has credit for.  Returns how many, 0 if there are
 * none now, or no more (then a SHUTDOWN is due), or negative errno to reset.  The segments are
 * the same afterwards.
 */
ssize_t vsock_connection_read(struct vsock_connection *connection, struct iovec *segments,
			      unsigned int count);

/* What is to be sent to the guest next, VSOCK_OP_INVALID if nothing. */
enum vsock_op vsock_connection_next_op(const struct vsock_connection *connection);

/* Fill the header of a packet that is about to be sent; the connection counts as having sent it. */
void vsock_connection_compose(struct vsock_connection *connection, enum vsock_op op, uint32_t bytes,
			      uint64_t guest_cid, struct vsock_header *header);

/* What to wait for at the host's end: EPOLLIN, EPOLLOUT. */
uint32_t vsock_connection_events(const struct vsock_connection *connection);

/* Whether neither way will carry anything any more. */
bool vsock_connection_is_over(const struct vsock_connection *connection);

#endif
