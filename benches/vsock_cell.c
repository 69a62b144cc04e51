/* SPDX-License-Identifier: MIT */
/* benches/vsock_cell.c - see vsock_cell.h. */
#include "benches/vsock_cell.h"

#include <errno.h>
#include <jansson.h>

#define NS_PER_S      1e9
#define US_PER_S      1e6
#define MS_PER_S      1e3
#define BITS_PER_GBIT 1e9

/* The ports of tests/guests/vsock_bench.c. */
const struct vsock_cell_text vsock_cells[VSOCK_CELLS] = {
	[VSOCK_ROUND_TRIP] = {"rtt", "round trip of 64 bytes, host to guest and back", 7},
	[VSOCK_LONE_ROUND_TRIP] = {"rtt-lone", "the same, each 1 ms after the one before", 7},
	[VSOCK_CONNECT] = {"connect", "connections begun by the host, one after the other", 9},
	[VSOCK_HOST_TO_GUEST] = {"gbit.h2g", "64 KiB at a time, host to guest", 9},
	[VSOCK_GUEST_TO_HOST] = {"gbit.g2h", "64 KiB at a time, guest to host", 19},
};

const struct vsock_figure_text vsock_figures[VSOCK_FIGURES] = {
	[VSOCK_ROUND_TRIP_P50] = {"vsock.rtt_us", "us", VSOCK_ROUND_TRIP, false, false},
	[VSOCK_ROUND_TRIP_P99] = {"vsock.rtt_p99_us", "us", VSOCK_ROUND_TRIP, false, false},
	[VSOCK_ROUND_TRIP_CPU] = {"vsock.rtt.cpu_us", "us", VSOCK_ROUND_TRIP, false, false},
	[VSOCK_ROUND_TRIP_EXITS] = {"vsock.rtt.exits", "1", VSOCK_ROUND_TRIP, false, true},
	[VSOCK_ROUND_TRIP_INTERRUPTS] = {"vsock.rtt.interrupts", "1", VSOCK_ROUND_TRIP, false,
					 true},
	[VSOCK_LONE_ROUND_TRIP_P50] = {"vsock.rtt_lone_us", "us", VSOCK_LONE_ROUND_TRIP, false,
				       false},
	[VSOCK_LONE_ROUND_TRIP_P99] = {"vsock.rtt_lone_p99_us", "us", VSOCK_LONE_ROUND_TRIP, false,
				       false},
	[VSOCK_LONE_ROUND_TRIP_CPU] = {"vsock.rtt_lone.cpu_us", "us", VSOCK_LONE_ROUND_TRIP, false,
				       false},
	[VSOCK_LONE_ROUND_TRIP_EXITS] = {"vsock.rtt_lone.exits", "1", VSOCK_LONE_ROUND_TRIP, false,
					 true},
	[VSOCK_LONE_ROUND_TRIP_INTERRUPTS] = {"vsock.rtt_lone.interrupts", "1",
					      VSOCK_LONE_ROUND_TRIP, false, true},
	[VSOCK_CONNECT_RATE] = {"vsock.connections_per_s", "1/s", VSOCK_CONNECT, true, false},
	[VSOCK_CONNECT_CPU] = {"vsock.connection.cpu_us", "us", VSOCK_CONNECT, false, false},
	[VSOCK_CONNECT_EXITS] = {"vsock.connection.exits", "1", VSOCK_CONNECT, false, true},
	[VSOCK_CONNECT_INTERRUPTS] = {"vsock.connection.interrupts", "1", VSOCK_CONNECT, false,
				      true},
	[VSOCK_HOST_TO_GUEST_RATE] = {"vsock.gbit.h2g", "Gbit/s", VSOCK_HOST_TO_GUEST, true, false},
	[VSOCK_HOST_TO_GUEST_CPU] = {"vsock.gbit.h2g.cpu_ms_per_gbit", "ms", VSOCK_HOST_TO_GUEST,
				     false, false},
	[VSOCK_GUEST_TO_HOST_RATE] = {"vsock.gbit.g2h", "Gbit/s", VSOCK_GUEST_TO_HOST, true, false},
	[VSOCK_GUEST_TO_HOST_CPU] = {"vsock.gbit.g2h.cpu_ms_per_gbit", "ms", VSOCK_GUEST_TO_HOST,
				     false, false},
};

double vsock_figure_of(const struct vsock_run *run, enum vsock_figure figure)
{
	double seconds = (double)run->elapsed_ns / NS_PER_S;
	double count_per_s = (double)run->count / seconds;
	double gbit_per_s = (double)run->bytes * 8 / BITS_PER_GBIT / seconds;

	switch (figure) {
	case VSOCK_ROUND_TRIP_P50:
	case VSOCK_LONE_ROUND_TRIP_P50: return run->p50_us;
	case VSOCK_ROUND_TRIP_P99:
	case VSOCK_LONE_ROUND_TRIP_P99: return run->p99_us;
	case VSOCK_CONNECT_RATE: return count_per_s;
	case VSOCK_ROUND_TRIP_CPU:
	case VSOCK_LONE_ROUND_TRIP_CPU:
	case VSOCK_CONNECT_CPU: return run->processors * US_PER_S / count_per_s;
	case VSOCK_ROUND_TRIP_EXITS:
	case VSOCK_LONE_ROUND_TRIP_EXITS:
	case VSOCK_CONNECT_EXITS: return (double)run->events.exits / (double)run->whole_count;
	case VSOCK_ROUND_TRIP_INTERRUPTS:
	case VSOCK_LONE_ROUND_TRIP_INTERRUPTS:
	case VSOCK_CONNECT_INTERRUPTS:
		return (double)run->events.interrupts / (double)run->whole_count;
	case VSOCK_HOST_TO_GUEST_RATE:
	case VSOCK_GUEST_TO_HOST_RATE: return gbit_per_s;
	case VSOCK_HOST_TO_GUEST_CPU:
	case VSOCK_GUEST_TO_HOST_CPU: return run->processors * MS_PER_S / gbit_per_s;
	case VSOCK_FIGURES: break;
	}
	return 0;
}

/* Add what stands under the key. */
static bool add_count(const json_t *counters, const char *key, uint64_t *count)
{
	const json_t *value = json_object_get(counters, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*count += (uint64_t)json_integer_value(value);
	return true;
}

int vsock_parse_result(const char *text, size_t length, struct vsock_events *events)
{
	json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	const json_t *counters = json_object_get(object, "counters");
	struct vsock_events read = {0};
	bool is_good = add_count(counters, "mmio_exits", &read.exits) &&
		       add_count(counters, "port_exits", &read.exits) &&
		       add_count(counters, "other_exits", &read.exits) &&
		       add_count(counters, "device_interrupts", &read.interrupts);

	json_decref(object);
	if (!is_good)
		return -EPROTO;
	*events = read;
	return 0;
}

static uint64_t beyond(uint64_t count, uint64_t idle)
{
	return count > idle ? count - idle : 0;
}

struct vsock_events vsock_events_beyond(struct vsock_events events, struct vsock_events idle)
{
	return (struct vsock_events){
		.exits = beyond(events.exits, idle.exits),
		.interrupts = beyond(events.interrupts, idle.interrupts),
	};
}
