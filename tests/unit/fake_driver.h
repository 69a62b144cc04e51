/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/fake_driver.h - the driver's side of one split virtqueue, honest or not.
 *
 * The rings, a page for an indirect table and room for data lie in one range of guest
 * memory.  Each ends where an inaccessible page begins, which the gate takes for memory
 * like the rest: one step beyond a ring dies on the spot.  (The used ring leaves two bytes, for its
 * alignment.)
 *
 * Descriptors are handed out one after the other and never counted: a test knows how many
 * it has in flight.  Everything can be written past the helpers as well.
 */
#ifndef TESTS_UNIT_FAKE_DRIVER_H
#define TESTS_UNIT_FAKE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "virtio/guest_memory.h"
#include "virtio/queue.h"

enum {
	FAKE_PAGE = 4096,
	FAKE_DATA_BYTES = 16 * 1024 * 1024,
	FAKE_FIXED_PAGES = 8, /* three rings and the indirect table, and a hole behind each */
	FAKE_MEMORY_BYTES = FAKE_FIXED_PAGES * FAKE_PAGE + FAKE_DATA_BYTES,
};

#define FAKE_BASE_GPA UINT64_C(0x100000)
#define FAKE_DATA_GPA (FAKE_BASE_GPA + FAKE_FIXED_PAGES * FAKE_PAGE)

struct fake_buffer {
	uint64_t gpa;
	uint32_t length;
	bool is_writable; /* for the device */
};

struct fake_used {
	uint32_t head;
	uint32_t written_bytes;
};

struct fake_driver {
	struct guest_memory memory;
	uint8_t *mapping;
	uint16_t size;
	uint64_t descriptor_gpa;
	uint64_t avail_gpa;
	uint64_t used_gpa;
	struct queue_descriptor *descriptors;
	uint16_t *avail;
	uint16_t *used;
	uint16_t next_descriptor;
	uint16_t added;  /* the avail index */
	uint16_t kicked; /* the avail index when it was last asked whether to kick */
	uint16_t taken;  /* how far the used ring was read */
};

static inline void *fake_at(const struct fake_driver *driver, uint64_t gpa)
{
	return driver->mapping + (gpa - FAKE_BASE_GPA);
}

/* The highest address in a page from which `bytes` end where the page does. */
static inline uint64_t fake_end_of_page(unsigned int page, size_t bytes, uint64_t alignment)
{
	uint64_t gpa = FAKE_BASE_GPA + (uint64_t)(page + 1) * FAKE_PAGE - bytes;

	return gpa - gpa % alignment;
}

/* An indirect table of so many descriptors; there is one at a time. */
static inline uint64_t fake_indirect_gpa(unsigned int length)
{
	return fake_end_of_page(6, length * sizeof(struct queue_descriptor), 1);
}

static inline void fake_driver_init(struct fake_driver *driver, uint16_t size)
{
	*driver = (struct fake_driver){.size = size};
	driver->mapping = mmap(NULL, FAKE_MEMORY_BYTES + FAKE_PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (driver->mapping == MAP_FAILED)
		abort();
	for (size_t page = 1; page < FAKE_FIXED_PAGES; page += 2)
		if (mprotect(driver->mapping + page * FAKE_PAGE, FAKE_PAGE, PROT_NONE))
			abort();
	if (mprotect(driver->mapping + FAKE_MEMORY_BYTES, FAKE_PAGE, PROT_NONE) ||
	    guest_memory_add(&driver->memory, FAKE_BASE_GPA, FAKE_MEMORY_BYTES, driver->mapping))
		abort();
	driver->descriptor_gpa = fake_end_of_page(0, size * sizeof(struct queue_descriptor), 16);
	driver->avail_gpa = fake_end_of_page(2, 6 + size * sizeof(uint16_t), 2);
	driver->used_gpa = fake_end_of_page(4, 6 + size * sizeof(struct fake_used), 4);
	driver->descriptors = fake_at(driver, driver->descriptor_gpa);
	driver->avail = fake_at(driver, driver->avail_gpa);
	driver->used = fake_at(driver, driver->used_gpa);
}

static inline void fake_driver_release(struct fake_driver *driver)
{
	munmap(driver->mapping, FAKE_MEMORY_BYTES + FAKE_PAGE);
}

/* Tell a queue where the rings are. */
static inline void fake_driver_place(const struct fake_driver *driver, struct queue *queue)
{
	queue->size = driver->size;
	queue->descriptor_gpa = driver->descriptor_gpa;
	queue->avail_gpa = driver->avail_gpa;
	queue->used_gpa = driver->used_gpa;
}

/* All indices at `index`, as if so many chains had gone through already. */
static inline void fake_driver_begin_at(struct fake_driver *driver, uint16_t index)
{
	driver->added = index;
	driver->kicked = index;
	driver->taken = index;
	driver->avail[1] = index;
	driver->used[1] = index;
}

/* Put a head into the avail ring, and raise the index. */
static inline void fake_driver_offer(struct fake_driver *driver, uint16_t head)
{
	driver->avail[2 + driver->added % driver->size] = head;
	driver->added++;
	__atomic_store_n(&driver->avail[1], driver->added, __ATOMIC_RELEASE);
}

static inline struct queue_descriptor fake_descriptor(const struct fake_buffer *buffer)
{
	return (struct queue_descriptor){
		.gpa = buffer->gpa,
		.length = buffer->length,
		.flags = buffer->is_writable ? QUEUE_DESCRIPTOR_WRITE : 0,
	};
}

/* A chain in the table of the queue, not offered yet.  Returns its head. */
static inline uint16_t fake_driver_chain(struct fake_driver *driver,
					 const struct fake_buffer *buffers, unsigned int count)
{
	uint16_t head = driver->next_descriptor;

	for (unsigned int i = 0; i < count; i++) {
		struct queue_descriptor *slot = &driver->descriptors[driver->next_descriptor];

		*slot = fake_descriptor(&buffers[i]);
		driver->next_descriptor = (uint16_t)((driver->next_descriptor + 1) % driver->size);
		if (i + 1 < count) {
			slot->flags |= QUEUE_DESCRIPTOR_NEXT;
			slot->next = driver->next_descriptor;
		}
	}
	return head;
}

static inline uint16_t fake_driver_add(struct fake_driver *driver,
				       const struct fake_buffer *buffers, unsigned int count)
{
	uint16_t head = fake_driver_chain(driver, buffers, count);

	fake_driver_offer(driver, head);
	return head;
}

/* Fill the indirect table, and return the buffer that stands for it. */
static inline struct fake_buffer
fake_driver_table(struct fake_driver *driver, const struct fake_buffer *buffers, unsigned int count)
{
	uint64_t gpa = fake_indirect_gpa(count);
	struct queue_descriptor *table = fake_at(driver, gpa);

	for (unsigned int i = 0; i < count; i++) {
		table[i] = fake_descriptor(&buffers[i]);
		if (i + 1 < count) {
			table[i].flags |= QUEUE_DESCRIPTOR_NEXT;
			table[i].next = (uint16_t)(i + 1);
		}
	}
	return (struct fake_buffer){gpa, count * (uint32_t)sizeof(struct queue_descriptor), false};
}

static inline uint16_t fake_driver_add_indirect(struct fake_driver *driver,
						const struct fake_buffer *buffers,
						unsigned int count)
{
	struct fake_buffer table = fake_driver_table(driver, buffers, count);
	uint16_t head = fake_driver_chain(driver, &table, 1);

	driver->descriptors[head].flags = QUEUE_DESCRIPTOR_INDIRECT;
	fake_driver_offer(driver, head);
	return head;
}

static inline bool fake_has_passed(uint16_t event, uint16_t before, uint16_t now)
{
	return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

/* Whether the device wants to hear of what was added since this was last asked. */
static inline bool fake_driver_must_kick(struct fake_driver *driver, bool has_event_index)
{
	uint16_t before = driver->kicked;

	driver->kicked = driver->added;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (has_event_index)
		return fake_has_passed(
			__atomic_load_n(&driver->used[2 + 4 * driver->size], __ATOMIC_RELAXED),
			before, driver->added);
	return !(__atomic_load_n(&driver->used[0], __ATOMIC_RELAXED) & QUEUE_USED_NO_NOTIFY);
}

/* The next used entry, if there is one. */
static inline bool fake_driver_take_used(struct fake_driver *driver, struct fake_used *entry)
{
	const struct fake_used *entries = (const void *)&driver->used[2];

	if (__atomic_load_n(&driver->used[1], __ATOMIC_ACQUIRE) == driver->taken)
		return false;
	*entry = entries[driver->taken % driver->size];
	driver->taken++;
	return true;
}

static inline void fake_driver_set_used_event(struct fake_driver *driver, uint16_t event)
{
	__atomic_store_n(&driver->avail[2 + driver->size], event, __ATOMIC_RELAXED);
}

static inline void fake_driver_set_no_interrupt(struct fake_driver *driver, bool none)
{
	__atomic_store_n(&driver->avail[0], none ? QUEUE_AVAIL_NO_INTERRUPT : 0, __ATOMIC_RELAXED);
}

#endif
