/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/block_bench.c - how fast a disk is, seen from inside.
 *
 *	runs=KIND:PATTERN:BLOCK:DEPTH,...   or one run by kind= pattern= block= depth=
 *	    KIND     read, write, mixed (seven reads to three writes)
 *	    PATTERN  random, sequential
 *	seconds=S run_ms=MS     how long each run is at most (2 s)
 *	requests=N              or until so many were answered
 *	warmup_ms=MS            what each run does beforehand, uncounted (0)
 *	span=BYTES              the first part of the disk that is used (all)
 *	chain=indirect          one descriptor a request; else three
 *	event_idx=0 notify=user device=N tsc_khz=N seed=N
 *
 * Prints a line of JSON for each run.  Latency runs from the moment a batch of requests is
 * published to the moment the driver sees the answer.  Exit code 1: no disk, 2: a wrong
 * argument, 3: a request failed.
 */
#include "tests/guests/lib/clock.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/histogram.h"
#include "tests/guests/lib/random.h"
#include "tests/guests/lib/string.h"
#include "tests/guests/lib/virtio_block.h"

enum {
	DEPTH_MAX = 64,
	BLOCK_BYTES_MAX = 65536,
	QUEUE_SIZE = 256,
	READS_OF_TEN = 7,
};

#define NS_PER_SECOND UINT64_C(1000000000)

struct run {
	const char *kind;
	bool is_random;
	bool is_indirect;
	uint32_t read_of_ten;
	uint32_t block_bytes;
	uint32_t depth;
	uint64_t blocks; /* of the span */
};

struct slot {
	struct block_request request;
	uint64_t begin_tsc;
	uint8_t *data;
};

struct tally {
	uint64_t errors;
	uint64_t elapsed_ticks;
	struct histogram latency; /* of all requests */
};

static struct block_disk disk;
static struct slot slots[DEPTH_MAX];
static struct tally tally;
static struct random random;
static uint64_t next_block;

static void submit(const struct run *run, struct slot *slot)
{
	uint64_t block = run->is_random ? random_below(&random, run->blocks) : next_block;
	bool is_read = random_below(&random, 10) < run->read_of_ten;
	const struct virtqueue_segment data = {slot->data, run->block_bytes,
					       is_read ? VIRTQUEUE_WRITE : 0};

	next_block = next_block + 1 < run->blocks ? next_block + 1 : 0;
	block_prepare(&slot->request, is_read ? BLOCK_IN : BLOCK_OUT,
		      block * (run->block_bytes / BLOCK_SECTOR_BYTES));
	block_submit(&disk, &slot->request, &data, 1, run->is_indirect);
	slot->begin_tsc = 0;
}

/* Called with what was taken back at `now`. */
static void count(const struct slot *slot, uint64_t now)
{
	tally.errors += slot->request.status != BLOCK_OK;
	histogram_add(&tally.latency, now - slot->begin_tsc);
}

/* Hand a batch over; its requests begin now. */
static void publish(struct slot **batch, uint32_t count_of_batch)
{
	uint64_t now = tsc_read();

	for (uint32_t at = 0; at < count_of_batch; at++)
		batch[at]->begin_tsc = now;
	block_publish(&disk);
}

/*
 * Rounds of: take all that is finished, submit as many again, one notification.  From the
 * deadline on nothing is submitted, and the run ends with its last answer.
 */
static void transfer(const struct run *run, uint64_t requests, uint64_t deadline_tsc)
{
	struct slot *batch[DEPTH_MAX];
	struct block_request *request;
	uint64_t begin = tsc_read();
	uint64_t now = begin;
	uint64_t submitted = 0;
	uint32_t fresh = 0;

	memset(&tally, 0, sizeof(tally));
	for (; fresh < run->depth && submitted < requests; fresh++, submitted++) {
		batch[fresh] = &slots[fresh];
		submit(run, batch[fresh]);
	}
	publish(batch, fresh);
	while (disk.in_flight > 0) {
		virtqueue_wait(&disk.queue);
		now = tsc_read();
		for (fresh = 0; (request = block_take(&disk)) != NULL;) {
			struct slot *slot = (struct slot *)request;

			count(slot, now);
			if (submitted >= requests || now >= deadline_tsc)
				continue;
			submit(run, slot);
			batch[fresh++] = slot;
			submitted++;
		}
		publish(batch, fresh);
	}
	tally.elapsed_ticks = now - begin;
}

static void report(const struct run *run, uint64_t notifications, uint64_t interrupts)
{
	const struct histogram *latency = &tally.latency;
	uint64_t elapsed_ns = clock_ticks_to_ns(tally.elapsed_ticks);

	print("{\"kind\":\"%s\",\"pattern\":\"%s\",\"block\":%u,\"depth\":%u,", run->kind,
	      run->is_random ? "random" : "sequential", run->block_bytes, run->depth);
	print("\"requests\":%lu,\"errors\":%lu,\"elapsed_ns\":%lu,\"iops\":%lu,\"mean_ns\":%lu,",
	      latency->count, tally.errors, elapsed_ns,
	      latency->count * NS_PER_SECOND / (elapsed_ns | 1), histogram_mean_ns(latency));
	print("\"p50_ns\":%lu,\"p90_ns\":%lu,\"p99_ns\":%lu,\"max_ns\":%lu,",
	      histogram_percentile_ns(latency, 50), histogram_percentile_ns(latency, 90),
	      histogram_percentile_ns(latency, 99), clock_ticks_to_ns(latency->longest_ticks));
	print("\"notifications\":%lu,\"interrupts\":%lu}\n", notifications, interrupts);
}

static int run_once(const struct run *run)
{
	uint64_t warmup_ticks = clock_ns_to_ticks(boot_number("warmup_ms=", 0) * 1000000);
	uint64_t requests = boot_number("requests=", UINT64_MAX);
	uint64_t seconds = boot_number("seconds=", requests == UINT64_MAX ? 2 : 3600);
	uint64_t run_ms = boot_number("run_ms=", seconds * 1000);
	uint64_t notifications;
	uint64_t interrupts;

	next_block = 0;
	if (warmup_ticks != 0)
		transfer(run, UINT64_MAX, tsc_read() + warmup_ticks);
	notifications = disk.device.notifications;
	interrupts = disk.device.interrupts;
	transfer(run, requests, tsc_read() + clock_ns_to_ticks(run_ms * 1000000));
	report(run, disk.device.notifications - notifications, disk.device.interrupts - interrupts);
	return tally.errors == 0 ? 0 : 3;
}

static bool set_kind(struct run *run, const char *text)
{
	run->kind = string_starts_with(text, "read")    ? "read"
		    : string_starts_with(text, "write") ? "write"
		    : string_starts_with(text, "mixed") ? "mixed"
							: NULL;
	if (run->kind == NULL)
		return false;
	run->read_of_ten = *run->kind == 'r' ? 10 : *run->kind == 'w' ? 0 : READS_OF_TEN;
	return true;
}

static bool is_sound(struct run *run)
{
	uint64_t disk_bytes = disk.config.sectors * BLOCK_SECTOR_BYTES;
	uint64_t span_bytes = boot_number("span=", disk_bytes);
	const char *chain = boot_option("chain=");

	if (run->block_bytes == 0 || run->block_bytes % BLOCK_SECTOR_BYTES != 0 ||
	    run->block_bytes > BLOCK_BYTES_MAX || run->depth == 0 || run->depth > DEPTH_MAX)
		return false;
	run->is_indirect = chain != NULL && string_starts_with(chain, "indirect");
	run->blocks = (span_bytes < disk_bytes ? span_bytes : disk_bytes) / run->block_bytes;
	return run->blocks > 0;
}

/* Behind the next colon of a run; an empty text where there is none. */
static const char *next_part(const char *text)
{
	while (*text != '\0' && *text != ' ' && *text != ',' && *text != ':')
		text++;
	return *text == ':' ? text + 1 : "";
}

static bool parse_run(struct run *run, const char *text)
{
	const char *pattern = next_part(text);
	const char *block = next_part(pattern);

	run->is_random = string_starts_with(pattern, "random");
	run->block_bytes = (uint32_t)string_to_number(block);
	run->depth = (uint32_t)string_to_number(next_part(block));
	return (run->is_random || string_starts_with(pattern, "sequential")) &&
	       set_kind(run, text) && is_sound(run);
}

static bool parse_single(struct run *run)
{
	const char *kind = boot_option("kind=");
	const char *pattern = boot_option("pattern=");

	run->is_random = pattern == NULL || string_starts_with(pattern, "random");
	run->block_bytes = (uint32_t)boot_number("block=", 4096);
	run->depth = (uint32_t)boot_number("depth=", 1);
	return set_kind(run, kind == NULL ? "read" : kind) && is_sound(run);
}

/* All parsed before the first is run, so that a wrong argument costs nobody's time. */
static int run_list(const char *text, bool do_it)
{
	struct run run;
	int worst = 0;

	for (;;) {
		int result = 2;

		if (parse_run(&run, text))
			result = do_it ? run_once(&run) : 0;
		if (result > worst)
			worst = result;
		while (*text != '\0' && *text != ' ' && *text != ',')
			text++;
		if (*text++ != ',')
			return worst;
	}
}

static int run_all(void)
{
	const char *list = boot_option("runs=");
	struct run run;

	if (list != NULL)
		return run_list(list, false) == 0 ? run_list(list, true) : 2;
	return parse_single(&run) ? run_once(&run) : 2;
}

/* Touched beforehand, so that no run pays for memory that is not there yet. */
static void make_buffers(void)
{
	for (uint32_t at = 0; at < DEPTH_MAX; at++) {
		slots[at].data = heap_take(BLOCK_BYTES_MAX, 4096);
		for (uint32_t offset = 0; offset < BLOCK_BYTES_MAX; offset += 8)
			*(uint64_t *)(slots[at].data + offset) = random_next(&random);
	}
}

int guest_main(void)
{
	uint64_t features = BLOCK_FEATURES;
	int result;

	random_seed(&random, boot_number("seed=", 0));
	if (boot_number("event_idx=", 1) == 0)
		features &= ~VIRTIO_F_EVENT_IDX;
	if (!block_open(&disk, features, QUEUE_SIZE))
		return 1;
	clock_start();
	make_buffers();
	result = run_all();
	if (result == 2)
		print("a wrong argument\n");
	return result;
}
