/* SPDX-License-Identifier: MIT */
/* tests/unit/test_net_header.c - what a header in front of a frame may ask for. */
#include "virtio/net_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum {
	FRAME_BYTES = 1000,
	ECN = 0x80,
	GSO_UDP = 3,
	GSO_UDP_L4 = 5,
};

static const struct net_offloads none = {0};
static const struct net_offloads all = {.checksum = true, .tso4 = true, .tso6 = true};
static const struct net_header plain = {0};

/* A segment of TCP over IPv4, of a driver that does all as it should. */
static const struct net_header large = {
	.flags = NET_HEADER_NEEDS_CHECKSUM,
	.gso_type = NET_GSO_TCPV4,
	.header_bytes = 54,
	.gso_bytes = 500,
	.checksum_start = 34,
	.checksum_offset = 16,
};

static void expect(const struct net_header *header, const struct net_offloads *offloads, bool good)
{
	const char *why = net_header_refusal(header, offloads, FRAME_BYTES);

	if (good)
		assert_null(why);
	else
		assert_non_null(why);
}

static void a_plain_frame_is_always_right(void **state)
{
	(void)state;
	expect(&plain, &none, true);
	expect(&plain, &all, true);
	assert_null(net_header_refusal(&plain, &none, 0));
}

static void only_known_flags(void **state)
{
	(void)state;
	for (unsigned int flags = 2; flags < 256; flags++) {
		struct net_header header = {.flags = (uint8_t)flags};

		expect(&header, &all, false);
	}
}

static void a_checksum_has_to_be_negotiated(void **state)
{
	const struct net_header header = {
		.flags = NET_HEADER_NEEDS_CHECKSUM, .checksum_start = 34, .checksum_offset = 16};

	(void)state;
	expect(&header, &all, true);
	expect(&header, &none, false);
}

static void a_checksum_lies_within_the_frame(void **state)
{
	static const struct {
		uint16_t start;
		uint16_t offset;
		bool good;
	} cases[] = {
		{0, 0, true},
		{FRAME_BYTES - 2, 0, true},
		{0, FRAME_BYTES - 2, true},
		{500, 498, true},
		{500, 499, false},
		{FRAME_BYTES - 1, 0, false},
		{0, FRAME_BYTES - 1, false},
		{UINT16_MAX, UINT16_MAX, false},
		{UINT16_MAX, 0, false},
		/* Sums that would be small if they wrapped. */
		{UINT16_MAX, 1, false},
		{0x8000, 0x7fff, false},
		{0x8000, 0x8000, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_header header = {.flags = NET_HEADER_NEEDS_CHECKSUM,
					    .checksum_start = cases[i].start,
					    .checksum_offset = cases[i].offset};

		expect(&header, &all, cases[i].good);
	}
}

/* Two numbers that mean nothing without the flag. */
static void offsets_without_a_flag_are_not_looked_at(void **state)
{
	const struct net_header header = {.checksum_start = UINT16_MAX,
					  .checksum_offset = UINT16_MAX};

	(void)state;
	expect(&header, &none, true);
}

static void headers_lie_within_the_frame(void **state)
{
	struct net_header header = {.header_bytes = FRAME_BYTES};

	(void)state;
	expect(&header, &all, true);
	header.header_bytes++;
	expect(&header, &all, false);
}

static void each_kind_of_segmentation_has_to_be_negotiated(void **state)
{
	static const struct net_offloads only4 = {.checksum = true, .tso4 = true};
	static const struct net_offloads only6 = {.checksum = true, .tso6 = true};
	struct net_header header = large;

	(void)state;
	expect(&header, &all, true);
	expect(&header, &only4, true);
	expect(&header, &only6, false);
	header.gso_type = NET_GSO_TCPV6;
	expect(&header, &all, true);
	expect(&header, &only4, false);
	expect(&header, &only6, true);
}

static void segmentation_that_is_never_offered(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		struct net_header header = large;

		header.gso_type = (uint8_t)type;
		expect(&header, &all,
		       type == NET_GSO_NONE || type == NET_GSO_TCPV4 || type == NET_GSO_TCPV6);
	}
}

static void segmentation_needs_a_checksum_and_a_size(void **state)
{
	static const struct net_offloads strange = {.tso4 = true};
	struct net_header header = large;

	(void)state;
	header.flags = 0;
	expect(&header, &all, false);
	expect(&header, &strange, false);
	header = large;
	header.gso_bytes = 0;
	expect(&header, &all, false);
	header.gso_bytes = 1;
	expect(&header, &all, true);
}

/* -- The other direction -- */

static void a_received_checksum_that_was_not_negotiated(void **state)
{
	struct net_header header = {.flags = NET_HEADER_NEEDS_CHECKSUM};

	(void)state;
	assert_false(net_header_admit(&header, &none));
	assert_true(net_header_admit(&header, &all));
	assert_int_equal(header.flags, NET_HEADER_NEEDS_CHECKSUM);
}

/* The host says that it has looked at a checksum already; a frame without that word is as good. */
static void a_valid_checksum_is_told_to_who_asked(void **state)
{
	struct net_header header = {.flags = NET_HEADER_DATA_VALID};

	(void)state;
	assert_true(net_header_admit(&header, &all));
	assert_int_equal(header.flags, NET_HEADER_DATA_VALID);
	header.flags |= 0xf0;
	assert_true(net_header_admit(&header, &all));
	assert_int_equal(header.flags, NET_HEADER_DATA_VALID);
	assert_true(net_header_admit(&header, &none));
	assert_int_equal(header.flags, 0);
}

static void a_received_segment_that_was_not_negotiated(void **state)
{
	static const uint8_t types[] = {NET_GSO_TCPV4, NET_GSO_TCPV6, GSO_UDP, GSO_UDP_L4,
					NET_GSO_TCPV4 | ECN};
	struct net_header header = large;

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		header.gso_type = types[i];
		header.flags = 0;
		assert_false(net_header_admit(&header, &none));
		assert_int_equal(net_header_admit(&header, &all), i < 2);
	}
}

static void what_was_negotiated_stays_as_it_is(void **state)
{
	struct net_header header = large;

	(void)state;
	assert_true(net_header_admit(&header, &all));
	assert_memory_equal(&header, &large, sizeof(large));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_frame_is_always_right),
		cmocka_unit_test(only_known_flags),
		cmocka_unit_test(a_checksum_has_to_be_negotiated),
		cmocka_unit_test(a_checksum_lies_within_the_frame),
		cmocka_unit_test(offsets_without_a_flag_are_not_looked_at),
		cmocka_unit_test(headers_lie_within_the_frame),
		cmocka_unit_test(each_kind_of_segmentation_has_to_be_negotiated),
		cmocka_unit_test(segmentation_that_is_never_offered),
		cmocka_unit_test(segmentation_needs_a_checksum_and_a_size),
		cmocka_unit_test(a_received_checksum_that_was_not_negotiated),
		cmocka_unit_test(a_valid_checksum_is_told_to_who_asked),
		cmocka_unit_test(a_received_segment_that_was_not_negotiated),
		cmocka_unit_test(what_was_negotiated_stays_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
