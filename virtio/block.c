/* SPDX-License-Identifier: MIT */
/* virtio/block.c - see block.h. */
#include "virtio/block.h"

#include <assert.h>
#include <poll.h>
#include <string.h>

#include "virtio/clock.h"

enum {
	/* After that many requests in one go the I/O thread gets its turn at the lock. */
	SERVE_MAX = 4 * QUEUE_SIZE_MAX,
	REAP_MAX = 64,
	RETRY_NS = 1000 * 1000,
	ZERO_FLAG_UNMAP = 1,
};

/* struct virtio_blk_config, section 5.2.4, as far as it is offered here. */
struct block_config {
	uint64_t capacity_sectors;
	uint32_t size_max;
	uint32_t seg_max;
	uint16_t cylinders;
	uint8_t heads;
	uint8_t sectors;
	uint32_t blk_size;
	uint8_t physical_block_exp;
	uint8_t alignment_offset;
	uint16_t min_io_blocks;
	uint32_t opt_io_blocks;
	uint8_t writeback;
	uint8_t unused0;
	uint16_t num_queues;
	uint32_t max_discard_sectors;
	uint32_t max_discard_seg;
	uint32_t discard_sector_alignment;
	uint32_t max_write_zeroes_sectors;
	uint32_t max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap;
	uint8_t unused1[3];
} __attribute__((packed));

static_assert(offsetof(struct block_config, blk_size) == 20, "section 5.2.4");
static_assert(offsetof(struct block_config, max_discard_sectors) == 36, "section 5.2.4");
static_assert(sizeof(struct block_config) == 60, "section 5.2.4");

/* The device-readable start of a request, section 5.2.6. */
struct block_header {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};

/* The data of a discard or write-zeroes request; one at a time is offered. */
struct block_range {
	uint64_t sector;
	uint32_t sector_count;
	uint32_t flags;
};

static_assert(sizeof(struct block_header) == 16 && sizeof(struct block_range) == 16,
	      "section 5.2.6");

/* One side of a chain, of which bytes are taken from the front. */
struct part {
	struct iovec *segments;
	unsigned int count;
	uint32_t bytes;
};

/* A chain taken apart. */
struct parsed_request {
	struct block_header header;
	struct part readable; /* behind the header */
	struct part writable; /* before the status */
	uint8_t *status;
};

static struct block *block_of(struct virtio_device *device)
{
	return (struct block *)((uint8_t *)device - offsetof(struct block, device));
}

/* Move bytes between a buffer and the front of a part, which they leave. */
static void take(struct part *part, void *buffer, uint32_t bytes, bool to_guest)
{
	uint8_t *place = buffer;

	while (bytes > 0) {
		struct iovec *segment = part->segments;
		uint32_t length = segment->iov_len < bytes ? (uint32_t)segment->iov_len : bytes;

		if (to_guest)
			memcpy(segment->iov_base, place, length);
		else
			memcpy(place, segment->iov_base, length);
		place += length;
		bytes -= length;
		part->bytes -= length;
		segment->iov_base = (uint8_t *)segment->iov_base + length;
		segment->iov_len -= length;
		if (segment->iov_len == 0) {
			part->segments++;
			part->count--;
		}
	}
}

/* Returns false if there is no room for a header and a status. */
static bool parse(struct queue_chain *chain, struct parsed_request *request)
{
	struct part *writable = &request->writable;
	struct iovec *last;

	if (chain->readable_bytes < sizeof(request->header) || chain->writable_bytes == 0)
		return false;
	request->readable =
		(struct part){chain->segments, chain->readable_count, chain->readable_bytes};
	take(&request->readable, &request->header, sizeof(request->header), false);

	*writable = (struct part){chain->segments + chain->readable_count, chain->writable_count,
				  chain->writable_bytes};
	last = &writable->segments[writable->count - 1];
	last->iov_len--;
	request->status = (uint8_t *)last->iov_base + last->iov_len;
	if (last->iov_len == 0)
		writable->count--;
	writable->bytes--;
	return true;
}

static bool in_range(const struct block *block, uint64_t sector, uint64_t sector_count)
{
	uint64_t sectors = block->settings.size_bytes / BLOCK_SECTOR_BYTES;

	/* Written so that nothing can wrap. */
	return sector <= sectors && sector_count <= sectors - sector;
}

static const char beyond_the_end[] = "beyond the end of the disk";
static const char not_offered[] = "a type of request that was not offered";

static enum block_status refuse(const struct block *block, enum block_status status,
				const char *why)
{
	const struct virtio_device_links *links = block->device.links;

	links->refused(links->owner, why);
	return status;
}

static enum block_status prepare_data(const struct block *block, struct parsed_request *request,
				      struct disk_transfer *transfer)
{
	bool is_read = request->header.type == BLOCK_REQUEST_IN;
	const struct part *data = is_read ? &request->writable : &request->readable;

	if (data->bytes == 0)
		return refuse(block, BLOCK_STATUS_IOERR, "no data, or in the wrong direction");
	if (data->bytes % BLOCK_SECTOR_BYTES)
		return refuse(block, BLOCK_STATUS_IOERR, "not whole sectors");
	if (!in_range(block, request->header.sector, data->bytes / BLOCK_SECTOR_BYTES))
		return refuse(block, BLOCK_STATUS_IOERR, beyond_the_end);
	if (!is_read && block->settings.is_read_only)
		return refuse(block, BLOCK_STATUS_IOERR, "a write to a read-only disk");
	*transfer = (struct disk_transfer){
		.operation = is_read ? DISK_READ : DISK_WRITE,
		.offset_bytes = request->header.sector * BLOCK_SECTOR_BYTES,
		.length_bytes = data->bytes,
		.segments = data->segments,
		.segment_count = data->count,
	};
	return BLOCK_STATUS_OK;
}

static enum block_status prepare_flush(const struct block *block, struct disk_transfer *transfer)
{
	if (!virtio_device_has(&block->device, VIRTIO_BLK_F_FLUSH))
		return refuse(block, BLOCK_STATUS_UNSUPP, not_offered);
	*transfer = (struct disk_transfer){.operation = DISK_FLUSH};
	return BLOCK_STATUS_OK;
}

static enum block_status prepare_range(const struct block *block, struct parsed_request *request,
				       struct disk_transfer *transfer)
{
	bool is_discard = request->header.type == BLOCK_REQUEST_DISCARD;
	uint32_t flags_known = is_discard ? 0 : ZERO_FLAG_UNMAP;
	struct block_range range;

	if (!virtio_device_has(&block->device,
			       is_discard ? VIRTIO_BLK_F_DISCARD : VIRTIO_BLK_F_WRITE_ZEROES))
		return refuse(block, BLOCK_STATUS_UNSUPP, not_offered);
	if (request->readable.bytes != sizeof(range))
		return refuse(block, BLOCK_STATUS_IOERR, "not one range");
	take(&request->readable, &range, sizeof(range), false);
	if (range.flags & ~flags_known)
		return refuse(block, BLOCK_STATUS_UNSUPP, "unknown flags");
	if (range.sector_count == 0)
		return refuse(block, BLOCK_STATUS_IOERR, "an empty range");
	if (!in_range(block, range.sector, range.sector_count))
		return refuse(block, BLOCK_STATUS_IOERR, beyond_the_end);
	if (!is_discard && range.sector_count > BLOCK_ZERO_SECTORS_MAX)
		return refuse(block, BLOCK_STATUS_IOERR, "more zeros than one request may ask for");
	*transfer = (struct disk_transfer){
		.operation = DISK_DISCARD,
		.offset_bytes = range.sector * BLOCK_SECTOR_BYTES,
		.length_bytes = (uint64_t)range.sector_count * BLOCK_SECTOR_BYTES,
	};
	if (!is_discard)
		transfer->operation = range.flags & ZERO_FLAG_UNMAP ? DISK_ZERO_UNMAP : DISK_ZERO;
	return BLOCK_STATUS_OK;
}

/* Check a request that needs the disk and say what the disk shall do. */
static enum block_status prepare(const struct block *block, struct parsed_request *request,
				 struct disk_transfer *transfer)
{
	switch (request->header.type) {
	case BLOCK_REQUEST_IN:
	case BLOCK_REQUEST_OUT: return prepare_data(block, request, transfer);
	case BLOCK_REQUEST_FLUSH: return prepare_flush(block, transfer);
	case BLOCK_REQUEST_DISCARD:
	case BLOCK_REQUEST_WRITE_ZEROES: return prepare_range(block, request, transfer);
	default: return refuse(block, BLOCK_STATUS_UNSUPP, not_offered);
	}
}

static void answer(struct block *block, uint16_t head, uint8_t *status, enum block_status value,
		   uint32_t data_bytes)
{
	*status = (uint8_t)value;
	/* Only what was surely written is claimed, and the status always is. */
	queue_push(&block->device.queues[0], head, data_bytes + 1);
}

static void count(struct block_counters *counters, const struct block_request *request)
{
	switch (request->operation) {
	case DISK_READ:
		counters->reads++;
		counters->read_bytes += request->length_bytes;
		break;
	case DISK_WRITE:
		counters->writes++;
		counters->written_bytes += request->length_bytes;
		break;
	case DISK_FLUSH: counters->flushes++; break;
	default: break;
	}
}

static void answer_result(struct block *block, const struct block_request *request, int result)
{
	static const char *const words[] = {
		[DISK_READ] = "read",         [DISK_WRITE] = "write",
		[DISK_FLUSH] = "flush",       [DISK_DISCARD] = "discard",
		[DISK_ZERO] = "write-zeroes", [DISK_ZERO_UNMAP] = "write-zeroes",
	};

	uint32_t to_driver_bytes = request->operation == DISK_READ ? request->length_bytes : 0;

	if (result) {
		const struct virtio_device_links *links = block->device.links;

		links->host_error(links->owner, words[request->operation], -result);
		answer(block, request->head, request->status, BLOCK_STATUS_IOERR, 0);
	} else {
		count(&block->counters, request);
		answer(block, request->head, request->status, BLOCK_STATUS_OK, to_driver_bytes);
	}
}

static void get_id(struct block *block, uint16_t head, struct parsed_request *request)
{
	uint32_t bytes = request->writable.bytes < BLOCK_ID_BYTES ? request->writable.bytes
								  : BLOCK_ID_BYTES;

	take(&request->writable, block->settings.id, bytes, true);
	answer(block, head, request->status, BLOCK_STATUS_OK, bytes);
}

/* There is a free one: no more requests are popped than there are tags. */
static uint32_t free_tag(struct block *block)
{
	while (block->requests[block->next_tag].in_use)
		block->next_tag = (block->next_tag + 1) % DISK_IN_FLIGHT_MAX;
	return block->next_tag;
}

static void start(struct block *block, uint16_t head, struct parsed_request *parsed)
{
	struct disk_transfer transfer;
	enum block_status status = prepare(block, parsed, &transfer);
	struct block_request request = {
		.in_use = true,
		.head = head,
		.status = parsed->status,
	};
	uint32_t tag;
	int result;

	if (status != BLOCK_STATUS_OK) {
		answer(block, head, parsed->status, status, 0);
		return;
	}
	request.operation = transfer.operation;
	if (transfer.operation <= DISK_WRITE)
		request.length_bytes = (uint32_t)transfer.length_bytes;
	transfer.is_alone = !queue_has_more(&block->device.queues[0]);
	tag = free_tag(block);
	result = disk_start(&block->disk, &transfer, tag);
	if (result == DISK_PENDING)
		block->requests[tag] = request;
	else
		answer_result(block, &request, result);
}

/* Whether the rate limiter lets a request through; if not, the I/O thread comes back in time. */
static bool admit(struct block *block, const struct parsed_request *request)
{
	uint64_t bytes = request->header.type == BLOCK_REQUEST_IN ? request->writable.bytes
								  : request->readable.bytes;
	uint64_t due_ns;

	if (!rate_limiter_is_on(&block->limiter) ||
	    rate_limiter_admits(&block->limiter, bytes, virtio_now_ns(), &due_ns))
		return true;
	block->counters.throttled++;
	queue_unpop(&block->device.queues[0]);
	virtio_device_set_due(&block->device, due_ns);
	return false;
}

/* Take and begin one request.  Returns false when there is none, or none may be taken now. */
static bool serve_one(struct block *block)
{
	enum virtio_fault fault = VIRTIO_FAULT_REQUEST;
	struct parsed_request request;
	int popped;

	if (block->disk.in_flight == DISK_IN_FLIGHT_MAX)
		return false;
	popped = queue_pop(&block->device.queues[0], &block->chain, &fault);
	if (popped == 0)
		return false;
	if (popped < 0 || !parse(&block->chain, &request)) {
		virtio_device_fail(&block->device, 0, fault);
		return false;
	}
	if (!admit(block, &request))
		return false;
	if (request.header.type == BLOCK_REQUEST_GET_ID)
		get_id(block, block->chain.head, &request);
	else
		start(block, block->chain.head, &request);
	return true;
}

/* Whether the queue waits for something other than a notification. */
static bool is_held(const struct block *block)
{
	return block->device.due_ns != VIRTIO_NEVER || block->disk.in_flight == DISK_IN_FLIGHT_MAX;
}

/* A queue may be stopped while its device lives on. */
static bool can_serve(const struct block *block)
{
	return virtio_device_is_live(&block->device) && block->device.queues[0].ready;
}

static void serve(struct block *block)
{
	struct virtio_device *device = &block->device;
	struct queue *queue = &device->queues[0];
	unsigned int served = 0;

	do {
		queue_hush(queue);
		while (served < SERVE_MAX && serve_one(block))
			served++;
		if (served == SERVE_MAX)
			virtio_device_set_due(device, 0);
	} while (can_serve(block) && !is_held(block) && queue_listen(queue));
	if (disk_submit(&block->disk))
		virtio_device_set_due(device, virtio_now_ns() + RETRY_NS);
	virtio_device_signal(device, 0);
}

static void block_notify(struct virtio_device *device, unsigned int queue)
{
	struct block *block = block_of(device);

	(void)queue;
	/* While the rate limiter holds the queue, only its time brings it on. */
	if (!is_held(block))
		serve(block);
}

static void block_service(struct virtio_device *device, uint64_t now)
{
	struct block *block = block_of(device);
	struct disk_done done[REAP_MAX];
	unsigned int count;

	do {
		count = disk_reap(&block->disk, done, REAP_MAX);
		for (unsigned int i = 0; i < count; i++) {
			struct block_request *request = &block->requests[done[i].tag];

			request->in_use = false;
			if (can_serve(block))
				answer_result(block, request, done[i].result);
		}
	} while (count == REAP_MAX);
	if (device->due_ns <= now)
		device->due_ns = VIRTIO_NEVER;
	if (!can_serve(block))
		return;
	if (is_held(block))
		virtio_device_signal(device, 0);
	else
		serve(block);
}

static void block_queue_stopped(struct virtio_device *device, unsigned int queue)
{
	struct block *block = block_of(device);

	(void)queue;
	disk_drain(&block->disk);
	memset(block->requests, 0, sizeof(block->requests));
	device->due_ns = VIRTIO_NEVER;
}

static void block_reset(struct virtio_device *device)
{
	block_queue_stopped(device, 0);
}

static uint8_t exponent_of(uint32_t physical_bytes, uint32_t logical_bytes)
{
	uint8_t exponent = 0;

	while (logical_bytes << exponent < physical_bytes)
		exponent++;
	return exponent;
}

static void block_config_read(struct virtio_device *device, uint32_t offset, uint8_t *data,
			      uint32_t size_bytes)
{
	const struct block_settings *settings = &block_of(device)->settings;
	uint32_t unit_sectors = settings->physical_block_bytes / BLOCK_SECTOR_BYTES;
	const struct block_config config = {
		.capacity_sectors = settings->size_bytes / BLOCK_SECTOR_BYTES,
		.seg_max = BLOCK_SEGMENTS_MAX,
		.blk_size = settings->block_bytes,
		.physical_block_exp =
			exponent_of(settings->physical_block_bytes, settings->block_bytes),
		.min_io_blocks = 1,
		.num_queues = 1,
		.max_discard_sectors = UINT32_MAX & ~(unit_sectors - 1),
		.max_discard_seg = 1,
		.discard_sector_alignment = unit_sectors,
		.max_write_zeroes_sectors = BLOCK_ZERO_SECTORS_MAX,
		.max_write_zeroes_seg = 1,
		.write_zeroes_may_unmap = 1,
	};

	virtio_device_copy_config(&config, sizeof(config), offset, data, size_bytes);
}

static const struct virtio_device_ops block_ops = {
	.config_read = block_config_read,
	.notify = block_notify,
	.queue_stopped = block_queue_stopped,
	.reset = block_reset,
	.service = block_service,
};

void block_init(struct block *block)
{
	struct virtio_device *device = &block->device;

	device->ops = &block_ops;
	device->type = VIRTIO_TYPE_BLOCK;
	device->queue_count = 1;
	device->queue_size_max = QUEUE_SIZE_MAX;
	device->features = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX |
			   VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_TOPOLOGY;
	if (block->settings.is_read_only)
		device->features |= VIRTIO_BLK_F_RO;
	else
		device->features |= VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES;
	if (block->settings.has_flush)
		device->features |= VIRTIO_BLK_F_FLUSH;
	device->service_fd = -1;
	device->due_ns = VIRTIO_NEVER;
	disk_init(&block->disk);
}

int block_open_ring(struct block *block)
{
	int error = disk_open_ring(&block->disk);

	if (error)
		return error;
	block->device.service_fd = block->disk.ring.ring_fd;
	block->device.service_events = POLLIN;
	return 0;
}
