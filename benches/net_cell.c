/* SPDX-License-Identifier: MIT */
/* benches/net_cell.c - see net_cell.h. */
#include "benches/net_cell.h"

#include <errno.h>
#include <jansson.h>

#define NS_PER_S      1e9
#define NS_PER_US     1e3
#define US_PER_S      1e6
#define MS_PER_S      1e3
#define BITS_PER_GBIT 1e9

/* Large frames come in buffers of a page each, as they do in Linux. */
const struct net_cell_text net_cells[NET_CELLS] = {
	[NET_ROUND_TRIP] = {"rtt", "round trip of a datagram in 64 bytes", "runs=round-trip:64",
			    NET_TRAFFIC_ECHO, true},
	[NET_SMALL_TX] = {"pps.tx", "frames of 64 bytes, guest to host", "runs=send:64",
			  NET_TRAFFIC_NONE, true},
	[NET_SMALL_RX] = {"pps.rx", "frames of 64 bytes, host to guest", "runs=receive",
			  NET_TRAFFIC_SMALL, false},
	[NET_LARGE_TX] = {"gbit.tx", "TSO frames of 64 KiB, guest to host", "runs=send-tso",
			  NET_TRAFFIC_NONE, true},
	[NET_LARGE_RX] = {"gbit.rx", "TSO frames of 64 KiB, host to guest",
			  "runs=receive rx_buffer=4096", NET_TRAFFIC_LARGE, false},
};

/* Microseconds for a frame are seconds for a million of them. */
const struct net_figure_text net_figures[NET_FIGURES] = {
	[NET_ROUND_TRIP_P50] = {"net.rtt_us", "us", NET_ROUND_TRIP, false},
	[NET_ROUND_TRIP_P99] = {"net.rtt_p99_us", "us", NET_ROUND_TRIP, false},
	[NET_ROUND_TRIP_CPU] = {"net.rtt.cpu_us", "us", NET_ROUND_TRIP, false},
	[NET_SMALL_TX_RATE] = {"net.pps.tx", "1/s", NET_SMALL_TX, true},
	[NET_SMALL_TX_CPU] = {"net.pps.tx.cpu_s_per_million", "s", NET_SMALL_TX, false},
	[NET_SMALL_RX_RATE] = {"net.pps.rx", "1/s", NET_SMALL_RX, true},
	[NET_SMALL_RX_CPU] = {"net.pps.rx.cpu_s_per_million", "s", NET_SMALL_RX, false},
	[NET_LARGE_TX_RATE] = {"net.gbit.tx", "Gbit/s", NET_LARGE_TX, true},
	[NET_LARGE_TX_CPU] = {"net.gbit.tx.cpu_ms_per_gbit", "ms", NET_LARGE_TX, false},
	[NET_LARGE_RX_RATE] = {"net.gbit.rx", "Gbit/s", NET_LARGE_RX, true},
	[NET_LARGE_RX_CPU] = {"net.gbit.rx.cpu_ms_per_gbit", "ms", NET_LARGE_RX, false},
};

double net_figure_of(const struct net_run *run, enum net_figure figure)
{
	double seconds = (double)run->elapsed_ns / NS_PER_S;
	double frames_per_s = (double)run->frames / seconds;
	double gbit_per_s = (double)run->bytes * 8 / BITS_PER_GBIT / seconds;

	switch (figure) {
	case NET_ROUND_TRIP_P50: return run->p50_us;
	case NET_ROUND_TRIP_P99: return run->p99_us;
	case NET_SMALL_TX_RATE:
	case NET_SMALL_RX_RATE: return frames_per_s;
	case NET_ROUND_TRIP_CPU:
	case NET_SMALL_TX_CPU:
	case NET_SMALL_RX_CPU: return run->processors * US_PER_S / frames_per_s;
	case NET_LARGE_TX_RATE:
	case NET_LARGE_RX_RATE: return gbit_per_s;
	case NET_LARGE_TX_CPU:
	case NET_LARGE_RX_CPU: return run->processors * MS_PER_S / gbit_per_s;
	case NET_FIGURES: break;
	}
	return 0;
}

static bool get_count(const json_t *object, const char *key, uint64_t *count)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) <= 0)
		return false;
	*count = (uint64_t)json_integer_value(value);
	return true;
}

/* 0 where there is none: only round trips have percentiles. */
static double get_us(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key)) / NS_PER_US;
}

int net_parse_guest_line(const char *text, size_t length, struct net_run *run)
{
	json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	struct net_run read = {
		.p50_us = get_us(object, "p50_ns"),
		.p99_us = get_us(object, "p99_ns"),
	};
	bool is_good = get_count(object, "frames", &read.frames) &&
		       get_count(object, "bytes", &read.bytes) &&
		       get_count(object, "elapsed_ns", &read.elapsed_ns);

	json_decref(object);
	if (!is_good)
		return -EPROTO;
	*run = read;
	return 0;
}
