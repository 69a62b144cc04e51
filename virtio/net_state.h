/* SPDX-License-Identifier: MIT */
/*
 * virtio/net_state.h - a network device's state, and what both of its directions do.
 *
 * net.h is the device; net_transmit.h and net_receive.h are its directions, each with its queue and
 * its rate limiter.  Threads: as for every device.
 */
#ifndef VIRTIO_NET_STATE_H
#define VIRTIO_NET_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "virtio/device.h"
#include "virtio/net_frame.h"
#include "virtio/net_inbox.h"
#include "virtio/net_port.h"
#include "virtio/rate_limiter.h"

enum {
	NET_QUEUE_RECEIVE = 0,
	NET_QUEUE_TRANSMIT = 1,
	NET_MTU_MIN_BYTES = 68, /* section 5.1.4.1 */
	NET_STATUS_LINK_UP = 1, /* section 5.1.4 */
};

#define VIRTIO_NET_F_CSUM       (UINT64_C(1) << 0)
#define VIRTIO_NET_F_GUEST_CSUM (UINT64_C(1) << 1)
#define VIRTIO_NET_F_MTU        (UINT64_C(1) << 3)
#define VIRTIO_NET_F_MAC        (UINT64_C(1) << 5)
#define VIRTIO_NET_F_GUEST_TSO4 (UINT64_C(1) << 7)
#define VIRTIO_NET_F_GUEST_TSO6 (UINT64_C(1) << 8)
#define VIRTIO_NET_F_HOST_TSO4  (UINT64_C(1) << 11)
#define VIRTIO_NET_F_HOST_TSO6  (UINT64_C(1) << 12)
#define VIRTIO_NET_F_MRG_RXBUF  (UINT64_C(1) << 15)
#define VIRTIO_NET_F_STATUS     (UINT64_C(1) << 16)

/* What was done for the driver, since the start. */
struct net_counters {
	uint64_t received_frames;
	uint64_t received_bytes; /* of frames, without headers */
	uint64_t received_dropped;
	uint64_t sent_frames;
	uint64_t sent_bytes;
	uint64_t sent_dropped; /* wrong, spoofed, or not taken by the host */
	uint64_t throttled;    /* how often a rate limiter made a frame wait */
};

struct net {
	struct virtio_device device;
	struct net_settings settings;
	struct net_port port;
	struct rate_limiter receive_limiter;
	struct rate_limiter transmit_limiter;
	struct net_counters counters;
	bool link_is_up;

	/* When to look at the port, or at the queue, again; VIRTIO_NEVER. */
	uint64_t receive_due_ns;
	uint64_t transmit_due_ns;
	bool receive_starved;     /* only the driver's notification can help, or receive_due_ns */
	uint64_t give_up_ns;      /* when the frame without room is dropped; 0: there is none */
	bool transmit_blocked;    /* the port took no more: wait until it does */
	uint32_t transmit_credit; /* bytes that the limiter let through, but the port did not */

	/* What is large comes last, so that a start touches one page. */
	struct queue_chain chain; /* the one being looked at */
	struct net_inbox inbox;
};

/* Whether the queue may be touched: it may be stopped while its device lives on. */
bool net_can_serve(const struct net *net, unsigned int queue);

/* Whether the limiter lets a frame through; if not, *due_ns is when it will. */
bool net_is_within_limit(struct net *net, struct rate_limiter *limiter, uint32_t frame_bytes,
			 uint64_t *due_ns);

void net_host_error(const struct net *net, const char *what, int error);

/* The port has said that it is gone: the link goes down, for good. */
void net_break_link(struct net *net);

/* What was negotiated for frames that the driver sends, and for those that it receives. */
struct net_offloads net_sent_offloads(const struct net *net);
struct net_offloads net_received_offloads(const struct net *net);

#endif
