/* SPDX-License-Identifier: MIT */
/* tests/unit/test_net_receive.c - frames that arrive, and the chains that they find. */
#include "tests/unit/net_board.h"

enum {
	LARGEST = HEADER_BYTES + NET_FRAME_MAX_BYTES,
	PLACES = 200, /* for buffers in guest memory */
	SPACING = 0x14000,
};

static const struct net_header plain = {0};

static uint64_t offset_of(uint16_t number)
{
	return number % PLACES * (uint64_t)SPACING;
}

/* Offer a chain of one buffer, filled with what the device should overwrite. */
static void offer(uint32_t bytes)
{
	struct fake_driver *driver = &board.drivers[RX];
	uint64_t offset = offset_of(driver->added);
	const struct fake_buffer buffer = {FAKE_DATA_GPA + offset, bytes, true};

	memset(at(RX, offset), NO_BYTE, bytes + 16);
	fake_driver_add(driver, &buffer, 1);
}

static void offer_many(unsigned int count, uint32_t bytes)
{
	while (count-- > 0)
		offer(bytes);
}

static void arrive_with(const struct net_header *header, uint32_t frame_bytes)
{
	make_frame(board.frame, header, frame_bytes);
	assert_int_equal(write(board.peer, board.frame, HEADER_BYTES + frame_bytes),
			 HEADER_BYTES + frame_bytes);
}

static void arrive(uint32_t frame_bytes)
{
	arrive_with(&plain, frame_bytes);
}

/* The next frame that the driver finds, over as many chains as its header says. */
static void expect_frame_with(const struct net_header *wanted, uint32_t frame_bytes,
			      unsigned int chains)
{
	uint8_t *expected = malloc(HEADER_BYTES + frame_bytes);
	struct net_header header = *wanted;
	uint32_t done = 0;

	assert_non_null(expected);
	header.buffer_count = (uint16_t)chains;
	make_frame(expected, &header, frame_bytes);
	for (unsigned int i = 0; i < chains; i++) {
		uint64_t offset = offset_of(board.drivers[RX].taken);
		int bytes = take_used(RX);

		assert_in_range(bytes, 1, HEADER_BYTES + frame_bytes - done);
		assert_memory_equal(at(RX, offset), expected + done, (size_t)bytes);
		done += (uint32_t)bytes;
	}
	assert_int_equal(done, HEADER_BYTES + frame_bytes);
	free(expected);
}

static void expect_frame(uint32_t frame_bytes, unsigned int chains)
{
	expect_frame_with(&plain, frame_bytes, chains);
}

static void expect_nothing(void)
{
	assert_int_equal(take_used(RX), -1);
}

static int begin_declining(void **state, uint64_t features)
{
	clear(state);
	begin(NET_PORT_TAP, VIRTIO_F_EVENT_IDX | features);
	return 0;
}

static int begin_unmerged(void **state)
{
	return begin_declining(state, VIRTIO_NET_F_MRG_RXBUF);
}

static int begin_small(void **state)
{
	return begin_declining(state, VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6);
}

/* -- Merged -- */

static void a_frame_is_read_into_one_chain_if_it_fits(void **state)
{
	static const uint32_t sizes[] = {14, 60, 1514, 2036};

	(void)state;
	offer_many(40, 2048);
	for (size_t i = 0; i < 4; i++)
		arrive(sizes[i]);
	serve_all();
	for (size_t i = 0; i < 4; i++)
		expect_frame(sizes[i], 1);
	expect_nothing();
	assert_int_equal(board.net.counters.received_frames, 4);
	assert_int_equal(board.net.counters.received_bytes, 14 + 60 + 1514 + 2036);
	assert_int_equal(board.net.counters.received_dropped, 0);
}

static void a_batch_is_one_interrupt(void **state)
{
	(void)state;
	offer_many(40, 2048);
	for (unsigned int i = 0; i < 20; i++)
		arrive(100 + i);
	serve_at(clock_ns());
	assert_int_equal(board.interrupts, 1);
	for (unsigned int i = 0; i < 20; i++)
		expect_frame(100 + i, 1);
}

/* The driver can offer what they lie in again before the queue is empty. */
static void a_batch_of_large_frames_is_told_of_on_the_way(void **state)
{
	(void)state;
	offer_many(120, 2048);
	for (unsigned int i = 0; i < 6; i++)
		arrive(30000);
	serve_at(clock_ns());
	assert_int_equal(board.net.counters.received_frames, 6);
	assert_int_equal(board.interrupts, 2);
	for (unsigned int i = 0; i < 6; i++)
		expect_frame(30000, 15);
}

static void a_frame_fills_as_many_chains_as_it_needs(void **state)
{
	(void)state;
	offer_many(150, 600);
	arrive(600 - HEADER_BYTES);
	arrive(600 - HEADER_BYTES + 1);
	arrive(NET_FRAME_MAX_BYTES);
	arrive(60);
	serve_all();
	expect_frame(600 - HEADER_BYTES, 1);
	expect_frame(600 - HEADER_BYTES + 1, 2);
	expect_frame(NET_FRAME_MAX_BYTES, (LARGEST + 599) / 600);
	expect_frame(60, 1);
	expect_nothing();
}

static void chains_of_different_and_odd_lengths(void **state)
{
	static const uint32_t sizes[] = {12, 13, 4000, 12, 100, 9000};

	(void)state;
	for (unsigned int i = 0; i < 60; i++)
		offer(sizes[i % 6]);
	arrive(60);   /* 12 + 13 + 47 of 4000 */
	arrive(60);   /* 12 + 60 of 100 */
	arrive(9000); /* 9000 + 12 */
	serve_all();
	expect_frame(60, 3);
	expect_frame(60, 2);
	expect_frame(9000, 2);
	expect_nothing();
}

/* A chain of 2 + 10 + 1 + rest: the header lies in several segments. */
static void any_division_into_descriptors(void **state)
{
	const uint64_t gpa = FAKE_DATA_GPA;
	const struct fake_buffer buffers[] = {
		{gpa, 2, true},      {gpa + 2, 10, true},     {gpa + 12, 1, true},
		{gpa + 13, 0, true}, {gpa + 13, 70000, true},
	};

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		fake_driver_add(&board.drivers[RX], buffers, 5);
		notify(RX);
		arrive(1000 + i);
		serve_all();
		assert_int_equal(take_used(RX), HEADER_BYTES + 1000 + i);
		board.frame[10] = 1; /* num_buffers */
		assert_memory_equal(at(RX, 0), board.frame, HEADER_BYTES + 1000 + i);
	}
}

static void only_as_many_chains_are_taken_as_a_frame_can_need(void **state)
{
	(void)state;
	offer_many(200, 1536);
	serve_at(clock_ns());
	assert_int_equal(board.net.device.queues[RX].next_avail, (LARGEST + 1535) / 1536);
	for (unsigned int i = 0; i < 30; i++)
		arrive(60);
	serve_all();
	assert_int_equal(board.net.device.queues[RX].next_avail, 30 + (LARGEST + 1535) / 1536);
	for (unsigned int i = 0; i < 30; i++)
		expect_frame(60, 1);
}

static void one_chain_is_enough_where_no_large_frame_comes(void **state)
{
	(void)state;
	offer_many(200, 1536);
	serve_at(clock_ns());
	assert_int_equal(board.net.device.queues[RX].next_avail, 1);
	/* One comes all the same, from a host with a larger MTU. */
	arrive(9000);
	arrive(60);
	serve_all();
	expect_frame(9000, 6);
	expect_frame(60, 1);
}

static void a_frame_is_seen_whole_or_not_at_all(void **state)
{
	(void)state;
	offer_many(3, 600);
	arrive(2000);
	serve_all();
	assert_int_equal(board.drivers[RX].used[1], 0);
	assert_int_equal(board.interrupts, 0);
	offer(600);
	notify(RX);
	serve_all();
	assert_int_equal(board.drivers[RX].used[1], 4);
	assert_int_equal(board.interrupts, 1);
	expect_frame(2000, 4);
}

static void a_spilled_frame_waits_for_room(void **state)
{
	(void)state;
	offer(100);
	arrive(NET_FRAME_MAX_BYTES);
	arrive(60);
	serve_all();
	expect_nothing();
	for (unsigned int i = 0; i < 6; i++) {
		offer(10000);
		notify(RX);
		serve_all();
		expect_nothing();
	}
	offer(10000);
	notify(RX);
	serve_all();
	expect_frame(NET_FRAME_MAX_BYTES, 8);
	offer(200);
	notify(RX);
	serve_all();
	expect_frame(60, 1);
	assert_int_equal(board.net.counters.received_dropped, 0);
}

/* The driver may have no more to give: what it waits for itself is what this frame holds. */
static void a_spilled_frame_does_not_wait_forever(void **state)
{
	uint64_t give_up_ns;

	(void)state;
	offer_many(3, 600);
	arrive(3000);
	arrive(61);
	serve_all();
	expect_nothing();
	give_up_ns = board.net.device.due_ns;
	assert_in_range(give_up_ns, clock_ns(), clock_ns() + SECOND_NS / 5);
	/* A little more room does not make it wait any longer. */
	offer(600);
	notify(RX);
	serve_at(clock_ns());
	assert_int_equal(board.net.device.due_ns, give_up_ns);
	board.net.give_up_ns = clock_ns();
	serve_at(give_up_ns);
	expect_frame(61, 1);
	assert_int_equal(board.net.counters.received_dropped, 1);
	assert_int_equal(board.refusals, 1);
	assert_int_equal(board.net.device.due_ns, VIRTIO_NEVER);
}

/* As long as the first did. */
static void each_frame_may_wait_anew(void **state)
{
	uint64_t first_ns;

	(void)state;
	offer(600);
	arrive(1000);
	serve_all();
	first_ns = board.net.device.due_ns;
	offer(600);
	notify(RX);
	serve_all();
	expect_frame(1000, 2);
	offer(600);
	arrive(1000);
	notify(RX);
	serve_all();
	expect_nothing();
	assert_true(board.net.device.due_ns > first_ns);
	assert_true(board.net.device.due_ns != VIRTIO_NEVER);
}

/* 256 chains of 13 bytes hold no more than 3328. */
static void a_frame_that_can_never_fit_is_dropped(void **state)
{
	(void)state;
	offer_many(QUEUE_SIZE_MAX, 13);
	arrive(5000);
	arrive(60);
	serve_all();
	expect_frame(60, 6);
	expect_nothing();
	assert_int_equal(board.net.counters.received_dropped, 1);
	assert_int_equal(board.refusals, 1);
}

/* Offer a chain of 256 segments of one byte each, by a table of its own. */
static void offer_single_bytes(unsigned int number)
{
	struct fake_driver *driver = &board.drivers[RX];
	uint64_t table_offset = 0x100000 + number * UINT64_C(0x1000);
	struct fake_buffer table = {FAKE_DATA_GPA + table_offset, 0x1000, false};
	struct queue_descriptor *descriptors = at(RX, table_offset);
	uint16_t head = fake_driver_chain(driver, &table, 1);

	for (unsigned int i = 0; i < QUEUE_SIZE_MAX; i++)
		descriptors[i] = (struct queue_descriptor){
			.gpa = FAKE_DATA_GPA + number * QUEUE_SIZE_MAX + i,
			.length = 1,
			.flags = QUEUE_DESCRIPTOR_WRITE | (i < 255 ? QUEUE_DESCRIPTOR_NEXT : 0),
			.next = (uint16_t)(i + 1),
		};
	driver->descriptors[head].flags = QUEUE_DESCRIPTOR_INDIRECT;
	fake_driver_offer(driver, head);
}

/* The list of segments is full before the frame fits. */
static void more_segments_than_one_read_can_take(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 9; i++)
		offer_single_bytes(i);
	arrive(5000);
	arrive(500);
	serve_all();
	assert_int_equal(take_used(RX), 256);
	assert_int_equal(take_used(RX), 256);
	expect_nothing();
	board.frame[10] = 2; /* num_buffers */
	assert_memory_equal(at(RX, 0), board.frame, 512);
	assert_int_equal(board.net.counters.received_frames, 1);
	assert_int_equal(board.net.counters.received_dropped, 1);
}

/* -- Not merged -- */

static void without_merging_a_frame_has_one_chain(void **state)
{
	(void)state;
	offer_many(4, 70000);
	arrive(60);
	arrive(NET_FRAME_MAX_BYTES);
	serve_all();
	expect_frame(60, 1);
	expect_frame(NET_FRAME_MAX_BYTES, 1);
	expect_nothing();
}

static void without_merging_what_does_not_fit_is_dropped(void **state)
{
	(void)state;
	offer(1000);
	offer(3000);
	arrive(1000 - HEADER_BYTES + 1);
	arrive(1000 - HEADER_BYTES);
	serve_all();
	expect_frame(1000 - HEADER_BYTES, 1);
	expect_nothing();
	assert_int_equal(board.net.counters.received_dropped, 1);
	assert_int_equal(board.refusals, 1);
	arrive(2000);
	serve_all();
	expect_frame(2000, 1);
}

/* -- Headers -- */

static void offloads_that_were_negotiated_pass_through(void **state)
{
	const struct net_header header = {
		.flags = NET_HEADER_NEEDS_CHECKSUM,
		.gso_type = NET_GSO_TCPV6,
		.header_bytes = 74,
		.gso_bytes = 1428,
		.checksum_start = 54,
		.checksum_offset = 16,
		.buffer_count = 999, /* not the host's to say */
	};

	(void)state;
	offer_many(3, 70000);
	arrive_with(&header, 50000);
	serve_all();
	expect_frame_with(&header, 50000, 1);
}

/* So none but small ones come, and room for large ones would be wasted. */
static void segmentation_without_checksums_is_none(void **state)
{
	begin_declining(state, VIRTIO_NET_F_GUEST_CSUM);
	offer_many(100, 1536);
	serve_at(clock_ns());
	assert_int_equal(board.net.device.queues[RX].next_avail, 1);
	end(state);
}

/* Of a time when somebody else had the tap. */
static void offloads_that_were_not_are_dropped(void **state)
{
	const struct net_header unchecked = {.flags = NET_HEADER_NEEDS_CHECKSUM};
	const struct net_header large = {.gso_type = NET_GSO_TCPV4, .gso_bytes = 1000};
	const struct net_header valid = {.flags = NET_HEADER_DATA_VALID};

	begin_declining(state, VIRTIO_NET_F_GUEST_CSUM);
	offer_many(3, 70000);
	arrive_with(&unchecked, 60);
	arrive_with(&large, 2000); /* GUEST_TSO4 without GUEST_CSUM */
	arrive_with(&valid, 61);
	serve_all();
	expect_frame(61, 1);
	assert_int_equal(board.net.counters.received_dropped, 2);
	end(state);
}

static void what_is_no_frame_is_dropped(void **state)
{
	(void)state;
	offer_many(3, 70000);
	assert_int_equal(write(board.peer, "short", 5), 5);
	arrive(NET_FRAME_MIN_BYTES - 1);
	arrive(NET_FRAME_MIN_BYTES);
	serve_all();
	expect_frame(NET_FRAME_MIN_BYTES, 1);
	expect_nothing();
	assert_int_equal(board.net.counters.received_dropped, 2);
}

/* -- Wrong chains -- */

static void expect_stopped(const struct fake_buffer *buffers, unsigned int count)
{
	fake_driver_add(&board.drivers[RX], buffers, count);
	arrive(60);
	serve_all();
	assert_int_equal(board.failures, 1);
	assert_int_equal(board.failed_queue, RX);
	assert_int_equal(board.fault, VIRTIO_FAULT_REQUEST);
	assert_int_equal(board.net.device.service_events, 0);
	assert_int_equal(board.net.device.due_ns, VIRTIO_NEVER);
	expect_nothing();
}

static void a_chain_too_short_for_a_header_stops_the_device(void **state)
{
	(void)state;
	for (uint32_t bytes = 0; bytes < HEADER_BYTES; bytes++) {
		const struct fake_buffer buffer = {FAKE_DATA_GPA, bytes, true};

		expect_stopped(&buffer, 1);
		end(state);
		begin_tap(state);
	}
}

static void a_readable_part_stops_the_device(void **state)
{
	const struct fake_buffer buffers[] = {
		{FAKE_DATA_GPA, 1, false},
		{FAKE_DATA_GPA + 1, 2000, true},
	};

	(void)state;
	expect_stopped(buffers, 2);
}

/* -- No chains -- */

static void without_chains_nothing_is_waited_for(void **state)
{
	struct virtio_device *device = &board.net.device;

	(void)state;
	arrive(60);
	arrive(61);
	assert_int_equal(serve_all(), 1);
	assert_int_equal(device->service_events, 0);
	assert_int_equal(device->due_ns, VIRTIO_NEVER);
	offer(2000);
	assert_true(fake_driver_must_kick(&board.drivers[RX], false));
	forget_what_was_heard();
	notify(RX);
	assert_int_equal(board.wakes, 1);
	expect_nothing(); /* not on the driver's thread */
	serve_all();
	expect_frame(60, 1);
	expect_nothing();
	assert_int_equal(device->service_events, 0);
	offer_many(2, 2000);
	notify(RX);
	serve_all();
	expect_frame(61, 1);
	assert_int_equal(device->service_events, POLLIN);
}

static void with_chains_the_driver_need_not_notify(void **state)
{
	(void)state;
	offer_many(40, 2000);
	serve_at(clock_ns());
	offer_many(10, 2000);
	assert_false(fake_driver_must_kick(&board.drivers[RX], false));
	notify(RX);
	assert_int_equal(board.wakes, 0);
}

static void the_same_by_event_index(void **state)
{
	struct fake_driver *driver = &board.drivers[RX];

	clear(state);
	begin(NET_PORT_TAP, 0);
	offer_many(40, 2000);
	assert_true(fake_driver_must_kick(driver, true));
	serve_at(clock_ns());
	for (unsigned int i = 0; i < 10; i++) {
		offer(2000);
		assert_false(fake_driver_must_kick(driver, true));
	}
	for (unsigned int i = 0; i < 51; i++)
		arrive(60);
	serve_all();
	offer(2000);
	assert_true(fake_driver_must_kick(driver, true));
	notify(RX);
	serve_all();
	for (unsigned int i = 0; i < 51; i++)
		expect_frame(60, 1);
	end(state);
}

static void an_idle_port_costs_no_turns(void **state)
{
	(void)state;
	offer_many(40, 2000);
	assert_int_equal(serve_all(), 0);
	assert_int_equal(board.net.device.service_events, POLLIN);
}

/* -- Limits -- */

static void a_limited_frame_waits_its_time(void **state)
{
	struct net *net = &board.net;

	(void)state;
	token_bucket_init(&net->receive_limiter.operations, 2, 0, 2 * HOUR_NS, clock_ns());
	offer_many(100, 2000);
	for (unsigned int i = 0; i < 4; i++)
		arrive(60 + i);
	serve_all();
	expect_frame(60, 1);
	expect_frame(61, 1);
	expect_nothing();
	assert_int_equal(net->counters.throttled, 1);
	assert_int_equal(net->device.service_events, 0);
	assert_in_range(net->device.due_ns, clock_ns() + HOUR_NS / 2, clock_ns() + HOUR_NS);
	net->receive_limiter.operations.updated_ns -= HOUR_NS;
	serve_at(net->device.due_ns);
	expect_frame(62, 1);
	expect_nothing();
	net->receive_limiter.operations.updated_ns -= HOUR_NS;
	serve_at(net->device.due_ns);
	expect_frame(63, 1);
	assert_int_equal(net->counters.throttled, 2);
	assert_int_equal(net->device.due_ns, VIRTIO_NEVER);
	assert_int_equal(net->device.service_events, POLLIN);
}

static void bytes_are_limited_without_the_header(void **state)
{
	(void)state;
	token_bucket_init(&board.net.receive_limiter.bytes, 1000, 0, HOUR_NS, clock_ns());
	offer_many(100, 2000);
	arrive(500);
	arrive(500);
	arrive(14);
	serve_all();
	expect_frame(500, 1);
	expect_frame(500, 1);
	expect_nothing();
}

static void limits_of_one_direction_do_not_hold_the_other(void **state)
{
	struct net *net = &board.net;

	(void)state;
	token_bucket_init(&net->transmit_limiter.operations, 1, 0, 2 * HOUR_NS, clock_ns());
	token_bucket_init(&net->receive_limiter.operations, 1, 0, HOUR_NS, clock_ns());
	offer_many(100, 2000);
	for (unsigned int i = 0; i < 2; i++) {
		const struct fake_buffer buffer = {FAKE_DATA_GPA, HEADER_BYTES + 60, false};

		make_frame(at(TX, 0), &plain, 60);
		fake_driver_add(&board.drivers[TX], &buffer, 1);
	}
	notify(TX);
	assert_true(net->transmit_due_ns != VIRTIO_NEVER);
	arrive(60);
	serve_all();
	expect_frame(60, 1);
	arrive(61);
	serve_all();
	/* The earlier of the two. */
	assert_true(net->receive_due_ns < net->transmit_due_ns);
	assert_int_equal(net->device.due_ns, net->receive_due_ns);
	net->receive_limiter.operations.updated_ns -= HOUR_NS;
	serve_at(net->receive_due_ns);
	expect_frame(61, 1);
	assert_int_equal(net->device.due_ns, net->transmit_due_ns);
	assert_int_equal(net->counters.sent_frames, 1);
}

/* The lock is let go of in between. */
static void a_call_reads_a_bounded_number_of_frames(void **state)
{
	(void)state;
	offer_many(200, 2000);
	for (unsigned int i = 0; i < 100; i++)
		arrive(60);
	serve_at(clock_ns());
	assert_in_range(board.net.counters.received_frames, 1, 99);
	assert_int_equal(board.net.device.service_events, POLLIN);
	serve_all();
	assert_int_equal(board.net.counters.received_frames, 100);
}

/* Wherever in such a call it comes. */
static void a_spilled_frame_at_the_end_of_a_call_is_not_forgotten(void **state)
{
	(void)state;
	for (unsigned int small = 0; small < 70; small++) {
		offer_many(small + 10, 1536);
		notify(RX);
		for (unsigned int i = 0; i < small; i++)
			arrive(60);
		arrive(9000);
		serve_all();
		for (unsigned int i = 0; i < small; i++)
			expect_frame(60, 1);
		expect_frame(9000, 6);
		expect_nothing();
		end(state);
		begin_small(state);
	}
}

#define ON_TAP(function)   cmocka_unit_test_setup_teardown(function, begin_tap, end)
#define UNMERGED(function) cmocka_unit_test_setup_teardown(function, begin_unmerged, end)
#define NO_LARGE(function) cmocka_unit_test_setup_teardown(function, begin_small, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_TAP(a_frame_is_read_into_one_chain_if_it_fits),
		ON_TAP(a_batch_is_one_interrupt),
		ON_TAP(a_batch_of_large_frames_is_told_of_on_the_way),
		ON_TAP(a_frame_fills_as_many_chains_as_it_needs),
		ON_TAP(chains_of_different_and_odd_lengths),
		ON_TAP(any_division_into_descriptors),
		ON_TAP(only_as_many_chains_are_taken_as_a_frame_can_need),
		NO_LARGE(one_chain_is_enough_where_no_large_frame_comes),
		ON_TAP(a_frame_is_seen_whole_or_not_at_all),
		ON_TAP(a_spilled_frame_waits_for_room),
		ON_TAP(a_spilled_frame_does_not_wait_forever),
		ON_TAP(each_frame_may_wait_anew),
		ON_TAP(a_frame_that_can_never_fit_is_dropped),
		ON_TAP(more_segments_than_one_read_can_take),
		UNMERGED(without_merging_a_frame_has_one_chain),
		UNMERGED(without_merging_what_does_not_fit_is_dropped),
		ON_TAP(offloads_that_were_negotiated_pass_through),
		cmocka_unit_test(segmentation_without_checksums_is_none),
		cmocka_unit_test(offloads_that_were_not_are_dropped),
		ON_TAP(what_is_no_frame_is_dropped),
		ON_TAP(a_chain_too_short_for_a_header_stops_the_device),
		ON_TAP(a_readable_part_stops_the_device),
		ON_TAP(without_chains_nothing_is_waited_for),
		ON_TAP(with_chains_the_driver_need_not_notify),
		cmocka_unit_test(the_same_by_event_index),
		ON_TAP(an_idle_port_costs_no_turns),
		ON_TAP(a_limited_frame_waits_its_time),
		ON_TAP(bytes_are_limited_without_the_header),
		ON_TAP(limits_of_one_direction_do_not_hold_the_other),
		ON_TAP(a_call_reads_a_bounded_number_of_frames),
		NO_LARGE(a_spilled_frame_at_the_end_of_a_call_is_not_forgotten),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
