/* SPDX-License-Identifier: MIT */
/* virtio/net_port.c - see net_port.h. */
#include "virtio/net_port.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

#include "virtio/segments.h"

static_assert(NET_STREAM_BUFFER_BYTES >= NET_STREAM_LENGTH_BYTES + NET_FRAME_MAX_BYTES,
	      "the largest frame has to fit");

static int break_port(struct net_port *port)
{
	port->is_broken = true;
	port->out_start = port->out_end = 0;
	return -EPIPE;
}

/* What the last system call on the descriptor failed with. */
static int failure(struct net_port *port)
{
	switch (errno) {
	case EPIPE:
	case ECONNRESET:
	case EBADFD: /* a tap without its interface */ return break_port(port);
	default: return -errno;
	}
}

int net_port_set_offloads(struct net_port *port, const struct net_offloads *offloads)
{
	unsigned long flags = 0;

	if (port->kind != NET_PORT_TAP)
		return 0;
	if (offloads->checksum)
		flags |= TUN_F_CSUM;
	if (offloads->checksum && offloads->tso4)
		flags |= TUN_F_TSO4;
	if (offloads->checksum && offloads->tso6)
		flags |= TUN_F_TSO6;
	return ioctl(port->fd, TUNSETOFFLOAD, flags) ? failure(port) : 0;
}

/* -- Sending -- */

static int send_to_tap(struct net_port *port, const struct iovec *segments, unsigned int count)
{
	return writev(port->fd, segments, (int)count) < 0 ? failure(port) : 0;
}

int net_port_flush(struct net_port *port)
{
	while (net_port_has_rest(port)) {
		const struct iovec rest = {
			.iov_base = port->buffers->out + port->out_start,
			.iov_len = port->out_end - port->out_start,
		};
		ssize_t sent = writev(port->fd, &rest, 1);

		if (sent < 0) {
			int error = failure(port);

			/* Half a frame without its rest: nothing that follows would make sense. */
			return error == -EAGAIN ? error : break_port(port);
		}
		if (sent == 0)
			return -EAGAIN;
		port->out_start += (size_t)sent;
	}
	return port->is_broken ? -EPIPE : 0;
}

static int send_to_stream(struct net_port *port, struct iovec *segments, unsigned int count)
{
	size_t frame_bytes = 0;
	size_t whole_bytes;
	uint32_t length;
	ssize_t sent;
	int error = net_port_flush(port);

	if (error)
		return error;
	for (unsigned int i = 1; i < count; i++)
		frame_bytes += segments[i].iov_len;
	if (frame_bytes == 0 || frame_bytes > NET_FRAME_MAX_BYTES)
		return -EMSGSIZE;
	length = htobe32((uint32_t)frame_bytes);
	segments[0] = (struct iovec){&length, sizeof(length)};
	whole_bytes = sizeof(length) + frame_bytes;

	sent = writev(port->fd, segments, (int)count);
	if (sent < 0)
		return failure(port);
	port->out_start = 0;
	port->out_end = segments_read(segments, count, (size_t)sent, port->buffers->out,
				      whole_bytes - (size_t)sent);
	return 0;
}

int net_port_send(struct net_port *port, struct iovec *segments, unsigned int count)
{
	if (port->is_broken)
		return -EPIPE;
	return port->kind == NET_PORT_TAP ? send_to_tap(port, segments, count)
					  : send_to_stream(port, segments, count);
}

/* -- Receiving -- */

static ssize_t receive_from_tap(struct net_port *port, const struct iovec *segments,
				unsigned int count)
{
	ssize_t received = readv(port->fd, segments, (int)count);

	if (received < 0)
		return failure(port);
	/* A tap has no such end, and what has one has nothing more to say. */
	return received == 0 ? break_port(port) : received;
}

/*
 * The length of the frame that comes next in the stream.  Returns 0, -EAGAIN if its four bytes are
 * not there yet, or -EPROTO if no frame is that long.
 */
static int next_length(const struct net_port *port, uint32_t *frame_bytes)
{
	uint32_t length;

	if (port->in_end - port->in_start < sizeof(length))
		return -EAGAIN;
	memcpy(&length, port->buffers->in + port->in_start, sizeof(length));
	length = be32toh(length);
	if (length == 0 || length > NET_FRAME_MAX_BYTES)
		return -EPROTO;
	*frame_bytes = length;
	return 0;
}

bool net_port_has_frame(const struct net_port *port)
{
	uint32_t frame_bytes;
	int error;

	if (port->kind != NET_PORT_STREAM || port->is_broken)
		return false;
	error = next_length(port, &frame_bytes);
	if (error)
		return error != -EAGAIN; /* broken framing is to be found out, too */
	return port->in_end - port->in_start >= NET_STREAM_LENGTH_BYTES + frame_bytes;
}

/* What is there is less than a frame, so there is room behind it once it stands in front. */
static int fill(struct net_port *port)
{
	uint8_t *in = port->buffers->in;
	struct iovec room;
	ssize_t received;

	port->in_end -= port->in_start;
	memmove(in, in + port->in_start, port->in_end);
	port->in_start = 0;
	room = (struct iovec){in + port->in_end, NET_STREAM_BUFFER_BYTES - port->in_end};
	received = readv(port->fd, &room, 1);
	if (received < 0)
		return failure(port);
	if (received == 0)
		return break_port(port);
	port->in_end += (size_t)received;
	return 0;
}

static size_t take_frame(struct net_port *port, uint32_t frame_bytes, const struct iovec *segments,
			 unsigned int count)
{
	static const struct net_header header;
	const uint8_t *frame = port->buffers->in + port->in_start + NET_STREAM_LENGTH_BYTES;
	size_t taken = segments_write(segments, count, 0, &header, sizeof(header));

	taken += segments_write(segments, count, sizeof(header), frame, frame_bytes);
	port->in_start += NET_STREAM_LENGTH_BYTES + frame_bytes;
	return taken;
}

static ssize_t receive_from_stream(struct net_port *port, const struct iovec *segments,
				   unsigned int count)
{
	uint32_t frame_bytes;
	int error;

	while (!net_port_has_frame(port)) {
		error = fill(port);
		if (error)
			return error;
	}
	error = next_length(port, &frame_bytes);
	if (error)
		return break_port(port);
	return (ssize_t)take_frame(port, frame_bytes, segments, count);
}

ssize_t net_port_receive(struct net_port *port, const struct iovec *segments, unsigned int count)
{
	if (port->is_broken)
		return -EPIPE;
	return port->kind == NET_PORT_TAP ? receive_from_tap(port, segments, count)
					  : receive_from_stream(port, segments, count);
}
