/* SPDX-License-Identifier: MIT */
/*
 * virtio/block.h - a virtio block device on a disk.
 *
 * Source of the ABI: virtio 1.2, section 5.2, with READ_ONLY, BLK_SIZE, SEG_MAX,
 * TOPOLOGY, FLUSH (where the cache is write-back), DISCARD and WRITE_ZEROES.  One queue.
 *
 * A request is a 16-byte header the device reads, data, and one status byte that
 * it writes, in any division into descriptors.  A chain that cannot hold header and
 * status stops the device; everything else that is wrong with a request is answered with
 * IOERR or UNSUPP: no data or not whole sectors, beyond the end, a write to a read-only disk,
 * a type that was not offered.
 *
 * A flush covers every write that was answered before it arrived (5.2.6.2).
 *
 * Call order: the caller fills `settings`, then block_init(), block_open_ring() before the first
 * service(); then the device is the transport's (device.h).
 * Ownership: the disk's descriptor is borrowed.  Threads: as for every device.
 */
#ifndef VIRTIO_BLOCK_H
#define VIRTIO_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "virtio/device.h"
#include "virtio/disk.h"
#include "virtio/rate_limiter.h"

enum {
	BLOCK_SECTOR_BYTES = 512,
	BLOCK_ID_BYTES = 20,
	BLOCK_SEGMENTS_MAX = QUEUE_SEGMENTS_MAX - 2, /* less the header and the status */
	BLOCK_ZERO_SECTORS_MAX = 65536,              /* 32 MiB: it may have to be written by hand */
};

#define VIRTIO_BLK_F_SEG_MAX      (UINT64_C(1) << 2)
#define VIRTIO_BLK_F_RO           (UINT64_C(1) << 5)
#define VIRTIO_BLK_F_BLK_SIZE     (UINT64_C(1) << 6)
#define VIRTIO_BLK_F_FLUSH        (UINT64_C(1) << 9)
#define VIRTIO_BLK_F_TOPOLOGY     (UINT64_C(1) << 10)
#define VIRTIO_BLK_F_DISCARD      (UINT64_C(1) << 13)
#define VIRTIO_BLK_F_WRITE_ZEROES (UINT64_C(1) << 14)

enum block_request_type {
	BLOCK_REQUEST_IN = 0,
	BLOCK_REQUEST_OUT = 1,
	BLOCK_REQUEST_FLUSH = 4,
	BLOCK_REQUEST_GET_ID = 8,
	BLOCK_REQUEST_DISCARD = 11,
	BLOCK_REQUEST_WRITE_ZEROES = 13,
};

enum block_status {
	BLOCK_STATUS_OK = 0,
	BLOCK_STATUS_IOERR = 1,
	BLOCK_STATUS_UNSUPP = 2,
};

struct block_settings {
	char id[BLOCK_ID_BYTES]; /* what GET_ID answers; padded with zeros */
	uint64_t size_bytes;     /* whole sectors count */
	uint32_t block_bytes;    /* logical block size: 512 or more, a power of two */
	uint32_t physical_block_bytes;
	bool is_read_only;
	bool has_flush; /* the cache type is Writeback */
};

/* A request that the disk has not finished. */
struct block_request {
	bool in_use;
	enum disk_operation operation;
	uint16_t head;
	uint32_t length_bytes; /* of its data */
	uint8_t *status;       /* in guest memory */
};

/* What was done for the driver, since the start. */
struct block_counters {
	uint64_t reads;
	uint64_t writes;
	uint64_t flushes;
	uint64_t read_bytes;
	uint64_t written_bytes;
	uint64_t throttled; /* how often the rate limiter made a request wait */
};

struct block {
	struct virtio_device device;
	struct block_settings settings;
	struct disk disk;
	struct rate_limiter limiter;
	struct block_counters counters;
	struct block_request requests[DISK_IN_FLIGHT_MAX]; /* by tag */
	uint32_t next_tag;        /* where the search for a free one begins */
	struct queue_chain chain; /* the one being looked at */
};

/* device.memory, device.links, settings, limiter and the disk's upper fields are set; rest zero. */
void block_init(struct block *block);

/* disk_open_ring(), and let the I/O thread wait for it.  Returns 0 or negative errno. */
int block_open_ring(struct block *block);

#endif
