/* SPDX-License-Identifier: MIT */
/*
 * monitor/uplink.h - what is behind one entry of "network-interfaces": a tap or a stream socket.
 *
 * A tap by name (in another network namespace, if mote.network says so), one made on a bridge, a
 * Unix stream socket that is connected to by path, or either of them by the descriptor that the
 * caller left open.  Below, no name is known any more.
 *
 * Thread: the process has only one (netns.h).
 * Ownership: the caller's, until uplink_close().
 * Errors: negative errno; the reason names the key and what to do.
 */
#ifndef MONITOR_UPLINK_H
#define MONITOR_UPLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "monitor/config.h"
#include "monitor/reason.h"
#include "monitor/tap.h"
#include "virtio/net_port.h"

enum {
	UPLINK_NONE = -1,
	UPLINK_ADDRESS_BYTES = 6,
};

struct uplink {
	int fd; /* non-blocking */
	enum net_port_kind kind;
	uint8_t address[UPLINK_ADDRESS_BYTES]; /* of the NIC, made up where none was given */
	struct tap tap;                        /* zero if it is none; its descriptor is `fd` */
};

/* Open what interfaces[index] names. */
int uplink_open(struct uplink *uplink, const struct config_interface *interfaces,
		unsigned int index, struct reason *reason);

/* Log what is odd about one that can be used. */
void uplink_warn(const struct uplink *uplink, const struct config_interface *interfaces,
		 unsigned int index);

/* Accepts one that is not open. */
void uplink_close(struct uplink *uplink);

#endif
