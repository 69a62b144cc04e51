/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/block_flush.c - writes and flushes for ever, and says what is safe.
 *
 * A batch of 1 to 8 writes of 1 to 4 sectors goes out at once, together with the flush of the
 * batch before.  When that flush is answered, and only then, the batch it covers is reported:
 *
 *	flushed SECTOR COUNT ROUND
 *
 * for each write.  tests/vm/flush_check.c compares the reports with the disk's file.
 *
 *	cells=N      how many places of 4 KiB are written to (1024, or what the disk has)
 *	batches=N    end after so many, with exit code 0
 *	device=N seed=N
 *
 * Exit code 1: no disk, 2: no flush, 3: a request failed.
 */
#include "tests/guests/flush_pattern.h"
#include "tests/guests/lib/exit.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/virtio_block.h"

enum {
	QUEUE_SIZE = 64,
	WRITES_MAX = 8,
	SECTORS_MAX = 4,
	CELL_SECTORS = 8,
};

struct write {
	struct block_request request;
	uint64_t sector;
	uint32_t sectors;
	struct flush_sector *data;
};

struct batch {
	uint64_t round;
	uint32_t count;
	struct write writes[WRITES_MAX];
};

static struct block_disk disk;
static struct random random;
static struct batch batches[2];
static uint64_t cells;

static void make_write(struct write *write, uint64_t cell, uint64_t round)
{
	write->sector = cell * CELL_SECTORS + random_below(&random, SECTORS_MAX);
	write->sectors = 1 + (uint32_t)random_below(&random, SECTORS_MAX);
	for (uint32_t at = 0; at < write->sectors; at++)
		flush_make(&write->data[at], write->sector + at, round);
}

/* Different places in one batch, because the order of its writes is open. */
static void make_batch(struct batch *batch, uint64_t round)
{
	uint64_t cell = random_below(&random, cells);
	uint64_t stride = 1 + random_below(&random, cells / WRITES_MAX);

	batch->round = round;
	batch->count = 1 + (uint32_t)random_below(&random, WRITES_MAX);
	for (uint32_t at = 0; at < batch->count; at++)
		make_write(&batch->writes[at], (cell + at * stride) % cells, round);
}

static void submit_write(struct write *write)
{
	const struct virtqueue_segment data = {write->data, write->sectors * BLOCK_SECTOR_BYTES, 0};

	block_prepare(&write->request, BLOCK_OUT, write->sector);
	block_submit(&disk, &write->request, &data, 1, false);
}

static void report(const struct batch *batch)
{
	for (uint32_t at = 0; at < batch->count; at++)
		print("flushed %lu %u %lu\n", batch->writes[at].sector, batch->writes[at].sectors,
		      batch->round);
}

static void check(const struct block_request *request)
{
	if (request->status == BLOCK_OK)
		return;
	print("request of type %u at %lu: status %u\n", request->header.type,
	      request->header.sector, request->status);
	exit_code(3);
}

/* The flush of `before` and the writes of `now` at the same time. */
static void run_batch(const struct batch *before, struct batch *now)
{
	struct block_request flush;
	struct block_request *request;

	block_prepare(&flush, BLOCK_FLUSH, 0);
	if (before->count > 0)
		block_submit(&disk, &flush, NULL, 0, false);
	for (uint32_t at = 0; at < now->count; at++)
		submit_write(&now->writes[at]);
	block_publish(&disk);
	while (disk.in_flight > 0) {
		request = block_wait(&disk);
		check(request);
		if (request == &flush)
			report(before);
	}
}

static void take_buffers(struct batch *batch)
{
	for (uint32_t at = 0; at < WRITES_MAX; at++)
		batch->writes[at].data =
			heap_take(SECTORS_MAX * BLOCK_SECTOR_BYTES, BLOCK_SECTOR_BYTES);
}

int guest_main(void)
{
	uint64_t last = boot_number("batches=", UINT64_MAX);

	if (!block_open(&disk, BLOCK_FEATURES, QUEUE_SIZE))
		return 1;
	if (!block_has(&disk, BLOCK_F_FLUSH)) {
		print("the disk has no flush\n");
		return 2;
	}
	random_seed(&random, boot_number("seed=", 0));
	cells = boot_number("cells=", 1024);
	if (cells > disk.config.sectors / CELL_SECTORS)
		cells = disk.config.sectors / CELL_SECTORS;
	take_buffers(&batches[0]);
	take_buffers(&batches[1]);
	for (uint64_t round = 1; round <= last; round++) {
		make_batch(&batches[round % 2], round);
		run_batch(&batches[(round + 1) % 2], &batches[round % 2]);
	}
	return 0;
}
