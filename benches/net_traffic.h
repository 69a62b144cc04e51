/* SPDX-License-Identifier: MIT */
/*
 * benches/net_traffic.h - the host's end of a tap: what answers a guest, or sends to it.
 *
 * Frames for the guest go from a packet socket straight to the tap, past the host's protocols, so
 * that large ones reach the monitor whole, with a virtio-net header, as those of a TCP connection
 * do.  The sender rests for a moment whenever the tap's queue is full, so that the queue is
 * never empty and the guest's processors are not the sender's.
 *
 * Call order: net_traffic_start(), net_traffic_stop() once for each that was started.
 * Threads: one of its own in between.  Returns 0 or negative errno.
 */
#ifndef BENCHES_NET_TRAFFIC_H
#define BENCHES_NET_TRAFFIC_H

#include <pthread.h>
#include <stdatomic.h>

#include "benches/tap_link.h"

enum net_traffic_kind {
	NET_TRAFFIC_NONE,
	NET_TRAFFIC_ECHO,  /* datagrams to port 7 come back */
	NET_TRAFFIC_SMALL, /* frames of 64 bytes */
	NET_TRAFFIC_LARGE, /* a small one, then TCP segments of 64 KiB for the guest to take whole
			    */
};

struct net_traffic {
	pthread_t thread;
	int fd;
	atomic_bool is_over;
};

int net_traffic_start(struct net_traffic *traffic, enum net_traffic_kind kind,
		      const struct tap_link *link);

void net_traffic_stop(struct net_traffic *traffic);

#endif
