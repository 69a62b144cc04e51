/* SPDX-License-Identifier: MIT */
/*
 * virtio/net_transmit.h - the frames that a driver sends.
 *
 * The queue is served until it is empty, or held: by the rate limiter, by a port that takes no
 * more, or because it had its turn.  Then it is the I/O thread's, until it is empty once more.
 *
 * Call order: net_transmit_notified(); net_transmit_resume() on the I/O thread while the queue is
 * held; net_transmit_forget() when it stops.
 */
#ifndef VIRTIO_NET_TRANSMIT_H
#define VIRTIO_NET_TRANSMIT_H

#include "virtio/net_state.h"

/* Whether the queue waits for something other than a notification. */
bool net_transmit_is_held(const struct net *net);

/* Send what is there, unless the queue is held. */
void net_transmit_notified(struct net *net);

/* What a held queue waits for may have come. */
void net_transmit_resume(struct net *net, uint64_t now_ns);

void net_transmit_forget(struct net *net);

#endif
