/* SPDX-License-Identifier: MIT */
/*
 * virtio/vsock_guest.h - what the guest's packets do to connections.
 *
 * Source: virtio 1.2, sections 5.10.6.2 to 5.10.6.6.  Every packet was written by the guest and
 * may say anything.  What makes no sense is answered with an RST (but for an RST) and told by
 * links.refused: another type than a stream, CIDs that are not those of guest and host, an op
 * that does not exist or does not fit the connection's state, more bytes than the guest has
 * credit for.
 *
 * Threads: as for the muxer.
 */
#ifndef VIRTIO_VSOCK_GUEST_H
#define VIRTIO_VSOCK_GUEST_H

#include "virtio/vsock_muxer.h"

/*
 * Take a packet, if vsock_muxer_can_take().  `header` is a copy; the segments hold exactly its
 * payload, or nothing and `is_whole` is false, when the packet was shorter than its header says.
 */
void vsock_guest_packet(struct vsock_muxer *muxer, const struct vsock_header *header,
			const struct iovec *segments, unsigned int count, bool is_whole);

#endif
