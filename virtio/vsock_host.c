/* SPDX-License-Identifier: MIT */
/* virtio/vsock_host.c - see vsock_host.h. */
#include "virtio/vsock_host.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "virtio/clock.h"

enum {
	ACCEPT_MAX = 16, /* at a time: others want to be served, too */
};

/* -- Clients -- */

/* The host has no descriptors or memory left: the socket would be found readable for ever. */
static void rest(struct vsock_muxer *muxer, struct vsock_listener *listener, int error)
{
	vsock_muxer_tell(muxer, "accepting a client", error);
	vsock_host_close(muxer, listener);
	listener->due_ns = virtio_now_ns() + VSOCK_LISTENER_REST_NS;
}

void vsock_host_open(struct vsock_muxer *muxer, struct vsock_listener *listener)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLRDHUP,
		.data.u64 = VSOCK_LISTENER_TAG,
	};

	listener->due_ns = VSOCK_NEVER;
	if (listener->fd < 0 || listener->is_open || listener->is_shut)
		return;
	if (epoll_ctl(muxer->epoll_fd, EPOLL_CTL_ADD, listener->fd, &event))
		rest(muxer, listener, errno);
	else
		listener->is_open = true;
}

void vsock_host_close(struct vsock_muxer *muxer, struct vsock_listener *listener)
{
	listener->due_ns = VSOCK_NEVER;
	if (!listener->is_open)
		return;
	listener->is_open = false;
	(void)epoll_ctl(muxer->epoll_fd, EPOLL_CTL_DEL, listener->fd, NULL);
}

/* The socket would be found readable for ever, and has nobody any more. */
static void end_listening(struct vsock_muxer *muxer, struct vsock_listener *listener)
{
	vsock_muxer_tell(muxer, "listening for clients", ESHUTDOWN);
	listener->is_shut = true;
	vsock_host_close(muxer, listener);
}

static void hang_up(struct vsock_muxer *muxer, struct vsock_connection *connection)
{
	muxer->counters.refused++;
	vsock_muxer_drop(muxer, connection, ECONNREFUSED);
}

/* Read no further than the newline: what comes behind it is the guest's. */
static void read_greeting(struct vsock_muxer *muxer, struct vsock_connection *connection)
{
	uint32_t guest_port;
	int result;

	do {
		size_t length = connection->greeting_bytes;
		struct iovec rest = {connection->greeting + length, vsock_greeting_step(length)};
		ssize_t bytes = vsock_end_read(&connection->end, &rest, 1);

		if (bytes == -EAGAIN) {
			vsock_muxer_settle(muxer, connection);
			return;
		}
		if (bytes <= 0) {
			hang_up(muxer, connection);
			return;
		}
		connection->greeting_bytes += (uint8_t)bytes;
		result = vsock_greeting_parse(connection->greeting, connection->greeting_bytes,
					      &guest_port);
	} while (result == -EAGAIN);
	if (result)
		hang_up(muxer, connection);
	else
		vsock_muxer_request(muxer, connection, guest_port);
}

static void welcome(struct vsock_muxer *muxer, int fd)
{
	struct vsock_connection *connection =
		vsock_table_allocate(&muxer->table, VSOCK_GREETING, VSOCK_FROM_CLIENT);

	if (!connection) {
		muxer->counters.refused++;
		close(fd);
		return;
	}
	vsock_end_open(&connection->end, fd, fd, muxer->epoll_fd,
		       vsock_table_tag(&muxer->table, connection));
	vsock_muxer_limit(muxer, connection, VSOCK_TIMEOUT_NS);
	/* Mostly the line is there already. */
	read_greeting(muxer, connection);
}

/* Returns whether nobody waits any more. */
static bool accept_clients(struct vsock_muxer *muxer, struct vsock_listener *listener)
{
	for (unsigned int i = 0; i < ACCEPT_MAX; i++) {
		int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			welcome(muxer, fd);
		} else if (errno != ECONNABORTED && errno != EINTR) {
			if (errno == EAGAIN)
				return true;
			rest(muxer, listener, errno);
			return false;
		}
	}
	return false;
}

/* -- Bytes -- */

static void on_events(struct vsock_muxer *muxer, struct vsock_connection *connection)
{
	int error;

	if (connection->state == VSOCK_GREETING) {
		read_greeting(muxer, connection);
		return;
	}
	/*
	 * Which of them it was does not matter: hang-ups and errors come with any, and to
	 * try what cannot be done yet does no harm.
	 */
	if (vsock_connection_events(connection) & EPOLLIN)
		connection->can_read = true;
	error = vsock_connection_flush(connection);
	if (error) {
		vsock_muxer_tell(muxer, "writing to a socket", -error);
		vsock_muxer_abort(muxer, connection, -error);
	} else {
		vsock_muxer_settle(muxer, connection);
	}
}

void vsock_host_serve(struct vsock_muxer *muxer, struct vsock_listener *listener)
{
	struct epoll_event events[VSOCK_EVENTS_MAX];
	/* Of two calls that do the same, the one that every C library makes by this name. */
	int count = epoll_pwait(muxer->epoll_fd, events, VSOCK_EVENTS_MAX, 0, NULL);

	muxer->woken_count = 0;
	for (int i = 0; i < count; i++) {
		uint64_t tag = events[i].data.u64;
		struct vsock_connection *connection;

		if (tag == VSOCK_LISTENER_TAG) {
			if (accept_clients(muxer, listener) &&
			    events[i].events & (EPOLLRDHUP | EPOLLHUP))
				end_listening(muxer, listener);
			continue;
		}
		connection = vsock_table_by_tag(&muxer->table, tag);
		if (connection) {
			muxer->woken[muxer->woken_count++] = tag;
			on_events(muxer, connection);
		}
	}
}

void vsock_host_rest(struct vsock_muxer *muxer)
{
	for (unsigned int i = 0; i < muxer->woken_count; i++) {
		struct vsock_connection *connection =
			vsock_table_by_tag(&muxer->table, muxer->woken[i]);

		/* To wait for less cannot fail. */
		if (connection && connection->can_read)
			(void)vsock_end_expect(&connection->end,
					       vsock_connection_events(connection));
	}
	muxer->woken_count = 0;
}

/* -- Time -- */

static void on_timeout(struct vsock_muxer *muxer, struct vsock_connection *connection)
{
	switch (connection->state) {
	case VSOCK_WAITING: vsock_muxer_request(muxer, connection, connection->guest_port); break;
	case VSOCK_REQUESTED:
		if (connection->origin == VSOCK_FROM_OWNER) {
			vsock_muxer_retry(muxer, connection);
			break;
		}
		muxer->counters.refused++;
		if (connection->request_sent)
			vsock_muxer_abort(muxer, connection, ETIMEDOUT);
		else
			vsock_muxer_drop(muxer, connection, ETIMEDOUT);
		break;
	case VSOCK_CONNECTING:
		if (connection->is_queued) {
			vsock_muxer_connect(muxer, connection);
			break;
		}
		muxer->counters.refused++;
		vsock_muxer_abort(muxer, connection, ETIMEDOUT);
		break;
	case VSOCK_CLOSING: vsock_muxer_reset(muxer, connection); break;
	default: hang_up(muxer, connection); break; /* GREETING: no other is limited */
	}
}

void vsock_host_expire(struct vsock_muxer *muxer, struct vsock_listener *listener, uint64_t now_ns)
{
	struct vsock_connection *connection = vsock_table_first_timed(&muxer->table);

	if (listener->due_ns <= now_ns)
		vsock_host_open(muxer, listener);
	if (muxer->due_ns > now_ns)
		return;
	muxer->due_ns = VSOCK_NEVER;
	while (connection) {
		struct vsock_connection *next = vsock_table_next_timed(&muxer->table, connection);

		if (connection->deadline_ns <= now_ns)
			on_timeout(muxer, connection);
		else if (connection->deadline_ns < muxer->due_ns)
			muxer->due_ns = connection->deadline_ns;
		connection = next;
	}
}

/* -- The owner -- */

void vsock_host_connected(struct vsock_muxer *muxer, uint64_t token, int fd)
{
	struct vsock_connection *connection = vsock_table_by_tag(&muxer->table, token);

	if (!connection || connection->state != VSOCK_CONNECTING) {
		if (fd >= 0)
			close(fd);
	} else if (fd == -EAGAIN && connection->connect_tries < VSOCK_CONNECT_TRIES_MAX) {
		connection->is_queued = true;
		/* Longer each time: a guest can have a thousand of these wait at once. */
		vsock_muxer_limit(muxer, connection, VSOCK_QUEUE_NS * connection->connect_tries);
	} else if (fd < 0) {
		muxer->counters.refused++;
		vsock_muxer_abort(muxer, connection, -fd);
	} else {
		vsock_end_open(&connection->end, fd, fd, muxer->epoll_fd, token);
		connection->response_is_due = true;
		vsock_muxer_establish(muxer, connection);
	}
}

int vsock_host_connect_stream(struct vsock_muxer *muxer, uint32_t guest_port, int read_fd,
			      int write_fd)
{
	struct vsock_connection *connection =
		vsock_table_allocate(&muxer->table, VSOCK_WAITING, VSOCK_FROM_OWNER);

	if (!connection)
		return -ENOSPC;
	connection->guest_port = guest_port;
	vsock_end_open(&connection->end, read_fd, write_fd, muxer->epoll_fd,
		       vsock_table_tag(&muxer->table, connection));
	return 0;
}

void vsock_host_start_streams(struct vsock_muxer *muxer)
{
	struct vsock_connection *connection = NULL;

	while ((connection = vsock_table_next(&muxer->table, connection)))
		if (connection->state == VSOCK_WAITING)
			vsock_muxer_request(muxer, connection, connection->guest_port);
}
