/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/net_hostile.h - what the parts of the hostile guest share.
 *
 * A case either spoils a good chain of one queue before it is offered (twist), or does what it
 * likes with a device that was just brought up, with nothing in its queues (run).  The runner
 * judges what the device made of it, resets the device, and makes sure that it works again: that a
 * question of ARP gets out, and its answer in.
 */
#ifndef GUEST_NET_HOSTILE_H
#define GUEST_NET_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/guests/lib/net_stack.h"

enum {
	HOSTILE_QUEUE_SIZE = 256,
	HOSTILE_DATA_BYTES = 1 << 20,
	HOSTILE_TABLE_LENGTH = 512,
	HOSTILE_FRAME_BYTES = 60,
	HOSTILE_BUFFER_BYTES = 2048,
};

/* What became of a case. */
enum verdict {
	VERDICT_NEEDS_RESET,
	VERDICT_SENT,     /* answered, and nothing was said about it */
	VERDICT_DROPPED,  /* answered, or still waiting for a better frame; told by the monitor */
	VERDICT_ANSWERED, /* one of both, as the host's kernel likes */
	VERDICT_RECEIVED,
	VERDICT_IGNORED,   /* no effect, and the device goes on without a reset */
	VERDICT_REFUSED,   /* FEATURES_OK stays off */
	VERDICT_QUIET,     /* nothing is in flight any more */
	VERDICT_OFFLOADED, /* as an expectation: sent where offloads are offered, else dropped */
	VERDICT_ANY,       /* as an expectation: nothing can be said but that the device recovers */
	VERDICT_SILENCE,   /* the rest is never expected */
	VERDICT_WRONG,
	VERDICTS,
};

struct hostile_case {
	const char *name;
	enum verdict expected;
	void (*twist)(void);
	enum verdict (*run)(void);
};

/*
 * The chain of a twisted case: descriptors 0 and 1 of the ring are header and frame.  Of what is
 * sent the frame is a question of ARP; of what is received it is room for 2 KiB.
 */
struct hostile {
	struct net_nic nic;
	struct net_stack stack;
	struct virtqueue *queue;            /* the one under attack */
	struct virtqueue_descriptor *ring;  /* its descriptors */
	struct virtqueue_descriptor *table; /* room for an indirect one */
	struct net_header *header;
	uint8_t *data;
	uint8_t *question; /* header and frame that make the other side answer */
	uint16_t head;
	uint16_t avail_index;
};

extern struct hostile hostile;

/* Lists that end with a case without a name. */
extern const struct hostile_case hostile_chain_cases[]; /* for each queue */
extern const struct hostile_case hostile_transmit_cases[];
extern const struct hostile_case hostile_receive_cases[];
extern const struct hostile_case hostile_device_cases[];
extern const struct hostile_case hostile_race_cases[]; /* on more than one processor */

/* Reset the device and bring it up with empty queues. */
bool hostile_start(uint64_t features);

/* Make descriptor `index` of a table. */
void hostile_put(struct virtqueue_descriptor *table, uint16_t index, uint64_t address,
		 uint32_t length, uint16_t flags);

/* Make the good chain of a queue, NET_RECEIVE or NET_TRANSMIT. */
void hostile_prepare(uint32_t queue);

/* Offer hostile.head up to hostile.avail_index, notify, and judge what comes. */
enum verdict hostile_offer(void);

/* Send the question, so that something arrives; not while the transmit queue is under attack. */
void hostile_provoke(void);

/* IGNORED if a good frame can be sent as things are. */
enum verdict hostile_still_works(void);

/* Do nothing for that long. */
void hostile_pause(uint32_t pause_us);

#endif
