/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/virtio_vsock.h - streams to and from the host, on top of virtio.h.
 *
 * Source: virtio 1.2, section 5.10.  Call order: vsock_open() and vsock_listen(); then, over and
 * over, vsock_poll(), whatever is to be done with streams, and vsock_wait().  A stream begins with
 * vsock_accept() or vsock_connect() and ends with vsock_close(), after which it must not be used.
 *
 * Nothing but vsock_wait(), vsock_send_all() and vsock_receive_some() sleeps, unless the transmit
 * queue is full.  Packets are told to the device by vsock_publish(), or when something sleeps.
 *
 * What came for a stream is kept until it is read, also when the host has ended the stream
 * since: then it is VSOCK_OVER, and its ports are free for another.
 */
#ifndef GUEST_VIRTIO_VSOCK_H
#define GUEST_VIRTIO_VSOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/guests/lib/virtio.h"

enum {
	VSOCK_RECEIVE = 0, /* queues */
	VSOCK_TRANSMIT = 1,
	VSOCK_EVENT = 2,
	VSOCK_CID_HOST = 2,
	VSOCK_TYPE_STREAM = 1,
	VSOCK_STREAMS_MAX = 1100, /* more than the device has */
	VSOCK_PORTS_MAX = 8,      /* listened on */
	VSOCK_EVENTS = 4,
};

#define VSOCK_F_STREAM (UINT64_C(1) << 0)

/* Section 5.10.6. */
enum vsock_op {
	VSOCK_OP_REQUEST = 1,
	VSOCK_OP_RESPONSE = 2,
	VSOCK_OP_RST = 3,
	VSOCK_OP_SHUTDOWN = 4,
	VSOCK_OP_RW = 5,
	VSOCK_OP_CREDIT_UPDATE = 6,
	VSOCK_OP_CREDIT_REQUEST = 7,
};

enum {
	VSOCK_SHUTDOWN_RECEIVE = 1,
	VSOCK_SHUTDOWN_SEND = 2,
	VSOCK_SHUTDOWN_BOTH = 3,
};

struct vsock_header {
	uint64_t src_cid;
	uint64_t dst_cid;
	uint32_t src_port;
	uint32_t dst_port;
	uint32_t size_bytes;
	uint16_t type;
	uint16_t op;
	uint32_t flags;
	uint32_t allocated;
	uint32_t forwarded;
} __attribute__((packed));

_Static_assert(sizeof(struct vsock_header) == 44, "virtio 1.2, 5.10.6");

enum vsock_state {
	VSOCK_UNUSED,
	VSOCK_CONNECTING,
	VSOCK_ESTABLISHED,
	VSOCK_CLOSING, /* given up; the device has not answered yet */
	VSOCK_OVER,    /* for the device; what came is still to be read */
};

struct vsock_stream {
	struct vsock *vsock;
	enum vsock_state state;
	uint32_t own_port;
	uint32_t host_port;
	bool is_new;    /* vsock_accept() has not returned it yet */
	bool was_reset; /* refused or broken off by the device */
	bool sends_no_more;
	bool host_sends_no_more;
	bool host_takes_no_more;
	uint64_t user; /* the program's; zero at first */

	/* Free-running counts of bytes, section 5.10.6.3. */
	uint32_t sent;
	uint32_t host_forwarded;
	uint32_t host_allocated;
	uint32_t received;
	uint32_t forwarded; /* read by the program */
	uint32_t told;      /* of which the device knows these */
	uint8_t *buffer;    /* [forwarded, received), as a ring of vsock->credit_bytes */
};

struct vsock {
	struct virtio_device device;
	struct virtqueue receive;
	struct virtqueue transmit;
	struct virtqueue event;
	uint64_t cid;
	uint32_t credit_bytes; /* of each stream; a power of two */
	uint32_t buffer_bytes; /* of a receive buffer, without header */
	uint32_t packet_bytes; /* the longest payload sent */
	bool is_indirect;
	bool is_polled;
	bool offers_nothing; /* the program calls vsock_offer_buffers() itself */
	/*
	 * The program's, or NULL: called for bytes of a stream whose earlier ones were read, as
	 * they came, and returns whether it has done with them all it wants; otherwise they are
	 * kept.
	 */
	bool (*taker)(struct vsock_stream *stream, const uint8_t *bytes, uint32_t size_bytes);
	uint64_t wanted_features;
	uint16_t queue_size;
	uint8_t *buffers; /* to receive in, by head */
	uint8_t *slots;   /* to send from, by head */
	uint32_t events[VSOCK_EVENTS];

	uint32_t ports[VSOCK_PORTS_MAX];
	uint32_t port_count;
	uint32_t last_port; /* of vsock_connect() */
	struct vsock_stream streams[VSOCK_STREAMS_MAX];
	uint32_t touched; /* streams ever used */

	uint64_t packets_sent;
	uint64_t packets_received;
	uint64_t packets_wrong; /* that make no sense, or go beyond the credit */
	uint64_t resets;        /* of streams, by the device */
};

/*
 * Bring the device up, with the boot arguments device=N, notify=user, wait=poll, queue=N,
 * event_idx=0, indirect=1, credit=BYTES, rx_buffer=BYTES, packet=BYTES.  Says what is wrong.
 */
bool vsock_open(struct vsock *vsock);

/* Reset the device and bring it up again; all streams are forgotten. */
bool vsock_restart(struct vsock *vsock);

/* Give the device all receive and event buffers; part of both. */
void vsock_offer_buffers(struct vsock *vsock);

void vsock_listen(struct vsock *vsock, uint32_t port);

/* Take in all packets that came, and answer what needs no program to answer. */
void vsock_poll(struct vsock *vsock);

void vsock_publish(struct vsock *vsock);

/* Publish, and sleep until there is a packet. */
void vsock_wait(struct vsock *vsock);

/* The next stream that a host began, or NULL. */
struct vsock_stream *vsock_accept(struct vsock *vsock);

/* Ask for a port of the host; VSOCK_ESTABLISHED or VSOCK_OVER tells how it went.  NULL: too many.
 */
struct vsock_stream *vsock_connect(struct vsock *vsock, uint32_t host_port);

/* How many bytes the host has room for now. */
uint32_t vsock_credit(const struct vsock_stream *stream);

/* Send as much as there is credit for, or not if the stream takes no more.  Returns how much. */
uint32_t vsock_send(struct vsock_stream *stream, const void *bytes, uint32_t size_bytes);

/* The same, from where the bytes lie: they must stay as they are for good. */
uint32_t vsock_send_in_place(struct vsock_stream *stream, const void *bytes, uint32_t size_bytes);

/* Send everything.  Returns false if the stream ended before. */
bool vsock_send_all(struct vsock_stream *stream, const void *bytes, uint32_t size_bytes);

/* Whether bytes can still be sent, now or later. */
bool vsock_is_writable(const struct vsock_stream *stream);

/* Read what came.  Returns how much. */
uint32_t vsock_receive(struct vsock_stream *stream, void *bytes, uint32_t size_bytes);

/* The same, but sleep until there is something.  Returns 0 at the end. */
uint32_t vsock_receive_some(struct vsock_stream *stream, void *bytes, uint32_t size_bytes);

/* Whether all was read, and nothing more will come. */
bool vsock_is_at_end(const struct vsock_stream *stream);

/* Say what this side will not do any more: VSOCK_SHUTDOWN_SEND, VSOCK_SHUTDOWN_RECEIVE. */
void vsock_shut_down(struct vsock_stream *stream, uint32_t flags);

/* Done with the stream: nothing more is sent or read. */
void vsock_close(struct vsock_stream *stream);

/* The same with an RST, which the host sees as a stream that broke off. */
void vsock_reset(struct vsock_stream *stream);

/* How many streams the device still knows, closing ones among them. */
uint32_t vsock_live_count(const struct vsock *vsock);

/* The header of the next packet, in place of vsock_poll(); its bytes are lost.  False: none. */
bool vsock_take_packet(struct vsock *vsock, struct vsock_header *header);

/* A packet as it is, for whoever wants to send nonsense. */
void vsock_send_packet(struct vsock *vsock, const struct vsock_header *header, const void *payload,
		       uint32_t size_bytes);

#endif
