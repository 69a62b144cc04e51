/* SPDX-License-Identifier: MIT */
/*
 * virtio/vsock.h - a virtio socket device: streams between the guest and Unix sockets of the host.
 *
 * Source of the ABI: virtio 1.2, section 5.10, with STREAM.  Queue 0 carries packets to the
 * guest, queue 1 from the guest, queue 2 events.
 *
 * Connections begin in three ways: a client of the listening socket asks for a port of the guest
 * (vsock_greeting.h); the guest asks for a port of the host, and the device's owner connects
 * (struct vsock_owner); the owner has a stream of its own connected (vsock_connect_stream()).
 * What becomes of them is told in vsock_connection.h.
 *
 * The guest's packets are served on the thread that notifies: their bytes go to the host's socket
 * from where they lie.  What the host sends is read straight into the guest's buffers, on the I/O
 * thread, in service(), or on the one that notifies of buffers that were waited for.  service_fd
 * is an epoll instance; nothing is in it that cannot be served, so it can always be waited for.
 * Without buffers of the guest, nothing is read for it, but what it sent is written and clients
 * are greeted all the same.
 *
 * A chain without room for a header (and a byte of payload, on queue 0), or with buffers of the
 * wrong direction, stops the device and breaks all connections off.  A packet that is longer than
 * its chain, or makes no sense, is answered with an RST (vsock_guest.h).
 *
 * reset() and queue_stopped() break off all connections.  What the guest had sent before is still
 * written to hosts that read, also after a reset, and at the end of a run, if the caller goes on
 * with service() while there are vsock_buffered_bytes().
 *
 * Call order: the caller sets device.memory, device.links, and of muxer guest_cid, epoll_fd,
 * owner and the table's buffers and seed, and listener.fd; then vsock_init(); then the device is
 * the transport's (device.h).  The last four functions may be called at any time after that.
 * Ownership: epoll instance, listening socket and buffers are borrowed; descriptors of
 * connections belong to the device.  System calls: readv, writev, accept4, shutdown, close,
 * epoll_ctl and epoll_pwait.  SIGPIPE has to be ignored, all descriptors to be non-blocking.
 * Threads: as for every device; the last four functions with the lock held, too.
 */
#ifndef VIRTIO_VSOCK_H
#define VIRTIO_VSOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "virtio/device.h"
#include "virtio/vsock_host.h"
#include "virtio/vsock_muxer.h"

enum {
	VSOCK_QUEUE_RECEIVE = 0, /* as the driver sees it: from the device */
	VSOCK_QUEUE_TRANSMIT = 1,
	VSOCK_QUEUE_EVENT = 2, /* there is nothing to tell (5.10.6.7), so it is never looked at */
	VSOCK_QUEUES = 3,
};

#define VIRTIO_VSOCK_F_STREAM (UINT64_C(1) << 0)

struct vsock {
	struct virtio_device device;
	struct vsock_muxer muxer;
	struct vsock_listener listener;
	bool takes_no_more;                       /* of the guest's packets, for good */
	struct queue_chain chain;                 /* the one being looked at */
	struct iovec payload[QUEUE_SEGMENTS_MAX]; /* of its packet */
};

void vsock_init(struct vsock *vsock);

/*
 * The answer to vsock_owner.connect(), on the I/O thread: a connected stream socket,
 * non-blocking, which the device owns from now on (also if the guest has given up meanwhile), or
 * negative errno: -EAGAIN if too many wait there to be accepted, and then connect() is called again
 * a little later.
 */
void vsock_connected(struct vsock *vsock, uint64_t token, int fd);

/*
 * Connect a stream of the host's to a port of the guest, as soon as something listens there.  The
 * descriptors are one socket twice, or anything to read from and anything to write to.  Returns
 * 0: they are the device's, and vsock_owner.stream_ended() will be called; or -ENOSPC.
 */
int vsock_connect_stream(struct vsock *vsock, uint32_t guest_port, int read_fd, int write_fd);

/*
 * The run is over: take what the guest has sent, and nothing that another of its vCPUs still
 * sends, which could be without end.
 */
void vsock_take_no_more(struct vsock *vsock);

/* What the guest sent and the hosts have not yet got. */
uint64_t vsock_buffered_bytes(struct vsock *vsock);

#endif
