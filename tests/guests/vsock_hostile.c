/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/vsock_hostile.c - a vsock driver that breaks the rules, one at a time.
 *
 *	case=NAME    do that; case=list print the names; case=all do all (the default) but races
 *	case=races   those that take a second processor
 *
 * Something on the host has to take connections to port 5000, read them, and close what is closed
 * to it; nobody may listen on port 5001.  For each case prints "NAME: VERDICT", and "NAME:
 * VERDICT, but ..." where another was expected or the device did not work after its reset.  Exit
 * code 1: no vsock, or nobody on port 5000, 2: no such case, 3: a case went wrong.
 */
#include "tests/guests/vsock_hostile.h"

#include "tests/guests/lib/clock.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/string.h"

struct hostile hostile;

static const char *const verdict_names[VERDICTS] = {
	[VERDICT_RESET] = "reset",   [VERDICT_REFUSED] = "refused",
	[VERDICT_OPEN] = "open",     [VERDICT_NEEDS_RESET] = "needs-reset",
	[VERDICT_SILENT] = "silent", [VERDICT_WRONG] = "wrong answer",
	[VERDICT_ANY] = "recovered",
};

/* -- Packets -- */

struct vsock_header hostile_header_for(uint16_t op)
{
	return (struct vsock_header){
		.src_cid = hostile.vsock.cid,
		.dst_cid = VSOCK_CID_HOST,
		.src_port = PORT_OWN,
		.dst_port = PORT_PEER,
		.type = VSOCK_TYPE_STREAM,
		.op = op,
		.allocated = HOSTILE_CREDIT_BYTES,
	};
}

void hostile_send_header(const struct vsock_header *header, uint32_t size_bytes)
{
	vsock_send_packet(&hostile.vsock, header, hostile.data, size_bytes);
	vsock_publish(&hostile.vsock);
}

void hostile_send_op(uint16_t op, uint32_t size_bytes)
{
	struct vsock_header header = hostile_header_for(op);

	header.size_bytes = size_bytes;
	hostile_send_header(&header, size_bytes);
}

static bool has_failed(void)
{
	return (virtio_read(&hostile.vsock.device, VIRTIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET) != 0;
}

/* The next packet, into `answer`.  Returns false if none comes, or the device has failed. */
bool hostile_await(uint32_t wait_ms)
{
	uint64_t end = tsc_read() + clock_ns_to_ticks((uint64_t)wait_ms * 1000000);

	while (!vsock_take_packet(&hostile.vsock, &hostile.answer))
		if (tsc_read() >= end || has_failed())
			return false;
	return true;
}

static bool connect_raw(void)
{
	hostile_send_op(VSOCK_OP_REQUEST, 0);
	return hostile_await(HOSTILE_ANSWER_MS) && hostile.answer.op == VSOCK_OP_RESPONSE;
}

/* -- Verdicts -- */

/* The first packet that is neither credit nor data. */
enum verdict hostile_judge(void)
{
	do {
		if (!hostile_await(HOSTILE_SILENT_MS))
			return has_failed() ? VERDICT_NEEDS_RESET : VERDICT_SILENT;
	} while (hostile.answer.op == VSOCK_OP_CREDIT_UPDATE || hostile.answer.op == VSOCK_OP_RW ||
		 hostile.answer.op == VSOCK_OP_CREDIT_REQUEST);
	return hostile.answer.op == VSOCK_OP_RST ? VERDICT_RESET : VERDICT_WRONG;
}

enum verdict hostile_judge_refusal(void)
{
	enum verdict verdict = hostile_judge();

	return verdict == VERDICT_RESET ? VERDICT_REFUSED : verdict;
}

/* The device tells the connection's credit when it is asked. */
enum verdict hostile_judge_open(void)
{
	hostile_send_op(VSOCK_OP_CREDIT_REQUEST, 0);
	if (!hostile_await(HOSTILE_ANSWER_MS))
		return has_failed() ? VERDICT_NEEDS_RESET : VERDICT_SILENT;
	return hostile.answer.op == VSOCK_OP_CREDIT_UPDATE ? VERDICT_OPEN : hostile_judge();
}

/* As many RSTs as there were packets, and then none. */
enum verdict hostile_judge_all(uint32_t count)
{
	while (count-- > 0)
		if (!hostile_await(HOSTILE_ANSWER_MS) || hostile.answer.op != VSOCK_OP_RST)
			return VERDICT_WRONG;
	return hostile_await(HOSTILE_SILENT_MS) ? VERDICT_WRONG : VERDICT_REFUSED;
}

/* -- The runner -- */

static void prepare_raw(void)
{
	const struct vsock_header header = hostile_header_for(VSOCK_OP_REQUEST);

	memcpy(hostile.raw, &header, sizeof(header));
}

struct list {
	const struct hostile_case *cases;
	bool offers_nothing; /* of receive buffers */
	bool is_connected;
};

static const struct list lists[] = {
	{hostile_stray_cases, false, false},    {hostile_stream_cases, false, true},
	{hostile_transmit_cases, false, false}, {hostile_receive_cases, true, false},
	{hostile_race_cases, false, false},
};

static enum verdict run(const struct list *list, const struct hostile_case *hostile_case)
{
	hostile.vsock.offers_nothing = list->offers_nothing;
	if (!vsock_restart(&hostile.vsock))
		return VERDICT_WRONG;
	prepare_raw();
	if (list->is_connected && !connect_raw())
		return VERDICT_WRONG;
	if (hostile_case->attack != NULL)
		hostile_case->attack();
	return hostile_case->judge();
}

/* Returns what the device cannot, or NULL. */
static const char *find_failure(void)
{
	hostile.vsock.offers_nothing = false;
	if (!vsock_restart(&hostile.vsock))
		return "start";
	return connect_raw() && hostile_judge_open() == VERDICT_OPEN ? NULL : "connect";
}

static bool run_and_recover(const struct list *list, const struct hostile_case *hostile_case)
{
	enum verdict verdict = run(list, hostile_case);
	const char *failure = find_failure();

	print("%s: %s", hostile_case->name, verdict_names[verdict]);
	if (verdict != hostile_case->expected)
		print(", but %s was expected", verdict_names[hostile_case->expected]);
	if (failure != NULL)
		print(", but after its reset the device does not %s", failure);
	print("\n");
	return verdict == hostile_case->expected && failure == NULL;
}

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

static void visit(const struct list *list, const char *option, struct tally *tally)
{
	bool is_only_listed = is_named(option, "list");
	bool is_race = list->cases == hostile_race_cases;
	bool all = is_named(option, is_race ? "races" : "all") || (is_only_listed && !is_race);

	for (const struct hostile_case *at = list->cases; at->name != NULL; at++) {
		if (!all && !is_named(option, at->name))
			continue;
		tally->done++;
		if (is_only_listed)
			print("%s\n", at->name);
		else if (!run_and_recover(list, at))
			tally->failed++;
	}
}

int guest_main(void)
{
	const char *option = boot_option("case=");
	struct tally tally = {0, 0};
	const char *failure;

	clock_start();
	if (!vsock_open(&hostile.vsock))
		return 1;
	hostile.raw = heap_take(HOSTILE_RAW_BYTES, HOSTILE_DATA_BYTES);
	failure = find_failure();
	if (failure != NULL) {
		print("the device does not %s\n", failure);
		return 1;
	}
	for (uint32_t at = 0; at < sizeof(lists) / sizeof(lists[0]); at++)
		visit(&lists[at], option == NULL ? "all" : option, &tally);
	if (tally.done == 0)
		return 2;
	return tally.failed == 0 ? 0 : 3;
}
