/* SPDX-License-Identifier: MIT */
/* virtio/vsock_table.c - see vsock_table.h. */
#include "virtio/vsock_table.h"

static_assert(VSOCK_CONNECTIONS_MAX < UINT16_MAX, "a slot's number plus one has to fit");
static_assert((VSOCK_BUCKETS & (VSOCK_BUCKETS - 1)) == 0, "a hash is cut to it");

/* -- Slots and their numbers -- */

static uint16_t place_of(const struct vsock_table *table, const struct vsock_connection *connection)
{
	return (uint16_t)(connection - table->slots + 1);
}

static struct vsock_connection *at(struct vsock_table *table, uint16_t place)
{
	return place ? &table->slots[place - 1] : NULL;
}

static bool is_wide(size_t slot)
{
	return slot < VSOCK_WIDE_CONNECTIONS;
}

static uint32_t credit_of(size_t slot)
{
	return is_wide(slot) ? VSOCK_WIDE_CREDIT_BYTES : VSOCK_CREDIT_BYTES;
}

/* Behind those of the wide slots lie the others. */
static uint8_t *buffer_of(const struct vsock_table *table, size_t slot)
{
	size_t wide = is_wide(slot) ? slot : VSOCK_WIDE_CONNECTIONS;

	return table->buffers + wide * VSOCK_WIDE_CREDIT_BYTES + (slot - wide) * VSOCK_CREDIT_BYTES;
}

static uint16_t *free_list_of(struct vsock_table *table, size_t slot)
{
	return is_wide(slot) ? &table->free_wide : &table->free;
}

/* A wide slot rather than another, and a used one rather than a new one; NULL if there is none. */
static struct vsock_connection *take_slot(struct vsock_table *table)
{
	uint16_t *list = table->free_wide ? &table->free_wide : &table->free;
	struct vsock_connection *connection = at(table, *list);

	if (connection)
		*list = connection->next_in_bucket;
	else if (table->touched < VSOCK_CONNECTIONS_MAX)
		connection = &table->slots[table->touched++];
	return connection;
}

struct vsock_connection *vsock_table_allocate(struct vsock_table *table, enum vsock_state state,
					      enum vsock_origin origin)
{
	struct vsock_connection *connection = take_slot(table);
	size_t slot;

	if (!connection)
		return NULL;
	slot = (size_t)(connection - table->slots);
	*connection = (struct vsock_connection){
		.state = state,
		.origin = origin,
		.deadline_ns = VSOCK_NEVER,
		.generation = connection->generation,
		.buffer = buffer_of(table, slot),
		.credit_bytes = credit_of(slot),
	};
	vsock_end_init(&connection->end);
	table->count++;
	return connection;
}

void vsock_table_release(struct vsock_table *table, struct vsock_connection *connection)
{
	uint16_t *list = free_list_of(table, (size_t)(connection - table->slots));

	vsock_table_leave(table, connection);
	vsock_table_make_unready(table, connection);
	vsock_table_set_deadline(table, connection, VSOCK_NEVER);
	connection->state = VSOCK_FREE;
	connection->generation++;
	connection->next_in_bucket = *list;
	*list = place_of(table, connection);
	table->count--;
}

uint64_t vsock_table_tag(const struct vsock_table *table, const struct vsock_connection *connection)
{
	return (uint64_t)connection->generation << 32 | (uint64_t)(connection - table->slots);
}

struct vsock_connection *vsock_table_by_tag(struct vsock_table *table, uint64_t tag)
{
	uint32_t slot = (uint32_t)tag;
	struct vsock_connection *connection;

	if (slot >= table->touched)
		return NULL;
	connection = &table->slots[slot];
	return connection->state != VSOCK_FREE && connection->generation == tag >> 32 ? connection
										      : NULL;
}

struct vsock_connection *vsock_table_next(struct vsock_table *table,
					  const struct vsock_connection *connection)
{
	size_t slot = connection ? (size_t)(connection - table->slots) + 1 : 0;

	while (slot < table->touched && table->slots[slot].state == VSOCK_FREE)
		slot++;
	return slot < table->touched ? &table->slots[slot] : NULL;
}

/* -- By ports -- */

static uint16_t *bucket_of(struct vsock_table *table, uint32_t guest_port, uint32_t host_port)
{
	uint64_t key = ((uint64_t)guest_port << 32 | host_port) ^ table->seed;

	/* Each half of the product depends on all bits of the key, and the seed is inside. */
	key = (key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	key = (key ^ key >> 29 ^ table->seed >> 7) * UINT64_C(0xbf58476d1ce4e5b9);
	return &table->buckets[key >> 40 & (VSOCK_BUCKETS - 1)];
}

void vsock_table_enter(struct vsock_table *table, struct vsock_connection *connection)
{
	uint16_t *bucket = bucket_of(table, connection->guest_port, connection->host_port);

	connection->next_in_bucket = *bucket;
	*bucket = place_of(table, connection);
	connection->is_in_bucket = true;
}

void vsock_table_leave(struct vsock_table *table, struct vsock_connection *connection)
{
	uint16_t *link = bucket_of(table, connection->guest_port, connection->host_port);

	if (!connection->is_in_bucket)
		return;
	while (at(table, *link) != connection)
		link = &at(table, *link)->next_in_bucket;
	*link = connection->next_in_bucket;
	connection->is_in_bucket = false;
}

struct vsock_connection *vsock_table_find(struct vsock_table *table, uint32_t guest_port,
					  uint32_t host_port)
{
	struct vsock_connection *found = at(table, *bucket_of(table, guest_port, host_port));

	while (found && (found->guest_port != guest_port || found->host_port != host_port))
		found = at(table, found->next_in_bucket);
	return found;
}

/* -- Lists -- */

static struct vsock_link *link_in(struct vsock_table *table, const struct vsock_list *list,
				  uint16_t place)
{
	return list == &table->ready ? &table->slots[place - 1].ready
				     : &table->slots[place - 1].timed;
}

static void append(struct vsock_table *table, struct vsock_list *list, uint16_t place)
{
	struct vsock_link *link = link_in(table, list, place);

	if (link->is_in)
		return;
	*link = (struct vsock_link){.previous = list->last, .is_in = true};
	if (list->last)
		link_in(table, list, list->last)->next = place;
	else
		list->first = place;
	list->last = place;
}

static void take_out(struct vsock_table *table, struct vsock_list *list, uint16_t place)
{
	struct vsock_link *link = link_in(table, list, place);

	if (!link->is_in)
		return;
	if (link->previous)
		link_in(table, list, link->previous)->next = link->next;
	else
		list->first = link->next;
	if (link->next)
		link_in(table, list, link->next)->previous = link->previous;
	else
		list->last = link->previous;
	*link = (struct vsock_link){0};
}

void vsock_table_make_ready(struct vsock_table *table, struct vsock_connection *connection)
{
	append(table, &table->ready, place_of(table, connection));
}

void vsock_table_make_unready(struct vsock_table *table, struct vsock_connection *connection)
{
	take_out(table, &table->ready, place_of(table, connection));
}

void vsock_table_set_deadline(struct vsock_table *table, struct vsock_connection *connection,
			      uint64_t deadline_ns)
{
	connection->deadline_ns = deadline_ns;
	if (deadline_ns == VSOCK_NEVER)
		take_out(table, &table->timed, place_of(table, connection));
	else
		append(table, &table->timed, place_of(table, connection));
}

struct vsock_connection *vsock_table_first_ready(struct vsock_table *table)
{
	return at(table, table->ready.first);
}

struct vsock_connection *vsock_table_first_timed(struct vsock_table *table)
{
	return at(table, table->timed.first);
}

struct vsock_connection *vsock_table_next_timed(struct vsock_table *table,
						const struct vsock_connection *connection)
{
	return at(table, connection->timed.next);
}
