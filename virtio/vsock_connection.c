/* SPDX-License-Identifier: MIT */
/* virtio/vsock_connection.c - see vsock_connection.h. */
#include "virtio/vsock_connection.h"

#include <errno.h>
#include <sys/epoll.h>

#include "virtio/segments.h"

static_assert((VSOCK_CREDIT_BYTES & (VSOCK_CREDIT_BYTES - 1)) == 0, "counts wrap with the ring");
static_assert((VSOCK_WIDE_CREDIT_BYTES & (VSOCK_WIDE_CREDIT_BYTES - 1)) == 0, "the same");

static uint32_t smaller(uint32_t one, uint32_t other)
{
	return one < other ? one : other;
}

/* -- From the guest to the host -- */

/* What the guest may send before it hears of more credit. */
static uint32_t guest_credit(const struct vsock_connection *connection)
{
	return connection->credit_bytes - (connection->received - connection->told);
}

static bool is_drained(const struct vsock_connection *connection)
{
	return vsock_connection_buffered(connection) == 0;
}

static void tell_end(struct vsock_connection *connection)
{
	if (connection->host_was_told || !connection->guest_sends_no_more ||
	    !is_drained(connection))
		return;
	connection->host_was_told = true;
	vsock_end_finish_writing(&connection->end);
}

/* Nobody reads any more: what is left counts as taken, so that the guest is not held up. */
static void lose_reader(struct vsock_connection *connection)
{
	connection->host_takes_no_more = true;
	connection->forwarded = connection->received;
}

/* Returns how much the host took, or negative errno. */
static ssize_t write_out(struct vsock_connection *connection, const struct iovec *segments,
			 unsigned int count)
{
	ssize_t written = vsock_end_write(&connection->end, segments, count);

	if (written == -EAGAIN)
		return 0;
	if (written == -EPIPE || written == -ECONNRESET) {
		lose_reader(connection);
		return 0;
	}
	if (written > 0)
		connection->forwarded += (uint32_t)written;
	return written;
}

/* Put [offset, offset + bytes) of the segments into the ring, whose last bytes are those. */
static void hold(struct vsock_connection *connection, const struct iovec *segments,
		 unsigned int count, uint32_t offset, uint32_t bytes)
{
	uint32_t first = connection->received - bytes;
	uint32_t place = (first - connection->buffer_base) & (connection->credit_bytes - 1);
	uint32_t until_wrap = smaller(bytes, connection->credit_bytes - place);

	segments_read(segments, count, offset, connection->buffer + place, until_wrap);
	segments_read(segments, count, offset + until_wrap, connection->buffer, bytes - until_wrap);
}

int vsock_connection_take(struct vsock_connection *connection, const struct iovec *segments,
			  unsigned int count, uint32_t bytes)
{
	bool goes_straight = is_drained(connection);
	ssize_t written = 0;

	if (connection->guest_sends_no_more)
		return -EPROTO;
	if (bytes > guest_credit(connection))
		return -ENOBUFS;
	connection->received += bytes;
	if (goes_straight && bytes > 0 && !connection->host_takes_no_more)
		written = write_out(connection, segments, count);
	if (written < 0)
		return (int)written;
	if (connection->host_takes_no_more) {
		lose_reader(connection);
		return 0;
	}
	/* What waits alone waits at the ring's beginning, so that few of its pages are touched. */
	if (goes_straight)
		connection->buffer_base = connection->forwarded;
	hold(connection, segments, count, (uint32_t)written, bytes - (uint32_t)written);
	return 0;
}

int vsock_connection_flush(struct vsock_connection *connection)
{
	while (!is_drained(connection)) {
		uint32_t bytes = vsock_connection_buffered(connection);
		uint32_t place = (connection->forwarded - connection->buffer_base) &
				 (connection->credit_bytes - 1);
		uint32_t until_wrap = smaller(bytes, connection->credit_bytes - place);
		const struct iovec parts[] = {
			{connection->buffer + place, until_wrap},
			{connection->buffer, bytes - until_wrap},
		};
		ssize_t written = write_out(connection, parts, bytes > until_wrap ? 2 : 1);

		if (written < 0)
			return (int)written;
		if (written == 0)
			break;
	}
	tell_end(connection);
	return 0;
}

/* -- From the host to the guest -- */

void vsock_connection_hear(struct vsock_connection *connection, const struct vsock_header *header)
{
	connection->guest_allocated = header->buf_alloc;
	connection->guest_forwarded = header->fwd_cnt;
	if (vsock_connection_credit(connection) > 0)
		connection->credit_requested = false;
}

uint32_t vsock_connection_credit(const struct vsock_connection *connection)
{
	uint32_t outstanding = connection->sent - connection->guest_forwarded;

	/* A guest that takes credit back, or claims more than it got, has none. */
	return outstanding < connection->guest_allocated ? connection->guest_allocated - outstanding
							 : 0;
}

/* How many of the segments hold the first `bytes`; `*beyond` is what the last of them has more. */
static unsigned int segments_for(const struct iovec *segments, unsigned int count, size_t bytes,
				 size_t *beyond)
{
	unsigned int used = 0;
	size_t sum = 0;

	while (used < count && sum < bytes)
		sum += segments[used++].iov_len;
	*beyond = sum > bytes ? sum - bytes : 0;
	return used;
}

ssize_t vsock_connection_read(struct vsock_connection *connection, struct iovec *segments,
			      unsigned int count)
{
	uint32_t credit = vsock_connection_credit(connection);
	size_t beyond;
	unsigned int used = segments_for(segments, count, credit, &beyond);
	size_t room = 0;
	ssize_t result;

	if (used == 0)
		return 0;
	segments[used - 1].iov_len -= beyond;
	for (unsigned int i = 0; i < used; i++)
		room += segments[i].iov_len;
	result = vsock_end_read(&connection->end, segments, used);
	segments[used - 1].iov_len += beyond;
	if (result == 0)
		connection->host_sends_no_more = true;
	if (result == -EAGAIN)
		result = 0;
	/* All that was there: what comes later is waited for. */
	if (result >= 0 && (size_t)result < room)
		connection->can_read = false;
	return result;
}

/* -- The end -- */

void vsock_connection_shut_down(struct vsock_connection *connection, uint32_t flags)
{
	if ((flags & VSOCK_SHUTDOWN_RECEIVE) && !connection->guest_takes_no_more) {
		connection->guest_takes_no_more = true;
		connection->can_read = false;
		vsock_end_finish_reading(&connection->end);
	}
	if (flags & VSOCK_SHUTDOWN_SEND)
		connection->guest_sends_no_more = true;
	tell_end(connection);
}

static bool sends_are_over(const struct vsock_connection *connection)
{
	return connection->host_sends_no_more || connection->guest_takes_no_more;
}

static bool receives_are_over(const struct vsock_connection *connection)
{
	return connection->host_takes_no_more ||
	       (connection->guest_sends_no_more && is_drained(connection));
}

bool vsock_connection_is_over(const struct vsock_connection *connection)
{
	return sends_are_over(connection) && receives_are_over(connection);
}

/* Of the host, as the guest has to know it. */
static uint32_t shutdown_flags(const struct vsock_connection *connection)
{
	uint32_t flags = 0;

	if (vsock_connection_is_over(connection))
		return VSOCK_SHUTDOWN_BOTH;
	if (connection->host_sends_no_more)
		flags |= VSOCK_SHUTDOWN_SEND;
	if (connection->host_takes_no_more)
		flags |= VSOCK_SHUTDOWN_RECEIVE;
	return flags;
}

/* -- Packets -- */

/*
 * A guest without credit hears of it at the latest when nothing is buffered any more.  Linux leaves
 * no more unacknowledged than the buffer that it has itself, whatever the credit is:
 * then half of that is what it has to hear of.
 */
static bool update_is_due(const struct vsock_connection *connection)
{
	uint32_t window = smaller(connection->credit_bytes, connection->guest_allocated);

	return connection->credit_was_asked ||
	       connection->forwarded - connection->told > window / 2;
}

static enum vsock_op next_of_established(const struct vsock_connection *connection)
{
	if (connection->response_is_due)
		return VSOCK_OP_RESPONSE;
	if (connection->can_read && vsock_connection_credit(connection) > 0)
		return VSOCK_OP_RW;
	if (shutdown_flags(connection) & ~connection->shutdown_told)
		return VSOCK_OP_SHUTDOWN;
	if (connection->can_read && !connection->credit_requested)
		return VSOCK_OP_CREDIT_REQUEST;
	return update_is_due(connection) ? VSOCK_OP_CREDIT_UPDATE : VSOCK_OP_INVALID;
}

enum vsock_op vsock_connection_next_op(const struct vsock_connection *connection)
{
	switch (connection->state) {
	case VSOCK_REQUESTED: return connection->request_sent ? VSOCK_OP_INVALID : VSOCK_OP_REQUEST;
	case VSOCK_ESTABLISHED: return next_of_established(connection);
	case VSOCK_RESETTING: return VSOCK_OP_RST;
	default: return VSOCK_OP_INVALID;
	}
}

/* What follows from a packet that is on its way. */
static void count_sent(struct vsock_connection *connection, enum vsock_op op, uint32_t bytes)
{
	connection->told = connection->forwarded;
	connection->credit_was_asked = false;
	connection->sent += bytes;
	if (op == VSOCK_OP_REQUEST)
		connection->request_sent = true;
	if (op == VSOCK_OP_RESPONSE)
		connection->response_is_due = false;
	if (op == VSOCK_OP_CREDIT_REQUEST)
		connection->credit_requested = true;
	if (op != VSOCK_OP_SHUTDOWN)
		return;
	connection->shutdown_told = shutdown_flags(connection);
	if (connection->shutdown_told == VSOCK_SHUTDOWN_BOTH)
		connection->state = VSOCK_CLOSING;
}

void vsock_connection_compose(struct vsock_connection *connection, enum vsock_op op, uint32_t bytes,
			      uint64_t guest_cid, struct vsock_header *header)
{
	*header = (struct vsock_header){
		.src_cid = VSOCK_CID_HOST,
		.dst_cid = guest_cid,
		.src_port = connection->host_port,
		.dst_port = connection->guest_port,
		.len = bytes,
		.type = VSOCK_TYPE_STREAM,
		.op = (uint16_t)op,
		.flags = op == VSOCK_OP_SHUTDOWN ? shutdown_flags(connection) : 0,
		.buf_alloc = connection->credit_bytes,
		.fwd_cnt = connection->forwarded,
	};
	count_sent(connection, op, bytes);
}

/* -- The host's end -- */

uint32_t vsock_connection_events(const struct vsock_connection *connection)
{
	uint32_t events = is_drained(connection) ? 0 : EPOLLOUT;

	if (connection->state == VSOCK_GREETING ||
	    (connection->state == VSOCK_ESTABLISHED && !connection->can_read &&
	     !sends_are_over(connection)))
		events |= EPOLLIN;
	return events;
}
