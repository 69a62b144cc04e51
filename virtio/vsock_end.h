/* SPDX-License-Identifier: MIT */
/*
 * virtio/vsock_end.h - the host's end of a connection: one socket, or a descriptor for each way.
 *
 * Where both ways are one descriptor it is a stream socket.  Where they are two, they may be
 * anything, a pipe, a terminal, a file; epoll cannot wait for files, which are always ready.  All
 * are non-blocking, and SIGPIPE is ignored by the process.
 *
 * A descriptor is in the epoll set only while something is waited for: one that is in it without
 * any would still report each hang-up for ever.  It leaves the set before it is closed, because
 * the set holds on to what another process still has open.
 *
 * Call order: vsock_end_init(); vsock_end_open() once there is something to open; vsock_end_close()
 * at any time, once or more.
 * Ownership: the descriptors belong to the end; the epoll instance is borrowed.
 * Errors: negative errno; what would have to wait is -EAGAIN, or -EIO where that is impossible.
 */
#ifndef VIRTIO_VSOCK_END_H
#define VIRTIO_VSOCK_END_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct vsock_end {
	int read_fd;  /* -1: closed */
	int write_fd; /* the same as read_fd for a socket; -1: closed */
	int epoll_fd;
	uint64_t tag;         /* of its epoll events */
	uint32_t read_events; /* what the set waits for; for a socket all of it stands here */
	uint32_t write_events;
	bool read_cannot_wait; /* epoll does not know it */
	bool write_cannot_wait;
};

/* No descriptors. */
void vsock_end_init(struct vsock_end *end);

void vsock_end_open(struct vsock_end *end, int read_fd, int write_fd, int epoll_fd, uint64_t tag);

/*
 * Wait for exactly these events, of EPOLLIN and EPOLLOUT; those of a way that is closed are left
 * out.  Returns what is ready at once because epoll cannot wait for it, or negative errno.
 */
int vsock_end_expect(struct vsock_end *end, uint32_t events);

/* Returns how much, 0 at the end of the stream, or negative errno. */
ssize_t vsock_end_read(const struct vsock_end *end, const struct iovec *segments,
		       unsigned int count);

/* Returns how much was taken, which may be less than there is, or negative errno. */
ssize_t vsock_end_write(const struct vsock_end *end, const struct iovec *segments,
			unsigned int count);

/* Nothing more will be written: the peer reads what was, then the end. */
void vsock_end_finish_writing(struct vsock_end *end);

/* Nothing more will be read: the peer cannot write any more. */
void vsock_end_finish_reading(struct vsock_end *end);

void vsock_end_close(struct vsock_end *end);

#endif
