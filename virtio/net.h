/* SPDX-License-Identifier: MIT */
/*
 * virtio/net.h - a virtio network device on a port.
 *
 * Source of the ABI: virtio 1.2, section 5.1, with MAC, MTU, STATUS, CSUM, GUEST_CSUM, TSO4/6 in
 * both directions (on a tap only) and MRG_RXBUF.  Queue 0 receives, queue 1 transmits.
 *
 * Transmitting happens on the thread that notifies: header and frame of a chain go to the port in
 * one system call, from where they lie.  The virtio and the Ethernet header are copied before they
 * are checked, and the copy is sent, so a guest cannot change them on their way into the host's
 * kernel: only offloads that were negotiated, only offsets within the frame, only its own address
 * where that is asked for.  Frames that are wrong are dropped, told by links.refused, and
 * answered, as a cable would.  What has to wait, for a limiter or the port, is the I/O thread's.
 *
 * Receiving (net_receiver.h) happens on the I/O thread alone, in service(), with one interrupt for
 * each batch of frames.  Without chains to read into nothing waits for the port: the driver's next
 * notification brings it back.  A frame that found too little room is dropped if the driver adds
 * none for a while, since by then it may have none to add.
 *
 * When the driver is ready, the device sends a reverse ARP request (RFC 903) with its own address,
 * so that switches learn where that address is now, however it got there.
 *
 * A port that is gone is a link that is down: what is sent is dropped, and nothing comes.
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
#include "virtio/net_header.h"
#include "virtio/net_port.h"
#include "virtio/net_receiver.h"
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

struct net {
	struct virtio_device device;
	struct net_settings settings;
	struct net_port port;
	struct rate_limiter receive_limiter;
	struct rate_limiter transmit_limiter;
	struct net_counters counters;
	struct net_receiver receiver;
	bool link_is_up;

	/* When to look at the port, or at the queue, again; VIRTIO_NEVER. */
	uint64_t receive_due_ns;
	uint64_t transmit_due_ns;
	bool receive_starved;     /* only the driver's notification can help, or receive_due_ns */
	uint64_t give_up_ns;      /* when the frame without room is dropped; 0: there is none */
	bool transmit_blocked;    /* the port took no more: wait until it does */
	uint32_t transmit_credit; /* bytes that the limiter let through, but the port did not */

	struct queue_chain chain; /* the one being looked at */
};

/* device.memory, device.links, settings, port's upper fields and limiters are set; rest zero. */
void net_init(struct net *net);

#endif
