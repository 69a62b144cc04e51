/* SPDX-License-Identifier: MIT */
/*
 * virtio/net_port.h - where the frames of a NIC leave and arrive: a tap, or a stream socket.
 *
 * A tap (Linux Documentation/networking/tuntap.rst) carries each frame behind the 12-byte header
 * of virtio 1.2, section 5.1.6, so that offloads pass through it; reading and writing go straight
 * to and from guest memory.  A stream carries each frame behind its length in
 * 4 bytes, big-endian, which is what QEMU's "-netdev stream" and passt(1) speak: no header, no
 * offloads, and bytes that may come in any division, so it has a buffer for each direction.
 *
 * Call order: the caller sets `kind`, `fd` and, for a stream, `buffers`; the rest is zero.
 * net_port_set_offloads() when a driver is ready; then net_port_send() and net_port_receive().
 * Both treat what they are given as a header (struct net_header) and the frame behind it.
 *
 * Ownership: the descriptor, which is non-blocking, and the buffers are borrowed.
 * Threads: the caller serialises.
 * Errors: 0 or negative errno.  -EAGAIN: nothing was taken, wait for the descriptor.  -EPIPE, now
 * and ever after: a stream's other end has gone or broke the framing, a tap was removed.
 * System calls: readv, writev, ioctl TUNSETOFFLOAD.  SIGPIPE has to be ignored.
 */
#ifndef VIRTIO_NET_PORT_H
#define VIRTIO_NET_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "virtio/net_header.h"

enum {
	NET_STREAM_LENGTH_BYTES = 4,
	NET_STREAM_BUFFER_BYTES = 128 * 1024, /* one frame in part, and many that follow it */
	NET_PORT_SEGMENTS_MAX = 1024,         /* IOV_MAX, the header's and the spill's included */
};

enum net_port_kind {
	NET_PORT_TAP,
	NET_PORT_STREAM,
};

/* The two directions of a stream; page-aligned anonymous memory is best: untouched it costs
 * nothing. */
struct net_port_buffers {
	uint8_t in[NET_STREAM_BUFFER_BYTES];
	uint8_t out[NET_STREAM_LENGTH_BYTES + NET_FRAME_MAX_BYTES];
};

struct net_port {
	enum net_port_kind kind;
	int fd;
	struct net_port_buffers *buffers; /* NULL for a tap */

	/* Of a stream.  [in_start, in_end) has arrived and was not taken yet. */
	size_t in_start;
	size_t in_end;
	/* The rest of a frame of which a part is on its way: it goes before any other. */
	size_t out_start;
	size_t out_end;
	bool is_broken; /* -EPIPE from now on */
};

/*
 * What the guest takes from a tap without help: of the TUN_F_ flags of linux/if_tun.h.  Returns 0
 * or negative errno; a stream has nothing to set and returns 0.
 */
int net_port_set_offloads(struct net_port *port, const struct net_offloads *offloads);

/*
 * Send the frame behind a header: segments[0] is the header, alone.  A frame is taken whole or not
 * at all.  Other errors than -EAGAIN and -EPIPE: the frame is lost, such as -EINVAL for a header
 * that the host's kernel does not take, or -EIO for a tap that is down.  The list is the caller's
 * no more: it may come back changed.
 */
int net_port_send(struct net_port *port, struct iovec *segments, unsigned int count);

/* Whether net_port_flush() has something to do. */
static inline bool net_port_has_rest(const struct net_port *port)
{
	return port->out_start < port->out_end;
}

/* Go on with the rest of a frame.  Returns 0 when there is none left, -EAGAIN or -EPIPE. */
int net_port_flush(struct net_port *port);

/*
 * Take the next frame: header and frame into the segments, in order.  Returns how many bytes that
 * are, or negative errno.  The segments are expected to hold any frame: what a longer one has
 * beyond them is lost.
 */
ssize_t net_port_receive(struct net_port *port, const struct iovec *segments, unsigned int count);

/* Whether a frame could be received that the descriptor would not tell of. */
bool net_port_has_frame(const struct net_port *port);

#endif
