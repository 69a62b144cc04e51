/* SPDX-License-Identifier: MIT */
/* tests/unit/test_vsock_cell.c - what the vsock benchmark makes of its client's runs and VMs'
 * results. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "benches/vsock_cell.h"

static const struct vsock_events untouched = {.exits = 42, .interrupts = 7};

static int parse(const char *text, struct vsock_events *events)
{
	*events = untouched;
	return vsock_parse_result(text, strlen(text), events);
}

static void is_refused(const char *text)
{
	struct vsock_events events;

	assert_int_equal(parse(text, &events), -EPROTO);
	assert_memory_equal(&events, &untouched, sizeof(events));
}

static void near(double got, double wanted)
{
	assert_true(got > wanted * 0.999999 && got < wanted * 1.000001);
}

/* 2000 in half a second: 250 us each, of which 1.5 processors were in use. */
static void test_round_trips(void **state)
{
	const struct vsock_run run = {
		.count = 2000,
		.elapsed_ns = 500000000,
		.p50_us = 240,
		.p99_us = 310.5,
		.processors = 1.5,
		.whole_count = 2500,
		.events = {.exits = 7500, .interrupts = 5000},
	};

	(void)state;
	near(vsock_figure_of(&run, VSOCK_ROUND_TRIP_P50), 240);
	near(vsock_figure_of(&run, VSOCK_ROUND_TRIP_P99), 310.5);
	near(vsock_figure_of(&run, VSOCK_ROUND_TRIP_CPU), 375);
	near(vsock_figure_of(&run, VSOCK_ROUND_TRIP_EXITS), 3);
	near(vsock_figure_of(&run, VSOCK_ROUND_TRIP_INTERRUPTS), 2);
	near(vsock_figure_of(&run, VSOCK_LONE_ROUND_TRIP_P50), 240);
	near(vsock_figure_of(&run, VSOCK_LONE_ROUND_TRIP_P99), 310.5);
	near(vsock_figure_of(&run, VSOCK_LONE_ROUND_TRIP_CPU), 375);
	near(vsock_figure_of(&run, VSOCK_LONE_ROUND_TRIP_EXITS), 3);
	near(vsock_figure_of(&run, VSOCK_LONE_ROUND_TRIP_INTERRUPTS), 2);
}

static void test_connections(void **state)
{
	const struct vsock_run run = {
		.count = 1000,
		.elapsed_ns = 250000000,
		.processors = 2,
		.whole_count = 1200,
		.events = {.exits = 6000, .interrupts = 1800},
	};

	(void)state;
	near(vsock_figure_of(&run, VSOCK_CONNECT_RATE), 4000);
	near(vsock_figure_of(&run, VSOCK_CONNECT_CPU), 500);
	near(vsock_figure_of(&run, VSOCK_CONNECT_EXITS), 5);
	near(vsock_figure_of(&run, VSOCK_CONNECT_INTERRUPTS), 1.5);
}

/* 1.25 GB in half a second: 20 Gbit/s. */
static void test_bulk(void **state)
{
	const struct vsock_run run = {
		.bytes = 1250000000,
		.elapsed_ns = 500000000,
		.processors = 2,
	};

	(void)state;
	near(vsock_figure_of(&run, VSOCK_HOST_TO_GUEST_RATE), 20);
	near(vsock_figure_of(&run, VSOCK_GUEST_TO_HOST_RATE), 20);
	near(vsock_figure_of(&run, VSOCK_HOST_TO_GUEST_CPU), 100); /* milliseconds for a Gbit */
	near(vsock_figure_of(&run, VSOCK_GUEST_TO_HOST_CPU), 100);
}

static void test_result(void **state)
{
	struct vsock_events events;

	(void)state;
	assert_int_equal(parse("{\"outcome\":\"exit\",\"counters\":{\"port_exits\":70,"
			       "\"mmio_exits\":900,\"other_exits\":3,\"device_interrupts\":400}}\n",
			       &events),
			 0);
	assert_int_equal(events.exits, 973);
	assert_int_equal(events.interrupts, 400);
}

static void test_other_results(void **state)
{
	(void)state;
	is_refused("");
	is_refused("[1]");
	is_refused("{}");
	is_refused("{\"counters\":{}}");
	is_refused("{\"port_exits\":1,\"mmio_exits\":1,\"other_exits\":1,\"device_interrupts\":1}");
	is_refused("{\"counters\":{\"port_exits\":1,\"mmio_exits\":1,\"other_exits\":1}}");
	is_refused("{\"counters\":{\"port_exits\":1,\"mmio_exits\":1,\"other_exits\":1,"
		   "\"device_interrupts\":-1}}");
	is_refused("{\"counters\":{\"port_exits\":1,\"mmio_exits\":1.5,\"other_exits\":1,"
		   "\"device_interrupts\":1}}");
	is_refused("{\"counters\":{\"port_exits\":1,\"mmio_exits\":1,\"other_exits\":1,"
		   "\"device_interrupts\":1}");
}

static void test_beyond(void **state)
{
	const struct vsock_events many = {.exits = 100, .interrupts = 10};
	const struct vsock_events few = {.exits = 40, .interrupts = 12};
	struct vsock_events left = vsock_events_beyond(many, few);

	(void)state;
	assert_int_equal(left.exits, 60);
	assert_int_equal(left.interrupts, 0);
}

/* Each cell has a figure, and each figure a name of its own. */
static void test_tables(void **state)
{
	(void)state;
	for (unsigned int cell = 0; cell < VSOCK_CELLS; cell++) {
		unsigned int count = 0;

		for (unsigned int figure = 0; figure < VSOCK_FIGURES; figure++)
			count += vsock_figures[figure].cell == cell;
		assert_true(count >= 2);
		assert_non_null(vsock_cells[cell].name);
	}
	for (unsigned int at = 0; at < VSOCK_FIGURES; at++)
		for (unsigned int other = 0; other < at; other++)
			assert_string_not_equal(vsock_figures[at].metric,
						vsock_figures[other].metric);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),   cmocka_unit_test(test_connections),
		cmocka_unit_test(test_bulk),          cmocka_unit_test(test_result),
		cmocka_unit_test(test_other_results), cmocka_unit_test(test_beyond),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
