/* SPDX-License-Identifier: MIT */
/* tests/unit/test_net_transmit.c - frames that a driver sends, right and wrong, free and held. */
#include "tests/unit/net_board.h"

static const struct net_header plain = {0};

/* What a driver asks of a host that fills in the checksum. */
static const struct net_header partial = {
	.flags = NET_HEADER_NEEDS_CHECKSUM,
	.checksum_start = 34,
	.checksum_offset = 16,
};

/* Of a host that cuts large segments, too. */
static const struct net_header large = {
	.flags = NET_HEADER_NEEDS_CHECKSUM,
	.gso_type = NET_GSO_TCPV4,
	.header_bytes = 54,
	.gso_bytes = 1448,
	.checksum_start = 34,
	.checksum_offset = 16,
};

/* Offer a frame of one buffer, at an offset of its own for each. */
static void offer(const struct net_header *header, uint32_t frame_bytes)
{
	struct fake_driver *driver = &board.drivers[TX];
	uint64_t offset = driver->added % 64 * UINT64_C(0x20000);
	struct fake_buffer buffer = {FAKE_DATA_GPA + offset, HEADER_BYTES + frame_bytes, false};

	make_frame(at(TX, offset), header, frame_bytes);
	fake_driver_add(driver, &buffer, 1);
}

static void expect_on_wire(const struct net_header *header, uint32_t frame_bytes)
{
	uint8_t *expected = malloc(HEADER_BYTES + frame_bytes);

	assert_non_null(expected);
	make_frame(expected, header, frame_bytes);
	assert_int_equal(read(board.peer, board.frame, sizeof(board.frame)),
			 HEADER_BYTES + frame_bytes);
	assert_memory_equal(board.frame, expected, HEADER_BYTES + frame_bytes);
	free(expected);
}

static void expect_silence(void)
{
	assert_int_equal(recv(board.peer, board.frame, sizeof(board.frame), MSG_DONTWAIT), -1);
}

static void expect_sent(const struct net_header *header, uint32_t frame_bytes)
{
	uint64_t sent = board.net.counters.sent_frames;
	uint64_t bytes = board.net.counters.sent_bytes;

	offer(header, frame_bytes);
	notify(TX);
	expect_on_wire(header, frame_bytes);
	assert_int_equal(take_used(TX), 0);
	assert_int_equal(board.net.counters.sent_frames, sent + 1);
	assert_int_equal(board.net.counters.sent_bytes, bytes + frame_bytes);
	assert_int_equal(board.refusals + board.failures + board.host_errors, 0);
}

/* Answered, told, counted, and not on the wire. */
static void expect_refused(const struct net_header *header, uint32_t frame_bytes)
{
	uint64_t dropped = board.net.counters.sent_dropped;
	unsigned int refusals = board.refusals;

	offer(header, frame_bytes);
	notify(TX);
	expect_silence();
	assert_int_equal(take_used(TX), 0);
	assert_int_equal(board.net.counters.sent_dropped, dropped + 1);
	assert_int_equal(board.refusals, refusals + 1);
	assert_int_equal(board.failures + board.host_errors, 0);
}

/* -- Right -- */

static void frames_of_all_sizes_go_out(void **state)
{
	(void)state;
	for (uint32_t bytes = NET_FRAME_MIN_BYTES; bytes < NET_FRAME_MAX_BYTES;
	     bytes = bytes * 2 - 3)
		expect_sent(&plain, bytes);
	expect_sent(&plain, NET_FRAME_MAX_BYTES);
}

static void one_interrupt_for_a_batch(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		offer(&plain, 60 + i);
	notify(TX);
	assert_int_equal(board.interrupts, 1);
	for (uint32_t i = 0; i < 10; i++) {
		expect_on_wire(&plain, 60 + i);
		assert_int_equal(take_used(TX), 0);
	}
	assert_int_equal(take_used(TX), -1);
}

static void offloads_pass_through(void **state)
{
	struct net_header six = large;

	(void)state;
	six.gso_type = NET_GSO_TCPV6;
	expect_sent(&partial, 100);
	expect_sent(&large, 60000);
	expect_sent(&six, NET_FRAME_MAX_BYTES);
}

/* Header and frame in one run of bytes, cut at every place, and in single bytes. */
static void any_division_into_descriptors(void **state)
{
	enum {
		FRAME = 80,
		ALL = HEADER_BYTES + FRAME,
	};

	(void)state;
	for (uint32_t cut = 1; cut < ALL; cut++) {
		const struct fake_buffer buffers[] = {
			{FAKE_DATA_GPA, cut, false},
			{FAKE_DATA_GPA, 0, false},
			{FAKE_DATA_GPA + cut, ALL - cut, false},
		};

		make_frame(at(TX, 0), &partial, FRAME);
		fake_driver_add(&board.drivers[TX], buffers, 3);
		notify(TX);
		expect_on_wire(&partial, FRAME);
		assert_int_equal(take_used(TX), 0);
	}
}

static void a_frame_in_single_bytes(void **state)
{
	struct fake_buffer buffers[QUEUE_SIZE_MAX];

	(void)state;
	make_frame(at(TX, 0), &large, QUEUE_SIZE_MAX - HEADER_BYTES);
	for (unsigned int i = 0; i < QUEUE_SIZE_MAX; i++)
		buffers[i] = (struct fake_buffer){FAKE_DATA_GPA + i, 1, false};
	fake_driver_add_indirect(&board.drivers[TX], buffers, QUEUE_SIZE_MAX);
	notify(TX);
	expect_on_wire(&large, QUEUE_SIZE_MAX - HEADER_BYTES);
	assert_int_equal(take_used(TX), 0);
}

static void num_buffers_of_a_driver_does_not_reach_the_host(void **state)
{
	struct net_header header = plain;

	(void)state;
	header.buffer_count = 0x1234;
	offer(&header, 60);
	notify(TX);
	expect_on_wire(&plain, 60);
}

/* -- Wrong -- */

static void expect_stopped(void)
{
	notify(TX);
	assert_int_equal(board.failures, 1);
	assert_int_equal(board.failed_queue, TX);
	assert_int_equal(board.fault, VIRTIO_FAULT_REQUEST);
	assert_true(board.net.device.status & VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(board.net.device.service_events, 0);
	assert_int_equal(board.net.device.due_ns, VIRTIO_NEVER);
	expect_silence();
}

static void a_chain_too_short_for_a_header_stops_the_device(void **state)
{
	(void)state;
	for (uint32_t bytes = 0; bytes < HEADER_BYTES; bytes++) {
		const struct fake_buffer buffer = {FAKE_DATA_GPA, bytes, false};

		fake_driver_add(&board.drivers[TX], &buffer, 1);
		expect_stopped();
		end(state);
		begin_tap(state);
	}
}

static void a_writable_part_stops_the_device(void **state)
{
	const struct fake_buffer buffers[] = {
		{FAKE_DATA_GPA, 100, false},
		{FAKE_DATA_GPA + 200, 1, true},
	};

	(void)state;
	fake_driver_add(&board.drivers[TX], buffers, 2);
	expect_stopped();
}

static void what_went_before_a_fault_is_told(void **state)
{
	const struct fake_buffer buffer = {FAKE_DATA_GPA, 3, false};

	(void)state;
	offer(&plain, 60);
	fake_driver_add(&board.drivers[TX], &buffer, 1);
	notify(TX);
	assert_int_equal(board.failures, 1);
	expect_on_wire(&plain, 60);
	assert_int_equal(take_used(TX), 0);
	assert_int_equal(take_used(TX), -1);
	assert_int_equal(board.net.device.interrupt_status,
			 VIRTIO_INTERRUPT_USED_BUFFER | VIRTIO_INTERRUPT_CONFIG_CHANGE);
}

static void frames_of_impossible_lengths(void **state)
{
	(void)state;
	for (uint32_t bytes = 0; bytes < NET_FRAME_MIN_BYTES; bytes++)
		expect_refused(&plain, bytes);
	expect_refused(&plain, NET_FRAME_MAX_BYTES + 1);
	expect_refused(&large, NET_FRAME_MAX_BYTES + 1);
}

static void a_chain_of_gigabytes_is_only_a_long_frame(void **state)
{
	struct fake_buffer buffers[QUEUE_SIZE_MAX];

	(void)state;
	make_frame(at(TX, 0), &plain, 100);
	for (unsigned int i = 0; i < QUEUE_SIZE_MAX; i++)
		buffers[i] = (struct fake_buffer){FAKE_DATA_GPA, FAKE_DATA_BYTES - 1, false};
	fake_driver_add(&board.drivers[TX], buffers, 255);
	notify(TX);
	expect_silence();
	assert_int_equal(take_used(TX), 0);
	assert_int_equal(board.refusals, 1);
}

static void the_mtu_bounds_what_is_not_segmented(void **state)
{
	clear(state);
	board.net.settings.mtu_bytes = 1400;
	begin(NET_PORT_TAP, VIRTIO_F_EVENT_IDX);
	expect_sent(&plain, 14 + 1400);
	expect_sent(&plain, 14 + 4 + 1400);
	expect_refused(&plain, 14 + 4 + 1400 + 1);
	expect_refused(&partial, 14 + 4 + 1400 + 1);
	forget_what_was_heard();
	expect_sent(&large, 50000);
	end(state);
}

/* The rules one by one are test_net_header.c's; here, that they are asked. */
static void headers_that_ask_for_too_much(void **state)
{
	struct net_header header = {.flags = NET_HEADER_DATA_VALID};

	(void)state;
	expect_refused(&header, 60);
	header = partial;
	header.checksum_start = 60;
	expect_refused(&header, 60);
	header = (struct net_header){.header_bytes = 61};
	expect_refused(&header, 60);
	header = large;
	header.gso_bytes = 0;
	expect_refused(&header, 2000);
	header = large;
	header.flags = 0;
	expect_refused(&header, 2000);
	header = large;
	header.gso_type |= 0x80;
	expect_refused(&header, 2000);
}

static void decline(void **state, uint64_t features, const struct net_header *header)
{
	clear(state);
	begin(NET_PORT_TAP, VIRTIO_F_EVENT_IDX | features);
	expect_refused(header, 2000);
	end(state);
}

static void offloads_that_were_declined(void **state)
{
	struct net_header six = large;

	six.gso_type = NET_GSO_TCPV6;
	decline(state, VIRTIO_NET_F_CSUM, &partial);
	decline(state, VIRTIO_NET_F_HOST_TSO4, &large);
	decline(state, VIRTIO_NET_F_HOST_TSO6, &six);
	/* Segmentation without checksums cannot be had (5.1.3.1). */
	decline(state, VIRTIO_NET_F_CSUM, &large);
}

static void only_its_own_address_if_that_is_asked(void **state)
{
	enum {
		SOURCE = HEADER_BYTES + 6,
	};

	clear(state);
	board.net.settings.anti_spoof = true;
	begin(NET_PORT_TAP, VIRTIO_F_EVENT_IDX);
	expect_sent(&plain, 60);
	for (unsigned int i = 0; i < NET_ADDRESS_BYTES; i++) {
		/* The address in two segments, cut at each place. */
		const struct fake_buffer buffers[] = {
			{FAKE_DATA_GPA, SOURCE + i, false},
			{FAKE_DATA_GPA + SOURCE + i, 60 - 6 - i, false},
		};

		make_frame(at(TX, 0), &plain, 60);
		fake_driver_add(&board.drivers[TX], buffers, 2);
		notify(TX);
		expect_on_wire(&plain, 60);
		((uint8_t *)at(TX, SOURCE))[i] ^= 1;
		fake_driver_add(&board.drivers[TX], buffers, 2);
		notify(TX);
		expect_silence();
		assert_int_equal(board.refusals, i + 1);
	}
	assert_int_equal(board.net.counters.sent_dropped, NET_ADDRESS_BYTES);
	end(state);
}

static void any_address_if_not(void **state)
{
	const struct fake_buffer buffer = {FAKE_DATA_GPA, HEADER_BYTES + 60, false};

	(void)state;
	make_frame(at(TX, 0), &plain, 60);
	((uint8_t *)at(TX, HEADER_BYTES))[6] ^= 4;
	fake_driver_add(&board.drivers[TX], &buffer, 1);
	notify(TX);
	assert_int_equal(read(board.peer, board.frame, sizeof(board.frame)), HEADER_BYTES + 60);
	assert_memory_equal(board.frame, at(TX, 0), HEADER_BYTES + 60);
}

/* -- Held -- */

static unsigned int count_used(void)
{
	unsigned int count = 0;

	while (take_used(TX) == 0)
		count++;
	return count;
}

static unsigned int count_on_wire(void)
{
	unsigned int count = 0;

	while (recv(board.peer, board.frame, sizeof(board.frame), MSG_DONTWAIT) > 0) {
		assert_memory_equal(board.frame + HEADER_BYTES + 6, own_address, NET_ADDRESS_BYTES);
		count++;
	}
	return count;
}

/* Offer more than the socket takes, and serve it until it is full. */
static void overfill(unsigned int frames)
{
	const int bytes = 100000;

	setsockopt(board.net.port.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	for (unsigned int i = 0; i < frames; i++)
		offer(&plain, 9000);
	notify(TX);
	serve_all();
}

static void a_full_port_is_waited_for(void **state)
{
	enum {
		FRAMES = 256,
	};
	unsigned int sent;
	unsigned int used;

	(void)state;
	overfill(FRAMES);
	used = count_used();
	assert_in_range(used, 1, FRAMES - 1);
	assert_true(board.net.device.service_events & POLLOUT);
	assert_true(board.wakes > 0);
	/* Further notifications change nothing: the I/O thread has it. */
	notify(TX);
	assert_int_equal(count_used(), 0);
	assert_int_equal(serve_all(), 0);
	sent = count_on_wire();
	assert_int_equal(sent, used);
	while (sent < FRAMES) {
		assert_true(serve_all() > 0);
		used += count_used();
		sent += count_on_wire();
		assert_int_equal(used, sent);
	}
	serve_all();
	assert_int_equal(used, FRAMES);
	assert_false(board.net.device.service_events & POLLOUT);
	assert_int_equal(board.net.counters.sent_frames, FRAMES);
	assert_int_equal(board.net.counters.sent_dropped + board.refusals, 0);
	expect_sent(&plain, 60);
}

static void a_limited_frame_waits_its_time(void **state)
{
	struct net *net = &board.net;

	(void)state;
	token_bucket_init(&net->transmit_limiter.operations, 3, 0, 3 * HOUR_NS, clock_ns());
	for (unsigned int i = 0; i < 5; i++)
		offer(&plain, 60);
	notify(TX);
	assert_int_equal(count_used(), 3);
	assert_int_equal(net->counters.throttled, 1);
	assert_in_range(net->device.due_ns, clock_ns() + HOUR_NS / 2, clock_ns() + HOUR_NS);
	assert_int_equal(board.wakes, 1);
	notify(TX);
	assert_int_equal(count_used(), 0);
	assert_int_equal(net->counters.throttled, 1);
	/* An hour later, by the bucket's clock. */
	net->transmit_limiter.operations.updated_ns -= HOUR_NS;
	serve_at(net->device.due_ns);
	assert_int_equal(count_used(), 1);
	assert_int_equal(count_on_wire(), 4);
	net->transmit_limiter.operations.updated_ns -= HOUR_NS;
	serve_at(net->device.due_ns);
	assert_int_equal(count_used(), 1);
	assert_int_equal(net->device.due_ns, VIRTIO_NEVER);
	/* By notifications again. */
	net->transmit_limiter.operations.updated_ns -= HOUR_NS;
	expect_on_wire(&plain, 60);
	expect_sent(&plain, 60);
}

static void bytes_are_limited_without_the_header(void **state)
{
	(void)state;
	token_bucket_init(&board.net.transmit_limiter.bytes, 1000, 0, HOUR_NS, clock_ns());
	offer(&plain, 500);
	offer(&plain, 500);
	offer(&plain, 14);
	notify(TX);
	assert_int_equal(count_used(), 2);
	assert_int_equal(board.net.counters.throttled, 1);
}

/* What waits for the port has been through the limiter, and is not charged again. */
static void a_blocked_frame_is_charged_once(void **state)
{
	struct token_bucket *bucket = &board.net.transmit_limiter.operations;
	unsigned int used;

	(void)state;
	token_bucket_init(bucket, 1000, 0, UINT64_C(1) << 60, clock_ns());
	overfill(256);
	used = count_used();
	assert_int_equal(bucket->level_tokens, 1000 - used - 1);
	for (unsigned int i = 0; i < 3; i++)
		serve_at(clock_ns());
	assert_int_equal(bucket->level_tokens, 1000 - used - 1);
	for (unsigned int sent = 0; sent < 256;) {
		sent += count_on_wire();
		serve_all();
	}
	assert_int_equal(bucket->level_tokens, 1000 - 256);
}

static void wrong_frames_cost_nothing(void **state)
{
	(void)state;
	token_bucket_init(&board.net.transmit_limiter.operations, 1, 0, HOUR_NS, clock_ns());
	expect_refused(&plain, 3);
	forget_what_was_heard();
	expect_sent(&plain, 60);
}

/* A driver that refills while it is served must not keep the lock. */
static void a_long_batch_goes_on_on_the_io_thread(void **state)
{
	const struct net_counters *counters = &board.net.counters;
	uint64_t dropped;

	(void)state;
	/* Wrong frames cost no room in the socket. */
	for (unsigned int i = 0; i < QUEUE_SIZE_MAX; i++)
		offer(&plain, 5);
	notify(TX);
	dropped = counters->sent_dropped;
	assert_in_range(dropped, 1, QUEUE_SIZE_MAX - 1);
	assert_int_equal(board.net.device.due_ns, 0);
	assert_int_equal(board.wakes, 1);
	notify(TX);
	assert_int_equal(counters->sent_dropped, dropped);
	serve_at(clock_ns());
	assert_in_range(counters->sent_dropped, dropped + 1, QUEUE_SIZE_MAX - 1);
	serve_all();
	assert_int_equal(counters->sent_dropped, QUEUE_SIZE_MAX);
	assert_int_equal(board.net.device.due_ns, VIRTIO_NEVER);
	/* By notifications again. */
	forget_what_was_heard();
	assert_int_equal(count_used(), QUEUE_SIZE_MAX);
	expect_sent(&plain, 60);
}

/* A driver with a full queue hears of some while most still lie there. */
static void a_turn_is_told_of_when_it_ends(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < QUEUE_SIZE_MAX; i++)
		offer(&plain, 5);
	notify(TX);
	count_used();
	for (unsigned int turn = 0; turn < 3; turn++) {
		forget_what_was_heard();
		serve_at(clock_ns());
		assert_int_equal(board.interrupts, 1);
		assert_in_range(count_used(), 1, QUEUE_SIZE_MAX / 8);
	}
}

/* As much as one call takes, and no more, leaves nothing to the I/O thread. */
static void a_batch_that_just_fits_wakes_nobody(void **state)
{
	uint64_t most;

	(void)state;
	for (unsigned int i = 0; i < QUEUE_SIZE_MAX; i++)
		offer(&plain, 5);
	notify(TX);
	most = board.net.counters.sent_dropped;
	serve_all();
	forget_what_was_heard();
	for (unsigned int i = 0; i < most; i++)
		offer(&plain, 5);
	notify(TX);
	assert_int_equal(board.net.counters.sent_dropped, QUEUE_SIZE_MAX + most);
	assert_int_equal(board.wakes, 0);
	assert_int_equal(board.net.device.due_ns, VIRTIO_NEVER);
	assert_true(fake_driver_must_kick(&board.drivers[TX], false));
}

static void no_notification_is_lost(void **state)
{
	struct fake_driver *driver = &board.drivers[TX];

	(void)state;
	assert_true(fake_driver_must_kick(driver, false));
	offer(&plain, 60);
	notify(TX);
	assert_true(fake_driver_must_kick(driver, false));
	/* While something is held, the I/O thread looks at the queue without being asked. */
	token_bucket_init(&board.net.transmit_limiter.operations, 1, 0, HOUR_NS, clock_ns());
	offer(&plain, 60);
	offer(&plain, 60);
	notify(TX);
	assert_false(fake_driver_must_kick(driver, false));
}

/* -- Errors of the host -- */

static void an_error_of_the_host_loses_the_frame(void **state)
{
	(void)state;
	/* More than a socket takes at once is an error as a tap's may be. */
	const int small = 2048;

	setsockopt(board.net.port.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	offer(&plain, 65000);
	offer(&plain, 60);
	notify(TX);
	assert_int_equal(board.host_errors, 1);
	assert_string_equal(board.what, "sending a frame");
	assert_int_equal(board.error, EMSGSIZE);
	assert_int_equal(count_used(), 2);
	assert_int_equal(board.net.counters.sent_dropped, 1);
	expect_on_wire(&plain, 60);
	assert_true(board.net.link_is_up);
}

#define ON_TAP(function) cmocka_unit_test_setup_teardown(function, begin_tap, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_TAP(frames_of_all_sizes_go_out),
		ON_TAP(one_interrupt_for_a_batch),
		ON_TAP(offloads_pass_through),
		ON_TAP(any_division_into_descriptors),
		ON_TAP(a_frame_in_single_bytes),
		ON_TAP(num_buffers_of_a_driver_does_not_reach_the_host),
		ON_TAP(a_chain_too_short_for_a_header_stops_the_device),
		ON_TAP(a_writable_part_stops_the_device),
		ON_TAP(what_went_before_a_fault_is_told),
		ON_TAP(frames_of_impossible_lengths),
		ON_TAP(a_chain_of_gigabytes_is_only_a_long_frame),
		cmocka_unit_test(the_mtu_bounds_what_is_not_segmented),
		ON_TAP(headers_that_ask_for_too_much),
		cmocka_unit_test(offloads_that_were_declined),
		cmocka_unit_test(only_its_own_address_if_that_is_asked),
		ON_TAP(any_address_if_not),
		ON_TAP(a_full_port_is_waited_for),
		ON_TAP(a_limited_frame_waits_its_time),
		ON_TAP(bytes_are_limited_without_the_header),
		ON_TAP(a_blocked_frame_is_charged_once),
		ON_TAP(wrong_frames_cost_nothing),
		ON_TAP(a_long_batch_goes_on_on_the_io_thread),
		ON_TAP(a_turn_is_told_of_when_it_ends),
		ON_TAP(a_batch_that_just_fits_wakes_nobody),
		ON_TAP(no_notification_is_lost),
		ON_TAP(an_error_of_the_host_loses_the_frame),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
