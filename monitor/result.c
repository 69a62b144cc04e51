/* SPDX-License-Identifier: MIT */
/* monitor/result.c - see result.h. */
#include "monitor/result.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)

enum {
	ARENA_BYTES = 1 << 19, /* several times what the longest report takes */
	ARENA_ALIGN = 16,
};

static _Alignas(ARENA_ALIGN) char arena[ARENA_BYTES];
static size_t arena_used_bytes;

static void *take(size_t bytes)
{
	void *taken = arena + arena_used_bytes;

	if (bytes > sizeof(arena) - arena_used_bytes - ARENA_ALIGN)
		return NULL;
	arena_used_bytes += (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	return taken;
}

static void give_back(void *taken)
{
	(void)taken;
}

/*
 * A launcher that has sealed itself cannot get memory from the kernel any more, so a report is made
 * in an arena, which the next report overwrites.  Nothing that jansson made before is in use.
 */
static void use_arena(void)
{
	arena_used_bytes = 0;
	json_set_alloc_funcs(take, give_back);
}

static json_t *trace_array(const struct run_state *state)
{
	struct trace_stamp stamps[TRACE_STAMPS_MAX];
	unsigned int count = trace_read(&state->trace, stamps);
	json_t *array = json_array();

	for (unsigned int i = 0; i < count; i++) {
		json_t *stamp = json_pack("{s:s, s:I}", "stage", trace_stage_name(stamps[i].stage),
					  "ns", (json_int_t)stamps[i].ns);

		if (stamps[i].stage == TRACE_GUEST_STAGE)
			json_object_set_new(stamp, "value", json_integer(stamps[i].value));
		if (trace_value_name(&stamps[i]))
			json_object_set_new(stamp, "value",
					    json_string(trace_value_name(&stamps[i])));
		json_array_append_new(array, stamp);
	}
	return array;
}

static json_t *costs_object(const uint32_t *costs_ns)
{
	json_t *object = json_object();

	for (unsigned int piece = 0; piece < JAIL_PIECES; piece++)
		if (costs_ns[piece])
			json_object_set_new(object, jail_piece_name((enum jail_piece)piece),
					    json_integer(costs_ns[piece]));
	return object;
}

/* The stages, and what each piece of the jail took of them. */
static void set_trace(json_t *object, const struct run_state *state)
{
	json_object_set_new(object, "trace", trace_array(state));
	json_object_set_new(object, "jail_ns",
			    json_pack("{s:o, s:o}", "launcher",
				      costs_object(state->costs.launcher_ns), "vm_process",
				      costs_object(state->costs.vm_process_ns)));
}

#define COUNTER(name)                                      \
	{                                                  \
#name, offsetof(struct run_counters, name) \
	}

static const struct {
	const char *name;
	size_t offset;
} counter_table[] = {
	COUNTER(port_exits),
	COUNTER(mmio_exits),
	COUNTER(other_exits),
	COUNTER(unclaimed_reads),
	COUNTER(unclaimed_writes),
	COUNTER(console_bytes),
	COUNTER(console_dropped_bytes),
	COUNTER(device_faults),
	COUNTER(device_refused),
	COUNTER(device_host_errors),
	COUNTER(device_interrupts),
	COUNTER(disk_reads),
	COUNTER(disk_writes),
	COUNTER(disk_flushes),
	COUNTER(disk_read_bytes),
	COUNTER(disk_written_bytes),
	COUNTER(disk_throttled),
	COUNTER(net_received_frames),
	COUNTER(net_received_bytes),
	COUNTER(net_received_dropped),
	COUNTER(net_sent_frames),
	COUNTER(net_sent_bytes),
	COUNTER(net_sent_dropped),
	COUNTER(net_throttled),
	COUNTER(vsock_guest_connections),
	COUNTER(vsock_host_connections),
	COUNTER(vsock_refused),
	COUNTER(vsock_resets),
	COUNTER(vsock_to_guest_bytes),
	COUNTER(vsock_from_guest_bytes),
};

/* Each counter has its row; console_errno, which comes last, is none. */
static_assert(sizeof(counter_table) / sizeof(*counter_table) ==
		      offsetof(struct run_counters, console_errno) / sizeof(uint64_t),
	      "a counter is left out");

static json_t *counters_object(const struct run_counters *counters)
{
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(counter_table) / sizeof(*counter_table); i++) {
		uint64_t value;

		memcpy(&value, (const char *)counters + counter_table[i].offset, sizeof(value));
		json_object_set_new(object, counter_table[i].name, json_integer((json_int_t)value));
	}
	return object;
}

static json_t *outcome_object(const struct result *result)
{
	json_t *object = json_pack("{s:s, s:I, s:i}", "outcome", outcome_name(result->outcome.kind),
				   "code", (json_int_t)result->outcome.code, "status",
				   result->status);

	if (result->id)
		json_object_set_new(object, "id", json_string(result->id));
	return object;
}

/*
 * Wait until there is room.  A pipe that has some takes PIPE_BUF bytes, which is more than a report
 * has but for stamps of the guest's own; a socket takes more.
 */
static int wait_for_room(int fd, uint64_t give_up_ns)
{
	struct pollfd sink = {.fd = fd, .events = POLLOUT};
	int ready;

	do {
		uint64_t now_ns = trace_now_ns();

		if (now_ns >= give_up_ns)
			return -ETIMEDOUT;
		ready = poll(&sink, 1, (int)((give_up_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS));
	} while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return -errno;
	return ready == 0 ? -ETIMEDOUT : 0;
}

uint64_t result_give_up_ns(void)
{
	return trace_now_ns() + RESULT_PATIENCE_MS * NS_PER_MS;
}

static uint64_t give_up_ns_of(const struct result *result)
{
	return result->give_up_ns ? result->give_up_ns : result_give_up_ns();
}

int result_wait_for_room(int fd, const struct result *result)
{
	return wait_for_room(fd, give_up_ns_of(result));
}

/* In one write, where it is taken whole. */
static int write_all(int fd, const char *bytes, size_t count, uint64_t give_up_ns)
{
	for (size_t done = 0; done < count;) {
		int error = wait_for_room(fd, give_up_ns);
		ssize_t written;

		if (error)
			return error;
		written = write(fd, bytes + done, count - done);
		if (written >= 0)
			done += (size_t)written;
		else if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
	return 0;
}

static int write_object(int fd, json_t *object, const struct result *result)
{
	char *text = json_dumps(object, JSON_COMPACT);
	size_t length;

	if (!text)
		return -ENOMEM;
	length = strlen(text);
	/* The terminating NUL becomes the newline, so that the line is one write. */
	text[length] = '\n';
	return write_all(fd, text, length + 1, give_up_ns_of(result));
}

int result_write(int fd, const struct result *result)
{
	json_t *object;

	use_arena();
	object = outcome_object(result);
	if (result->state) {
		json_object_set_new(object, "counters", counters_object(&result->state->counters));
		set_trace(object, result->state);
	}
	return write_object(fd, object, result);
}

int result_write_metrics(int fd, const struct result *result)
{
	json_t *object;

	use_arena();
	object = outcome_object(result);
	if (result->state)
		json_object_update_new(object, counters_object(&result->state->counters));
	return write_object(fd, object, result);
}

int result_write_trace(int fd, const struct result *result)
{
	json_t *object;

	use_arena();
	object = json_pack("{s:[]}", "trace");
	if (result->state)
		set_trace(object, result->state);
	return write_object(fd, object, result);
}
