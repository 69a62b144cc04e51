/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/block_hostile.c - a driver that breaks the rules, one at a time.
 *
 *	case=NAME    do that; case=list print the names; case=all do all (the default)
 *	device=N     on a read-only disk, `all` is what belongs to one
 *
 * For each case prints "NAME: VERDICT", and "NAME: VERDICT, but ..." where another
 * was expected or the device did not work after its reset.  Exit code 1: no disk, 2: no such
 * case, 3: a case went wrong.
 */
#include "tests/guests/block_hostile.h"

#include "tests/guests/lib/clock.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/memory.h"
#include "tests/guests/lib/random.h"
#include "tests/guests/lib/string.h"

enum {
	ANSWER_MS = 5000, /* a device that is silent that long will not answer */
	NOTIFIES_AFTER = 10,
	PROOF_BYTES = 4096,
	PROOF_SECTOR = 1000,
};

struct hostile hostile;

static const char *const verdict_names[VERDICTS] = {
	[VERDICT_NEEDS_RESET] = "needs-reset",
	[VERDICT_IO_ERROR] = "io-error",
	[VERDICT_UNSUPPORTED] = "unsupported",
	[VERDICT_IGNORED] = "ignored",
	[VERDICT_REFUSED] = "refused",
	[VERDICT_DONE] = "done",
	[VERDICT_QUIET] = "quiet",
	[VERDICT_ANY] = "anything",
	[VERDICT_SILENCE] = "no answer",
	[VERDICT_WRONG] = "wrong answer",
};

void hostile_pause(uint32_t pause_us)
{
	uint64_t end = tsc_read() + clock_ns_to_ticks((uint64_t)pause_us * 1000);

	while (tsc_read() < end)
		cpu_relax();
}

void hostile_put(struct virtqueue_descriptor *table, uint16_t index, uint64_t address,
		 uint32_t length, uint16_t flags)
{
	table[index].address = address;
	table[index].length = length;
	table[index].flags = flags;
	table[index].next = (uint16_t)(index + 1);
}

static uint32_t data_bytes(uint32_t type)
{
	switch (type) {
	case BLOCK_FLUSH: return 0;
	case BLOCK_GET_ID: return BLOCK_ID_BYTES;
	case BLOCK_DISCARD:
	case BLOCK_WRITE_ZEROES: return sizeof(struct block_range);
	default: return BLOCK_SECTOR_BYTES;
	}
}

void hostile_prepare(uint32_t type)
{
	bool is_read = type == BLOCK_IN || type == BLOCK_GET_ID;
	bool is_range = type == BLOCK_DISCARD || type == BLOCK_WRITE_ZEROES;
	const void *data = is_range ? (const void *)hostile.ranges : hostile.data;

	*hostile.header = (struct block_header){type, 0, 0};
	hostile.ranges[0] = (struct block_range){0, 8, 0};
	hostile.ranges[1] = (struct block_range){8, 8, 0};
	*hostile.status = BLOCK_NO_STATUS;
	hostile.head = 0;
	hostile.avail_index = (uint16_t)(hostile.disk.queue.next_avail + 1);
	hostile_put(hostile.ring, 0, (uint64_t)hostile.header, sizeof(*hostile.header),
		    VIRTQUEUE_NEXT);
	hostile_put(hostile.ring, 1, (uint64_t)data, data_bytes(type),
		    (uint16_t)(VIRTQUEUE_NEXT | (is_read ? VIRTQUEUE_WRITE : 0)));
	hostile_put(hostile.ring, 2, (uint64_t)hostile.status, 1, VIRTQUEUE_WRITE);
	if (type == BLOCK_FLUSH)
		hostile.ring[0].next = 2;
}

static enum verdict judge_answer(struct virtqueue *queue)
{
	uint32_t written_bytes;
	int head = virtqueue_take(queue, &written_bytes);

	if (head != hostile.head || written_bytes == 0)
		return VERDICT_WRONG;
	switch (*hostile.status) {
	case BLOCK_OK: return VERDICT_DONE;
	case BLOCK_IOERR: return VERDICT_IO_ERROR;
	case BLOCK_UNSUPP: return VERDICT_UNSUPPORTED;
	default: return VERDICT_WRONG;
	}
}

/* A driver that is up hears of it by a configuration interrupt; and nothing makes it worse. */
static enum verdict judge_needs_reset(struct virtqueue *queue, uint32_t status)
{
	uint32_t interrupt = virtio_read(queue->device, VIRTIO_INTERRUPT_STATUS);

	if ((status & VIRTIO_STATUS_DRIVER_OK) != 0 &&
	    (interrupt & VIRTIO_INTERRUPT_CONFIG_CHANGE) == 0)
		return VERDICT_WRONG;
	for (uint32_t again = 0; again < NOTIFIES_AFTER; again++)
		virtqueue_notify(queue);
	return VERDICT_NEEDS_RESET;
}

static enum verdict judge(void)
{
	struct virtqueue *queue = &hostile.disk.queue;
	uint64_t end = tsc_read() + clock_ns_to_ticks((uint64_t)ANSWER_MS * 1000000);

	do {
		uint32_t status = virtio_read(queue->device, VIRTIO_STATUS);

		if ((status & VIRTIO_STATUS_NEEDS_RESET) != 0)
			return judge_needs_reset(queue, status);
		if (virtqueue_wait_until(queue, tsc_read() + clock_ns_to_ticks(100000)))
			return judge_answer(queue);
	} while (tsc_read() < end);
	return VERDICT_SILENCE;
}

enum verdict hostile_offer(void)
{
	struct virtqueue *queue = &hostile.disk.queue;

	while (queue->next_avail != hostile.avail_index)
		virtqueue_offer(queue, hostile.head);
	__atomic_store_n(&queue->avail[1], hostile.avail_index, __ATOMIC_RELEASE);
	queue->published = hostile.avail_index;
	virtqueue_notify(queue);
	return judge();
}

enum verdict hostile_still_works(void)
{
	enum verdict verdict;

	hostile_prepare(BLOCK_IN);
	verdict = hostile_offer();
	return verdict == VERDICT_DONE ? VERDICT_IGNORED : verdict;
}

static bool start(void)
{
	if (!block_start(&hostile.disk, BLOCK_FEATURES, HOSTILE_QUEUE_SIZE))
		return false;
	hostile.ring = hostile.disk.queue.descriptors;
	return true;
}

static void fill(uint64_t *words, uint64_t seed)
{
	for (uint32_t at = 0; at < PROOF_BYTES / sizeof(*words); at++)
		words[at] = random_mix(seed + at);
}

static bool is_filled(const uint64_t *words, uint64_t seed)
{
	uint64_t wrong = 0;

	for (uint32_t at = 0; at < PROOF_BYTES / sizeof(*words); at++)
		wrong |= words[at] ^ random_mix(seed + at);
	return wrong == 0;
}

/*
 * Bring the device up and use it, by interrupt, as a driver does it.  Returns what it cannot, or
 * NULL.  What a read-only disk holds is not known.
 */
static const char *find_failure(void)
{
	uint64_t *words = (uint64_t *)(void *)hostile.data;
	uint64_t seed = tsc_read();
	uint64_t sector = PROOF_SECTOR + seed % 64 * (PROOF_BYTES / BLOCK_SECTOR_BYTES);
	bool is_read_only;

	if (!start())
		return "start";
	is_read_only = block_has(&hostile.disk, BLOCK_F_RO);
	fill(words, seed);
	if (!is_read_only &&
	    block_do(&hostile.disk, BLOCK_OUT, sector, words, PROOF_BYTES) != BLOCK_OK)
		return "write";
	memset(words, 0, PROOF_BYTES);
	if (block_do(&hostile.disk, BLOCK_IN, sector, words, PROOF_BYTES) != BLOCK_OK)
		return "read";
	return is_read_only || is_filled(words, seed) ? NULL : "give back what was written";
}

static enum verdict run(const struct hostile_case *hostile_case)
{
	if (hostile_case->run != NULL)
		return hostile_case->run();
	hostile_prepare(hostile_case->type);
	hostile_case->twist();
	return hostile_offer();
}

static bool run_and_recover(const struct hostile_case *hostile_case)
{
	enum verdict expected = hostile_case->expected;
	enum verdict verdict = start() ? run(hostile_case) : VERDICT_SILENCE;
	bool is_right = verdict == expected || expected == VERDICT_ANY;
	const char *failure = find_failure();

	print("%s: %s", hostile_case->name,
	      verdict_names[expected == VERDICT_ANY ? VERDICT_ANY : verdict]);
	if (!is_right)
		print(", but %s was expected", verdict_names[expected]);
	if (failure != NULL)
		print(", but after its reset the device does not %s", failure);
	print("\n");
	return is_right && failure == NULL;
}

static const struct hostile_case *const all_lists[] = {
	hostile_chain_cases,
	hostile_request_cases,
	hostile_register_cases,
	hostile_read_only_cases,
};

/* Whether a name on the command line, up to the next blank, is this one. */
static bool is_named(const char *option, const char *name)
{
	size_t length = strlen(name);

	return string_starts_with(option, name) &&
	       (option[length] == '\0' || option[length] == ' ');
}

struct tally {
	uint32_t done;
	uint32_t failed;
};

static void visit(const struct hostile_case *hostile_case, const char *option, struct tally *tally)
{
	bool is_only_listed = is_named(option, "list");

	tally->done++;
	if (is_only_listed)
		print("%s\n", hostile_case->name);
	else if (!run_and_recover(hostile_case))
		tally->failed++;
}

static void visit_lists(const char *option, struct tally *tally)
{
	bool is_read_only = block_has(&hostile.disk, BLOCK_F_RO);
	bool all = is_named(option, "all") || is_named(option, "list");

	for (uint32_t list = 0; list < sizeof(all_lists) / sizeof(all_lists[0]); list++)
		for (const struct hostile_case *at = all_lists[list]; at->name != NULL; at++)
			if (is_named(option, at->name) ||
			    (all && (all_lists[list] == hostile_read_only_cases) == is_read_only))
				visit(at, option, tally);
}

static void take_memory(void)
{
	hostile.table = heap_take(HOSTILE_TABLE_LENGTH * sizeof(*hostile.table), MEMORY_PAGE_BYTES);
	hostile.header = heap_take(sizeof(*hostile.header), 64);
	hostile.ranges = heap_take(2 * sizeof(*hostile.ranges), 64);
	hostile.status = heap_take(1, 64);
	hostile.data = heap_take(HOSTILE_DATA_BYTES, MEMORY_PAGE_BYTES);
}

int guest_main(void)
{
	const char *option = boot_option("case=");
	struct tally tally = {0, 0};

	clock_start();
	if (!block_open(&hostile.disk, BLOCK_FEATURES, HOSTILE_QUEUE_SIZE))
		return 1;
	take_memory();
	visit_lists(option == NULL ? "all" : option, &tally);
	if (tally.done == 0) {
		print("no such case\n");
		return 2;
	}
	return tally.failed == 0 ? 0 : 3;
}
