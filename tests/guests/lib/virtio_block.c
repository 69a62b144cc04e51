/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/virtio_block.c - see virtio_block.h. */
#include "tests/guests/lib/virtio_block.h"

#include "tests/guests/lib/boot.h"
#include "tests/guests/lib/console.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/string.h"

/* Offsets into the configuration space. */
enum {
	CONFIG_CAPACITY = 0,
	CONFIG_SEG_MAX = 12,
	CONFIG_BLK_SIZE = 20,
	CONFIG_TOPOLOGY = 24,
	CONFIG_DISCARD = 36,
	CONFIG_WRITE_ZEROES = 48,
};

bool block_find(struct block_disk *disk, uint32_t number)
{
	memset(disk, 0, sizeof(*disk));
	return virtio_find(&disk->device, VIRTIO_TYPE_BLOCK, number);
}

bool block_has(const struct block_disk *disk, uint64_t feature)
{
	return (disk->device.features & feature) == feature;
}

static uint32_t config32(const struct block_disk *disk, uint64_t feature, uint32_t offset)
{
	return block_has(disk, feature) ? virtio_read(&disk->device, VIRTIO_CONFIG + offset) : 0;
}

/* Each field is read in its own width (4.2.2.2). */
static uint16_t config16(const struct block_disk *disk, uint64_t feature, uint32_t offset)
{
	uint64_t address = (uint64_t)disk->device.base + VIRTIO_CONFIG + offset;

	return block_has(disk, feature) ? mmio_read16(address) : 0;
}

static uint8_t config8(const struct block_disk *disk, uint64_t feature, uint32_t offset)
{
	uint64_t address = (uint64_t)disk->device.base + VIRTIO_CONFIG + offset;

	return block_has(disk, feature) ? mmio_read8(address) : 0;
}

static void read_config(const struct block_disk *disk, struct block_config *config)
{
	config->sectors = (uint64_t)config32(disk, 0, CONFIG_CAPACITY + 4) << 32 |
			  config32(disk, 0, CONFIG_CAPACITY);
	config->segments_max = config32(disk, BLOCK_F_SEG_MAX, CONFIG_SEG_MAX);
	config->block_bytes = config32(disk, BLOCK_F_BLK_SIZE, CONFIG_BLK_SIZE);
	config->physical_block_exponent = config8(disk, BLOCK_F_TOPOLOGY, CONFIG_TOPOLOGY);
	config->alignment_offset = config8(disk, BLOCK_F_TOPOLOGY, CONFIG_TOPOLOGY + 1);
	config->io_blocks_min = config16(disk, BLOCK_F_TOPOLOGY, CONFIG_TOPOLOGY + 2);
	config->io_blocks_best = config32(disk, BLOCK_F_TOPOLOGY, CONFIG_TOPOLOGY + 4);
	config->discard_sectors_max = config32(disk, BLOCK_F_DISCARD, CONFIG_DISCARD);
	config->discard_segments_max = config32(disk, BLOCK_F_DISCARD, CONFIG_DISCARD + 4);
	config->discard_alignment_sectors = config32(disk, BLOCK_F_DISCARD, CONFIG_DISCARD + 8);
	config->zeroes_sectors_max = config32(disk, BLOCK_F_WRITE_ZEROES, CONFIG_WRITE_ZEROES);
	config->zeroes_segments_max = config32(disk, BLOCK_F_WRITE_ZEROES, CONFIG_WRITE_ZEROES + 4);
	config->zeroes_may_unmap = config8(disk, BLOCK_F_WRITE_ZEROES, CONFIG_WRITE_ZEROES + 8);
}

/* A field of more than 32 bits is read until nothing changed meanwhile, section 2.5.1. */
static void read_stable_config(struct block_disk *disk)
{
	uint32_t generation;

	do {
		generation = virtio_read(&disk->device, VIRTIO_CONFIG_GENERATION);
		read_config(disk, &disk->config);
	} while (virtio_read(&disk->device, VIRTIO_CONFIG_GENERATION) != generation);
}

bool block_start(struct block_disk *disk, uint64_t features, uint16_t queue_size)
{
	memset(disk->requests, 0, sizeof(disk->requests));
	disk->in_flight = 0;
	if (!virtio_begin(&disk->device, features) ||
	    !virtqueue_create(&disk->queue, &disk->device, 0, queue_size))
		return false;
	read_stable_config(disk);
	virtio_driver_ok(&disk->device);
	return true;
}

bool block_open(struct block_disk *disk, uint64_t features, uint16_t queue_size)
{
	const char *notify = boot_option("notify=");
	uint32_t number = (uint32_t)boot_number("device=", 0);

	if (!block_find(disk, number)) {
		print("there is no disk %u\n", number);
		return false;
	}
	disk->device.notifies_from_user = notify != NULL && string_starts_with(notify, "user");
	if (!block_start(disk, features, queue_size)) {
		print("disk %u does not start\n", number);
		return false;
	}
	return true;
}

void block_prepare(struct block_request *request, uint32_t type, uint64_t sector)
{
	request->header.type = type;
	request->header.reserved = 0;
	request->header.sector = sector;
	request->status = BLOCK_NO_STATUS;
	request->written_bytes = 0;
}

bool block_submit_chain(struct block_disk *disk, struct block_request *request,
			const struct virtqueue_segment *chain, unsigned int count, bool indirect)
{
	int head = virtqueue_add(&disk->queue, chain, count, indirect);

	if (head < 0)
		return false;
	disk->requests[head] = request;
	disk->in_flight++;
	return true;
}

bool block_submit(struct block_disk *disk, struct block_request *request,
		  const struct virtqueue_segment *data, unsigned int count, bool indirect)
{
	struct virtqueue_segment chain[BLOCK_CHAIN_MAX];

	if (count + 2 > BLOCK_CHAIN_MAX)
		return false;
	chain[0] = (struct virtqueue_segment){&request->header, sizeof(request->header), 0};
	for (unsigned int at = 0; at < count; at++)
		chain[1 + at] = data[at];
	chain[1 + count] = (struct virtqueue_segment){&request->status, 1, VIRTQUEUE_WRITE};
	return block_submit_chain(disk, request, chain, count + 2, indirect);
}

void block_publish(struct block_disk *disk)
{
	virtqueue_publish(&disk->queue);
}

struct block_request *block_take(struct block_disk *disk)
{
	struct block_request *request;
	uint32_t written_bytes;
	int head = virtqueue_take(&disk->queue, &written_bytes);

	if (head < 0 || head >= disk->queue.size || disk->requests[head] == NULL)
		return NULL;
	request = disk->requests[head];
	request->written_bytes = written_bytes;
	disk->requests[head] = NULL;
	disk->in_flight--;
	virtqueue_free(&disk->queue, (uint16_t)head);
	return request;
}

struct block_request *block_wait(struct block_disk *disk)
{
	struct block_request *request;

	while ((request = block_take(disk)) == NULL)
		virtqueue_wait(&disk->queue);
	return request;
}

uint8_t block_do(struct block_disk *disk, uint32_t type, uint64_t sector, void *data,
		 uint32_t size_bytes)
{
	bool is_read = type == BLOCK_IN || type == BLOCK_GET_ID;
	const struct virtqueue_segment segment = {data, size_bytes, is_read ? VIRTQUEUE_WRITE : 0};
	struct block_request request;

	block_prepare(&request, type, sector);
	if (!block_submit(disk, &request, &segment, size_bytes != 0, false))
		return BLOCK_NO_STATUS;
	block_publish(disk);
	while (block_wait(disk) != &request)
		continue;
	return request.status;
}
