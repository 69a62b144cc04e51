/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/block_hostile.h - what the parts of the hostile guest share.
 *
 * A case either spoils a good request before it is offered (twist), or does what it likes with a
 * device that was just brought up (run).  The runner judges what the device made of it, resets the
 * device, and makes sure that it works again.
 */
#ifndef GUEST_BLOCK_HOSTILE_H
#define GUEST_BLOCK_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/guests/lib/virtio_block.h"

enum {
	HOSTILE_QUEUE_SIZE = 256,
	HOSTILE_DATA_BYTES = 65536,
	HOSTILE_TABLE_LENGTH = 512,
};

/* What became of a case. */
enum verdict {
	VERDICT_NEEDS_RESET,
	VERDICT_IO_ERROR,
	VERDICT_UNSUPPORTED,
	VERDICT_IGNORED, /* no effect, and the device goes on without a reset */
	VERDICT_REFUSED, /* FEATURES_OK stays off */
	VERDICT_DONE,    /* odd, but allowed */
	VERDICT_QUIET,   /* nothing is in flight any more */
	VERDICT_ANY,     /* as an expectation: nothing can be said but that the device recovers */
	VERDICT_SILENCE, /* the rest is never expected */
	VERDICT_WRONG,
	VERDICTS,
};

struct hostile_case {
	const char *name;
	enum verdict expected;
	uint32_t type; /* of the request that is twisted */
	void (*twist)(void);
	enum verdict (*run)(void);
};

/*
 * The request of a twisted case: descriptors 0, 1, 2 of the ring are header, data and
 * status.  Data is one sector, or a range for discards and write-zeroes; a flush has none.
 */
struct hostile {
	struct block_disk disk;
	struct virtqueue_descriptor *ring;  /* the queue's descriptors */
	struct virtqueue_descriptor *table; /* room for an indirect one */
	struct block_header *header;
	struct block_range *ranges;
	uint8_t *data;
	volatile uint8_t *status;
	uint16_t head;
	uint16_t avail_index;
};

extern struct hostile hostile;

/* Lists that end with a case without a name. */
extern const struct hostile_case hostile_chain_cases[];
extern const struct hostile_case hostile_request_cases[];
extern const struct hostile_case hostile_read_only_cases[];
extern const struct hostile_case hostile_register_cases[];

/* Make descriptor `index` of a table. */
void hostile_put(struct virtqueue_descriptor *table, uint16_t index, uint64_t address,
		 uint32_t length, uint16_t flags);

/* Make the good request of a type, at sector 0. */
void hostile_prepare(uint32_t type);

/* Offer hostile.head up to hostile.avail_index, notify, and judge what comes. */
enum verdict hostile_offer(void);

/* IGNORED if a good read works as things are. */
enum verdict hostile_still_works(void);

/* Do nothing for that long. */
void hostile_pause(uint32_t pause_us);

#endif
