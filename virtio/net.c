/* SPDX-License-Identifier: MIT */
/* virtio/net.c - see net.h. */
#include "virtio/net.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "virtio/net_receive.h"
#include "virtio/net_transmit.h"

/* struct virtio_net_config, section 5.1.4, as far as it is offered here. */
struct net_config {
	uint8_t address[NET_ADDRESS_BYTES];
	uint16_t status;
	uint16_t queue_pairs_max;
	uint16_t mtu_bytes;
};

static_assert(sizeof(struct net_config) == 12, "section 5.1.4");

static struct net *net_of(struct virtio_device *device)
{
	return (struct net *)((uint8_t *)device - offsetof(struct net, device));
}

static uint64_t due_ns(const struct net *net)
{
	if (!virtio_device_is_live(&net->device))
		return VIRTIO_NEVER;
	return net->receive_due_ns < net->transmit_due_ns ? net->receive_due_ns
							  : net->transmit_due_ns;
}

static short events(const struct net *net)
{
	bool wants_frames = net_receive_wants_frames(net);
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

	if (queue == NET_QUEUE_RECEIVE)
		net_receive_notified(net);
	else
		net_transmit_notified(net);
	tell_io_thread(net);
}

static void net_service(struct virtio_device *device, uint64_t now)
{
	struct net *net = net_of(device);

	if (virtio_device_is_live(device)) {
		if (net_transmit_is_held(net))
			net_transmit_resume(net, now);
		net_receive_resume(net, now);
	}
	/* This is the I/O thread: it looks at both before it sleeps, and needs no waking. */
	device->service_events = events(net);
	device->due_ns = due_ns(net);
}

static void announce(struct net *net)
{
	struct net_header header = {0};
	uint8_t frame[NET_ANNOUNCEMENT_BYTES];
	struct iovec segments[] = {{&header, sizeof(header)}, {frame, sizeof(frame)}};

	net_frame_announce(frame, net->settings.address);
	/* Whatever else keeps it from going out will be told with the guest's own frames. */
	if (net_port_send(&net->port, segments, 2) == -EPIPE)
		net_break_link(net);
}

static void net_activate(struct virtio_device *device)
{
	struct net *net = net_of(device);
	const struct net_offloads offloads = net_received_offloads(net);
	int error = net_port_set_offloads(&net->port, &offloads);

	if (error == -EPIPE)
		net_break_link(net);
	else if (error)
		net_host_error(net, "setting offloads", -error);
	net_receive_begin(net);
	announce(net);
	tell_io_thread(net);
}

static void net_queue_stopped(struct virtio_device *device, unsigned int queue)
{
	struct net *net = net_of(device);

	if (queue == NET_QUEUE_RECEIVE)
		net_receive_forget(net);
	else
		net_transmit_forget(net);
	tell_io_thread(net);
}

static void net_reset(struct virtio_device *device)
{
	struct net *net = net_of(device);

	net_receive_forget(net);
	net_transmit_forget(net);
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
