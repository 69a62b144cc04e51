/* SPDX-License-Identifier: MIT */
/*
 * virtio/disk.h - the storage behind a block device: one descriptor, at once or later.
 *
 * A transfer is tried at once where that does not wait for a medium, and goes through an
 * io_uring where it would.  What that means depends on the engine:
 *
 *   DISK_ENGINE_SYNC   everything at once, on the calling thread, however long it takes
 *   DISK_ENGINE_ASYNC  everything through the ring
 *   DISK_ENGINE_AUTO   what the page cache can serve at once (RWF_NOWAIT), the rest through the
 *                      ring.  A file system that cannot tell (EOPNOTSUPP) is asked plainly
 *                      for writes, which go to the page cache, and through the ring for reads,
 *                      unless it lives in memory (`in_memory`).  A lone read or write is
 *                      waited for on the calling thread as long as that has been quick of
 *                      late: to sleep and to be woken costs a vCPU more than a fast disk does.
 *
 * The ring is restricted before first use to the operations below on the one
 * registered descriptor (io_uring_register(2), IORING_REGISTER_RESTRICTIONS), and nothing can be
 * registered with it afterwards.  Until disk_open_ring() was called, everything is done at once; so
 * is, with every engine, a read or write of 2 GiB or more: the kernel would cut it.
 *
 * Call order: disk_init(), disk_open_ring() once (not with DISK_ENGINE_SYNC), then
 * disk_start() and disk_reap() in any order; disk_drain() when nothing may be in flight any more.
 * Ownership: the descriptor is borrowed; the buffers of a transfer belong to the
 * disk until it is done, their iovec only during disk_start().
 * Errors: results are 0 or negative errno.  A transfer that stopped short is -EIO.
 * Threads: the caller serialises.
 */
#ifndef VIRTIO_DISK_H
#define VIRTIO_DISK_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

enum disk_engine {
	DISK_ENGINE_AUTO,
	DISK_ENGINE_SYNC,
	DISK_ENGINE_ASYNC,
};

enum {
	DISK_PENDING = 1,
	DISK_IN_FLIGHT_MAX = 256,
	DISK_BOUNCE_BYTES = 64 * 1024,
	DISK_RING_ENTRIES = 64,
	DISK_SEGMENTS_MAX = 1024,
	DISK_PATIENCE_NS = 200 * 1000, /* what a lone transfer may take on the calling thread */
	DISK_PATIENCE_AGAIN = 64,      /* so many later ones do not wait if one took longer */
};

enum disk_operation {
	DISK_READ,
	DISK_WRITE,
	DISK_FLUSH,
	DISK_DISCARD,
	DISK_ZERO,       /* the blocks stay allocated */
	DISK_ZERO_UNMAP, /* they need not */
};

struct disk_transfer {
	enum disk_operation operation;
	uint64_t offset_bytes;
	uint64_t length_bytes;
	struct iovec *segments; /* of a read or write; their lengths add up to length_bytes */
	unsigned int segment_count;
	bool is_alone; /* the driver has nothing else for the disk at the moment */
};

/* What a tag asked for. */
struct disk_pending {
	enum disk_operation operation;
	uint64_t offset_bytes;
	uint64_t length_bytes;
};

struct disk_done {
	uint32_t tag;
	int result; /* 0 or negative errno */
};

struct disk {
	int fd;
	enum disk_engine engine;
	bool in_memory;
	bool is_direct;           /* opened with O_DIRECT */
	uint32_t alignment_bytes; /* of buffers, with O_DIRECT */
	uint32_t block_bytes;     /* of their lengths, with O_DIRECT */
	uint8_t *bounce;          /* DISK_BOUNCE_BYTES, page-aligned; NULL without O_DIRECT */

	bool has_ring;
	struct io_uring ring;
	unsigned int in_flight;
	bool read_nowait_works; /* until the file system says that it does not */
	bool write_nowait_works;
	unsigned int impatient; /* lone transfers that are not to be waited for */
	struct disk_pending pending[DISK_IN_FLIGHT_MAX]; /* by tag */
	/* The segments of transfers that are pending and not yet submitted. */
	struct iovec segments[DISK_SEGMENTS_MAX];
	unsigned int segment_count;
};

/* The fields above `has_ring` are set by the caller. */
void disk_init(struct disk *disk);

/*
 * Make and restrict the ring.  Returns 0 or negative errno, with everything as before: the disk
 * then goes on without.  disk->ring.ring_fd becomes readable when there is something to reap.
 */
int disk_open_ring(struct disk *disk);

/*
 * Begin a transfer.  Returns 0 or negative errno when it is over, or DISK_PENDING: then
 * disk_reap() will bring `tag`, which must be below DISK_IN_FLIGHT_MAX and not in flight.  The
 * segments are consumed.  Pending transfers reach the kernel at disk_submit() at the latest.
 */
int disk_start(struct disk *disk, const struct disk_transfer *transfer, uint32_t tag);

/*
 * Hand what disk_start() left pending to the kernel.  Returns 0, or negative errno if it took not
 * all of it, for want of memory: then submit again after a while.
 */
int disk_submit(struct disk *disk);

/* Collect what is over: at most `max`, returns how many. Never waits. */
unsigned int disk_reap(struct disk *disk, struct disk_done *done, unsigned int max);

/* Wait until nothing is in flight, and forget all results. */
void disk_drain(struct disk *disk);

#endif
