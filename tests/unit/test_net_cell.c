/* SPDX-License-Identifier: MIT */
/* tests/unit/test_net_cell.c - what the network benchmark makes of its guest's lines. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "benches/net_cell.h"

static const struct net_run untouched = {.frames = 42, .processors = 1};

static int parse(const char *text, struct net_run *run)
{
	*run = untouched;
	return net_parse_guest_line(text, strlen(text), run);
}

static void is_refused(const char *text)
{
	struct net_run run;

	assert_int_equal(parse(text, &run), -EPROTO);
	assert_memory_equal(&run, &untouched, sizeof(run));
}

static void near(double got, double wanted)
{
	assert_true(got > wanted * 0.999999 && got < wanted * 1.000001);
}

static void test_round_trip(void **state)
{
	struct net_run run;

	(void)state;
	assert_int_equal(parse("{\"mode\":\"round-trip\",\"frames\":2000,\"bytes\":128000,"
			       "\"elapsed_ns\":500000000,\"p50_ns\":240000,\"p99_ns\":310500}",
			       &run),
			 0);
	run.processors = 1.5;
	near(net_figure_of(&run, NET_ROUND_TRIP_P50), 240);
	near(net_figure_of(&run, NET_ROUND_TRIP_P99), 310.5);
	near(net_figure_of(&run, NET_ROUND_TRIP_CPU), 375);
}

/* 125,000 frames of 10,000 bytes in half a second: 250,000 a second, 20 Gbit/s. */
static void test_rates(void **state)
{
	static const enum net_figure rates[] = {NET_SMALL_TX_RATE, NET_SMALL_RX_RATE};
	static const enum net_figure gbits[] = {NET_LARGE_TX_RATE, NET_LARGE_RX_RATE};
	struct net_run run;

	(void)state;
	assert_int_equal(
		parse("{\"frames\":125000,\"bytes\":1250000000,\"elapsed_ns\":500000000}", &run),
		0);
	run.processors = 2;
	for (unsigned int way = 0; way < 2; way++) {
		near(net_figure_of(&run, rates[way]), 250000);
		near(net_figure_of(&run, gbits[way]), 20);
	}
	near(net_figure_of(&run, NET_SMALL_TX_CPU), 8); /* seconds for a million */
	near(net_figure_of(&run, NET_SMALL_RX_CPU), 8);
	near(net_figure_of(&run, NET_LARGE_TX_CPU), 100); /* milliseconds for a Gbit */
	near(net_figure_of(&run, NET_LARGE_RX_CPU), 100);
}

static void test_other_lines(void **state)
{
	(void)state;
	is_refused("");
	is_refused("ready receive");
	is_refused("[1]");
	is_refused("{}");
	is_refused("{\"frames\":1,\"bytes\":60}");
	is_refused("{\"frames\":0,\"bytes\":0,\"elapsed_ns\":500}");
	is_refused("{\"frames\":1,\"bytes\":60,\"elapsed_ns\":0}");
	is_refused("{\"frames\":-1,\"bytes\":60,\"elapsed_ns\":500}");
	is_refused("{\"frames\":1.5,\"bytes\":60,\"elapsed_ns\":500}");
	is_refused("{\"frames\":1,\"frames\":2,\"bytes\":60,\"elapsed_ns\":500}");
	is_refused("{\"frames\":1,\"bytes\":60,\"elapsed_ns\":500");
}

/* Each cell has a figure, and each figure a name of its own. */
static void test_tables(void **state)
{
	(void)state;
	for (unsigned int cell = 0; cell < NET_CELLS; cell++) {
		unsigned int count = 0;

		for (unsigned int figure = 0; figure < NET_FIGURES; figure++)
			count += net_figures[figure].cell == cell;
		assert_true(count >= 2);
		assert_non_null(net_cells[cell].name);
	}
	for (unsigned int at = 0; at < NET_FIGURES; at++)
		for (unsigned int other = 0; other < at; other++)
			assert_string_not_equal(net_figures[at].metric, net_figures[other].metric);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_other_lines),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
