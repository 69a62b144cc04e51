/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/virtio_block.h - requests to a disk, on top of virtio.h.
 *
 * Source: virtio 1.2, section 5.2.  Call order: block_open() (or block_find() and block_start()),
 * then block_submit() any number of times, block_publish(), block_take() for each; or
 * block_do() for one request from beginning to end.  A request and its data belong to
 * the device from block_submit() until block_take() returns it.
 */
#ifndef GUEST_VIRTIO_BLOCK_H
#define GUEST_VIRTIO_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/guests/lib/virtio.h"

enum {
	BLOCK_SECTOR_BYTES = 512,
	BLOCK_ID_BYTES = 20,
	BLOCK_CHAIN_MAX = VIRTQUEUE_CHAIN_MAX,
};

#define BLOCK_F_SIZE_MAX     (UINT64_C(1) << 1)
#define BLOCK_F_SEG_MAX      (UINT64_C(1) << 2)
#define BLOCK_F_RO           (UINT64_C(1) << 5)
#define BLOCK_F_BLK_SIZE     (UINT64_C(1) << 6)
#define BLOCK_F_FLUSH        (UINT64_C(1) << 9)
#define BLOCK_F_TOPOLOGY     (UINT64_C(1) << 10)
#define BLOCK_F_DISCARD      (UINT64_C(1) << 13)
#define BLOCK_F_WRITE_ZEROES (UINT64_C(1) << 14)

/* Everything that these guests know how to use. */
#define BLOCK_FEATURES                                                                        \
	(BLOCK_F_SEG_MAX | BLOCK_F_RO | BLOCK_F_BLK_SIZE | BLOCK_F_FLUSH | BLOCK_F_TOPOLOGY | \
	 BLOCK_F_DISCARD | BLOCK_F_WRITE_ZEROES | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)

enum {
	BLOCK_IN = 0,
	BLOCK_OUT = 1,
	BLOCK_FLUSH = 4,
	BLOCK_GET_ID = 8,
	BLOCK_DISCARD = 11,
	BLOCK_WRITE_ZEROES = 13,
};

enum {
	BLOCK_OK = 0,
	BLOCK_IOERR = 1,
	BLOCK_UNSUPP = 2,
	BLOCK_NO_STATUS = 0xff, /* what a request holds while no device has answered it */
};

struct block_header {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};

_Static_assert(sizeof(struct block_header) == 16, "virtio 1.2, 5.2.6");

/* What a discard or write-zeroes request carries. */
struct block_range {
	uint64_t sector;
	uint32_t sectors;
	uint32_t flags; /* BLOCK_RANGE_UNMAP */
};

enum {
	BLOCK_RANGE_UNMAP = 1
};

struct block_request {
	struct block_header header;
	volatile uint8_t status;
	uint32_t written_bytes; /* as the device gave it back */
	uint64_t tag;           /* of the guest */
};

/* Section 5.2.4.  Fields whose feature the device lacks are 0. */
struct block_config {
	uint64_t sectors;
	uint32_t segments_max;
	uint32_t block_bytes;
	uint8_t physical_block_exponent;
	uint8_t alignment_offset;
	uint16_t io_blocks_min;
	uint32_t io_blocks_best;
	uint32_t discard_sectors_max;
	uint32_t discard_segments_max;
	uint32_t discard_alignment_sectors;
	uint32_t zeroes_sectors_max;
	uint32_t zeroes_segments_max;
	uint8_t zeroes_may_unmap;
};

struct block_disk {
	struct virtio_device device;
	struct virtqueue queue;
	struct block_config config;
	struct block_request *requests[VIRTQUEUE_SIZE_MAX]; /* by head */
	unsigned int in_flight;
};

/* The disk of that number, from 0, in the order of the command line. */
bool block_find(struct block_disk *disk, uint32_t number);

/*
 * Reset the device and bring it up with one queue.  What was in flight is forgotten.  Returns
 * whether the device went along.
 */
bool block_start(struct block_disk *disk, uint64_t features, uint16_t queue_size);

/* Both, with the boot arguments device=N and notify=user.  Says what is wrong. */
bool block_open(struct block_disk *disk, uint64_t features, uint16_t queue_size);

bool block_has(const struct block_disk *disk, uint64_t feature);

/* A request that nobody has answered. */
void block_prepare(struct block_request *request, uint32_t type, uint64_t sector);

/*
 * Add a prepared request: header, data, status, or a chain that the caller made of
 * them.  Returns false where the ring has no room.
 */
bool block_submit(struct block_disk *disk, struct block_request *request,
		  const struct virtqueue_segment *data, unsigned int count, bool indirect);
bool block_submit_chain(struct block_disk *disk, struct block_request *request,
			const struct virtqueue_segment *chain, unsigned int count, bool indirect);

void block_publish(struct block_disk *disk);

/* The next request that is finished, or NULL. */
struct block_request *block_take(struct block_disk *disk);

/* As block_take(), but sleep until there is one. */
struct block_request *block_wait(struct block_disk *disk);

/* One request with at most one data buffer, from beginning to end; returns its status. */
uint8_t block_do(struct block_disk *disk, uint32_t type, uint64_t sector, void *data,
		 uint32_t size_bytes);

#endif
