/* SPDX-License-Identifier: MIT */
/*
 * virtio/vsock_packet.h - what goes through the queues of a vsock device.
 *
 * Source of the ABI: virtio 1.2, section 5.10.  All fields are little-endian, as the host is.
 */
#ifndef VIRTIO_VSOCK_PACKET_H
#define VIRTIO_VSOCK_PACKET_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum {
	VSOCK_CID_HOST = 2,
	VSOCK_CID_GUEST_MIN = 3, /* section 5.10.4: 0 to 2 are reserved, and 32 bits of ones */
	VSOCK_TYPE_STREAM = 1,   /* section 5.10.6.2 */
};

#define VSOCK_PORT_ANY UINT32_MAX
#define VSOCK_NEVER    UINT64_MAX /* of deadlines */

/* Section 5.10.6. */
enum vsock_op {
	VSOCK_OP_INVALID = 0,
	VSOCK_OP_REQUEST = 1,
	VSOCK_OP_RESPONSE = 2,
	VSOCK_OP_RST = 3,
	VSOCK_OP_SHUTDOWN = 4,
	VSOCK_OP_RW = 5,
	VSOCK_OP_CREDIT_UPDATE = 6,
	VSOCK_OP_CREDIT_REQUEST = 7,
};

/* Flags of VSOCK_OP_SHUTDOWN, section 5.10.6.6: what the sender of the packet will not do again. */
enum {
	VSOCK_SHUTDOWN_RECEIVE = 1,
	VSOCK_SHUTDOWN_SEND = 2,
	VSOCK_SHUTDOWN_BOTH = 3,
};

/* struct virtio_vsock_hdr, section 5.10.6. */
struct vsock_header {
	uint64_t src_cid;
	uint64_t dst_cid;
	uint32_t src_port;
	uint32_t dst_port;
	uint32_t len; /* of the payload behind the header */
	uint16_t type;
	uint16_t op;
	uint32_t flags;
	uint32_t buf_alloc; /* what the sender's side can hold for this connection */
	uint32_t fwd_cnt;   /* how much of it was passed on, since the beginning; free-running */
} __attribute__((packed));

static_assert(sizeof(struct vsock_header) == 44, "section 5.10.6");
static_assert(offsetof(struct vsock_header, len) == 24, "section 5.10.6");
static_assert(offsetof(struct vsock_header, op) == 30, "section 5.10.6");
static_assert(offsetof(struct vsock_header, fwd_cnt) == 40, "section 5.10.6");

/* struct virtio_vsock_config, section 5.10.4. */
struct vsock_config {
	uint64_t guest_cid;
};

static_assert(sizeof(struct vsock_config) == 8, "section 5.10.4");

#endif
