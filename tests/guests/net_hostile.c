/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/net_hostile.c - a network driver that breaks the rules, one at a time.
 *
 *	case=NAME    do that; case=list print the names; case=all do all (the default) but races
 *	case=races   those that take a second processor
 *	ip= gw=      see lib/net_stack.h; the gateway has to answer ARP
 *
 * For each case prints "NAME: VERDICT", and "NAME: VERDICT, but ..." where another was expected
 * or the device did not work after its reset.  Exit code 1: no NIC or no gateway, 2: no such
 * case, 3: a case went wrong.
 */
#include "tests/guests/net_hostile.h"

#include "tests/guests/lib/clock.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/memory.h"
#include "tests/guests/lib/string.h"

enum {
	ANSWER_MS = 3000, /* a device that is silent that long will not answer */
	DROPPED_MS = 400, /* and one that need not, will not after that */
	PROVOKE_MS = 50,
	NOTIFIES_AFTER = 10,
	ARP_FRAME_BYTES = 42,
};

struct hostile hostile;

static enum verdict expected; /* of the case at hand */

static const char *const verdict_names[VERDICTS] = {
	[VERDICT_NEEDS_RESET] = "needs-reset",
	[VERDICT_SENT] = "sent",
	[VERDICT_DROPPED] = "dropped",
	[VERDICT_ANSWERED] = "answered",
	[VERDICT_RECEIVED] = "received",
	[VERDICT_IGNORED] = "ignored",
	[VERDICT_REFUSED] = "refused",
	[VERDICT_QUIET] = "quiet",
	[VERDICT_ANY] = "anything",
	[VERDICT_SILENCE] = "no answer",
	[VERDICT_WRONG] = "wrong answer",
};

static uint64_t deadline(uint32_t wait_ms)
{
	return tsc_read() + clock_ns_to_ticks((uint64_t)wait_ms * 1000000);
}

void hostile_pause(uint32_t pause_us)
{
	uint64_t end = tsc_read() + clock_ns_to_ticks((uint64_t)pause_us * 1000);

	while (tsc_read() < end)
		cpu_relax();
}

bool hostile_start(uint64_t features)
{
	struct net_nic *nic = &hostile.nic;

	if (!virtio_begin(&nic->device, features) ||
	    !virtqueue_create(&nic->receive, &nic->device, NET_RECEIVE, HOSTILE_QUEUE_SIZE) ||
	    !virtqueue_create(&nic->transmit, &nic->device, NET_TRANSMIT, HOSTILE_QUEUE_SIZE))
		return false;
	virtio_driver_ok(&nic->device);
	return true;
}

void hostile_put(struct virtqueue_descriptor *table, uint16_t index, uint64_t address,
		 uint32_t length, uint16_t flags)
{
	table[index].address = address;
	table[index].length = length;
	table[index].flags = flags;
	table[index].next = (uint16_t)(index + 1);
}

/* Who has the gateway's address? */
static void make_question(uint8_t *frame)
{
	static const uint8_t start[] = {0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1};

	memset(frame, 0, HOSTILE_FRAME_BYTES);
	memset(frame, 0xff, NET_ADDRESS_BYTES);
	memcpy(frame + 6, hostile.nic.address, NET_ADDRESS_BYTES);
	memcpy(frame + 12, start, sizeof(start));
	memcpy(frame + 22, hostile.nic.address, NET_ADDRESS_BYTES);
	net_store32(frame + 28, hostile.stack.ip);
	net_store32(frame + 38, hostile.stack.gateway);
}

void hostile_prepare(uint32_t queue)
{
	bool is_sent = queue == NET_TRANSMIT;
	uint16_t flags = is_sent ? 0 : VIRTQUEUE_WRITE;

	hostile.queue = is_sent ? &hostile.nic.transmit : &hostile.nic.receive;
	hostile.ring = hostile.queue->descriptors;
	hostile.head = 0;
	hostile.avail_index = (uint16_t)(hostile.queue->next_avail + 1);
	memset(hostile.header, 0, sizeof(*hostile.header));
	make_question(hostile.data);
	hostile_put(hostile.ring, 0, (uint64_t)hostile.header, sizeof(*hostile.header),
		    (uint16_t)(flags | VIRTQUEUE_NEXT));
	hostile_put(hostile.ring, 1, (uint64_t)hostile.data,
		    is_sent ? HOSTILE_FRAME_BYTES : HOSTILE_BUFFER_BYTES, flags);
}

void hostile_provoke(void)
{
	struct virtqueue *queue = &hostile.nic.transmit;
	const struct virtqueue_segment segment = {
		hostile.question, sizeof(struct net_header) + HOSTILE_FRAME_BYTES, 0};
	uint32_t written_bytes;
	int head;

	while ((head = virtqueue_take(queue, &written_bytes)) >= 0)
		virtqueue_free(queue, (uint16_t)head);
	make_question(hostile.question + sizeof(struct net_header));
	virtqueue_add(queue, &segment, 1, false);
	virtqueue_publish(queue);
}

/* Nothing is written into what is sent, a frame with its header into what is received. */
static enum verdict judge_answer(void)
{
	uint32_t written_bytes;
	int head = virtqueue_take(hostile.queue, &written_bytes);

	if (head != hostile.head)
		return VERDICT_WRONG;
	if (hostile.queue == &hostile.nic.receive)
		return written_bytes >= sizeof(struct net_header) ? VERDICT_RECEIVED
								  : VERDICT_WRONG;
	if (written_bytes != 0)
		return VERDICT_WRONG;
	/* The driver cannot tell these; whoever reads what the monitor said can. */
	return expected == VERDICT_DROPPED || expected == VERDICT_ANSWERED ? expected
									   : VERDICT_SENT;
}

/* A driver that is up hears of it by a configuration interrupt; and nothing makes it worse. */
static enum verdict judge_needs_reset(uint32_t status)
{
	uint32_t interrupt = virtio_read(&hostile.nic.device, VIRTIO_INTERRUPT_STATUS);

	if ((status & VIRTIO_STATUS_DRIVER_OK) != 0 &&
	    (interrupt & VIRTIO_INTERRUPT_CONFIG_CHANGE) == 0)
		return VERDICT_WRONG;
	for (uint32_t again = 0; again < NOTIFIES_AFTER; again++) {
		virtqueue_notify(&hostile.nic.receive);
		virtqueue_notify(&hostile.nic.transmit);
	}
	return VERDICT_NEEDS_RESET;
}

/* A receive queue is looked at when something arrives. */
static enum verdict judge(void)
{
	bool is_received = hostile.queue == &hostile.nic.receive;
	bool may_be_silent = is_received && expected == VERDICT_DROPPED;
	uint64_t end = deadline(may_be_silent ? DROPPED_MS : ANSWER_MS);

	do {
		uint32_t status = virtio_read(&hostile.nic.device, VIRTIO_STATUS);

		if ((status & VIRTIO_STATUS_NEEDS_RESET) != 0)
			return judge_needs_reset(status);
		if (is_received)
			hostile_provoke();
		if (virtqueue_wait_until(hostile.queue, deadline(is_received ? PROVOKE_MS : 1)))
			return judge_answer();
	} while (tsc_read() < end);
	return may_be_silent ? VERDICT_DROPPED : VERDICT_SILENCE;
}

enum verdict hostile_offer(void)
{
	struct virtqueue *queue = hostile.queue;

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

	hostile_prepare(NET_TRANSMIT);
	verdict = hostile_offer();
	return verdict == VERDICT_SENT ? VERDICT_IGNORED : verdict;
}

/* Bring the device up and use it as a driver does it.  Returns what it cannot, or NULL. */
static const char *find_failure(void)
{
	uint8_t address[NET_ADDRESS_BYTES];

	if (!net_start(&hostile.nic, NET_FEATURES, HOSTILE_QUEUE_SIZE))
		return "start";
	net_stack_start(&hostile.stack, &hostile.nic);
	return net_stack_resolve(&hostile.stack, hostile.stack.gateway, address)
		       ? NULL
		       : "get an answer to what it sends";
}

static enum verdict run(const struct hostile_case *hostile_case, uint32_t queue)
{
	if (hostile_case->run != NULL)
		return hostile_case->run();
	hostile_prepare(queue);
	hostile_case->twist();
	return hostile_offer();
}

struct list {
	const struct hostile_case *cases;
	const char *prefix;
	uint32_t queue;
	enum verdict done; /* what VERDICT_SENT of a case is called in this queue */
};

static const struct list lists[] = {
	{hostile_chain_cases, "tx-", NET_TRANSMIT, VERDICT_SENT},
	{hostile_chain_cases, "rx-", NET_RECEIVE, VERDICT_RECEIVED},
	{hostile_transmit_cases, "tx-", NET_TRANSMIT, VERDICT_SENT},
	{hostile_receive_cases, "rx-", NET_RECEIVE, VERDICT_RECEIVED},
	{hostile_device_cases, "", NET_TRANSMIT, VERDICT_SENT},
	{hostile_race_cases, "race-", NET_TRANSMIT, VERDICT_SENT},
};

static enum verdict expect(const struct list *list, const struct hostile_case *hostile_case)
{
	bool has_offloads = (virtio_offered(&hostile.nic.device) & NET_F_CSUM) != 0;

	switch (hostile_case->expected) {
	case VERDICT_SENT: return list->done;
	case VERDICT_OFFLOADED: return has_offloads ? VERDICT_SENT : VERDICT_DROPPED;
	default: return hostile_case->expected;
	}
}

static bool run_and_recover(const struct list *list, const struct hostile_case *hostile_case)
{
	enum verdict verdict;
	const char *failure;
	bool is_right;

	expected = expect(list, hostile_case);
	verdict = hostile_start(NET_FEATURES) ? run(hostile_case, list->queue) : VERDICT_SILENCE;
	is_right = verdict == expected || expected == VERDICT_ANY;
	failure = find_failure();
	print("%s%s: %s", list->prefix, hostile_case->name,
	      verdict_names[expected == VERDICT_ANY ? VERDICT_ANY : verdict]);
	if (!is_right)
		print(", but %s was expected", verdict_names[expected]);
	if (failure != NULL)
		print(", but after its reset the device does not %s", failure);
	print("\n");
	return is_right && failure == NULL;
}

/* Whether a name on the command line, up to the next blank, is this one. */
static bool is_named(const char *option, const char *prefix, const char *name)
{
	size_t length = strlen(name);

	if (!string_starts_with(option, prefix))
		return false;
	option += strlen(prefix);
	return string_starts_with(option, name) &&
	       (option[length] == '\0' || option[length] == ' ');
}

struct tally {
	uint32_t done;
	uint32_t failed;
};

static void visit_list(const struct list *list, const char *option, struct tally *tally)
{
	bool is_only_listed = is_named(option, "", "list");
	bool is_race = list->cases == hostile_race_cases;
	bool all = is_named(option, "", is_race ? "races" : "all") || (is_only_listed && !is_race);

	for (const struct hostile_case *at = list->cases; at->name != NULL; at++) {
		if (!all && !is_named(option, list->prefix, at->name))
			continue;
		tally->done++;
		if (is_only_listed)
			print("%s%s\n", list->prefix, at->name);
		else if (!run_and_recover(list, at))
			tally->failed++;
	}
}

static void take_memory(void)
{
	hostile.table = heap_take(HOSTILE_TABLE_LENGTH * sizeof(*hostile.table), MEMORY_PAGE_BYTES);
	hostile.header = heap_take(sizeof(*hostile.header), 64);
	hostile.data = heap_take(HOSTILE_DATA_BYTES, MEMORY_PAGE_BYTES);
	hostile.question = heap_take(sizeof(struct net_header) + HOSTILE_FRAME_BYTES, 64);
	memset(hostile.question, 0, sizeof(struct net_header));
}

int guest_main(void)
{
	const char *option = boot_option("case=");
	struct tally tally = {0, 0};
	const char *failure;

	clock_start();
	if (!net_find(&hostile.nic, 0))
		return 1;
	failure = find_failure();
	if (failure != NULL) {
		print("the device does not %s\n", failure);
		return 1;
	}
	take_memory();
	for (uint32_t at = 0; at < sizeof(lists) / sizeof(lists[0]); at++)
		visit_list(&lists[at], option == NULL ? "all" : option, &tally);
	if (tally.done == 0) {
		print("no such case\n");
		return 2;
	}
	return tally.failed == 0 ? 0 : 3;
}
