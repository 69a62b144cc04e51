/* SPDX-License-Identifier: MIT */
/*
 * monitor/tap.h - a tap, by name, newly made on a bridge, or by a descriptor that is open.
 *
 * Source: Linux Documentation/networking/tuntap.rst; the flags are IFF_TAP, IFF_NO_PI and
 * IFF_VNET_HDR, with the header of virtio 1.2, section 5.1.6 (12 bytes, little-endian).
 *
 * A tap that mote makes is not persistent: the kernel removes it, and takes it off its
 * bridge, with its last descriptor, however the processes end that have it.
 *
 * Names are those of the network namespace that the thread is in.
 * Ownership: the descriptor is the caller's.
 * Errors: negative errno; the failure says which part of the request is at fault and, in words,
 * what to do about it.
 */
#ifndef MONITOR_TAP_H
#define MONITOR_TAP_H

#include <linux/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "monitor/reason.h"

struct tap_request {
	const char *name;   /* NULL, with a bridge only: the kernel numbers it, mote0, mote1, ... */
	const char *bridge; /* make the tap and put it there; NULL: there is one */
	const char *netns;  /* where the thread went for it, for the words; NULL: nowhere */
	uint8_t guest_address[6]; /* of the NIC; a tap that is made gets another one */
	bool wants_mtu;           /* to be told; costs something */
};

enum tap_part {
	TAP_NAME,
	TAP_BRIDGE,
};

struct tap_failure {
	enum tap_part part;
	struct reason reason;
};

struct tap {
	int fd; /* non-blocking, close-on-exec */
	char name[IFNAMSIZ];
	uint32_t mtu_bytes; /* what the host sends on it; 0: nobody asked, or it cannot be told */
	bool is_down;       /* the tap, or the bridge that it was put on: nothing will pass */
};

/* By name, or made on a bridge. */
int tap_open(struct tap *tap, const struct tap_request *request, struct tap_failure *failure);

/*
 * Make `fd` one that can be used.  It stays the caller's, after a failure as well, and is
 * set to non-blocking for everybody who shares it.  The words go on after its name ("is ...").
 * Whether it has IFF_NO_PI, which it must, cannot be asked.
 */
int tap_adopt(struct tap *tap, int fd, struct tap_failure *failure);

#endif
