/* SPDX-License-Identifier: MIT */
/* virtio/net_receive.c - see net_receive.h. */
#include "virtio/net_receive.h"

#include <errno.h>

#include "virtio/clock.h"

enum {
	/* After that many frames in one go the other direction gets its turn at the lock. */
	RECEIVE_MAX = 32,
	/*
	 * After so many bytes the driver hears of them while the rest is read: large frames take so
	 * many chains each that few fit into a queue, and it would run dry before it is filled up.
	 */
	TELL_BYTES = 128 * 1024,
	/* How long a frame waits for a driver that has shown too few chains for it. */
	PATIENCE_NS = 100 * 1000 * 1000,
	/* A read that failed, for a reason that may pass, must not be tried without a pause. */
	RETRY_NS = 10 * 1000 * 1000,
};

static uint32_t received_max_bytes(const struct net *net)
{
	enum {
		MTU_USUAL_BYTES = 1500,
	};
	const struct net_offloads offloads = net_received_offloads(net);
	uint32_t mtu_bytes = net->settings.mtu_bytes > MTU_USUAL_BYTES ? net->settings.mtu_bytes
								       : MTU_USUAL_BYTES;

	if (net->port.kind == NET_PORT_TAP && (offloads.tso4 || offloads.tso6))
		return NET_RECEIVED_MAX_BYTES;
	return (uint32_t)sizeof(struct net_header) + NET_ETHERNET_BYTES + NET_VLAN_TAG_BYTES +
	       mtu_bytes;
}

void net_receive_begin(struct net *net)
{
	net_inbox_begin(&net->inbox, virtio_device_has(&net->device, VIRTIO_NET_F_MRG_RXBUF),
			received_max_bytes(net));
	net->receive_starved = !net_can_serve(net, NET_QUEUE_RECEIVE);
}

void net_receive_notified(struct net *net)
{
	if (!net->receive_starved)
		return;
	net->receive_starved = false;
	net->receive_due_ns = 0;
}

bool net_receive_wants_frames(const struct net *net)
{
	return net->receive_due_ns == VIRTIO_NEVER && !net->receive_starved;
}

static void drop_received(struct net *net)
{
	net->counters.received_dropped++;
	net->give_up_ns = 0;
	net_inbox_drop(&net->inbox);
}

static void drop_too_large(struct net *net)
{
	const struct virtio_device_links *links = net->device.links;

	links->refused(links->owner, "a frame larger than the room for it");
	drop_received(net);
}

/* Whether a frame that waits for room may do so any longer. */
static bool is_patient(struct net *net)
{
	uint64_t now;

	if (net->inbox.waiting_bytes == 0)
		return true;
	now = virtio_now_ns();
	if (net->give_up_ns == 0)
		net->give_up_ns = now + PATIENCE_NS;
	net->receive_due_ns = net->give_up_ns;
	return now < net->give_up_ns;
}

/* See to it that a frame can be read, or given to the driver.  Returns false if that has to wait.
 */
static bool find_room(struct net *net)
{
	struct net_inbox *inbox = &net->inbox;
	struct queue *queue = &net->device.queues[NET_QUEUE_RECEIVE];
	enum virtio_fault fault;

	do {
		queue_hush(queue);
		if (net_inbox_collect(inbox, queue, &net->chain, &fault)) {
			virtio_device_fail(&net->device, NET_QUEUE_RECEIVE, fault);
			return false;
		}
		if (net_inbox_has_room(inbox)) {
			net->give_up_ns = 0;
			return true;
		}
		if (!net_inbox_can_grow(inbox)) {
			drop_too_large(net);
			return true;
		}
	} while (queue_listen(queue));
	if (!is_patient(net)) {
		net->receive_due_ns = VIRTIO_NEVER;
		drop_too_large(net);
		return true;
	}
	net->receive_starved = true;
	return false;
}

static bool read_frame(struct net *net)
{
	int error = net_inbox_read(&net->inbox, &net->port);

	switch (error) {
	case 0: return true;
	case -EAGAIN: return false;
	case -EPIPE: net_break_link(net); return false;
	default:
		net_host_error(net, "reading a frame", -error);
		net->receive_due_ns = virtio_now_ns() + RETRY_NS;
		return false;
	}
}

/* Take one frame.  Returns false when there is none, or none may be taken now. */
static bool receive_one(struct net *net)
{
	const struct net_offloads offloads = net_received_offloads(net);
	struct net_inbox *inbox = &net->inbox;
	struct net_header header;
	uint32_t frame_bytes;

	if (!find_room(net) || (inbox->waiting_bytes == 0 && !read_frame(net)))
		return false;
	if (inbox->waiting_bytes < sizeof(header) + NET_FRAME_MIN_BYTES) {
		drop_received(net);
		return true;
	}
	if (!net_inbox_has_room(inbox))
		return true; /* the next round sees to it */
	frame_bytes = inbox->waiting_bytes - (uint32_t)sizeof(header);
	header = net_inbox_header(inbox);
	if (!net_header_admit(&header, &offloads)) {
		drop_received(net);
		return true;
	}
	if (!net_is_within_limit(net, &net->receive_limiter, frame_bytes, &net->receive_due_ns))
		return false;
	net->counters.received_frames++;
	net->counters.received_bytes += frame_bytes;
	net_inbox_deliver(inbox, &net->device.queues[NET_QUEUE_RECEIVE], header);
	return true;
}

static void receive(struct net *net)
{
	uint64_t told_bytes = net->counters.received_bytes;
	unsigned int frames = 0;

	while (frames < RECEIVE_MAX && receive_one(net)) {
		frames++;
		if (net->counters.received_bytes - told_bytes < TELL_BYTES)
			continue;
		told_bytes = net->counters.received_bytes;
		virtio_device_signal(&net->device, NET_QUEUE_RECEIVE);
	}
	/* Of the rest the descriptor tells, but for what has been read from it already. */
	if (frames == RECEIVE_MAX &&
	    (net->inbox.waiting_bytes > 0 || net_port_has_frame(&net->port)))
		net->receive_due_ns = 0;
	virtio_device_signal(&net->device, NET_QUEUE_RECEIVE);
}

void net_receive_resume(struct net *net, uint64_t now)
{
	if (net->receive_due_ns <= now) {
		net->receive_due_ns = VIRTIO_NEVER;
		net->receive_starved = false;
	}
	if (net_receive_wants_frames(net) && net->link_is_up &&
	    net_can_serve(net, NET_QUEUE_RECEIVE))
		receive(net);
}

void net_receive_forget(struct net *net)
{
	net_inbox_begin(&net->inbox, net->inbox.is_mergeable, net->inbox.wanted_bytes);
	net->receive_due_ns = VIRTIO_NEVER;
	net->give_up_ns = 0;
	net->receive_starved = true;
}
