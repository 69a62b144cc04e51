/* SPDX-License-Identifier: MIT */
/*
 * virtio/net.h - a virtio network device on a port.
 *
 * Source of the ABI: virtio 1.2, section 5.1, with MAC, MTU, STATUS, CSUM, GUEST_CSUM, TSO4/6 in
 * both directions (on a tap only) and MRG_RXBUF.  Queue 0 receives, queue 1 transmits.
 *
 * Transmitting happens on the thread that notifies: header and frame of a chain go to the port in
 * one system call, from where they lie.  The header is checked and copied first, so a guest cannot
 * change it on its way into the host's kernel: only offloads that were negotiated, only offsets
 * within the frame.  Frames that are wrong are dropped, told by links.refused, and answered, as a
 * cable would.
 *
 * Receiving happens on the I/O thread, in service(): chains are collected until any frame would
 * fit, and frames read straight into them.  Chains that a frame did not need stay collected for the
 * next one.  A frame that found too little room keeps its rest in the spill: with MRG_RXBUF it goes
 * on as soon as the driver brings buffers, without it is dropped.  A frame's buffers become visible
 * to the driver all at once (5.1.6.4), and there is one interrupt for each batch of frames.
 *
 * When the driver is ready, the device sends a reverse ARP request (RFC 903) with its own address,
 * so that switches learn where that address is now, however it got there.
 *
 * Call order: the caller fills `settings`, `port` and the limiters, then net_init(); then the
 * device is the transport's (device.h).  service_fd is the port's descriptor.
 * Ownership: the port's.  Threads: as for every device.
 */
#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "virtio/device.h"
#include "virtio/net_port.h"
#include "virtio/rate_limiter.h"

enum {
	NET_QUEUE_RECEIVE = 0,
	NET_QUEUE_TRANSMIT = 1,
	NET_ADDRESS_BYTES = 6,
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

struct net_settings {
	uint8_t address[NET_ADDRESS_BYTES];
	uint16_t mtu_bytes; /* 0: the driver is not told */
	bool anti_spoof;    /* drop frames whose source is another address */
};

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

/* A chain that was collected for frames to come. */
struct net_buffer {
	uint16_t head;
	uint16_t segment_count;
	uint32_t bytes;
};

/* The receiving side: a first-in first-out list of chains, and the frame that waits. */
struct net_receiver {
	struct net_buffer buffers[QUEUE_SIZE_MAX];
	unsigned int buffer_count;
	struct iovec segments[NET_PORT_SEGMENTS_MAX]; /* of the buffers, in order */
	unsigned int segment_count;
	uint64_t bytes; /* sum over the buffers */
	/* Header and frame that were read, and not given to the driver yet; 0: none. */
	uint32_t waiting_bytes;
	uint8_t spill[sizeof(struct net_header) + NET_FRAME_MAX_BYTES];
};

struct net {
	struct virtio_device device;
	struct net_settings settings;
	struct net_port port;
	struct rate_limiter receive_limiter;
	struct rate_limiter transmit_limiter;
	struct net_counters counters;
	struct net_receiver receiver;
	uint64_t receive_due_ns; /* when a limiter lets the next one through; VIRTIO_NEVER */
	uint64_t transmit_due_ns;
	bool transmit_blocked; /* the port took no more: wait until it does */
	bool link_is_up;
	struct queue_chain chain; /* the one being looked at */
};

/* device.memory, device.links, settings, port's upper fields and limiters are set; rest zero. */
void net_init(struct net *net);

#endif
