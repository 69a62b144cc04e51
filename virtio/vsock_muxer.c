/* SPDX-License-Identifier: MIT */
/* virtio/vsock_muxer.c - see vsock_muxer.h. */
#include "virtio/vsock_muxer.h"

#include <errno.h>
#include <sys/epoll.h>

#include "virtio/clock.h"

static_assert((VSOCK_RESETS_MAX & (VSOCK_RESETS_MAX - 1)) == 0, "counts wrap with the ring");

void vsock_muxer_init(struct vsock_muxer *muxer)
{
	muxer->last_host_port = VSOCK_HOST_PORT_MIN - 1;
	muxer->due_ns = VSOCK_NEVER;
}

void vsock_muxer_tell(const struct vsock_muxer *muxer, const char *what, int error)
{
	/* A peer that goes away is no failure of the host. */
	if (error != ECONNRESET && error != EPIPE)
		muxer->links->host_error(muxer->links->owner, what, error);
}

/* -- Time -- */

void vsock_muxer_limit(struct vsock_muxer *muxer, struct vsock_connection *connection,
		       uint64_t after_ns)
{
	uint64_t deadline_ns = after_ns == VSOCK_NEVER ? VSOCK_NEVER : virtio_now_ns() + after_ns;

	vsock_table_set_deadline(&muxer->table, connection, deadline_ns);
	if (deadline_ns < muxer->due_ns)
		muxer->due_ns = deadline_ns;
}

/* -- The host's end -- */

static void close_end(struct vsock_muxer *muxer, struct vsock_connection *connection, int error)
{
	if (connection->end_is_closed)
		return;
	connection->end_is_closed = true;
	vsock_end_close(&connection->end);
	connection->can_read = false;
	connection->forwarded = connection->received;
	if (connection->origin == VSOCK_FROM_OWNER)
		muxer->owner->stream_ended(muxer->owner->context, connection->guest_port, error);
}

/* Returns 0 or negative errno. */
static int wait_for_end(struct vsock_connection *connection)
{
	uint32_t events = vsock_connection_events(connection);
	int ready;

	if (connection->can_read)
		events |= connection->end.read_events & EPOLLIN;
	ready = vsock_end_expect(&connection->end, events);
	if (ready < 0)
		return ready;
	if (ready & EPOLLIN)
		connection->can_read = true;
	return ready & EPOLLOUT ? vsock_connection_flush(connection) : 0;
}

void vsock_muxer_settle(struct vsock_muxer *muxer, struct vsock_connection *connection)
{
	int error;

	if (vsock_connection_is_over(connection))
		close_end(muxer, connection, 0);
	error = wait_for_end(connection);
	if (error) {
		vsock_muxer_tell(muxer, "waiting for a socket", -error);
		close_end(muxer, connection, -error);
		if (connection->state == VSOCK_GREETING)
			connection->state = VSOCK_DRAINING;
		else if (connection->state != VSOCK_DRAINING)
			connection->state = VSOCK_RESETTING;
	}
	if (connection->state == VSOCK_DRAINING && connection->end_is_closed) {
		vsock_table_release(&muxer->table, connection);
		return;
	}
	if (vsock_connection_next_op(connection) != VSOCK_OP_INVALID)
		vsock_table_make_ready(&muxer->table, connection);
	else
		vsock_table_make_unready(&muxer->table, connection);
}

/* -- From state to state -- */

void vsock_muxer_connect(struct vsock_muxer *muxer, struct vsock_connection *connection)
{
	const struct vsock_owner *owner = muxer->owner;
	int error = -ECONNREFUSED;

	connection->is_queued = false;
	connection->connect_tries++;
	vsock_muxer_limit(muxer, connection, VSOCK_TIMEOUT_NS);
	if (owner->connect)
		error = owner->connect(owner->context, vsock_table_tag(&muxer->table, connection),
				       connection->host_port);
	if (error) {
		muxer->counters.refused++;
		vsock_muxer_abort(muxer, connection, -error);
	}
}

static uint32_t free_host_port(struct vsock_muxer *muxer, uint32_t guest_port)
{
	/* Ends soon: there are more ports than slots. */
	do {
		if (muxer->last_host_port++ == VSOCK_HOST_PORT_MAX)
			muxer->last_host_port = VSOCK_HOST_PORT_MIN;
	} while (vsock_table_find(&muxer->table, guest_port, muxer->last_host_port));
	return muxer->last_host_port;
}

void vsock_muxer_request(struct vsock_muxer *muxer, struct vsock_connection *connection,
			 uint32_t guest_port)
{
	vsock_table_leave(&muxer->table, connection);
	connection->state = VSOCK_REQUESTED;
	connection->request_sent = false;
	connection->guest_port = guest_port;
	connection->host_port = free_host_port(muxer, guest_port);
	vsock_table_enter(&muxer->table, connection);
	vsock_muxer_limit(muxer, connection, VSOCK_TIMEOUT_NS);
	vsock_muxer_settle(muxer, connection);
}

void vsock_muxer_retry(struct vsock_muxer *muxer, struct vsock_connection *connection)
{
	vsock_table_leave(&muxer->table, connection);
	connection->state = VSOCK_WAITING;
	vsock_muxer_limit(muxer, connection, VSOCK_RETRY_NS);
	vsock_muxer_settle(muxer, connection);
}

void vsock_muxer_establish(struct vsock_muxer *muxer, struct vsock_connection *connection)
{
	connection->state = VSOCK_ESTABLISHED;
	if (connection->origin == VSOCK_FROM_GUEST)
		muxer->counters.guest_connections++;
	else
		muxer->counters.host_connections++;
	vsock_muxer_limit(muxer, connection, VSOCK_NEVER);
	vsock_muxer_settle(muxer, connection);
}

void vsock_muxer_reset(struct vsock_muxer *muxer, struct vsock_connection *connection)
{
	connection->state = VSOCK_RESETTING;
	vsock_muxer_limit(muxer, connection, VSOCK_NEVER);
	vsock_muxer_settle(muxer, connection);
}

void vsock_muxer_abort(struct vsock_muxer *muxer, struct vsock_connection *connection, int error)
{
	close_end(muxer, connection, error);
	if (connection->state == VSOCK_DRAINING)
		vsock_table_release(&muxer->table, connection);
	else
		vsock_muxer_reset(muxer, connection);
}

void vsock_muxer_drop(struct vsock_muxer *muxer, struct vsock_connection *connection, int error)
{
	close_end(muxer, connection, error);
	vsock_table_release(&muxer->table, connection);
}

/* The guest may use the ports again; the host may still have to read. */
static void let_go(struct vsock_muxer *muxer, struct vsock_connection *connection)
{
	vsock_table_leave(&muxer->table, connection);
	connection->state = VSOCK_DRAINING;
	vsock_muxer_limit(muxer, connection, VSOCK_NEVER);
	vsock_muxer_settle(muxer, connection);
}

static void forget_one(struct vsock_muxer *muxer, struct vsock_connection *connection)
{
	bool is_early = connection->state == VSOCK_WAITING || connection->state == VSOCK_REQUESTED;

	if (is_early && connection->origin == VSOCK_FROM_OWNER) {
		vsock_muxer_retry(muxer, connection);
		vsock_muxer_limit(muxer, connection, VSOCK_NEVER);
	} else if (vsock_connection_buffered(connection) > 0) {
		vsock_connection_shut_down(connection, VSOCK_SHUTDOWN_BOTH);
		let_go(muxer, connection);
	} else {
		vsock_muxer_drop(muxer, connection, ECONNRESET);
	}
}

void vsock_muxer_forget(struct vsock_muxer *muxer)
{
	struct vsock_connection *connection = NULL;

	muxer->resets_out = muxer->resets_in;
	while ((connection = vsock_table_next(&muxer->table, connection)))
		forget_one(muxer, connection);
	muxer->due_ns = VSOCK_NEVER;
}

/* -- To the guest -- */

bool vsock_muxer_can_take(const struct vsock_muxer *muxer)
{
	return muxer->resets_in - muxer->resets_out < VSOCK_RESETS_MAX;
}

void vsock_muxer_reject(struct vsock_muxer *muxer, const struct vsock_header *header)
{
	if (header->op == VSOCK_OP_RST)
		return;
	muxer->resets[muxer->resets_in++ % VSOCK_RESETS_MAX] = (struct vsock_reset){
		.src_cid = header->dst_cid,
		.dst_cid = header->src_cid,
		.src_port = header->dst_port,
		.dst_port = header->src_port,
		.type = header->type,
	};
}

bool vsock_muxer_has_packet(const struct vsock_muxer *muxer)
{
	return muxer->resets_in != muxer->resets_out || muxer->table.ready.first;
}

static void give_reset(struct vsock_muxer *muxer, struct vsock_header *header)
{
	const struct vsock_reset *reset = &muxer->resets[muxer->resets_out++ % VSOCK_RESETS_MAX];

	*header = (struct vsock_header){
		.src_cid = reset->src_cid,
		.dst_cid = reset->dst_cid,
		.src_port = reset->src_port,
		.dst_port = reset->dst_port,
		.type = reset->type,
		.op = VSOCK_OP_RST,
	};
	muxer->counters.resets++;
}

/* What the connection has sent may change what it waits for, and for how long. */
static void after_packet(struct vsock_muxer *muxer, struct vsock_connection *connection,
			 enum vsock_op op)
{
	if (op == VSOCK_OP_RST) {
		muxer->counters.resets++;
		let_go(muxer, connection);
		return;
	}
	if (connection->state == VSOCK_CLOSING)
		vsock_muxer_limit(muxer, connection, VSOCK_TIMEOUT_NS);
	vsock_muxer_settle(muxer, connection);
}

/* Returns false if the connection had nothing after all. */
static bool give_one(struct vsock_muxer *muxer, struct vsock_connection *connection,
		     struct iovec *segments, unsigned int count, struct vsock_header *header)
{
	enum vsock_op op = vsock_connection_next_op(connection);
	ssize_t bytes = 0;

	/* Whoever has more to say lines up again behind the others. */
	vsock_table_make_unready(&muxer->table, connection);
	if (op == VSOCK_OP_INVALID)
		return false;
	if (op == VSOCK_OP_RW) {
		bytes = vsock_connection_read(connection, segments, count);
		if (bytes < 0) {
			vsock_muxer_tell(muxer, "reading from a socket", (int)-bytes);
			vsock_muxer_abort(muxer, connection, (int)-bytes);
			return false;
		}
		if (bytes == 0) {
			vsock_muxer_settle(muxer, connection);
			return false;
		}
	}
	muxer->counters.to_guest_bytes += (uint64_t)bytes;
	vsock_connection_compose(connection, op, (uint32_t)bytes, muxer->guest_cid, header);
	after_packet(muxer, connection, op);
	return true;
}

bool vsock_muxer_give(struct vsock_muxer *muxer, struct iovec *segments, unsigned int count,
		      struct vsock_header *header)
{
	/* One that could not be read may have something else to say, but no third thing. */
	unsigned int tries = 2 * muxer->table.count;

	if (muxer->resets_in != muxer->resets_out) {
		give_reset(muxer, header);
		return true;
	}
	while (tries-- > 0) {
		struct vsock_connection *connection = vsock_table_first_ready(&muxer->table);

		if (!connection)
			return false;
		if (give_one(muxer, connection, segments, count, header))
			return true;
	}
	return false;
}
