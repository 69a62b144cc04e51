/* SPDX-License-Identifier: MIT */
/* virtio/net_transmit.c - see net_transmit.h. */
#include "virtio/net_transmit.h"

#include <errno.h>

#include "virtio/segments.h"

enum {
	/*
	 * After so many frames a vCPU goes back to its guest and leaves the rest to the I/O thread:
	 * who sends that many at once can prepare more meanwhile, and need not notify for them.
	 */
	NOTIFIED_MAX = 16,
	/*
	 * After so many the other direction gets its turn.  The driver hears of them as well, long
	 * before the queue is empty, so that it fills up again what still goes out.
	 */
	RESUMED_MAX = 16,
};

static const char *refusal(const struct net *net, const struct net_sent_headers *headers,
			   uint32_t frame_bytes)
{
	const struct net_offloads offloads = net_sent_offloads(net);

	return net_frame_refusal(headers, &offloads, &net->settings, frame_bytes);
}

static void answer(struct net *net)
{
	queue_push(&net->device.queues[NET_QUEUE_TRANSMIT], net->chain.head, 0);
}

static void drop(struct net *net)
{
	net->counters.sent_dropped++;
	answer(net);
}

/* What has waited for the port is not charged twice. */
static bool admit(struct net *net, uint32_t frame_bytes)
{
	uint32_t credit_bytes = net->transmit_credit;

	net->transmit_credit = 0;
	if (frame_bytes <= credit_bytes)
		return true;
	if (net_is_within_limit(net, &net->transmit_limiter, frame_bytes, &net->transmit_due_ns))
		return true;
	queue_unpop(&net->device.queues[NET_QUEUE_TRANSMIT]);
	return false;
}

/* The frame of the chain, behind the copy of its headers. */
static int send_frame(struct net *net, struct net_sent_headers *headers)
{
	struct iovec segments[2 + QUEUE_SEGMENTS_MAX];
	unsigned int count;

	segments[0] = (struct iovec){&headers->header, sizeof(headers->header)};
	segments[1] = (struct iovec){headers->ethernet, sizeof(headers->ethernet)};
	count = segments_skip(net->chain.segments, net->chain.readable_count, sizeof(*headers),
			      segments + 2);
	return net_port_send(&net->port, segments, 2 + count);
}

/* Returns false if the frame has to wait. */
static bool send_or_drop(struct net *net, struct net_sent_headers *headers, uint32_t frame_bytes)
{
	int error = send_frame(net, headers);

	switch (error) {
	case 0:
		net->counters.sent_frames++;
		net->counters.sent_bytes += frame_bytes;
		answer(net);
		return true;
	case -EAGAIN:
		net->transmit_credit = frame_bytes;
		net->transmit_blocked = true;
		queue_unpop(&net->device.queues[NET_QUEUE_TRANSMIT]);
		return false;
	case -EPIPE: net_break_link(net); break;
	default: net_host_error(net, "sending a frame", -error); break;
	}
	drop(net);
	return true;
}

/* Take one frame.  Returns false when there is none, or none may be taken now. */
static bool transmit_one(struct net *net)
{
	struct virtio_device *device = &net->device;
	const struct virtio_device_links *links = device->links;
	const struct queue_chain *chain = &net->chain;
	enum virtio_fault fault = VIRTIO_FAULT_REQUEST;
	struct net_sent_headers headers = {0};
	uint32_t frame_bytes;
	const char *why;
	int popped = queue_pop(&device->queues[NET_QUEUE_TRANSMIT], &net->chain, &fault);

	if (popped == 0)
		return false;
	if (popped < 0 || chain->writable_count > 0 ||
	    chain->readable_bytes < sizeof(headers.header)) {
		virtio_device_fail(device, NET_QUEUE_TRANSMIT, fault);
		return false;
	}
	if (!net->link_is_up) {
		drop(net);
		return true;
	}
	segments_read(chain->segments, chain->readable_count, 0, &headers, sizeof(headers));
	headers.header.buffer_count = 0;
	frame_bytes = chain->readable_bytes - (uint32_t)sizeof(headers.header);
	why = refusal(net, &headers, frame_bytes);
	if (why) {
		links->refused(links->owner, why);
		drop(net);
		return true;
	}
	return admit(net, frame_bytes) && send_or_drop(net, &headers, frame_bytes);
}

bool net_transmit_is_held(const struct net *net)
{
	return net->transmit_due_ns != VIRTIO_NEVER || net->transmit_blocked ||
	       net_port_has_rest(&net->port);
}

static void transmit(struct net *net, unsigned int most)
{
	struct queue *queue = &net->device.queues[NET_QUEUE_TRANSMIT];
	unsigned int served = 0;

	do {
		queue_hush(queue);
		while (served < most && !net_transmit_is_held(net) && transmit_one(net))
			served++;
		if (served == most && queue_has_more(queue))
			net->transmit_due_ns = 0;
	} while (net_can_serve(net, NET_QUEUE_TRANSMIT) && !net_transmit_is_held(net) &&
		 queue_listen(queue));
	virtio_device_signal(&net->device, NET_QUEUE_TRANSMIT);
}

void net_transmit_notified(struct net *net)
{
	if (!net_transmit_is_held(net))
		transmit(net, NOTIFIED_MAX);
}

void net_transmit_resume(struct net *net, uint64_t now)
{
	if (net_port_flush(&net->port) == -EPIPE)
		net_break_link(net);
	net->transmit_blocked = false;
	if (net->transmit_due_ns <= now)
		net->transmit_due_ns = VIRTIO_NEVER;
	if (net_can_serve(net, NET_QUEUE_TRANSMIT) && !net_transmit_is_held(net))
		transmit(net, RESUMED_MAX);
}

void net_transmit_forget(struct net *net)
{
	net->transmit_due_ns = VIRTIO_NEVER;
	net->transmit_blocked = false;
	net->transmit_credit = 0;
}
