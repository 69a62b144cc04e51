/* SPDX-License-Identifier: MIT */
/* virtio/vsock_end.c - see vsock_end.h. */
#include "virtio/vsock_end.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void vsock_end_init(struct vsock_end *end)
{
	*end = (struct vsock_end){.read_fd = -1, .write_fd = -1, .epoll_fd = -1};
}

void vsock_end_open(struct vsock_end *end, int read_fd, int write_fd, int epoll_fd, uint64_t tag)
{
	*end = (struct vsock_end){
		.read_fd = read_fd,
		.write_fd = write_fd,
		.epoll_fd = epoll_fd,
		.tag = tag,
	};
}

static bool is_socket(const struct vsock_end *end)
{
	return end->read_fd == end->write_fd;
}

/* Make the set wait for `wanted` instead of `*waited`.  Returns 0 or negative errno. */
static int wait_for(const struct vsock_end *end, int fd, uint32_t *waited, uint32_t wanted)
{
	struct epoll_event event = {.events = wanted, .data.u64 = end->tag};
	int operation = EPOLL_CTL_MOD;

	if (fd < 0 || *waited == wanted)
		return 0;
	if (wanted == 0)
		operation = EPOLL_CTL_DEL;
	else if (*waited == 0)
		operation = EPOLL_CTL_ADD;
	if (epoll_ctl(end->epoll_fd, operation, fd, &event))
		return -errno;
	*waited = wanted;
	return 0;
}

/* The same for one of two ways.  Returns what is ready at once, or negative errno. */
static int wait_for_way(const struct vsock_end *end, int fd, uint32_t *waited, uint32_t wanted,
			bool *cannot_wait)
{
	int error = 0;

	if (fd >= 0)
		error = *cannot_wait ? -EPERM : wait_for(end, fd, waited, wanted);
	if (error != -EPERM)
		return error;
	*cannot_wait = true;
	return (int)wanted;
}

int vsock_end_expect(struct vsock_end *end, uint32_t events)
{
	int readable;
	int writable;

	if (is_socket(end))
		return wait_for(end, end->read_fd, &end->read_events, events);
	readable = wait_for_way(end, end->read_fd, &end->read_events, events & EPOLLIN,
				&end->read_cannot_wait);
	if (readable < 0)
		return readable;
	writable = wait_for_way(end, end->write_fd, &end->write_events, events & EPOLLOUT,
				&end->write_cannot_wait);
	return writable < 0 ? writable : readable | writable;
}

static ssize_t result_of(ssize_t result, bool cannot_wait)
{
	if (result >= 0)
		return result;
	/* An interrupted call has done nothing, and the set still knows that there is something. */
	if (errno == EINTR || errno == EAGAIN)
		return cannot_wait ? -EIO : -EAGAIN;
	return -errno;
}

ssize_t vsock_end_read(const struct vsock_end *end, const struct iovec *segments,
		       unsigned int count)
{
	return result_of(readv(end->read_fd, segments, (int)count), end->read_cannot_wait);
}

ssize_t vsock_end_write(const struct vsock_end *end, const struct iovec *segments,
			unsigned int count)
{
	return result_of(writev(end->write_fd, segments, (int)count), end->write_cannot_wait);
}

static void close_one(struct vsock_end *end, int *fd, uint32_t *waited)
{
	if (*fd < 0)
		return;
	/* Also on behalf of those who have the same open file. */
	(void)wait_for(end, *fd, waited, 0);
	close(*fd);
	*fd = -1;
}

void vsock_end_finish_writing(struct vsock_end *end)
{
	/* Of two descriptors for one socket the shutdown is what the peer sees; a pipe has none. */
	if (end->write_fd >= 0)
		(void)shutdown(end->write_fd, SHUT_WR);
	if (!is_socket(end))
		close_one(end, &end->write_fd, &end->write_events);
}

void vsock_end_finish_reading(struct vsock_end *end)
{
	if (end->read_fd >= 0)
		(void)shutdown(end->read_fd, SHUT_RD);
	if (!is_socket(end))
		close_one(end, &end->read_fd, &end->read_events);
}

void vsock_end_close(struct vsock_end *end)
{
	bool was_socket = is_socket(end);

	close_one(end, &end->read_fd, &end->read_events);
	if (was_socket)
		end->write_fd = -1;
	else
		close_one(end, &end->write_fd, &end->write_events);
}
