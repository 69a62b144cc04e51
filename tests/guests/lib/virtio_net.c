/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/virtio_net.c - see virtio_net.h. */
#include "tests/guests/lib/virtio_net.h"

#include "tests/guests/lib/boot.h"
#include "tests/guests/lib/console.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/string.h"

/* Offsets into the configuration space, section 5.1.4. */
enum {
	CONFIG_MAC = 0,
	CONFIG_STATUS = 6,
	CONFIG_MTU = 10,
};

enum {
	BUFFER_ALIGNMENT = 64,
	MERGED_BUFFER_BYTES = 2048,
};

bool net_find(struct net_nic *nic, uint32_t number)
{
	memset(nic, 0, sizeof(*nic));
	return virtio_find(&nic->device, VIRTIO_TYPE_NET, number);
}

bool net_has(const struct net_nic *nic, uint64_t feature)
{
	return (nic->device.features & feature) == feature;
}

static void read_config(struct net_nic *nic)
{
	uint64_t config = (uint64_t)nic->device.base + VIRTIO_CONFIG;

	for (uint32_t at = 0; at < NET_ADDRESS_BYTES && net_has(nic, NET_F_MAC); at++)
		nic->address[at] = mmio_read8(config + CONFIG_MAC + at);
	nic->status = net_has(nic, NET_F_STATUS) ? mmio_read16(config + CONFIG_STATUS)
						 : NET_STATUS_LINK_UP;
	nic->mtu_bytes = net_has(nic, NET_F_MTU) ? mmio_read16(config + CONFIG_MTU) : NET_MTU_BYTES;
}

/* Section 5.1.6.3.1: without MRG_RXBUF each buffer has to hold whatever may come. */
static uint32_t choose_buffer_bytes(const struct net_nic *nic)
{
	if (net_has(nic, NET_F_MRG_RXBUF))
		return MERGED_BUFFER_BYTES;
	if (net_has(nic, NET_F_GUEST_TSO4) || net_has(nic, NET_F_GUEST_TSO6))
		return sizeof(struct net_header) + NET_FRAME_MAX_BYTES;
	return (uint32_t)sizeof(struct net_header) + NET_ETHERNET_BYTES + nic->mtu_bytes;
}

static uint32_t align(uint32_t size_bytes)
{
	return (size_bytes + BUFFER_ALIGNMENT - 1) & ~(uint32_t)(BUFFER_ALIGNMENT - 1);
}

static uint32_t slot_stride(const struct net_nic *nic)
{
	return align((uint32_t)sizeof(struct net_slot) + nic->frame_max_bytes);
}

/* The first start decides how large everything is. */
static void take_memory(struct net_nic *nic)
{
	if (nic->buffers != NULL)
		return;
	if (nic->buffer_bytes == 0)
		nic->buffer_bytes = choose_buffer_bytes(nic);
	if (nic->frame_max_bytes == 0)
		nic->frame_max_bytes = NET_ETHERNET_BYTES + (uint32_t)nic->mtu_bytes;
	if (nic->slot_max == 0)
		nic->slot_max = nic->transmit.size;
	nic->buffers =
		heap_take((size_t)nic->receive.size * align(nic->buffer_bytes), BUFFER_ALIGNMENT);
	nic->slots = heap_take((size_t)nic->slot_max * slot_stride(nic), BUFFER_ALIGNMENT);
	nic->joined = heap_take(sizeof(struct net_header) + NET_FRAME_MAX_BYTES, BUFFER_ALIGNMENT);
}

static void free_all_slots(struct net_nic *nic)
{
	nic->free_count = 0;
	while (nic->free_count < nic->slot_max) {
		uint8_t *at = nic->slots + (size_t)nic->free_count * slot_stride(nic);

		nic->free_slots[nic->free_count++] = (struct net_slot *)(void *)at;
	}
}

/* Divide memory into descriptors of `part_bytes`, or none.  Returns how many there are. */
static uint32_t cut(struct virtqueue_segment *segments, uint8_t *bytes, uint32_t size_bytes,
		    uint32_t part_bytes, uint16_t flags)
{
	uint32_t count = 0;

	if (part_bytes == 0 || size_bytes / part_bytes >= VIRTQUEUE_CHAIN_MAX)
		part_bytes = size_bytes;
	for (uint32_t at = 0; at < size_bytes; at += part_bytes)
		segments[count++] = (struct virtqueue_segment){
			bytes + at, size_bytes - at < part_bytes ? size_bytes - at : part_bytes,
			flags};
	return count;
}

static void offer_buffers(struct net_nic *nic)
{
	struct virtqueue_segment segments[VIRTQUEUE_CHAIN_MAX];

	for (uint16_t at = 0; at < nic->receive.size; at++) {
		uint8_t *buffer = nic->buffers + (size_t)at * align(nic->buffer_bytes);
		uint32_t count = cut(segments, buffer, nic->buffer_bytes, nic->receive_part_bytes,
				     VIRTQUEUE_WRITE);
		int head = virtqueue_add(&nic->receive, segments, count, nic->is_indirect);

		if (head < 0)
			return;
		nic->buffer_of[head] = at;
	}
}

bool net_start(struct net_nic *nic, uint64_t features, uint16_t queue_size)
{
	if (!virtio_begin(&nic->device, features))
		return false;
	read_config(nic);
	if (!virtqueue_create(&nic->receive, &nic->device, NET_RECEIVE, queue_size) ||
	    !virtqueue_create(&nic->transmit, &nic->device, NET_TRANSMIT, queue_size))
		return false;
	nic->is_indirect = nic->is_indirect && net_has(nic, VIRTIO_F_INDIRECT_DESC);
	nic->held = -1;
	take_memory(nic);
	free_all_slots(nic);
	virtio_driver_ok(&nic->device);
	offer_buffers(nic);
	virtqueue_publish(&nic->receive);
	return true;
}

static uint64_t choose_features(void)
{
	uint64_t features = NET_FEATURES;

	if (boot_number("mrg=", 1) == 0)
		features &= ~NET_F_MRG_RXBUF;
	if (boot_number("offloads=", 1) == 0)
		features &= ~NET_OFFLOADS;
	if (boot_number("event_idx=", 1) == 0)
		features &= ~VIRTIO_F_EVENT_IDX;
	return features;
}

static bool is_option(const char *name, const char *value)
{
	const char *option = boot_option(name);

	return option != NULL && string_starts_with(option, value);
}

bool net_open(struct net_nic *nic)
{
	uint32_t number = (uint32_t)boot_number("device=", 0);
	struct net_nic settings = *nic;

	if (!net_find(nic, number)) {
		print("there is no NIC %u\n", number);
		return false;
	}
	nic->frame_max_bytes = settings.frame_max_bytes;
	nic->slot_max = settings.slot_max;
	nic->device.notifies_from_user = is_option("notify=", "user");
	nic->is_polled = is_option("wait=", "poll");
	nic->is_indirect = boot_number("indirect=", 0) != 0;
	nic->buffer_bytes = (uint32_t)boot_number("rx_buffer=", 0);
	nic->receive_part_bytes = (uint32_t)boot_number("rx_part=", 0);
	nic->transmit_part_bytes = (uint32_t)boot_number("tx_part=", 0);
	if (!net_start(nic, choose_features(),
		       (uint16_t)boot_number("queue=", VIRTQUEUE_SIZE_MAX))) {
		print("NIC %u does not start\n", number);
		return false;
	}
	return true;
}

void net_reap(struct net_nic *nic)
{
	uint32_t written_bytes;
	int head;

	while ((head = virtqueue_take(&nic->transmit, &written_bytes)) >= 0) {
		virtqueue_free(&nic->transmit, (uint16_t)head);
		nic->free_slots[nic->free_count++] = nic->slot_of[head];
	}
}

struct net_slot *net_slot(struct net_nic *nic)
{
	struct net_slot *slot;

	net_reap(nic);
	while (nic->free_count == 0) {
		net_publish(nic);
		virtqueue_wait(&nic->transmit);
		net_reap(nic);
	}
	slot = nic->free_slots[--nic->free_count];
	memset(&slot->header, 0, sizeof(slot->header));
	return slot;
}

bool net_submit(struct net_nic *nic, struct net_slot *slot, uint32_t frame_bytes)
{
	struct virtqueue_segment segments[VIRTQUEUE_CHAIN_MAX];
	uint32_t count = cut(segments, (uint8_t *)slot, (uint32_t)sizeof(*slot) + frame_bytes,
			     nic->transmit_part_bytes, 0);
	int head;

	while ((head = virtqueue_add(&nic->transmit, segments, count, nic->is_indirect)) < 0) {
		if (nic->transmit.free_count == nic->transmit.size) {
			nic->free_slots[nic->free_count++] = slot;
			return false;
		}
		net_publish(nic);
		virtqueue_wait(&nic->transmit);
		net_reap(nic);
	}
	nic->slot_of[head] = slot;
	return true;
}

void net_publish(struct net_nic *nic)
{
	virtqueue_publish(&nic->transmit);
}

void net_flush(struct net_nic *nic)
{
	net_publish(nic);
	net_reap(nic);
	while (nic->free_count < nic->slot_max) {
		virtqueue_wait(&nic->transmit);
		net_reap(nic);
	}
}

static uint8_t *buffer_at(const struct net_nic *nic, int head)
{
	return nic->buffers + (size_t)nic->buffer_of[head] * align(nic->buffer_bytes);
}

/* One more buffer of a frame, behind `total_bytes` of it.  The first, where nothing is joined, is
 * kept. */
static uint32_t take_part(struct net_nic *nic, int head, uint32_t total_bytes, uint32_t part_bytes)
{
	if (total_bytes + part_bytes > sizeof(struct net_header) + NET_FRAME_MAX_BYTES)
		part_bytes = 0;
	if (nic->joins_nothing && total_bytes == 0) {
		nic->held = head;
		return part_bytes;
	}
	if (!nic->joins_nothing)
		memcpy(nic->joined + total_bytes, buffer_at(nic, head), part_bytes);
	virtqueue_offer(&nic->receive, (uint16_t)head);
	return part_bytes;
}

/* Collect the further buffers of a frame; they became visible together (5.1.6.4). */
static bool join(struct net_nic *nic, int head, uint32_t part_bytes, struct net_frame *frame)
{
	uint32_t left = frame->header->buffer_count;
	uint32_t total_bytes = take_part(nic, head, 0, part_bytes);

	while (--left > 0) {
		head = virtqueue_take(&nic->receive, &part_bytes);
		if (head < 0)
			return false;
		total_bytes += take_part(nic, head, total_bytes, part_bytes);
	}
	nic->frames_of_parts++;
	if (!nic->joins_nothing) {
		frame->header = (const struct net_header *)(const void *)nic->joined;
		frame->bytes = nic->joined + sizeof(struct net_header);
	}
	frame->size_bytes = total_bytes - (uint32_t)sizeof(struct net_header);
	return true;
}

bool net_receive(struct net_nic *nic, struct net_frame *frame)
{
	uint32_t written_bytes;
	uint8_t *buffer;
	int head;

	while ((head = virtqueue_take(&nic->receive, &written_bytes)) >= 0) {
		buffer = buffer_at(nic, head);
		frame->header = (const struct net_header *)(void *)buffer;
		frame->bytes = buffer + sizeof(struct net_header);
		frame->size_bytes = written_bytes - (uint32_t)sizeof(struct net_header);
		if (written_bytes > sizeof(struct net_header) &&
		    written_bytes <= nic->buffer_bytes && frame->header->buffer_count <= 1) {
			nic->held = head;
			return true;
		}
		if (net_has(nic, NET_F_MRG_RXBUF) && written_bytes >= sizeof(struct net_header) &&
		    frame->header->buffer_count > 1 && join(nic, head, written_bytes, frame))
			return true;
		nic->frames_torn++;
	}
	return false;
}

void net_return(struct net_nic *nic)
{
	if (nic->held >= 0)
		virtqueue_offer(&nic->receive, (uint16_t)nic->held);
	nic->held = -1;
}

void net_release(struct net_nic *nic)
{
	net_return(nic);
	virtqueue_publish(&nic->receive);
}

void net_wait(struct net_nic *nic)
{
	if (nic->is_polled)
		net_wait_until(nic, UINT64_MAX);
	else
		virtqueue_wait(&nic->receive);
}

bool net_wait_until(struct net_nic *nic, uint64_t deadline_tsc)
{
	return virtqueue_wait_until(&nic->receive, deadline_tsc);
}
