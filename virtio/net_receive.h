/* SPDX-License-Identifier: MIT */
/*
 * virtio/net_receive.h - the frames that arrive for a driver.
 *
 * Only the I/O thread reads.  It waits for the port as long as there are chains to read into
 * (net_inbox.h) and the rate limiter lets frames through; else for the time when that may be so, or
 * for the driver's notification.
 *
 * Call order: net_receive_begin() when the driver is ready; then net_receive_resume() on the I/O
 * thread, and net_receive_notified(); net_receive_forget() when the queue stops.
 */
#ifndef VIRTIO_NET_RECEIVE_H
#define VIRTIO_NET_RECEIVE_H

#include "virtio/net_state.h"

/* Features are final. */
void net_receive_begin(struct net *net);

/* The driver may have added chains. */
void net_receive_notified(struct net *net);

/* Whether the port is worth waiting for. */
bool net_receive_wants_frames(const struct net *net);

/* What the frames wait for may have come. */
void net_receive_resume(struct net *net, uint64_t now_ns);

void net_receive_forget(struct net *net);

#endif
