/* SPDX-License-Identifier: MIT */
/* virtio/queue.c - see queue.h. */
#include "virtio/queue.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

static_assert(sizeof(struct queue_descriptor) == 16, "virtio 1.2, section 2.7.5");
static_assert(offsetof(struct queue_descriptor, length) == 8, "virtio 1.2, section 2.7.5");
static_assert(offsetof(struct queue_descriptor, flags) == 12, "virtio 1.2, section 2.7.5");
static_assert(offsetof(struct queue_descriptor, next) == 14, "virtio 1.2, section 2.7.5");

/* Where things lie in the avail and the used ring, in units of 16 bits (2.7.6, 2.7.8). */
enum {
	RING_FLAGS = 0,
	RING_INDEX = 1,
	RING_ENTRIES = 2,
	USED_ENTRY_UNITS = 4,

	DESCRIPTOR_ALIGNMENT = 16, /* section 2.7 */
	AVAIL_ALIGNMENT = 2,
	USED_ALIGNMENT = 4,
};

/* struct virtq_used_elem, section 2.7.8. */
struct used_entry {
	uint32_t head;
	uint32_t written_bytes;
};

static_assert(sizeof(struct used_entry) == USED_ENTRY_UNITS * sizeof(uint16_t), "section 2.7.8");

/* Half a descriptor, at any address: section 2.7.5.3 asks no alignment of indirect tables. */
struct descriptor_half {
	uint64_t value;
} __attribute__((packed, may_alias));

static uint16_t load(const uint16_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the builtin writes through it */
static void store(uint16_t *field, uint16_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

static uint16_t *used_event(const struct queue *queue)
{
	return &queue->avail[RING_ENTRIES + queue->size];
}

static uint16_t *avail_event(const struct queue *queue)
{
	return &queue->used[RING_ENTRIES + queue->size * USED_ENTRY_UNITS];
}

static void *find_ring(const struct guest_memory *memory, uint64_t gpa, uint64_t alignment,
		       uint64_t size_bytes)
{
	return gpa % alignment == 0 ? guest_memory_at(memory, gpa, size_bytes) : NULL;
}

int queue_start(struct queue *queue, const struct guest_memory *memory, enum virtio_fault *fault)
{
	uint64_t size = queue->size;
	void *descriptors = find_ring(memory, queue->descriptor_gpa, DESCRIPTOR_ALIGNMENT,
				      size * sizeof(struct queue_descriptor));
	void *avail = find_ring(memory, queue->avail_gpa, AVAIL_ALIGNMENT,
				(RING_ENTRIES + size + 1) * sizeof(uint16_t));
	void *used = find_ring(memory, queue->used_gpa, USED_ALIGNMENT,
			       (RING_ENTRIES + size * USED_ENTRY_UNITS + 1) * sizeof(uint16_t));

	if (size == 0 || size > QUEUE_SIZE_MAX || (size & (size - 1)) != 0 || !descriptors ||
	    !avail || !used) {
		*fault = VIRTIO_FAULT_RING_ADDRESS;
		return -EINVAL;
	}
	queue->memory = memory;
	queue->descriptors = descriptors;
	queue->avail = avail;
	queue->used = used;
	queue->ready = true;
	queue->next_avail = 0;
	queue->next_used = 0;
	queue->signalled_used = 0;
	queue->was_signalled = false;
	return 0;
}

void queue_stop(struct queue *queue)
{
	queue->ready = false;
	queue->memory = NULL;
	queue->descriptors = NULL;
	queue->avail = NULL;
	queue->used = NULL;
}

/*
 * The copy is what is checked and used.  volatile, because a plain copy could be read again
 * by the compiler, and the driver may have changed it by then.  Nothing is lost if the two halves
 * are of different times: the copy is checked as it is.
 */
static struct queue_descriptor read_descriptor(const struct queue_descriptor *shared)
{
	const volatile struct descriptor_half *halves = (const void *)shared;
	uint64_t low = halves[0].value;
	uint64_t high = halves[1].value;

	return (struct queue_descriptor){
		.gpa = low,
		.length = (uint32_t)high,
		.flags = (uint16_t)(high >> 32),
		.next = (uint16_t)(high >> 48),
	};
}

/* The table in which a chain goes on. */
struct table {
	const struct queue_descriptor *descriptors;
	unsigned int length;
	bool is_indirect;
};

/* Section 2.7.5.3: one level, and the descriptor that names the table is the last of its own. */
static enum virtio_fault enter_indirect(const struct queue *queue, struct table *table,
					const struct queue_descriptor *descriptor)
{
	uint32_t size_bytes = descriptor->length;
	uint32_t length = size_bytes / (uint32_t)sizeof(struct queue_descriptor);
	const void *descriptors;

	if (!queue->has_indirect || table->is_indirect ||
	    (descriptor->flags & QUEUE_DESCRIPTOR_NEXT))
		return VIRTIO_FAULT_INDIRECT;
	if (size_bytes % sizeof(struct queue_descriptor) != 0 || length == 0 ||
	    length > QUEUE_SEGMENTS_MAX)
		return VIRTIO_FAULT_INDIRECT;
	descriptors = guest_memory_at(queue->memory, descriptor->gpa, size_bytes);
	if (!descriptors)
		return VIRTIO_FAULT_INDIRECT;
	*table = (struct table){descriptors, length, true};
	return VIRTIO_FAULT_NONE;
}

static enum virtio_fault add_segment(const struct queue *queue, struct queue_chain *chain,
				     const struct queue_descriptor *descriptor)
{
	bool is_writable = descriptor->flags & QUEUE_DESCRIPTOR_WRITE;
	unsigned int count = chain->readable_count + chain->writable_count;
	uint32_t sum_bytes = chain->readable_bytes + chain->writable_bytes;
	void *address;

	if (descriptor->length == 0)
		return VIRTIO_FAULT_NONE;
	if (!is_writable && chain->writable_count > 0)
		return VIRTIO_FAULT_ORDER;
	/* Direct descriptors before a long indirect table. */
	if (count == QUEUE_SEGMENTS_MAX)
		return VIRTIO_FAULT_LOOP;
	address = guest_memory_at(queue->memory, descriptor->gpa, descriptor->length);
	if (!address)
		return VIRTIO_FAULT_BUFFER_ADDRESS;
	if (descriptor->length > UINT32_MAX - sum_bytes)
		return VIRTIO_FAULT_LENGTH;
	chain->segments[count] = (struct iovec){address, descriptor->length};
	if (is_writable) {
		chain->writable_count++;
		chain->writable_bytes += descriptor->length;
	} else {
		chain->readable_count++;
		chain->readable_bytes += descriptor->length;
	}
	return VIRTIO_FAULT_NONE;
}

/* Each table is left after as many steps as it is long, so a loop ends. */
static enum virtio_fault collect(const struct queue *queue, struct queue_chain *chain)
{
	struct table table = {queue->descriptors, queue->size, false};
	unsigned int index = chain->head;
	unsigned int steps_left = table.length;

	while (steps_left-- > 0) {
		struct queue_descriptor descriptor = read_descriptor(&table.descriptors[index]);
		enum virtio_fault fault;

		if (descriptor.flags & QUEUE_DESCRIPTOR_INDIRECT) {
			fault = enter_indirect(queue, &table, &descriptor);
			index = 0;
			steps_left = table.length;
		} else {
			fault = add_segment(queue, chain, &descriptor);
			index = descriptor.next;
			if (!fault && !(descriptor.flags & QUEUE_DESCRIPTOR_NEXT))
				return VIRTIO_FAULT_NONE;
			if (!fault && index >= table.length)
				fault = VIRTIO_FAULT_NEXT;
		}
		if (fault)
			return fault;
	}
	return VIRTIO_FAULT_LOOP;
}

static void chain_begin(struct queue_chain *chain, uint16_t head)
{
	chain->head = head;
	chain->readable_count = 0;
	chain->writable_count = 0;
	chain->readable_bytes = 0;
	chain->writable_bytes = 0;
}

/* The fault in the chain that is next to be popped, if any. */
static enum virtio_fault take_next(const struct queue *queue, struct queue_chain *chain)
{
	uint16_t slot = queue->next_avail & (queue->size - 1);
	uint16_t head = load(&queue->avail[RING_ENTRIES + slot]);

	if (head >= queue->size)
		return VIRTIO_FAULT_HEAD;
	chain_begin(chain, head);
	return collect(queue, chain);
}

int queue_pop(struct queue *queue, struct queue_chain *chain, enum virtio_fault *fault)
{
	/*
	 * Acquire: ring, tables and buffers are read after the index.  Pairs with the barrier that
	 * the driver has between filling them and raising the index (2.7.13.3.1).
	 */
	uint16_t index = __atomic_load_n(&queue->avail[RING_INDEX], __ATOMIC_ACQUIRE);
	uint16_t ahead = (uint16_t)(index - queue->next_avail);
	enum virtio_fault found;

	if (ahead == 0)
		return 0;
	found = ahead > queue->size ? VIRTIO_FAULT_AVAIL_INDEX : take_next(queue, chain);
	if (found) {
		chain_begin(chain, 0);
		*fault = found;
		return -EPROTO;
	}
	queue->next_avail++;
	return 1;
}

bool queue_has_more(const struct queue *queue)
{
	return load(&queue->avail[RING_INDEX]) != queue->next_avail;
}

void queue_unpop(struct queue *queue)
{
	queue->next_avail--;
}

void queue_place(struct queue *queue, uint16_t head, uint32_t written_bytes)
{
	struct used_entry *entries = (void *)&queue->used[RING_ENTRIES];
	struct used_entry *entry = &entries[queue->next_used & (queue->size - 1)];

	__atomic_store_n(&entry->head, head, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->written_bytes, written_bytes, __ATOMIC_RELAXED);
	queue->next_used++;
	/* 65536 pushes since the last signal look like none: remember it as one long ago. */
	if (queue->next_used == queue->signalled_used) {
		queue->signalled_used--;
		queue->was_signalled = false;
	}
}

void queue_publish(struct queue *queue)
{
	/*
	 * Release: the entries and what was written into the buffers come before the index.  Pairs
	 * with the barrier that the driver has between reading the index and the entry (2.7.14).
	 */
	__atomic_store_n(&queue->used[RING_INDEX], queue->next_used, __ATOMIC_RELEASE);
}

void queue_push(struct queue *queue, uint16_t head, uint32_t written_bytes)
{
	queue_place(queue, head, written_bytes);
	queue_publish(queue);
}

/* Whether `event` was passed on the way from `before` to `now` (2.7.7.2, 2.7.10.1). */
static bool has_passed(uint16_t event, uint16_t before, uint16_t now)
{
	return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

bool queue_interrupt_due(struct queue *queue)
{
	uint16_t before = queue->signalled_used;
	uint16_t now = queue->next_used;
	bool before_is_known = queue->was_signalled;

	if (before == now)
		return false;
	queue->signalled_used = now;
	queue->was_signalled = true;
	/*
	 * A store (the used index) before a load (the driver's wish), which only a full barrier
	 * keeps in order.  Pairs with the one that the driver has between asking for interrupts and
	 * looking at the used index again (2.7.7.1, 2.7.14): at least one side sees the other.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!queue->has_event_index)
		return !(load(&queue->avail[RING_FLAGS]) & QUEUE_AVAIL_NO_INTERRUPT);
	return !before_is_known || has_passed(load(used_event(queue)), before, now);
}

void queue_hush(struct queue *queue)
{
	/* With the event index nothing needs to be done: the driver has passed the old one. */
	if (!queue->has_event_index)
		store(&queue->used[RING_FLAGS], QUEUE_USED_NO_NOTIFY);
}

bool queue_listen(struct queue *queue)
{
	if (queue->has_event_index)
		store(avail_event(queue), queue->next_avail);
	else
		store(&queue->used[RING_FLAGS], 0);
	/*
	 * A store (the wish to be notified) before a load (the avail index), which only a full
	 * barrier keeps in order.  Pairs with the one that the driver has between raising the avail
	 * index and looking at the wish (2.7.10, 2.7.13.4.1): at least one side sees the other.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return load(&queue->avail[RING_INDEX]) != queue->next_avail;
}
