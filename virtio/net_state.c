/* SPDX-License-Identifier: MIT */
/* virtio/net_state.c - see net_state.h. */
#include "virtio/net_state.h"

#include <errno.h>

#include "virtio/clock.h"

bool net_can_serve(const struct net *net, unsigned int queue)
{
	return virtio_device_is_live(&net->device) && net->device.queues[queue].ready;
}

bool net_is_within_limit(struct net *net, struct rate_limiter *limiter, uint32_t frame_bytes,
			 uint64_t *due_ns)
{
	if (!rate_limiter_is_on(limiter) ||
	    rate_limiter_admits(limiter, frame_bytes, virtio_now_ns(), due_ns))
		return true;
	net->counters.throttled++;
	return false;
}

void net_host_error(const struct net *net, const char *what, int error)
{
	net->device.links->host_error(net->device.links->owner, what, error);
}

void net_break_link(struct net *net)
{
	if (!net->link_is_up)
		return;
	net->link_is_up = false;
	net_host_error(net, "the link", EPIPE);
	virtio_device_config_changed(&net->device);
}

static struct net_offloads offloads_of(const struct net *net, uint64_t checksum, uint64_t tso4,
				       uint64_t tso6)
{
	return (struct net_offloads){
		.checksum = virtio_device_has(&net->device, checksum),
		.tso4 = virtio_device_has(&net->device, checksum | tso4),
		.tso6 = virtio_device_has(&net->device, checksum | tso6),
	};
}

struct net_offloads net_sent_offloads(const struct net *net)
{
	return offloads_of(net, VIRTIO_NET_F_CSUM, VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_HOST_TSO6);
}

struct net_offloads net_received_offloads(const struct net *net)
{
	return offloads_of(net, VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_GUEST_TSO4,
			   VIRTIO_NET_F_GUEST_TSO6);
}
