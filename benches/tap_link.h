/* SPDX-License-Identifier: MIT */
/*
 * benches/tap_link.h - taps in a network namespace of the benchmark's own.
 *
 * The namespace goes with the last process in it, and the taps with the namespace: nothing is left
 * on the host, however the benchmark ends.  The far end of each tap is the one guest on it.
 *
 * Call order: tap_link_enter() before there is a second thread, then tap_link_make().  Returns 0 or
 * negative errno.
 */
#ifndef BENCHES_TAP_LINK_H
#define BENCHES_TAP_LINK_H

#include <stdint.h>

enum {
	TAP_LINK_TEXT_BYTES = 24,
	TAP_LINK_MTU_BYTES = 1500,
};

struct tap_link {
	const char *name;
	uint8_t number; /* of its network, another for each link */
};

struct tap_link_cost {
	uint64_t created_ns; /* open, name, bring up */
	uint64_t removed_ns; /* close */
};

/* Move this process into a new network namespace, where IPv6 says nothing by itself. */
int tap_link_enter(void);

/* Make a tap that stays when nobody has it open, with the host's address, and bring it up. */
int tap_link_make(const struct tap_link *link);

/* Make a tap and remove it, and say what each took. */
int tap_link_measure(struct tap_link_cost *cost);

/* Both ends' addresses, and the guest's MAC address. */
void tap_link_host_ip(const struct tap_link *link, char text[TAP_LINK_TEXT_BYTES]);
void tap_link_guest_ip(const struct tap_link *link, char text[TAP_LINK_TEXT_BYTES]);
void tap_link_guest_mac(const struct tap_link *link, char text[TAP_LINK_TEXT_BYTES]);

/* Frames that came out of the guest, as the host counts them. */
int tap_link_count(const struct tap_link *link, uint64_t *frames);

#endif
