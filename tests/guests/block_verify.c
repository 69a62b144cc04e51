/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/block_verify.c - a disk gives back what was written to it, however one asks.
 *
 *	do=all       everything that the disk offers (the default)
 *	do=pattern   write, read back in random order, both at the same time
 *	do=zeroes    the same with write-zeroes; do=discard with discards
 *	do=read-only reads work, and writes are refused
 *	do=config    only say what the disk says of itself
 *	depth=N event_idx=0|1 indirect=0|1    one way instead of all
 *	queue=N      descriptors (256)
 *	cells=N      how many cells of 32 KiB are used (256, or what the disk has)
 *	device=N seed=N notify=user
 *
 * A request is a stream that the device reads and one that it writes.  Each is cut anywhere into
 * 1 to 126 segments, header and status included (virtio 1.2, 2.7.4.1).  For each sector
 * the guest knows in which round it wrote it, and so every byte that it must hold.
 */
#include "tests/guests/block_scatter.h"
#include "tests/guests/lib/exit.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/string.h"
#include "tests/guests/lib/virtio_block.h"

enum {
	DEPTH_MAX = 128,
	QUEUE_SIZE = 256,
	SEGMENTS_MAX = 126,
	CELL_SECTORS = 64,
	CELL_BYTES = CELL_SECTORS * BLOCK_SECTOR_BYTES,
	CELLS_MAX = 2048,
	STREAM_BYTES_MAX = CELL_BYTES + 16,
	AREA_BYTES = SCATTER_AREA_BYTES(STREAM_BYTES_MAX, SEGMENTS_MAX),
	RANGES_MAX = 8,
	SECTOR_WORDS = BLOCK_SECTOR_BYTES / 8,
};

/* What a sector holds: the round in which it was written, or one of these. */
enum {
	ROUND_UNKNOWN = 0,
	ROUND_ZERO = 255,
};

/* Exit codes. */
enum {
	FAIL_NO_DISK = 1,
	FAIL_ARGUMENT,
	FAIL_CONTENT,
	FAIL_STATUS,
	FAIL_LENGTH,
	FAIL_FEATURE,
	FAIL_NOT_REFUSED,
};

enum phase {
	PHASE_FILL, /* each cell as a whole */
	PHASE_WRITE,
	PHASE_READ,
	PHASE_MIXED,
	PHASE_ZEROES,
	PHASE_DISCARD,
};

/* A part of a cell. */
struct extent {
	uint32_t sector;
	uint32_t sectors;
};

struct slot {
	struct block_request request;
	struct extent extent;
	unsigned int readable_count; /* segments */
	unsigned int writable_count;
	uint32_t writable_bytes;
	struct virtqueue_segment chain[BLOCK_CHAIN_MAX];
	uint8_t *readable;
	uint8_t *writable;
};

static struct block_disk disk;
static struct random random;
static struct slot *idle[DEPTH_MAX];
static unsigned int idle_count;
static uint8_t rounds[CELLS_MAX * CELL_SECTORS];
static uint16_t order[CELLS_MAX];
static uint32_t cell_count;
static uint8_t round_now;
static bool is_indirect;
static uint64_t requests_done;
static uint8_t stream[STREAM_BYTES_MAX] __attribute__((aligned(8)));
static uint8_t *const payload = stream + sizeof(struct block_header);

static _Noreturn void fail(uint8_t code, const char *what, const struct slot *slot)
{
	print("FAILED: %s: type %u, sectors %u + %u, status %u, %u bytes written\n", what,
	      slot->request.header.type, slot->extent.sector, slot->extent.sectors,
	      slot->request.status, slot->request.written_bytes);
	exit_code(code);
}

static uint64_t pattern_word(uint32_t sector, uint32_t round, uint32_t word)
{
	return random_mix((uint64_t)sector << 24 | round << 8 | word);
}

static void fill_sector(uint64_t *words, uint32_t sector, uint32_t round)
{
	for (uint32_t word = 0; word < SECTOR_WORDS; word++)
		words[word] = pattern_word(sector, round, word);
}

static bool sector_is_right(const uint64_t *words, uint32_t sector)
{
	uint32_t round = rounds[sector];
	uint64_t wrong = 0;

	for (uint32_t word = 0; word < SECTOR_WORDS && round != ROUND_UNKNOWN; word++)
		wrong |= words[word] ^
			 (round == ROUND_ZERO ? 0 : pattern_word(sector, round, word));
	return wrong == 0;
}

static void set_rounds(struct extent extent, uint8_t round)
{
	memset(rounds + extent.sector, round, extent.sectors);
}

/* Few as likely as any number, and now and then all. */
static unsigned int pick_segments(unsigned int most)
{
	switch (random_below(&random, 8)) {
	case 0: return most;
	case 1:
	case 2:
	case 3: return 1 + (unsigned int)random_below(&random, most);
	default: return 1 + (unsigned int)random_below(&random, most < 4 ? most : 4);
	}
}

/* A request whose readable stream is in `stream`.  Returns false where the ring has no room. */
static bool submit(struct slot *slot, uint32_t readable_bytes, uint32_t writable_bytes)
{
	unsigned int most = disk.queue.size < SEGMENTS_MAX ? disk.queue.size : SEGMENTS_MAX;
	unsigned int readable = pick_segments(most - 1);

	slot->readable_count =
		scatter_cut(&random, slot->chain, readable, slot->readable, readable_bytes, 0);
	slot->writable_count = scatter_cut(&random, slot->chain + slot->readable_count,
					   pick_segments(most - slot->readable_count),
					   slot->writable, writable_bytes, VIRTQUEUE_WRITE);
	slot->writable_bytes = writable_bytes;
	scatter_put(slot->chain, slot->readable_count, stream);
	return block_submit_chain(&disk, &slot->request, slot->chain,
				  slot->readable_count + slot->writable_count, is_indirect);
}

static uint32_t put_data(struct extent extent)
{
	uint64_t *words = (uint64_t *)(void *)payload;

	for (uint32_t at = 0; at < extent.sectors; at++, words += SECTOR_WORDS)
		fill_sector(words, extent.sector + at, round_now);
	return extent.sectors * BLOCK_SECTOR_BYTES;
}

/* An extent as several ranges, where the disk takes several. */
static uint32_t put_ranges(struct extent extent, uint32_t ranges_max, uint32_t flags)
{
	struct block_range *ranges = (struct block_range *)(void *)payload;
	uint32_t count = 1 + (uint32_t)random_below(&random, ranges_max);
	uint32_t at;

	for (at = 0; at < count && extent.sectors > 0; at++) {
		uint32_t sectors = 1 + (uint32_t)random_below(&random, extent.sectors);

		if (at + 1 == count)
			sectors = extent.sectors;
		ranges[at] = (struct block_range){extent.sector, sectors, flags};
		extent.sector += sectors;
		extent.sectors -= sectors;
	}
	return at * (uint32_t)sizeof(*ranges);
}

static uint32_t put_payload(uint32_t type, struct extent extent)
{
	const struct block_config *config = &disk.config;
	uint32_t ranges_max = type == BLOCK_DISCARD ? config->discard_segments_max
						    : config->zeroes_segments_max;
	bool may_unmap = config->zeroes_may_unmap != 0 && random_below(&random, 2) == 0;

	if (ranges_max == 0 || ranges_max > RANGES_MAX)
		ranges_max = ranges_max == 0 ? 1 : RANGES_MAX;
	switch (type) {
	case BLOCK_OUT: return put_data(extent);
	case BLOCK_DISCARD: return put_ranges(extent, ranges_max, 0);
	case BLOCK_WRITE_ZEROES:
		return put_ranges(extent, ranges_max, may_unmap ? BLOCK_RANGE_UNMAP : 0);
	default: return 0;
	}
}

static uint8_t round_after(uint32_t type)
{
	return type == BLOCK_OUT ? round_now : type == BLOCK_DISCARD ? ROUND_UNKNOWN : ROUND_ZERO;
}

static bool begin(uint32_t type, struct extent extent)
{
	struct slot *slot = idle[idle_count - 1];
	bool has_sector = type == BLOCK_IN || type == BLOCK_OUT;
	uint32_t payload_bytes = put_payload(type, extent);

	slot->extent = extent;
	block_prepare(&slot->request, type, has_sector ? extent.sector : 0);
	memcpy(stream, &slot->request.header, sizeof(slot->request.header));
	if (!submit(slot, (uint32_t)sizeof(slot->request.header) + payload_bytes,
		    type == BLOCK_IN ? extent.sectors * BLOCK_SECTOR_BYTES + 1 : 1))
		return false;
	idle_count--;
	if (type != BLOCK_IN)
		set_rounds(extent, round_after(type));
	return true;
}

/* The last byte of the writable stream is the status. */
static void finish(struct slot *slot)
{
	uint32_t data_bytes = slot->writable_bytes - 1;

	scatter_get(slot->chain + slot->readable_count, slot->writable_count, stream);
	slot->request.status = stream[data_bytes];
	if (slot->request.status != BLOCK_OK)
		fail(FAIL_STATUS, "a request was not done", slot);
	if (slot->request.written_bytes != slot->writable_bytes)
		fail(FAIL_LENGTH, "the wrong length came back", slot);
	for (uint32_t at = 0; at < data_bytes / BLOCK_SECTOR_BYTES; at++)
		if (!sector_is_right((uint64_t *)(void *)stream + at * SECTOR_WORDS,
				     slot->extent.sector + at))
			fail(FAIL_CONTENT, "a sector does not hold what was written", slot);
	idle[idle_count++] = slot;
	requests_done++;
}

static void shuffle_order(void)
{
	for (uint32_t at = 0; at < cell_count; at++) {
		uint32_t other = (uint32_t)random_below(&random, at + 1);

		order[at] = order[other];
		order[other] = (uint16_t)at;
	}
}

/* Whole logical blocks. */
static struct extent part_of_cell(uint32_t cell)
{
	uint32_t grain = disk.config.block_bytes > BLOCK_SECTOR_BYTES
				 ? disk.config.block_bytes / BLOCK_SECTOR_BYTES
				 : 1;
	uint32_t blocks = CELL_SECTORS / grain;
	uint32_t first = (uint32_t)random_below(&random, blocks);
	uint32_t count = 1 + (uint32_t)random_below(&random, blocks - first);

	return (struct extent){cell * CELL_SECTORS + first * grain, count * grain};
}

static bool begin_cell(enum phase phase, uint32_t cell)
{
	struct extent extent = part_of_cell(cell);
	bool flips = random_below(&random, 2) == 0;

	switch (phase) {
	case PHASE_FILL:
		return begin(BLOCK_OUT, (struct extent){cell * CELL_SECTORS, CELL_SECTORS});
	case PHASE_WRITE: return begin(BLOCK_OUT, extent);
	case PHASE_READ: return begin(BLOCK_IN, extent);
	case PHASE_MIXED: return begin(flips ? BLOCK_IN : BLOCK_OUT, extent);
	case PHASE_ZEROES: return begin(flips ? BLOCK_WRITE_ZEROES : BLOCK_IN, extent);
	case PHASE_DISCARD: return begin(flips ? BLOCK_DISCARD : BLOCK_IN, extent);
	}
	return false;
}

static bool wants_flush(enum phase phase)
{
	return phase != PHASE_READ && block_has(&disk, BLOCK_F_FLUSH) &&
	       random_below(&random, 16) == 0;
}

/* Each cell once, in random order, with up to `depth` requests in flight. */
static void run_phase(enum phase phase, unsigned int depth)
{
	struct block_request *request;
	uint32_t next = 0;

	round_now = round_now % (ROUND_ZERO - 1) + 1;
	shuffle_order();
	while (next < cell_count || disk.in_flight > 0) {
		while (next < cell_count && disk.in_flight < depth) {
			if (wants_flush(phase) && !begin(BLOCK_FLUSH, (struct extent){0, 0}))
				break;
			if (disk.in_flight == depth || !begin_cell(phase, order[next]))
				break;
			next++;
		}
		block_publish(&disk);
		finish((struct slot *)block_wait(&disk));
		while ((request = block_take(&disk)) != NULL)
			finish((struct slot *)request);
	}
}

/* What is wanted, as phases; zeroes and discards only where the disk has them. */
static void run_phases(const char *what, unsigned int depth)
{
	bool all = string_starts_with(what, "all");
	bool zeroes = all || string_starts_with(what, "zeroes");
	bool discards = all || string_starts_with(what, "discard");

	run_phase(PHASE_READ, depth);
	run_phase(PHASE_FILL, depth);
	run_phase(PHASE_READ, depth);
	run_phase(PHASE_WRITE, depth);
	run_phase(PHASE_MIXED, depth);
	if (zeroes && block_has(&disk, BLOCK_F_WRITE_ZEROES))
		run_phase(PHASE_ZEROES, depth);
	if (discards && block_has(&disk, BLOCK_F_DISCARD))
		run_phase(PHASE_DISCARD, depth);
	run_phase(PHASE_READ, depth);
}

static bool start(bool event_index)
{
	uint64_t features = BLOCK_FEATURES & ~(event_index ? 0 : VIRTIO_F_EVENT_IDX);

	return block_start(&disk, features, (uint16_t)boot_number("queue=", QUEUE_SIZE));
}

/* One way of doing it: all depths, or the one that is asked for. */
static bool run_way(const char *what, bool event_index, bool indirect)
{
	static const uint8_t depths[] = {1, 2, 8, 32, DEPTH_MAX};
	uint64_t only = boot_number("depth=", 0);

	if (only > DEPTH_MAX)
		return false;
	is_indirect = indirect;
	for (uint32_t at = 0; at < sizeof(depths) && (at == 0 || only == 0); at++) {
		unsigned int depth = only != 0 ? (unsigned int)only : depths[at];

		if (!start(event_index))
			return false;
		run_phases(what, depth);
		print("ok: %s, %s, depth %u: %lu requests\n", event_index ? "event index" : "flags",
		      indirect ? "indirect" : "direct", depth, requests_done);
	}
	return true;
}

static int run_ways(const char *what)
{
	uint64_t event_index = boot_number("event_idx=", 2);
	uint64_t indirect = boot_number("indirect=", 2);

	for (unsigned int way = 0; way < 4; way++)
		if ((event_index == 2 || event_index == (way & 1)) &&
		    (indirect == 2 || indirect == way >> 1) &&
		    !run_way(what, (way & 1) != 0, way >> 1 != 0))
			return FAIL_ARGUMENT;
	return 0;
}

static int run_read_only(void)
{
	uint8_t *before = (uint8_t *)heap_take(2 * BLOCK_SECTOR_BYTES, BLOCK_SECTOR_BYTES);
	uint8_t *now = before + BLOCK_SECTOR_BYTES;
	uint8_t status;

	if (!block_has(&disk, BLOCK_F_RO)) {
		print("FAILED: the disk does not say that it is read-only\n");
		return FAIL_FEATURE;
	}
	if (block_do(&disk, BLOCK_IN, 0, before, BLOCK_SECTOR_BYTES) != BLOCK_OK)
		return FAIL_STATUS;
	memset(now, before[0] ^ 0xff, BLOCK_SECTOR_BYTES);
	status = block_do(&disk, BLOCK_OUT, 0, now, BLOCK_SECTOR_BYTES);
	print("status of a write: %u\n", status);
	if (status != BLOCK_IOERR)
		return FAIL_NOT_REFUSED;
	if (block_do(&disk, BLOCK_IN, 0, now, BLOCK_SECTOR_BYTES) != BLOCK_OK)
		return FAIL_STATUS;
	return memcmp(before, now, BLOCK_SECTOR_BYTES) == 0 ? 0 : FAIL_CONTENT;
}

static void print_config(void)
{
	const struct block_config *config = &disk.config;
	char id[BLOCK_ID_BYTES + 1] = "";

	print("sectors %lu\n", config->sectors);
	print("features 0x%lx, queue %u\n", disk.device.features, disk.queue.size);
	print("segments %u, block %u, physical exponent %u, alignment %u, least %u, best %u\n",
	      config->segments_max, config->block_bytes, config->physical_block_exponent,
	      config->alignment_offset, config->io_blocks_min, config->io_blocks_best);
	print("discard: %u sectors, %u ranges, alignment %u\n", config->discard_sectors_max,
	      config->discard_segments_max, config->discard_alignment_sectors);
	print("zeroes: %u sectors, %u ranges, unmap %u\n", config->zeroes_sectors_max,
	      config->zeroes_segments_max, config->zeroes_may_unmap);
	if (block_do(&disk, BLOCK_GET_ID, 0, id, BLOCK_ID_BYTES) == BLOCK_OK)
		print("id \"%s\"\n", id);
}

static void make_slots(void)
{
	while (idle_count < DEPTH_MAX) {
		struct slot *slot = heap_take(sizeof(*slot), 64);

		slot->readable = heap_take(AREA_BYTES, 64);
		slot->writable = heap_take(AREA_BYTES, 64);
		idle[idle_count++] = slot;
	}
}

int guest_main(void)
{
	const char *what = boot_option("do=");

	if (what == NULL)
		what = "all";
	random_seed(&random, boot_number("seed=", 0));
	if (!block_open(&disk, BLOCK_FEATURES, QUEUE_SIZE))
		return FAIL_NO_DISK;
	print_config();
	if (string_starts_with(what, "config"))
		return 0;
	if (string_starts_with(what, "read-only"))
		return run_read_only();
	if ((string_starts_with(what, "zeroes") && !block_has(&disk, BLOCK_F_WRITE_ZEROES)) ||
	    (string_starts_with(what, "discard") && !block_has(&disk, BLOCK_F_DISCARD)))
		return FAIL_FEATURE;
	cell_count = (uint32_t)boot_number("cells=", 256);
	if (cell_count > disk.config.sectors / CELL_SECTORS)
		cell_count = (uint32_t)(disk.config.sectors / CELL_SECTORS);
	if (cell_count == 0 || cell_count > CELLS_MAX)
		return FAIL_ARGUMENT;
	make_slots();
	return run_ways(what);
}
