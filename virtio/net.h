/* SPDX-License-Identifier: MIT */
/*
 * virtio/net.h - a virtio network device on a port.
 *
 * Source of the ABI: virtio 1.2, section 5.1, with MAC, MTU, STATUS, CSUM, GUEST_CSUM, TSO4/6 in
 * both directions (on a tap only) and MRG_RXBUF.  Queue 0 receives, queue 1 transmits.
 *
 * Transmitting happens on the thread that notifies: header and frame of a chain go to the port in
 * one system call, from where they lie.  The virtio and the Ethernet header are copied before they
 * are checked, and the copy is sent, so a guest cannot change them on their way into the host's
 * kernel: only offloads that were negotiated, only offsets within the frame, only its own address
 * where that is asked for.  Frames that are wrong are dropped, told by links.refused, and
 * answered, as a cable would.  What has to wait, for a limiter or the port, and what comes in large
 * numbers, is the I/O thread's.
 *
 * Receiving (net_inbox.h) happens on the I/O thread alone, in service(), with one interrupt for
 * each batch of frames, or several where they are large.  Without chains to read into nothing waits
 * for the port: the driver's next notification brings it back.  A frame that found too little room
 * is dropped if the driver adds none for a while, since by then it may have none to add.
 *
 * When the driver is ready, the device sends a reverse ARP request (RFC 903) with its own address,
 * so that switches learn where that address is now, however it got there.
 *
 * A port that is gone is a link that is down: what is sent is dropped, and nothing comes.
 *
 * Call order: the caller fills `settings`, `port` and the limiters, then net_init(); then the
 * device is the transport's (device.h).  service_fd is the port's descriptor.
 * Ownership: the port's.  Threads: as for every device.
 */
#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include "virtio/net_state.h"

/* device.memory, device.links, settings, port's upper fields and limiters are set; rest zero. */
void net_init(struct net *net);

#endif
