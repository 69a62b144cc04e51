/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/virtio_net.h - Ethernet frames through a NIC, on top of virtio.h.
 *
 * Source: virtio 1.2, section 5.1.  Call order: net_open(), or net_find(), the fields that
 * are the caller's, and net_start().  Then, to send: net_slot(), fill it, net_submit(), and
 * net_publish() once for all of them.  To receive: net_receive() for each frame, net_release()
 * when it was looked at, and net_wait() where there is none.
 *
 * Frames are offered in slots, which come back by themselves.  A frame that arrived lies in one
 * piece, until it is released: one that was spread over several buffers is copied together.
 */
#ifndef GUEST_VIRTIO_NET_H
#define GUEST_VIRTIO_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/guests/lib/virtio.h"

enum {
	NET_RECEIVE = 0, /* queues */
	NET_TRANSMIT = 1,
	NET_ADDRESS_BYTES = 6,
	NET_ETHERNET_BYTES = 14,
	NET_MTU_BYTES = 1500, /* where the device does not say */
	NET_FRAME_MAX_BYTES = NET_ETHERNET_BYTES + 65535,
	NET_STATUS_LINK_UP = 1,
};

#define NET_F_CSUM       (UINT64_C(1) << 0)
#define NET_F_GUEST_CSUM (UINT64_C(1) << 1)
#define NET_F_MTU        (UINT64_C(1) << 3)
#define NET_F_MAC        (UINT64_C(1) << 5)
#define NET_F_GUEST_TSO4 (UINT64_C(1) << 7)
#define NET_F_GUEST_TSO6 (UINT64_C(1) << 8)
#define NET_F_HOST_TSO4  (UINT64_C(1) << 11)
#define NET_F_HOST_TSO6  (UINT64_C(1) << 12)
#define NET_F_MRG_RXBUF  (UINT64_C(1) << 15)
#define NET_F_STATUS     (UINT64_C(1) << 16)

#define NET_OFFLOADS                                                                             \
	(NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6 | NET_F_HOST_TSO4 | \
	 NET_F_HOST_TSO6)

/* Everything that these guests know how to use. */
#define NET_FEATURES                                                             \
	(NET_OFFLOADS | NET_F_MTU | NET_F_MAC | NET_F_MRG_RXBUF | NET_F_STATUS | \
	 VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)

/* Section 5.1.6, with VERSION_1. */
struct net_header {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t header_bytes;
	uint16_t gso_bytes;
	uint16_t checksum_start;
	uint16_t checksum_offset;
	uint16_t buffer_count;
};

_Static_assert(sizeof(struct net_header) == 12, "virtio 1.2, 5.1.6");

enum {
	NET_HEADER_NEEDS_CHECKSUM = 1,
	NET_HEADER_DATA_VALID = 2,
	NET_GSO_NONE = 0,
	NET_GSO_TCPV4 = 1,
	NET_GSO_UDP = 3,
	NET_GSO_TCPV6 = 4,
	NET_GSO_ECN = 0x80,
};

/* A frame on its way out; the header is zero when net_slot() returns it. */
struct net_slot {
	struct net_header header;
	uint8_t frame[]; /* room for nic->frame_max_bytes */
};

/* A frame that came in. */
struct net_frame {
	const struct net_header *header;
	const uint8_t *bytes;
	uint32_t size_bytes; /* without the header */
};

struct net_nic {
	/* The caller's, between net_find() and net_start(); 0: as the features ask for. */
	uint32_t frame_max_bytes; /* that a slot holds */
	uint32_t slot_max;
	uint32_t buffer_bytes;       /* of a receive buffer, with header */
	uint32_t receive_part_bytes; /* buffers are offered in descriptors of that size */
	uint32_t transmit_part_bytes;
	bool is_indirect;
	bool is_polled;     /* net_wait() looks instead of sleeping */
	bool joins_nothing; /* of a frame in several buffers only the first is to be seen */

	struct virtio_device device;
	struct virtqueue receive;
	struct virtqueue transmit;
	uint8_t address[NET_ADDRESS_BYTES];
	uint16_t mtu_bytes;
	uint16_t status;

	uint8_t *buffers;
	uint8_t *slots;
	uint8_t *joined; /* where a frame of several buffers is put together */
	uint16_t buffer_of[VIRTQUEUE_SIZE_MAX];       /* by head */
	struct net_slot *slot_of[VIRTQUEUE_SIZE_MAX]; /* by head */
	struct net_slot *free_slots[VIRTQUEUE_SIZE_MAX];
	uint32_t free_count;
	int held; /* head of the frame that was received and not released; -1: none */

	uint64_t frames_of_parts; /* received, in more than one buffer */
	uint64_t frames_torn;     /* of which not all buffers were there, or with lying lengths */
};

/* The NIC of that number, from 0, in the order of the command line. */
bool net_find(struct net_nic *nic, uint32_t number);

/*
 * Reset the device, bring it up with both queues, and offer all buffers.  What was in flight is
 * forgotten.  Returns whether the device went along.
 */
bool net_start(struct net_nic *nic, uint64_t features, uint16_t queue_size);

/*
 * Both, with the boot arguments device=N, notify=user, wait=poll, queue=N, mrg=0, offloads=0,
 * event_idx=0, indirect=1, rx_buffer=BYTES, rx_part=BYTES, tx_part=BYTES.  Says what is wrong.
 */
bool net_open(struct net_nic *nic);

bool net_has(const struct net_nic *nic, uint64_t feature);

/* A slot for a frame.  Sleeps until the device returns one, if need be. */
struct net_slot *net_slot(struct net_nic *nic);

/* Take back whatever was sent; part of net_slot(). */
void net_reap(struct net_nic *nic);

/*
 * Add the frame; sleeps until the ring has room.  Returns false, with the slot free again, if it
 * has more parts than the ring has descriptors.
 */
bool net_submit(struct net_nic *nic, struct net_slot *slot, uint32_t frame_bytes);

void net_publish(struct net_nic *nic);

/* Publish, and wait until all that was submitted is sent. */
void net_flush(struct net_nic *nic);

/* The next frame.  Returns false if there is none. */
bool net_receive(struct net_nic *nic, struct net_frame *frame);

/* Offer the buffer of the frame again, if one is held; net_return() leaves it to a later one to
 * tell the device. */
void net_release(struct net_nic *nic);
void net_return(struct net_nic *nic);

/* Sleep until there is a frame. */
void net_wait(struct net_nic *nic);

/* The same, but give up at a time stamp.  Spins. */
bool net_wait_until(struct net_nic *nic, uint64_t deadline_tsc);

#endif
