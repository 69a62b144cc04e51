/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_net.c - a network device as a whole: what it offers, how it begins, ends, and
 * loses its link, and that streams do as taps do.
 */
#include "tests/unit/net_board.h"

#include <endian.h>

#define OFFLOADS                                                                \
	(VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_HOST_TSO4 | \
	 VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6)
#define ALWAYS                                                                                 \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_NET_F_MAC | \
	 VIRTIO_NET_F_STATUS | VIRTIO_NET_F_MRG_RXBUF)

/* -- Configuration -- */

static void read_config(uint32_t offset, void *data, uint32_t size_bytes)
{
	memset(data, 0, size_bytes);
	board.net.device.ops->config_read(&board.net.device, offset, data, size_bytes);
}

static uint16_t config_word(uint32_t offset)
{
	uint16_t word;

	read_config(offset, &word, sizeof(word));
	return word;
}

static void a_tap_offers_offloads_and_a_stream_does_not(void **state)
{
	clear(state);
	plug(NET_PORT_TAP);
	assert_int_equal(board.net.device.features, ALWAYS | OFFLOADS);
	assert_int_equal(board.net.device.type, VIRTIO_TYPE_NET);
	assert_int_equal(board.net.device.queue_count, 2);
	assert_int_equal(board.net.device.queue_size_max, 256);
	assert_int_equal(board.net.device.service_fd, board.net.port.fd);
	assert_int_equal(board.net.device.service_events, 0);
	assert_int_equal(board.net.device.due_ns, VIRTIO_NEVER);
	end(state);
	clear(state);
	board.net.settings.mtu_bytes = 1280;
	plug(NET_PORT_STREAM);
	assert_int_equal(board.net.device.features, ALWAYS | VIRTIO_NET_F_MTU);
	end(state);
}

static void configuration_by_any_offset_and_size(void **state)
{
	uint8_t bytes[32];

	clear(state);
	board.net.settings.mtu_bytes = 9000;
	plug(NET_PORT_TAP);
	read_config(0, bytes, 6);
	assert_memory_equal(bytes, own_address, 6);
	for (uint32_t i = 0; i < 6; i++) {
		read_config(i, bytes, 1);
		assert_int_equal(bytes[0], own_address[i]);
	}
	assert_int_equal(config_word(6), NET_STATUS_LINK_UP);
	assert_int_equal(config_word(8), 1);
	assert_int_equal(config_word(10), 9000);
	read_config(8, bytes, 32);
	assert_memory_equal(bytes, "\1\0\x28\x23\0\0\0\0", 8);
	assert_int_equal(config_word(12), 0);
	assert_int_equal(config_word(UINT32_MAX), 0);
	end(state);
}

/* -- The beginning -- */

static void the_device_announces_its_address(void **state)
{
	static const uint8_t expected[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 1, 2, 3, 4,
		5,    0x80, 0x35, 0,    1,    8,    0,    6, 4, 0, 3, /* request reverse */
		0x02, 1,    2,    3,    4,    5,    0,    0, 0, 0,    /* sender */
		0x02, 1,    2,    3,    4,    5,    0,    0, 0, 0,    /* target */
	};
	uint8_t *frame = board.frame;

	clear(state);
	plug(NET_PORT_TAP);
	go_live(0);
	assert_int_equal(read(board.peer, frame, sizeof(board.frame)), HEADER_BYTES + 60);
	for (unsigned int i = 0; i < HEADER_BYTES; i++)
		assert_int_equal(frame[i], 0);
	assert_memory_equal(frame + HEADER_BYTES, expected, sizeof(expected));
	for (unsigned int i = sizeof(expected); i < 60; i++)
		assert_int_equal(frame[HEADER_BYTES + i], 0);
	assert_int_equal(board.net.counters.sent_frames, 0);
	end(state);
}

/* A socket knows no offloads; the guest can work without. */
static void offloads_that_the_host_refuses_are_told(void **state)
{
	clear(state);
	plug(NET_PORT_TAP);
	go_live(0);
	assert_int_equal(board.host_errors, 1);
	assert_string_equal(board.what, "setting offloads");
	assert_int_equal(board.error, ENOTTY);
	assert_true(board.net.link_is_up);
	end(state);
	clear(state);
	plug(NET_PORT_STREAM);
	go_live(0);
	assert_int_equal(board.host_errors, 0);
	end(state);
}

static void frames_are_waited_for_once_the_driver_is_ready(void **state)
{
	clear(state);
	plug(NET_PORT_TAP);
	serve_at(clock_ns());
	assert_int_equal(board.net.device.service_events, 0);
	go_live(0);
	assert_int_equal(board.net.device.service_events, POLLIN);
	assert_true(board.wakes > 0);
	end(state);
}

/* -- Queues come and go -- */

static void offer_room(uint32_t bytes)
{
	const struct fake_buffer buffer = {FAKE_DATA_GPA, bytes, true};

	fake_driver_add(&board.drivers[RX], &buffer, 1);
}

static void send_one(void)
{
	const struct net_header header = {0};
	const struct fake_buffer buffer = {FAKE_DATA_GPA, HEADER_BYTES + 60, false};

	make_frame(at(TX, 0), &header, 60);
	fake_driver_add(&board.drivers[TX], &buffer, 1);
	notify(TX);
}

static void arrive(uint32_t frame_bytes)
{
	const struct net_header header = {0};

	make_frame(board.frame, &header, frame_bytes);
	assert_true(write(board.peer, board.frame, HEADER_BYTES + frame_bytes) > 0);
}

static void restart_queue(unsigned int index)
{
	struct fake_driver *driver = &board.drivers[index];

	board.net.device.ops->queue_stopped(&board.net.device, index);
	queue_stop(&board.net.device.queues[index]);
	fake_driver_begin_at(driver, 0);
	driver->next_descriptor = 0;
	start_queue(index);
}

static void a_stopped_receive_queue_forgets_chains_and_frame(void **state)
{
	struct net *net = &board.net;

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		offer_room(100);
	arrive(1000);
	serve_all();
	assert_int_not_equal(net->inbox.waiting_bytes, 0);
	assert_int_not_equal(net->device.due_ns, VIRTIO_NEVER);
	net->device.ops->queue_stopped(&net->device, RX);
	queue_stop(&net->device.queues[RX]);
	assert_int_equal(net->inbox.waiting_bytes, 0);
	assert_int_equal(net->inbox.buffer_count, 0);
	assert_int_equal(net->inbox.segment_count, 0);
	assert_int_equal(net->device.service_events, 0);
	assert_int_equal(net->device.due_ns, VIRTIO_NEVER);
	arrive(60);
	serve_at(clock_ns());
	assert_int_equal(net->device.service_events, 0);
	assert_int_equal(serve_all(), 0);
	/* The other direction goes on. */
	send_one();
	assert_int_equal(net->counters.sent_frames, 1);
}

static void a_receive_queue_that_starts_again(void **state)
{
	(void)state;
	offer_room(2000);
	serve_at(clock_ns());
	restart_queue(RX);
	arrive(60);
	offer_room(2000);
	notify(RX);
	serve_all();
	assert_int_equal(take_used(RX), HEADER_BYTES + 60);
}

static void a_stopped_transmit_queue_waits_for_nothing(void **state)
{
	struct net *net = &board.net;

	(void)state;
	token_bucket_init(&net->transmit_limiter.operations, 1, 0, HOUR_NS, clock_ns());
	send_one();
	send_one();
	assert_int_not_equal(net->device.due_ns, VIRTIO_NEVER);
	net->device.ops->queue_stopped(&net->device, TX);
	queue_stop(&net->device.queues[TX]);
	assert_int_equal(net->device.due_ns, VIRTIO_NEVER);
	assert_int_equal(net->device.service_events, POLLIN);
	offer_room(2000);
	arrive(60);
	serve_all();
	assert_int_equal(take_used(RX), HEADER_BYTES + 60);
}

static void reset_is_as_new(void **state)
{
	struct net *net = &board.net;

	(void)state;
	offer_room(100);
	arrive(1000);
	serve_all();
	token_bucket_init(&net->transmit_limiter.operations, 1, 0, HOUR_NS, clock_ns());
	send_one();
	send_one();
	net->device.ops->reset(&net->device);
	net->device.status = 0;
	assert_int_equal(net->device.service_events, 0);
	assert_int_equal(net->device.due_ns, VIRTIO_NEVER);
	assert_int_equal(net->inbox.buffer_count, 0);
	assert_int_equal(net->inbox.waiting_bytes, 0);
	serve_at(clock_ns());
	assert_int_equal(net->device.service_events, 0);
	/* Another driver. */
	token_bucket_init(&net->transmit_limiter.operations, 0, 0, 0, 0);
	for (unsigned int i = 0; i < 2; i++) {
		fake_driver_begin_at(&board.drivers[i], 0);
		board.drivers[i].next_descriptor = 0;
	}
	while (recv(board.peer, board.frame, sizeof(board.frame), MSG_DONTWAIT) > 0)
		;
	go_live(VIRTIO_F_EVENT_IDX | VIRTIO_NET_F_MRG_RXBUF);
	settle();
	assert_false(net->inbox.is_mergeable);
	arrive(60);
	offer_room(2000);
	serve_all();
	assert_int_equal(take_used(RX), HEADER_BYTES + 60);
}

static void a_failed_device_waits_for_nothing(void **state)
{
	(void)state;
	token_bucket_init(&board.net.transmit_limiter.operations, 1, 0, HOUR_NS, clock_ns());
	send_one();
	send_one();
	assert_int_not_equal(board.net.device.due_ns, VIRTIO_NEVER);
	offer_room(2000);
	board.net.device.status |= VIRTIO_STATUS_FAILED; /* by the driver */
	arrive(60);
	serve_at(clock_ns());
	assert_int_equal(board.net.device.service_events, 0);
	assert_int_equal(board.net.device.due_ns, VIRTIO_NEVER);
	assert_int_equal(take_used(RX), -1);
}

/* -- The link -- */

static void expect_link_down(uint32_t generation)
{
	struct virtio_device *device = &board.net.device;

	assert_int_equal(config_word(6), 0);
	assert_int_equal(device->config_generation, generation + 1);
	assert_true(device->interrupt_status & VIRTIO_INTERRUPT_CONFIG_CHANGE);
	assert_int_equal(board.host_errors, 1);
	assert_string_equal(board.what, "the link");
	assert_int_equal(board.error, EPIPE);
	assert_int_equal(device->service_events, 0);
	assert_int_equal(device->due_ns, VIRTIO_NEVER);
	/* What is sent now is dropped in silence, and answered. */
	send_one();
	assert_int_equal(board.host_errors, 1);
	assert_int_equal(board.refusals, 0);
	assert_int_equal(device->config_generation, generation + 1);
	assert_int_equal(device->service_events, 0);
}

static void a_port_that_is_gone_is_a_link_that_is_down(void **state)
{
	uint32_t generation = board.net.device.config_generation;

	(void)state;
	hang_up();
	send_one();
	assert_int_equal(take_used(TX), 0);
	assert_int_equal(board.net.counters.sent_dropped, 1);
	expect_link_down(generation);
	assert_int_equal(take_used(TX), 0);
	assert_int_equal(board.net.counters.sent_dropped, 2);
}

static void the_same_found_out_by_receiving(void **state)
{
	uint32_t generation = board.net.device.config_generation;

	(void)state;
	offer_room(2000);
	hang_up();
	assert_int_equal(serve_all(), 1);
	expect_link_down(generation);
}

static void a_link_that_is_down_stays_down_over_a_reset(void **state)
{
	struct virtio_device *device = &board.net.device;
	uint32_t generation;

	(void)state;
	hang_up();
	send_one();
	generation = device->config_generation;
	device->ops->reset(device);
	for (unsigned int i = 0; i < 2; i++)
		fake_driver_begin_at(&board.drivers[i], 0);
	go_live(0);
	/* Nothing new, so the log has it once. */
	assert_int_equal(device->config_generation, generation);
	assert_int_equal(config_word(6), 0);
	assert_int_equal(device->service_events, 0);
	assert_int_equal(serve_all(), 0);
}

/* -- Streams -- */

static void peer_send(uint32_t frame_bytes)
{
	const struct net_header header = {0};
	uint32_t length = htobe32(frame_bytes);
	/* The length lies where the header ends. */
	uint8_t *start = board.frame + HEADER_BYTES - sizeof(length);

	make_frame(board.frame, &header, frame_bytes);
	memcpy(start, &length, sizeof(length));
	assert_int_equal(write(board.peer, start, sizeof(length) + frame_bytes),
			 sizeof(length) + frame_bytes);
}

static void a_stream_carries_frames_both_ways(void **state)
{
	(void)state;
	offer_room(2000);
	serve_all();
	peer_send(1000);
	serve_all();
	assert_int_equal(take_used(RX), HEADER_BYTES + 1000);
	memset(board.frame, 0, HEADER_BYTES);
	board.frame[10] = 1; /* num_buffers */
	assert_memory_equal(at(RX, 0), board.frame, HEADER_BYTES + 1000);
	send_one();
	assert_int_equal(take_used(TX), 0);
	assert_int_equal(read(board.peer, board.frame, sizeof(board.frame)), 64);
	assert_memory_equal(board.frame, "\0\0\0\x3c", 4);
	assert_memory_equal(board.frame + 4, at(TX, HEADER_BYTES), 60);
}

/* They are in the port's buffer, and the descriptor does not tell of them. */
static void frames_that_were_read_ahead_are_not_forgotten(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 200; i++)
		peer_send(60);
	for (unsigned int i = 0; i < 200; i++)
		offer_room(2000);
	serve_at(clock_ns());
	assert_in_range(board.net.counters.received_frames, 1, 199);
	assert_int_equal(board.net.device.due_ns, 0);
	serve_all();
	assert_int_equal(board.net.counters.received_frames, 200);
	assert_int_equal(board.net.device.due_ns, VIRTIO_NEVER);
}

static void frames_that_were_read_ahead_wait_for_chains(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 20; i++)
		peer_send(60);
	for (unsigned int i = 0; i < 20; i++) {
		offer_room(2000);
		notify(RX);
		serve_all();
		assert_int_equal(take_used(RX), HEADER_BYTES + 60);
		assert_int_equal(take_used(RX), -1);
	}
}

static void a_frame_in_part_is_finished_before_the_next(void **state)
{
	const int small = 4096;
	const struct net_header header = {0};
	const struct fake_buffer buffer = {FAKE_DATA_GPA, HEADER_BYTES + 60000, false};
	uint64_t wire_bytes = 0;
	ssize_t got;

	(void)state;
	setsockopt(board.net.port.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	make_frame(at(TX, 0), &header, 60000);
	for (unsigned int i = 0; i < 5; i++)
		fake_driver_add(&board.drivers[TX], &buffer, 1);
	notify(TX);
	assert_true(net_port_has_rest(&board.net.port));
	assert_true(board.net.device.service_events & POLLOUT);
	do {
		while ((got = read(board.peer, board.frame, sizeof(board.frame))) > 0)
			wire_bytes += (uint64_t)got;
	} while (serve_all() > 0);
	assert_int_equal(wire_bytes, 5 * (4 + 60000));
	assert_int_equal(board.net.counters.sent_frames, 5);
	assert_false(board.net.device.service_events & POLLOUT);
}

static void broken_framing_takes_the_link_down(void **state)
{
	uint32_t generation = board.net.device.config_generation;

	(void)state;
	offer_room(2000);
	peer_send(60);
	assert_int_equal(write(board.peer, "\xff\xff\xff\xff", 4), 4);
	serve_all();
	assert_int_equal(take_used(RX), HEADER_BYTES + 60);
	offer_room(2000);
	notify(RX);
	serve_all();
	expect_link_down(generation);
}

#define ON_TAP(function)    cmocka_unit_test_setup_teardown(function, begin_tap, end)
#define ON_STREAM(function) cmocka_unit_test_setup_teardown(function, begin_stream, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tap_offers_offloads_and_a_stream_does_not),
		cmocka_unit_test(configuration_by_any_offset_and_size),
		cmocka_unit_test(the_device_announces_its_address),
		cmocka_unit_test(offloads_that_the_host_refuses_are_told),
		cmocka_unit_test(frames_are_waited_for_once_the_driver_is_ready),
		ON_TAP(a_stopped_receive_queue_forgets_chains_and_frame),
		ON_TAP(a_receive_queue_that_starts_again),
		ON_TAP(a_stopped_transmit_queue_waits_for_nothing),
		ON_TAP(reset_is_as_new),
		ON_TAP(a_failed_device_waits_for_nothing),
		ON_TAP(a_port_that_is_gone_is_a_link_that_is_down),
		ON_TAP(the_same_found_out_by_receiving),
		ON_TAP(a_link_that_is_down_stays_down_over_a_reset),
		ON_STREAM(a_stream_carries_frames_both_ways),
		ON_STREAM(frames_that_were_read_ahead_are_not_forgotten),
		ON_STREAM(frames_that_were_read_ahead_wait_for_chains),
		ON_STREAM(a_frame_in_part_is_finished_before_the_next),
		ON_STREAM(broken_framing_takes_the_link_down),
		ON_STREAM(a_port_that_is_gone_is_a_link_that_is_down),
		ON_STREAM(the_same_found_out_by_receiving),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
