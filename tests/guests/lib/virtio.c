/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/virtio.c - see virtio.h. */
#include "tests/guests/lib/virtio.h"

#include "tests/guests/lib/boot.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/interrupt.h"
#include "tests/guests/lib/memory.h"
#include "tests/guests/lib/string.h"

#define DEVICE_WORD "virtio_mmio.device="

/* Behind `separator`, at or after `text` but before the next blank; NULL if it is not there. */
static const char *after(const char *text, char separator)
{
	for (; *text != '\0' && *text != ' '; text++)
		if (*text == separator)
			return text + 1;
	return NULL;
}

/* A device with the register layout this driver knows, whatever its type. */
static bool probe(struct virtio_device *device, const char *word)
{
	const char *address = after(word, '@');
	const char *pin = after(word, ':');

	if (address == NULL || pin == NULL)
		return false;
	memset(device, 0, sizeof(*device));
	device->base = (uint32_t)string_to_number(address);
	device->pin = (uint32_t)string_to_number(pin);
	if (virtio_read(device, VIRTIO_MAGIC) != VIRTIO_MAGIC_VALUE ||
	    virtio_read(device, VIRTIO_VERSION) != 2)
		return false;
	device->type = virtio_read(device, VIRTIO_DEVICE_ID);
	return true;
}

bool virtio_find(struct virtio_device *device, uint32_t type, uint32_t number)
{
	const char *at = boot_command_line();

	while (*at != '\0') {
		if (string_starts_with(at, DEVICE_WORD) && probe(device, at) &&
		    device->type == type && number-- == 0)
			return true;
		while (*at != '\0' && *at != ' ')
			at++;
		while (*at == ' ')
			at++;
	}
	return false;
}

uint32_t virtio_read(const struct virtio_device *device, uint32_t offset)
{
	return mmio_read32((uint64_t)device->base + offset);
}

void virtio_write(const struct virtio_device *device, uint32_t offset, uint32_t value)
{
	mmio_write32((uint64_t)device->base + offset, value);
}

uint64_t virtio_offered(const struct virtio_device *device)
{
	uint64_t features;

	virtio_write(device, VIRTIO_FEATURES_SELECT, 1);
	features = (uint64_t)virtio_read(device, VIRTIO_FEATURES) << 32;
	virtio_write(device, VIRTIO_FEATURES_SELECT, 0);
	return features | virtio_read(device, VIRTIO_FEATURES);
}

void virtio_write_features(const struct virtio_device *device, uint64_t features)
{
	virtio_write(device, VIRTIO_DRIVER_FEATURES_SELECT, 0);
	virtio_write(device, VIRTIO_DRIVER_FEATURES, (uint32_t)features);
	virtio_write(device, VIRTIO_DRIVER_FEATURES_SELECT, 1);
	virtio_write(device, VIRTIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
}

void virtio_reset(struct virtio_device *device)
{
	virtio_write(device, VIRTIO_STATUS, 0);
	while (virtio_read(device, VIRTIO_STATUS) != 0)
		cpu_relax();
	device->needs_ack = false;
}

bool virtio_begin(struct virtio_device *device, uint64_t wanted)
{
	uint32_t status = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER;

	virtio_reset(device);
	virtio_write(device, VIRTIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
	virtio_write(device, VIRTIO_STATUS, status);
	device->features = virtio_offered(device) & (wanted | VIRTIO_F_VERSION_1);
	virtio_write_features(device, device->features);
	status |= VIRTIO_STATUS_FEATURES_OK;
	virtio_write(device, VIRTIO_STATUS, status);
	interrupt_route(device->pin);
	return virtio_read(device, VIRTIO_STATUS) == status;
}

void virtio_driver_ok(struct virtio_device *device)
{
	virtio_write(device, VIRTIO_STATUS,
		     VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK |
			     VIRTIO_STATUS_DRIVER_OK);
}

static volatile uint16_t *used_event(const struct virtqueue *queue)
{
	return &queue->avail[2 + queue->size];
}

static volatile uint16_t *avail_event(const struct virtqueue *queue)
{
	return &queue->used[2 + queue->size * 4];
}

static void write_address(const struct virtio_device *device, uint32_t offset,
			  const volatile void *address)
{
	virtio_write(device, offset, (uint32_t)(uint64_t)address);
	virtio_write(device, offset + 4, (uint32_t)((uint64_t)address >> 32));
}

void virtqueue_announce(const struct virtqueue *queue)
{
	const struct virtio_device *device = queue->device;

	virtio_write(device, VIRTIO_QUEUE_SELECT, queue->index);
	virtio_write(device, VIRTIO_QUEUE_SIZE, queue->size);
	write_address(device, VIRTIO_QUEUE_DESCRIPTORS, queue->descriptors);
	write_address(device, VIRTIO_QUEUE_AVAIL, queue->avail);
	write_address(device, VIRTIO_QUEUE_USED, queue->used);
	virtio_write(device, VIRTIO_QUEUE_READY, 1);
}

/* For the largest queue, so that the memory fits whatever size comes next. */
static void take_memory(struct virtqueue *queue)
{
	if (queue->descriptors != NULL)
		return;
	queue->descriptors =
		heap_take(VIRTQUEUE_SIZE_MAX * sizeof(*queue->descriptors), MEMORY_PAGE_BYTES);
	queue->avail = heap_take(MEMORY_PAGE_BYTES, MEMORY_PAGE_BYTES);
	queue->used = heap_take(MEMORY_PAGE_BYTES, MEMORY_PAGE_BYTES);
}

static void empty_rings(struct virtqueue *queue)
{
	volatile uint16_t *pages[] = {queue->avail, queue->used};

	memset(queue->descriptors, 0, VIRTQUEUE_SIZE_MAX * sizeof(*queue->descriptors));
	for (uint32_t page = 0; page < 2; page++)
		for (uint32_t at = 0; at < MEMORY_PAGE_BYTES / sizeof(uint16_t); at++)
			pages[page][at] = 0;
	for (uint16_t at = 0; at < queue->size; at++)
		queue->descriptors[at].next = (uint16_t)(at + 1);
	queue->free_head = 0;
	queue->free_count = queue->size;
	queue->next_avail = 0;
	queue->published = 0;
	queue->last_used = 0;
}

/* No interrupt: one by flag, the other by an event that lies behind. */
static void refuse_interrupts(struct virtqueue *queue)
{
	if (queue->has_event_index)
		*used_event(queue) = (uint16_t)(queue->last_used - 1);
	else
		queue->avail[0] = VIRTQUEUE_NO_INTERRUPT;
}

bool virtqueue_create(struct virtqueue *queue, struct virtio_device *device, uint16_t index,
		      uint16_t size)
{
	uint32_t size_max;

	virtio_write(device, VIRTIO_QUEUE_SELECT, index);
	size_max = virtio_read(device, VIRTIO_QUEUE_SIZE_MAX);
	if (size_max == 0)
		return false;
	queue->device = device;
	queue->index = index;
	queue->size = size < size_max ? size : (uint16_t)size_max;
	queue->has_event_index = (device->features & VIRTIO_F_EVENT_IDX) != 0;
	take_memory(queue);
	empty_rings(queue);
	refuse_interrupts(queue);
	virtqueue_announce(queue);
	return true;
}

static void fill(struct virtqueue_descriptor *descriptor, const struct virtqueue_segment *segment,
		 bool has_next)
{
	descriptor->address = (uint64_t)segment->address;
	descriptor->length = segment->length;
	descriptor->flags = (uint16_t)(segment->flags | (has_next ? VIRTQUEUE_NEXT : 0));
}

static uint16_t take_free(struct virtqueue *queue)
{
	uint16_t head = queue->free_head;

	queue->free_head = queue->descriptors[head].next;
	queue->free_count--;
	return head;
}

static int add_direct(struct virtqueue *queue, const struct virtqueue_segment *segments,
		      unsigned int count)
{
	uint16_t head = queue->free_head;

	if (count > queue->free_count)
		return -1;
	for (unsigned int at = 0; at < count; at++)
		fill(&queue->descriptors[take_free(queue)], &segments[at], at + 1 < count);
	return head;
}

static int add_indirect(struct virtqueue *queue, const struct virtqueue_segment *segments,
			unsigned int count)
{
	struct virtqueue_descriptor *table;
	uint16_t head;

	if (queue->free_count == 0)
		return -1;
	if (queue->tables == NULL)
		queue->tables = heap_take(sizeof(*table) * VIRTQUEUE_SIZE_MAX * VIRTQUEUE_CHAIN_MAX,
					  MEMORY_PAGE_BYTES);
	head = take_free(queue);
	table = queue->tables + (uint32_t)head * VIRTQUEUE_CHAIN_MAX;
	for (unsigned int at = 0; at < count; at++) {
		fill(&table[at], &segments[at], at + 1 < count);
		table[at].next = (uint16_t)(at + 1);
	}
	queue->descriptors[head].address = (uint64_t)table;
	queue->descriptors[head].length = count * (uint32_t)sizeof(*table);
	queue->descriptors[head].flags = VIRTQUEUE_INDIRECT;
	return head;
}

void virtqueue_offer(struct virtqueue *queue, uint16_t head)
{
	queue->avail[2 + queue->next_avail % queue->size] = head;
	queue->next_avail++;
}

int virtqueue_add(struct virtqueue *queue, const struct virtqueue_segment *segments,
		  unsigned int count, bool indirect)
{
	int head = indirect ? add_indirect(queue, segments, count)
			    : add_direct(queue, segments, count);

	if (head >= 0)
		virtqueue_offer(queue, (uint16_t)head);
	return head;
}

void virtqueue_free(struct virtqueue *queue, uint16_t head)
{
	uint16_t last = head;

	queue->free_count++;
	while ((queue->descriptors[last].flags & VIRTQUEUE_NEXT) != 0) {
		last = queue->descriptors[last].next;
		queue->free_count++;
	}
	queue->descriptors[last].next = queue->free_head;
	queue->free_head = head;
}

/* One pass through level 0 for both stores, where an interrupt is still to be acknowledged. */
void virtqueue_notify(struct virtqueue *queue)
{
	struct virtio_device *device = queue->device;
	const struct mmio_store stores[] = {
		{device->base + VIRTIO_INTERRUPT_ACK, VIRTIO_INTERRUPT_USED_BUFFER},
		{device->base + VIRTIO_QUEUE_NOTIFY, queue->index},
	};
	uint32_t first = device->needs_ack ? 0 : 1;

	device->needs_ack = false;
	device->notifications++;
	if (!device->notifies_from_user) {
		mmio_write_list(stores + first, 2 - first);
		return;
	}
	for (; first < 2; first++)
		mmio_write32(stores[first].address, stores[first].value);
}

/* The free-running index `event` lies in [before, now), section 2.7.10. */
static bool is_passed(uint16_t event, uint16_t now, uint16_t before)
{
	return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

/*
 * The chains must be visible before the index, and the index before the look at whether the
 * device wants to be told: it looks the other way round (2.7.13, 2.7.10).
 */
void virtqueue_publish(struct virtqueue *queue)
{
	uint16_t before = queue->published;
	bool wanted;

	if (queue->next_avail == before)
		return;
	__atomic_store_n(&queue->avail[1], queue->next_avail, __ATOMIC_RELEASE);
	queue->published = queue->next_avail;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (queue->has_event_index)
		wanted = is_passed(*avail_event(queue), queue->published, before);
	else
		wanted = (queue->used[0] & VIRTQUEUE_NO_NOTIFY) == 0;
	if (wanted)
		virtqueue_notify(queue);
}

static bool has_used(const struct virtqueue *queue)
{
	return __atomic_load_n(&queue->used[1], __ATOMIC_ACQUIRE) != queue->last_used;
}

int virtqueue_take(struct virtqueue *queue, uint32_t *written_bytes)
{
	volatile struct virtqueue_used *used;

	if (!has_used(queue))
		return -1;
	used = &virtqueue_used_ring(queue)[queue->last_used % queue->size];
	queue->last_used++;
	*written_bytes = used->length;
	return (int)used->id;
}

static void acknowledge(struct virtio_device *device)
{
	const struct mmio_store store = {device->base + VIRTIO_INTERRUPT_ACK,
					 VIRTIO_INTERRUPT_USED_BUFFER};

	device->needs_ack = false;
	mmio_write_list(&store, 1);
}

static void ask_for_interrupts(struct virtqueue *queue)
{
	if (queue->has_event_index)
		*used_event(queue) = queue->last_used;
	else
		queue->avail[0] = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/*
 * An interrupt must be acknowledged before the next one is waited for, as the line of
 * a device that holds it up would not rise again.  The wish is visible before the look at the ring.
 */
void virtqueue_wait(struct virtqueue *queue)
{
	struct virtio_device *device = queue->device;
	uint32_t seen;

	if (has_used(queue))
		return;
	if (device->needs_ack)
		acknowledge(device);
	seen = interrupt_count(device->pin);
	ask_for_interrupts(queue);
	while (!has_used(queue)) {
		interrupt_wait(device->pin, seen);
		seen = interrupt_count(device->pin);
		device->interrupts++;
		device->needs_ack = true;
		if (!has_used(queue))
			acknowledge(device);
	}
	refuse_interrupts(queue);
}

bool virtqueue_wait_until(struct virtqueue *queue, uint64_t deadline_tsc)
{
	while (!has_used(queue)) {
		if (tsc_read() >= deadline_tsc)
			return false;
		cpu_relax();
	}
	return true;
}
