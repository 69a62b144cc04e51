/* SPDX-License-Identifier: MIT */
/* virtio/vsock_guest.c - see vsock_guest.h. */
#include "virtio/vsock_guest.h"

#include <errno.h>

static void refuse(const struct vsock_muxer *muxer, const char *why)
{
	muxer->links->refused(muxer->links->owner, why);
}

static void break_off(struct vsock_muxer *muxer, struct vsock_connection *connection,
		      const char *why)
{
	refuse(muxer, why);
	vsock_muxer_abort(muxer, connection, ECONNRESET);
}

static const char out_of_order[] = "a packet that does not fit the state of its connection";

/* -- Without a connection -- */

static void on_request(struct vsock_muxer *muxer, const struct vsock_header *header)
{
	struct vsock_connection *connection =
		vsock_table_allocate(&muxer->table, VSOCK_CONNECTING, VSOCK_FROM_GUEST);

	if (!connection) {
		muxer->counters.refused++;
		vsock_muxer_reject(muxer, header);
		return;
	}
	connection->guest_port = header->src_port;
	connection->host_port = header->dst_port;
	vsock_connection_hear(connection, header);
	vsock_table_enter(&muxer->table, connection);
	vsock_muxer_connect(muxer, connection);
}

/* -- By state -- */

/* Nothing was written to this socket yet, so there is room for a line, or nobody to read it. */
static void answer_client(struct vsock_connection *connection)
{
	char text[VSOCK_ANSWER_MAX_BYTES];
	struct iovec answer = {text, vsock_greeting_answer(text, connection->host_port)};

	/* Also of a client that has left, the guest gets what it said. */
	if (vsock_end_write(&connection->end, &answer, 1) != (ssize_t)answer.iov_len)
		connection->host_takes_no_more = true;
}

static void on_response(struct vsock_muxer *muxer, struct vsock_connection *connection)
{
	if (connection->origin == VSOCK_FROM_CLIENT)
		answer_client(connection);
	vsock_muxer_establish(muxer, connection);
}

static void requested(struct vsock_muxer *muxer, struct vsock_connection *connection,
		      const struct vsock_header *header)
{
	bool is_answer = connection->request_sent;

	if (header->op == VSOCK_OP_RESPONSE && is_answer) {
		on_response(muxer, connection);
	} else if (header->op == VSOCK_OP_RST && is_answer &&
		   connection->origin == VSOCK_FROM_OWNER) {
		vsock_muxer_retry(muxer, connection);
	} else if (header->op == VSOCK_OP_RST && is_answer) {
		muxer->counters.refused++;
		vsock_muxer_drop(muxer, connection, ECONNREFUSED);
	} else if (header->op != VSOCK_OP_RST) {
		break_off(muxer, connection, out_of_order);
	}
}

static void connecting(struct vsock_muxer *muxer, struct vsock_connection *connection,
		       const struct vsock_header *header)
{
	switch (header->op) {
	case VSOCK_OP_CREDIT_UPDATE: break;
	case VSOCK_OP_CREDIT_REQUEST: connection->credit_was_asked = true; break;
	case VSOCK_OP_SHUTDOWN: vsock_muxer_abort(muxer, connection, ECONNRESET); break;
	case VSOCK_OP_RST: vsock_muxer_drop(muxer, connection, ECONNRESET); break;
	default: break_off(muxer, connection, out_of_order); break;
	}
}

static void on_bytes(struct vsock_muxer *muxer, struct vsock_connection *connection,
		     const struct iovec *segments, unsigned int count, uint32_t bytes)
{
	int error = vsock_connection_take(connection, segments, count, bytes);

	if (error == -EPROTO) {
		break_off(muxer, connection, "bytes on a connection that it had shut down");
	} else if (error == -ENOBUFS) {
		break_off(muxer, connection, "more bytes than it has credit for");
	} else if (error) {
		vsock_muxer_tell(muxer, "writing to a socket", -error);
		vsock_muxer_abort(muxer, connection, -error);
	} else {
		muxer->counters.from_guest_bytes += bytes;
		vsock_muxer_settle(muxer, connection);
	}
}

static void established(struct vsock_muxer *muxer, struct vsock_connection *connection,
			const struct vsock_header *header, const struct iovec *segments,
			unsigned int count)
{
	switch (header->op) {
	case VSOCK_OP_RW: on_bytes(muxer, connection, segments, count, header->len); break;
	case VSOCK_OP_CREDIT_REQUEST:
		connection->credit_was_asked = true;
		vsock_muxer_settle(muxer, connection);
		break;
	case VSOCK_OP_CREDIT_UPDATE: vsock_muxer_settle(muxer, connection); break;
	case VSOCK_OP_SHUTDOWN:
		vsock_connection_shut_down(connection, header->flags);
		if (vsock_connection_is_left(connection))
			vsock_muxer_reset(muxer, connection);
		else
			vsock_muxer_settle(muxer, connection);
		break;
	case VSOCK_OP_RST: vsock_muxer_drop(muxer, connection, ECONNRESET); break;
	default: break_off(muxer, connection, out_of_order); break;
	}
}

static void with_connection(struct vsock_muxer *muxer, struct vsock_connection *connection,
			    const struct vsock_header *header, const struct iovec *segments,
			    unsigned int count)
{
	switch (connection->state) {
	case VSOCK_REQUESTED: requested(muxer, connection, header); break;
	case VSOCK_CONNECTING: connecting(muxer, connection, header); break;
	case VSOCK_ESTABLISHED:
	case VSOCK_CLOSING: established(muxer, connection, header, segments, count); break;
	default: break; /* its RST is on the way to the guest, and answers this as well */
	}
}

void vsock_guest_packet(struct vsock_muxer *muxer, const struct vsock_header *header,
			const struct iovec *segments, unsigned int count, bool is_whole)
{
	struct vsock_connection *connection;

	if (header->src_cid != muxer->guest_cid || header->dst_cid != VSOCK_CID_HOST) {
		refuse(muxer, "a packet from or to a CID that is not there");
		vsock_muxer_reject(muxer, header);
		return;
	}
	if (header->type != VSOCK_TYPE_STREAM) {
		refuse(muxer, "a packet of a type that was not offered");
		vsock_muxer_reject(muxer, header);
		return;
	}
	connection = vsock_table_find(&muxer->table, header->src_port, header->dst_port);
	if (connection && !is_whole) {
		break_off(muxer, connection, "a packet that is shorter than it says");
	} else if (connection) {
		vsock_connection_hear(connection, header);
		with_connection(muxer, connection, header, segments, count);
	} else if (header->op == VSOCK_OP_REQUEST) {
		on_request(muxer, header);
	} else {
		vsock_muxer_reject(muxer, header);
	}
}
