/* SPDX-License-Identifier: MIT */
/* virtio/net.c - see net.h. */
#include "virtio/net.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "virtio/segments.h"

enum {
	/* After that many frames in one go the other direction gets its turn at the lock. */
	TRANSMIT_MAX = QUEUE_SIZE_MAX,
	RECEIVE_MAX = 64,

	/* How long a frame waits for a driver that has shown too few chains for it. */
	PATIENCE_NS = 100 * 1000 * 1000,
	/* A read that failed, for a reason that may pass, must not be tried without a pause. */
	RETRY_NS = 10 * 1000 * 1000,

	SOURCE_ADDRESS_OFFSET = 6, /* in an Ethernet header */
};

/* struct virtio_net_config, section 5.1.4, as far as it is offered here. */
struct net_config {
	uint8_t address[NET_ADDRESS_BYTES];
	uint16_t status;
	uint16_t queue_pairs_max;
	uint16_t mtu_bytes;
};

static_assert(sizeof(struct net_config) == 12, "section 5.1.4");

/* What is sent from a copy, because it was checked. */
struct sent_headers {
	struct net_header header;
	uint8_t ethernet[NET_ETHERNET_BYTES];
};

static_assert(sizeof(struct sent_headers) == 26, "as they lie in a chain");

static struct net *net_of(struct virtio_device *device)
{
	return (struct net *)((uint8_t *)device - offsetof(struct net, device));
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* A queue may be stopped while its device lives on. */
static bool can_serve(const struct net *net, unsigned int queue)
{
	return virtio_device_is_live(&net->device) && net->device.queues[queue].ready;
}

/* Whether the limiter lets a frame through; if not, it is due later. */
static bool is_within_limit(struct net *net, struct rate_limiter *limiter, uint32_t frame_bytes,
			    uint64_t *due_ns)
{
	uint64_t now;
	uint64_t wait_ns;

	if (!rate_limiter_is_on(limiter))
		return true;
	now = now_ns();
	wait_ns = rate_limiter_take(limiter, frame_bytes, now);
	if (wait_ns == 0)
		return true;
	net->counters.throttled++;
	*due_ns = wait_ns < VIRTIO_NEVER - now ? now + wait_ns : VIRTIO_NEVER - 1;
	return false;
}

static void host_error(const struct net *net, const char *what, int error)
{
	net->device.links->host_error(net->device.links->owner, what, error);
}

/* The port has said that it is gone. */
static void break_link(struct net *net)
{
	if (!net->link_is_up)
		return;
	net->link_is_up = false;
	host_error(net, "link", EPIPE);
	virtio_device_config_changed(&net->device);
}

/* -- Transmitting -- */

static struct net_offloads offloads_of(const struct net *net, uint64_t checksum, uint64_t tso4,
				       uint64_t tso6)
{
	return (struct net_offloads){
		.checksum = virtio_device_has(&net->device, checksum),
		.tso4 = virtio_device_has(&net->device, checksum | tso4),
		.tso6 = virtio_device_has(&net->device, checksum | tso6),
	};
}

/* Why a frame may not go out, or NULL. */
static const char *refusal(const struct net *net, const struct sent_headers *headers,
			   uint32_t frame_bytes)
{
	const struct net_offloads offloads =
		offloads_of(net, VIRTIO_NET_F_CSUM, VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_HOST_TSO6);
	uint32_t mtu_bytes = net->settings.mtu_bytes ? net->settings.mtu_bytes : UINT16_MAX;
	uint32_t whole_bytes = NET_ETHERNET_BYTES + NET_VLAN_TAG_BYTES + mtu_bytes;

	if (frame_bytes < NET_FRAME_MIN_BYTES)
		return "a frame without an Ethernet header";
	if (frame_bytes > NET_FRAME_MAX_BYTES)
		return "a frame longer than any can be";
	if (headers->header.gso_type == NET_GSO_NONE && frame_bytes > whole_bytes)
		return "a frame longer than the MTU";
	if (net->settings.anti_spoof && memcmp(headers->ethernet + SOURCE_ADDRESS_OFFSET,
					       net->settings.address, NET_ADDRESS_BYTES) != 0)
		return "a frame with the source address of somebody else";
	return net_header_refusal(&headers->header, &offloads, frame_bytes);
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
	if (is_within_limit(net, &net->transmit_limiter, frame_bytes, &net->transmit_due_ns))
		return true;
	queue_unpop(&net->device.queues[NET_QUEUE_TRANSMIT]);
	return false;
}

/* The frame of the chain, behind the copy of its headers. */
static int send_frame(struct net *net, struct sent_headers *headers)
{
	struct iovec segments[2 + QUEUE_SEGMENTS_MAX] = {
		{&headers->header, sizeof(headers->header)},
		{headers->ethernet, sizeof(headers->ethernet)},
	};
	unsigned int count = segments_skip(net->chain.segments, net->chain.readable_count,
					   sizeof(*headers), segments + 2);

	return net_port_send(&net->port, segments, 2 + count);
}

/* Returns false if the frame has to wait. */
static bool send_or_drop(struct net *net, struct sent_headers *headers, uint32_t frame_bytes)
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
	case -EPIPE: break_link(net); break;
	default: host_error(net, "write", -error); break;
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
	struct sent_headers headers = {0};
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

/* Whether the queue waits for something other than a notification. */
static bool is_transmit_held(const struct net *net)
{
	return net->transmit_due_ns != VIRTIO_NEVER || net->transmit_blocked ||
	       net_port_has_rest(&net->port);
}

static void transmit(struct net *net)
{
	struct queue *queue = &net->device.queues[NET_QUEUE_TRANSMIT];
	unsigned int served = 0;

	do {
		queue_hush(queue);
		while (served < TRANSMIT_MAX && !is_transmit_held(net) && transmit_one(net))
			served++;
		if (served == TRANSMIT_MAX)
			net->transmit_due_ns = 0;
	} while (can_serve(net, NET_QUEUE_TRANSMIT) && !is_transmit_held(net) &&
		 queue_listen(queue));
	virtio_device_signal(&net->device, NET_QUEUE_TRANSMIT);
}

/* What the queue waited for may have come. */
static void resume_transmit(struct net *net, uint64_t now)
{
	if (net_port_flush(&net->port) == -EPIPE)
		break_link(net);
	net->transmit_blocked = false;
	if (net->transmit_due_ns <= now)
		net->transmit_due_ns = VIRTIO_NEVER;
	if (can_serve(net, NET_QUEUE_TRANSMIT) && !is_transmit_held(net))
		transmit(net);
}

/* -- Receiving -- */

static void drop_received(struct net *net)
{
	net->counters.received_dropped++;
	net->give_up_ns = 0;
	net_receiver_drop(&net->receiver);
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

	if (net->receiver.waiting_bytes == 0)
		return true;
	now = now_ns();
	if (net->give_up_ns == 0)
		net->give_up_ns = now + PATIENCE_NS;
	net->receive_due_ns = net->give_up_ns;
	return now < net->give_up_ns;
}

/* See to it that a frame can be read, or given to the driver.  Returns false if that has to wait.
 */
static bool find_room(struct net *net)
{
	struct net_receiver *receiver = &net->receiver;
	struct queue *queue = &net->device.queues[NET_QUEUE_RECEIVE];
	enum virtio_fault fault;

	do {
		queue_hush(queue);
		if (net_receiver_collect(receiver, queue, &net->chain, &fault)) {
			virtio_device_fail(&net->device, NET_QUEUE_RECEIVE, fault);
			return false;
		}
		if (net_receiver_has_room(receiver)) {
			net->give_up_ns = 0;
			return true;
		}
		if (!net_receiver_can_grow(receiver)) {
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
	int error = net_receiver_read(&net->receiver, &net->port);

	switch (error) {
	case 0: return true;
	case -EAGAIN: return false;
	case -EPIPE: break_link(net); return false;
	default:
		host_error(net, "read", -error);
		net->receive_due_ns = now_ns() + RETRY_NS;
		return false;
	}
}

/* Take one frame.  Returns false when there is none, or none may be taken now. */
static bool receive_one(struct net *net)
{
	const struct net_offloads offloads = offloads_of(
		net, VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6);
	struct net_receiver *receiver = &net->receiver;
	struct net_header header;
	uint32_t frame_bytes;

	if (!find_room(net) || (receiver->waiting_bytes == 0 && !read_frame(net)))
		return false;
	if (receiver->waiting_bytes < sizeof(header) + NET_FRAME_MIN_BYTES) {
		drop_received(net);
		return true;
	}
	if (!net_receiver_has_room(receiver))
		return true; /* the next round sees to it */
	frame_bytes = receiver->waiting_bytes - (uint32_t)sizeof(header);
	header = net_receiver_header(receiver);
	if (!net_header_admit(&header, &offloads)) {
		drop_received(net);
		return true;
	}
	if (!is_within_limit(net, &net->receive_limiter, frame_bytes, &net->receive_due_ns))
		return false;
	net->counters.received_frames++;
	net->counters.received_bytes += frame_bytes;
	net_receiver_deliver(receiver, &net->device.queues[NET_QUEUE_RECEIVE], header);
	return true;
}

static void receive(struct net *net)
{
	unsigned int frames = 0;

	while (frames < RECEIVE_MAX && receive_one(net))
		frames++;
	/* Of the rest the descriptor tells, but for what has been read from it already. */
	if (frames == RECEIVE_MAX &&
	    (net->receiver.waiting_bytes > 0 || net_port_has_frame(&net->port)))
		net->receive_due_ns = 0;
	virtio_device_signal(&net->device, NET_QUEUE_RECEIVE);
}

/* What the frames wait for may have come. */
static void resume_receive(struct net *net, uint64_t now)
{
	if (net->receive_due_ns <= now) {
		net->receive_due_ns = VIRTIO_NEVER;
		net->receive_starved = false;
	}
	if (net->receive_due_ns != VIRTIO_NEVER || net->receive_starved || !net->link_is_up)
		return;
	if (can_serve(net, NET_QUEUE_RECEIVE))
		receive(net);
	else
		net->receive_starved = true;
}

/* -- The device -- */

static uint64_t due_ns(const struct net *net)
{
	if (!virtio_device_is_live(&net->device))
		return VIRTIO_NEVER;
	return net->receive_due_ns < net->transmit_due_ns ? net->receive_due_ns
							  : net->transmit_due_ns;
}

static short events(const struct net *net)
{
	bool wants_frames = net->receive_due_ns == VIRTIO_NEVER && !net->receive_starved;
	bool wants_room = net->transmit_blocked || net_port_has_rest(&net->port);

	if (!virtio_device_is_live(&net->device) || !net->link_is_up)
		return 0;
	return (short)((wants_frames ? POLLIN : 0) | (wants_room ? POLLOUT : 0));
}

static void tell_io_thread(struct net *net)
{
	virtio_device_expect(&net->device, events(net));
	virtio_device_set_due(&net->device, due_ns(net));
}

static void net_notify(struct virtio_device *device, unsigned int queue)
{
	struct net *net = net_of(device);

	if (queue == NET_QUEUE_TRANSMIT && !is_transmit_held(net)) {
		transmit(net);
	} else if (queue == NET_QUEUE_RECEIVE && net->receive_starved) {
		net->receive_starved = false;
		net->receive_due_ns = 0;
	}
	tell_io_thread(net);
}

static void net_service(struct virtio_device *device, uint64_t now)
{
	struct net *net = net_of(device);

	if (virtio_device_is_live(device)) {
		if (is_transmit_held(net))
			resume_transmit(net, now);
		resume_receive(net, now);
	}
	/* This is the I/O thread: it looks at both before it sleeps, and needs no waking. */
	device->service_events = events(net);
	device->due_ns = due_ns(net);
}

/* RFC 903, in an Ethernet frame of the least length. */
static void announce(struct net *net)
{
	static const uint8_t arp[] = {
		0x80, 0x35,             /* EtherType: reverse ARP */
		0x00, 0x01, 0x08, 0x00, /* Ethernet, IPv4 */
		6,    4,    0x00, 0x03, /* lengths of addresses, request reverse */
	};
	enum {
		ARP_OFFSET = 12,
		SENDER_OFFSET = ARP_OFFSET + sizeof(arp),
		TARGET_OFFSET = SENDER_OFFSET + 6 + 4, /* no IP address is known */
		FRAME_BYTES = 60,
	};
	struct net_header header = {0};
	uint8_t frame[FRAME_BYTES] = {0};
	struct iovec segments[] = {{&header, sizeof(header)}, {frame, sizeof(frame)}};

	memset(frame, 0xff, NET_ADDRESS_BYTES);
	memcpy(frame + SOURCE_ADDRESS_OFFSET, net->settings.address, NET_ADDRESS_BYTES);
	memcpy(frame + ARP_OFFSET, arp, sizeof(arp));
	memcpy(frame + SENDER_OFFSET, net->settings.address, NET_ADDRESS_BYTES);
	memcpy(frame + TARGET_OFFSET, net->settings.address, NET_ADDRESS_BYTES);
	/* Whatever else keeps it from going out will be told with the guest's own frames. */
	if (net_port_send(&net->port, segments, 2) == -EPIPE)
		break_link(net);
}

static uint32_t received_max_bytes(const struct net *net, const struct net_offloads *offloads)
{
	enum {
		MTU_USUAL_BYTES = 1500,
	};
	uint32_t mtu_bytes = net->settings.mtu_bytes > MTU_USUAL_BYTES ? net->settings.mtu_bytes
								       : MTU_USUAL_BYTES;

	if (net->port.kind == NET_PORT_TAP && (offloads->tso4 || offloads->tso6))
		return NET_RECEIVED_MAX_BYTES;
	return (uint32_t)sizeof(struct net_header) + NET_ETHERNET_BYTES + NET_VLAN_TAG_BYTES +
	       mtu_bytes;
}

static void net_activate(struct virtio_device *device)
{
	struct net *net = net_of(device);
	const struct net_offloads offloads = offloads_of(
		net, VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6);
	int error = net_port_set_offloads(&net->port, &offloads);

	if (error == -EPIPE)
		break_link(net);
	else if (error)
		host_error(net, "offload", -error);
	net_receiver_begin(&net->receiver, virtio_device_has(device, VIRTIO_NET_F_MRG_RXBUF),
			   received_max_bytes(net, &offloads));
	net->receive_starved = !can_serve(net, NET_QUEUE_RECEIVE);
	announce(net);
	tell_io_thread(net);
}

static void forget_receiving(struct net *net)
{
	net_receiver_begin(&net->receiver, net->receiver.is_mergeable, net->receiver.wanted_bytes);
	net->receive_due_ns = VIRTIO_NEVER;
	net->give_up_ns = 0;
	net->receive_starved = true;
}

static void forget_transmitting(struct net *net)
{
	net->transmit_due_ns = VIRTIO_NEVER;
	net->transmit_blocked = false;
	net->transmit_credit = 0;
}

static void net_queue_stopped(struct virtio_device *device, unsigned int queue)
{
	struct net *net = net_of(device);

	if (queue == NET_QUEUE_RECEIVE)
		forget_receiving(net);
	else
		forget_transmitting(net);
	tell_io_thread(net);
}

static void net_reset(struct virtio_device *device)
{
	struct net *net = net_of(device);

	forget_receiving(net);
	forget_transmitting(net);
	device->service_events = 0;
	device->due_ns = VIRTIO_NEVER;
}

static void net_config_read(struct virtio_device *device, uint32_t offset, uint8_t *data,
			    uint32_t size_bytes)
{
	const struct net *net = net_of(device);
	struct net_config config = {
		.status = net->link_is_up ? NET_STATUS_LINK_UP : 0,
		.queue_pairs_max = 1,
		.mtu_bytes = net->settings.mtu_bytes,
	};

	memcpy(config.address, net->settings.address, NET_ADDRESS_BYTES);
	virtio_device_copy_config(&config, sizeof(config), offset, data, size_bytes);
}

static const struct virtio_device_ops net_ops = {
	.config_read = net_config_read,
	.activate = net_activate,
	.notify = net_notify,
	.queue_stopped = net_queue_stopped,
	.reset = net_reset,
	.service = net_service,
};

void net_init(struct net *net)
{
	struct virtio_device *device = &net->device;

	device->ops = &net_ops;
	device->type = VIRTIO_TYPE_NET;
	device->queue_count = 2;
	device->queue_size_max = QUEUE_SIZE_MAX;
	device->features = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX |
			   VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS | VIRTIO_NET_F_MRG_RXBUF;
	if (net->settings.mtu_bytes)
		device->features |= VIRTIO_NET_F_MTU;
	if (net->port.kind == NET_PORT_TAP)
		device->features |= VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM |
				    VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 |
				    VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6;
	device->service_fd = net->port.fd;
	net->link_is_up = true;
	net_reset(device);
}
