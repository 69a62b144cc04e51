/* SPDX-License-Identifier: MIT */
/*
 * virtio/vsock_table.h - all connections of one vsock device: a fixed number of slots.
 *
 * A connection is found in O(1) by its two ports once they are set (vsock_table_enter()), or by
 * its tag, which names a slot and how often it was used: a tag of an earlier connection finds
 * nothing.  The ports are the guest's choice, so the hash takes a seed that it does not know.
 *
 * Two lists go through the slots: `ready`, a first-in first-out list of the connections that have
 * something for the guest, and `timed`, those with a deadline, in no order.
 *
 * Memory: the buffers (VSOCK_BUFFERS_BYTES, zeroed or not) come from the caller, best as one
 * private anonymous mapping with MAP_NORESERVE: a page costs nothing until bytes had to wait in
 * it.  Slots are handed out from those that were used last, and those never used are not even
 * touched.
 *
 * The first VSOCK_WIDE_CONNECTIONS slots have a buffer of VSOCK_WIDE_CREDIT_BYTES, the others one
 * of VSOCK_CREDIT_BYTES; wide ones are handed out first.  An exit that carries little costs as much
 * as one that carries a lot, so a few streams get room for a lot, and what a guest with many can
 * make the host hold stays small.
 *
 * Call order: `buffers` and `seed` are set, the rest is zero.  Threads: the caller serialises.
 */
#ifndef VIRTIO_VSOCK_TABLE_H
#define VIRTIO_VSOCK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "virtio/vsock_connection.h"

enum {
	VSOCK_CONNECTIONS_MAX = 1023,
	VSOCK_WIDE_CONNECTIONS = 16,
	VSOCK_BUCKETS = 2048, /* a power of two */
};

#define VSOCK_BUFFERS_BYTES                                         \
	((size_t)VSOCK_WIDE_CONNECTIONS * VSOCK_WIDE_CREDIT_BYTES + \
	 (size_t)(VSOCK_CONNECTIONS_MAX - VSOCK_WIDE_CONNECTIONS) * VSOCK_CREDIT_BYTES)

struct vsock_list {
	uint16_t first; /* slot numbers plus one, 0 for none */
	uint16_t last;
};

struct vsock_table {
	uint8_t *buffers;
	uint64_t seed;

	unsigned int count;   /* in use */
	unsigned int touched; /* slots ever used: those from here on are as new */
	uint16_t free_wide;   /* of those before: the one that was freed last, plus one */
	uint16_t free;        /* the same of the others */
	struct vsock_list ready;
	struct vsock_list timed;
	uint16_t buckets[VSOCK_BUCKETS]; /* slot numbers plus one */
	struct vsock_connection slots[VSOCK_CONNECTIONS_MAX];
};

/* A slot with a buffer and without an end, in this state; NULL if all are in use. */
struct vsock_connection *vsock_table_allocate(struct vsock_table *table, enum vsock_state state,
					      enum vsock_origin origin);

/* Take it out of all lists and forget it; its end is closed already. */
void vsock_table_release(struct vsock_table *table, struct vsock_connection *connection);

/* From now on it is found by its ports, which no other in the table has; until vsock_table_leave().
 */
void vsock_table_enter(struct vsock_table *table, struct vsock_connection *connection);
void vsock_table_leave(struct vsock_table *table, struct vsock_connection *connection);

struct vsock_connection *vsock_table_find(struct vsock_table *table, uint32_t guest_port,
					  uint32_t host_port);

uint64_t vsock_table_tag(const struct vsock_table *table,
			 const struct vsock_connection *connection);
struct vsock_connection *vsock_table_by_tag(struct vsock_table *table, uint64_t tag);

/* At the end of the list, unless it is in it. */
void vsock_table_make_ready(struct vsock_table *table, struct vsock_connection *connection);
void vsock_table_make_unready(struct vsock_table *table, struct vsock_connection *connection);

/* The deadline of the connection's state; VSOCK_NEVER for none. */
void vsock_table_set_deadline(struct vsock_table *table, struct vsock_connection *connection,
			      uint64_t deadline_ns);

struct vsock_connection *vsock_table_first_ready(struct vsock_table *table);
struct vsock_connection *vsock_table_first_timed(struct vsock_table *table);
struct vsock_connection *vsock_table_next_timed(struct vsock_table *table,
						const struct vsock_connection *connection);

/* Every slot in use, by number, beginning with NULL; NULL at the end.  It may be released
 * meanwhile. */
struct vsock_connection *vsock_table_next(struct vsock_table *table,
					  const struct vsock_connection *connection);

#endif
