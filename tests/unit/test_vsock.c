/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_vsock.c - the device: its queues, what a guest may not send, resets.
 *
 * How connections begin is in test_vsock_begin.c, how bytes go through them in
 * test_vsock_connection.c.
 */
#include "tests/unit/vsock_guest.h"

static void test_configuration(void **state)
{
	uint64_t cid = 0;
	uint32_t high = 0;

	(void)state;
	vsock.device.ops->config_read(&vsock.device, 0, (uint8_t *)&cid, 8);
	assert_int_equal(cid, CID);
	vsock.device.ops->config_read(&vsock.device, 4, (uint8_t *)&high, 4);
	assert_int_equal(high, 0);
	high = 0xdeadbeef;
	vsock.device.ops->config_read(&vsock.device, 8, (uint8_t *)&high, 4);
	assert_int_equal(high, 0xdeadbeef);
	assert_int_equal(vsock.device.type, 19);
	assert_int_equal(vsock.device.queue_count, 3);
	assert_int_equal(vsock.device.features & 0xffff, VIRTIO_VSOCK_F_STREAM);
	assert_null(vsock.device.ops->config_write);
}

/* -- What stops the device -- */

static void expect_failure(unsigned int failures)
{
	assert_int_equal(heard.failures, failures);
	assert_int_equal(heard.fault, VIRTIO_FAULT_REQUEST);
	assert_true(vsock.device.status & VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(connections(), 0);
}

static void test_chains_that_stop_the_device(void **state)
{
	const uint64_t gpa = buffer_gpa(0);
	const struct fake_buffer short_header[] = {{gpa, 43, false}};
	const struct fake_buffer only_writable[] = {{gpa, 4096, true}};
	const struct fake_buffer writable_too[] = {{gpa, 44, false}, {gpa + 4096, 4096, true}};
	const struct fake_buffer readable[] = {{gpa, 4096, false}};
	const struct fake_buffer readable_too[] = {{gpa, 1, false}, {gpa + 4096, 4096, true}};
	const struct fake_buffer no_payload[] = {{gpa, 44, true}};
	const struct {
		unsigned int queue;
		const struct fake_buffer *buffers;
		unsigned int count;
	} cases[] = {
		{VSOCK_QUEUE_TRANSMIT, short_header, 1}, {VSOCK_QUEUE_TRANSMIT, only_writable, 1},
		{VSOCK_QUEUE_TRANSMIT, writable_too, 2}, {VSOCK_QUEUE_RECEIVE, readable, 1},
		{VSOCK_QUEUE_RECEIVE, readable_too, 2},  {VSOCK_QUEUE_RECEIVE, no_payload, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fake_used used;
		int fd;

		set_up(NULL);
		fd = connect_from_guest(GUEST_PORT, HOST_PORT);
		holds_buffers = true;
		if (cases[i].queue == VSOCK_QUEUE_RECEIVE) {
			/* The first of the next buffers that are looked at. */
			while (vsock.device.queues[0].next_avail != drivers[0].added) {
				send_op(VSOCK_OP_CREDIT_REQUEST, GUEST_PORT, HOST_PORT);
				assert_true(take());
			}
		}
		fake_driver_add(&drivers[cases[i].queue], cases[i].buffers, cases[i].count);
		if (cases[i].queue == VSOCK_QUEUE_RECEIVE)
			send_op(VSOCK_OP_CREDIT_REQUEST, GUEST_PORT, HOST_PORT);
		notify(cases[i].queue);
		expect_failure(1);
		assert_false(fake_driver_take_used(&drivers[cases[i].queue], &used) &&
			     cases[i].queue != VSOCK_QUEUE_TRANSMIT);
		expect_end(fd); /* nobody waits for a guest that will not answer */
		notify(VSOCK_QUEUE_TRANSMIT);
		service();
		expect_failure(1);
		close(fd);
		tear_down(NULL);
	}
	set_up(NULL);
}

/* Header and payload in any pieces, in both directions. */
static void test_any_framing(void **state)
{
	struct vsock_header header = make_header(VSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	const uint64_t gpa = buffer_gpa(0);
	const struct fake_buffer out[] = {
		{gpa, 1, false},      {gpa + 1, 40, false}, {gpa + 41, 0, false},
		{gpa + 41, 5, false}, {gpa + 46, 3, false}, {gpa + 49, 100, false}, /* too many */
	};
	struct fake_used used;
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	header.len = 6;
	memcpy(fake_at(&drivers[1], gpa), &header, sizeof(header));
	memcpy((uint8_t *)fake_at(&drivers[1], gpa) + 44, "sixsix????", 10);
	fake_driver_add_indirect(&drivers[1], out, 6);
	notify(VSOCK_QUEUE_TRANSMIT);
	expect_text(fd, "sixsix");

	/* The same to the guest: use up the buffers that are there, then bring one in pieces. */
	holds_buffers = true;
	while (vsock.device.queues[0].next_avail != drivers[0].added) {
		send_op(VSOCK_OP_CREDIT_REQUEST, GUEST_PORT, HOST_PORT);
		assert_true(take());
	}
	for (unsigned int i = 0; i < 4; i++)
		drivers[0].descriptors[i] = (struct queue_descriptor){
			.gpa = buffer_gpa(0) + (i == 0   ? 0
						: i == 1 ? 43
						: i == 2 ? 45
							 : 50),
			.length = i == 0   ? 43
				  : i == 1 ? 2
				  : i == 2 ? 5
					   : 2,
			.flags = QUEUE_DESCRIPTOR_WRITE | (i < 3 ? QUEUE_DESCRIPTOR_NEXT : 0),
			.next = (uint16_t)(i + 1),
		};
	fake_driver_offer(&drivers[0], 0);
	say(fd, "payload!more");
	service();
	assert_true(fake_driver_take_used(&drivers[0], &used));
	assert_int_equal(used.written_bytes, 44 + 8);
	memcpy(&header, fake_at(&drivers[0], buffer_gpa(0)), sizeof(header));
	assert_int_equal(header.op, VSOCK_OP_RW);
	assert_int_equal(header.len, 8);
	assert_memory_equal((uint8_t *)fake_at(&drivers[0], buffer_gpa(0)) + 44, "payload!", 8);
	assert_int_equal(heard.failures + heard.refusals, 0);
	close(fd);
}

/* -- What is answered with a reset -- */

static void expect_reset_to(const struct vsock_header *header)
{
	service();
	assert_true(take());
	assert_int_equal(got.header.op, VSOCK_OP_RST);
	assert_int_equal(got.header.src_cid, header->dst_cid);
	assert_int_equal(got.header.dst_cid, header->src_cid);
	assert_int_equal(got.header.src_port, header->dst_port);
	assert_int_equal(got.header.dst_port, header->src_port);
	assert_int_equal(got.header.type, header->type);
	assert_int_equal(got.header.len, 0);
}

static void test_wrong_cids_are_reset(void **state)
{
	static const struct {
		uint64_t src;
		uint64_t dst;
	} cases[] = {
		{CID, 0},
		{CID, 1},
		{CID, 3},
		{CID, 42},
		{CID, UINT32_MAX},
		{CID, UINT64_C(1) << 32 | 2},
		{2, 2},
		{CID + 1, 2},
		{UINT64_C(1) << 32 | CID, 2},
		{0, 0},
		{UINT64_MAX, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct vsock_header header = make_header(VSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);

		header.src_cid = cases[i].src;
		header.dst_cid = cases[i].dst;
		send_header(&header, NULL, 0);
		expect_reset_to(&header);
		assert_int_equal(heard.refusals, i + 1);
	}
	assert_int_equal(heard.connects + connections() + heard.failures, 0);
	expect_none();
}

static void test_other_types_are_reset(void **state)
{
	static const uint16_t types[] = {0, 2, 3, UINT16_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct vsock_header header = make_header(VSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);

		header.type = types[i];
		send_header(&header, NULL, 0);
		expect_reset_to(&header);
	}
	assert_int_equal(heard.refusals, 4);
	assert_int_equal(heard.connects, 0);
}

static void test_packets_of_no_connection_are_reset(void **state)
{
	static const uint16_t ops[] = {0, 2, 4, 5, 6, 7, 8, UINT16_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		struct vsock_header header = make_header(ops[i], GUEST_PORT, HOST_PORT);

		send_header(&header, NULL, 0);
		expect_reset_to(&header);
	}
	assert_int_equal(connections(), 0);
}

static void test_a_reset_is_never_answered(void **state)
{
	struct vsock_header header = make_header(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);

	(void)state;
	send_header(&header, NULL, 0);
	expect_none();
	header.type = 9;
	send_header(&header, NULL, 0);
	expect_none();
	header.dst_cid = 9;
	send_header(&header, NULL, 0);
	expect_none();
	assert_int_equal(packets_taken(), 3);
}

static void test_ops_out_of_order_break_the_connection(void **state)
{
	static const uint16_t ops[] = {0, 1, 2, 8, UINT16_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		int fd = connect_from_guest(GUEST_PORT, HOST_PORT);

		send_op(ops[i], GUEST_PORT, HOST_PORT);
		expect(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
		expect_end(fd);
		assert_int_equal(connections(), 0);
		assert_int_equal(heard.refusals, i + 1);
		close(fd);
	}
}

/* The header says more than the chain holds. */
static void test_short_packets_break_the_connection(void **state)
{
	struct vsock_header header = make_header(VSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	header.len = 5;
	send_header(&header, "four", 4);
	expect(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	expect_end(fd);
	header.len = UINT32_MAX;
	send_header(&header, "four", 4);
	expect_reset_to(&header); /* of no connection, now */
	assert_int_equal(heard.failures, 0);
	close(fd);
}

/* A payload that has no business there is left alone. */
static void test_payload_of_other_ops_is_ignored(void **state)
{
	struct vsock_header header = make_header(VSOCK_OP_CREDIT_UPDATE, GUEST_PORT, HOST_PORT);
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	header.len = 4;
	send_header(&header, "four", 4);
	expect_silence(fd);
	send_bytes(GUEST_PORT, HOST_PORT, "five!", 5);
	expect_text(fd, "five!");
	close(fd);
}

/* -- Back-pressure -- */

/* With no buffers, as many answers are kept as there is room for; then the guest's packets wait. */
static void test_answers_are_neither_lost_nor_unbounded(void **state)
{
	const unsigned int sent = 4 * VSOCK_RESETS_MAX - 10;

	(void)state;
	start_queues();
	for (uint32_t i = 0; i < sent; i++) {
		struct vsock_header header = make_header(VSOCK_OP_CREDIT_UPDATE, i, HOST_PORT);

		if (drivers[1].added - packets_taken() < BUFFERS_MAX)
			send_header(&header, NULL, 0);
		else
			break;
	}
	assert_int_equal(packets_taken(), VSOCK_RESETS_MAX);
	assert_int_equal(vsock.device.queues[1].next_avail, VSOCK_RESETS_MAX);
	service();
	assert_int_equal(packets_taken(), VSOCK_RESETS_MAX);
	/* Buffers alone bring everything on. */
	give_buffers(BUFFERS_MAX);
	for (uint32_t i = 0; i < drivers[1].added; i++)
		expect(VSOCK_OP_RST, i, HOST_PORT);
	expect_none();
	assert_int_equal(packets_taken(), drivers[1].added);
	assert_int_equal(heard.failures, 0);
}

/* While there are no buffers nothing is awake, and what the guest sent is written all the same. */
static void test_no_buffers_keep_nobody_awake(void **state)
{
	static uint8_t bytes[VSOCK_CREDIT_BYTES];
	unsigned int taken = 0;
	uint32_t host_port;
	int fd;

	(void)state;
	holds_buffers = true;
	fd = connect_from_host(GUEST_PORT, &host_port);
	narrow();
	while (vsock.device.queues[0].next_avail != drivers[0].added) {
		send_op(VSOCK_OP_CREDIT_REQUEST, GUEST_PORT, host_port);
		assert_true(take());
	}
	say(fd, "for the guest");
	assert_true(is_awake());
	service();
	assert_false(is_awake());
	say(fd, ", and more");
	assert_false(is_awake());

	/* The socket's buffer is full, and some is held here. */
	for (unsigned int i = 0; vsock_buffered_bytes(&vsock) == 0; i++) {
		assert_in_range(i, 0, VSOCK_CREDIT_BYTES / 4096 - 1);
		send_bytes(GUEST_PORT, host_port, bytes, 4096);
	}
	assert_false(is_awake());
	while (read(fd, bytes, sizeof(bytes)) > 0)
		taken++;
	assert_true(taken > 0 && is_awake());
	service();
	assert_int_equal(vsock_buffered_bytes(&vsock), 0);
	assert_false(is_awake());

	holds_buffers = false;
	give_buffer(0);
	notify(VSOCK_QUEUE_RECEIVE);
	do
		assert_true(take());
	while (got.header.op != VSOCK_OP_RW);
	assert_int_equal(got.header.len, 23);
	assert_memory_equal(got.payload, "for the guest, and more", 23);
	close(fd);
}

/* Many small packets go in one notification, and with few interrupts. */
static void test_one_interrupt_for_a_batch(void **state)
{
	struct vsock_header header = make_header(VSOCK_OP_CREDIT_UPDATE, 1, 2);
	unsigned int before;

	(void)state;
	before = heard.interrupts;
	for (unsigned int i = 0; i < 50; i++)
		queue_packet(&header, NULL, 0);
	notify(VSOCK_QUEUE_TRANSMIT);
	assert_int_equal(packets_taken(), 50);
	assert_in_range(heard.interrupts - before, 1, 2); /* one for each queue */
}

/* -- Resets -- */

/* A driver that gave up leaves nobody waiting for ever. */
static void test_failed_driver(void **state)
{
	int fd;

	(void)state;
	fd = connect_client();
	service();
	assert_int_equal(connections(), 1);
	vsock.device.status |= VIRTIO_STATUS_FAILED;
	service();
	assert_false(is_awake());
	time_passes();
	expect_end(fd);
	assert_int_equal(connections(), 0);
	close(fd);
}

static void test_reset_breaks_off_everything(void **state)
{
	int pair[2];
	uint32_t port;
	int greeting;
	int guest;
	int client;

	(void)state;
	guest = connect_from_guest(GUEST_PORT, HOST_PORT);
	client = connect_from_host(GUEST_PORT, &port);
	greeting = connect_client();
	service();
	send_op(VSOCK_OP_REQUEST, 77, 78);
	assert_int_equal(connections(), 4);
	vsock.device.ops->reset(&vsock.device);
	assert_int_equal(connections(), 0);
	assert_int_equal(vsock.device.due_ns, VIRTIO_NEVER);
	expect_end(guest);
	expect_end(client);
	expect_end(greeting);
	/* An answer that comes too late is closed. */
	make_pair(pair);
	vsock.device.status = 0;
	vsock_connected(&vsock, heard.token, pair[1]);
	expect_end(pair[0]);
	assert_false(is_awake());
	close(pair[0]);
	close(guest);
	close(client);
	close(greeting);
}

/* Bytes that the guest was told are taken arrive, also if it is gone. */
static void test_bytes_survive_a_reset(void **state)
{
	static uint8_t bytes[VSOCK_CREDIT_BYTES];
	uint32_t sent = 0;
	uint32_t seen = 0;
	ssize_t part;
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	while (vsock_connection_buffered(the_connection()) < 10000) {
		send_bytes(GUEST_PORT, HOST_PORT, bytes, 4096);
		sent += 4096;
		while (take())
			;
	}
	vsock.device.ops->reset(&vsock.device);
	vsock.device.status = 0;
	assert_int_equal(connections(), 1);
	assert_in_range(vsock_buffered_bytes(&vsock), 1, sent);
	while ((part = read(fd, bytes, sizeof(bytes))) != 0) {
		if (part > 0)
			seen += (uint32_t)part;
		else
			service();
	}
	assert_int_equal(seen, sent);
	assert_int_equal(vsock_buffered_bytes(&vsock), 0);
	assert_int_equal(connections(), 0);
	close(fd);
}

/* At the end of a run another vCPU may go on; what came before is taken even unasked. */
static void test_what_comes_after_the_end_is_not_taken(void **state)
{
	static uint8_t bytes[1000];
	struct vsock_header header = make_header(VSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	uint32_t taken;
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	header.len = sizeof(bytes);
	queue_packet(&header, bytes, sizeof(bytes));
	vsock_take_no_more(&vsock);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), sizeof(bytes));
	taken = packets_taken();
	assert_int_equal(taken, drivers[1].added);

	send_header(&header, bytes, sizeof(bytes));
	service();
	assert_int_equal(packets_taken(), taken);
	assert_int_equal(vsock_buffered_bytes(&vsock), 0);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), -1);
	assert_false(is_awake());
	close(fd);
}

static void test_clients_wait_for_the_driver(void **state)
{
	int fd;

	(void)state;
	fd = connect_client();
	say(fd, "CONNECT 5\n");
	assert_false(is_awake());
	service();
	assert_int_equal(connections(), 0);
	start_queues();
	give_buffers(4);
	service();
	assert_true(take());
	assert_int_equal(got.header.op, VSOCK_OP_REQUEST);
	assert_int_equal(got.header.dst_port, 5);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITHOUT_GUEST(test_configuration),
		cmocka_unit_test_teardown(test_chains_that_stop_the_device, tear_down),
		WITH_GUEST(test_any_framing),
		WITH_GUEST(test_wrong_cids_are_reset),
		WITH_GUEST(test_other_types_are_reset),
		WITH_GUEST(test_packets_of_no_connection_are_reset),
		WITH_GUEST(test_a_reset_is_never_answered),
		WITH_GUEST(test_ops_out_of_order_break_the_connection),
		WITH_GUEST(test_short_packets_break_the_connection),
		WITH_GUEST(test_payload_of_other_ops_is_ignored),
		WITHOUT_GUEST(test_answers_are_neither_lost_nor_unbounded),
		WITH_GUEST(test_no_buffers_keep_nobody_awake),
		WITH_GUEST(test_one_interrupt_for_a_batch),
		WITH_GUEST(test_failed_driver),
		WITH_GUEST(test_reset_breaks_off_everything),
		WITH_GUEST(test_bytes_survive_a_reset),
		WITH_GUEST(test_what_comes_after_the_end_is_not_taken),
		WITHOUT_GUEST(test_clients_wait_for_the_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
