/* SPDX-License-Identifier: MIT */
/* tests/unit/test_vsock_connection.c - bytes, credit and ends of connections, both ways. */
#include "tests/unit/vsock_guest.h"
#include "virtio/clock.h"

#include <stdlib.h>

enum {
	PACKET_BYTES = 64 * 1024,
};

static uint8_t bytes[256 * 1024];

static uint8_t pattern(uint64_t place)
{
	return (uint8_t)(place * 31 + place / 251);
}

static void fill(uint8_t *target, uint64_t place, size_t count)
{
	for (size_t i = 0; i < count; i++)
		target[i] = pattern(place + i);
}

static void expect_pattern(const uint8_t *found, uint64_t place, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (found[i] != pattern(place + i))
			fail_msg("another byte at %llu", (unsigned long long)(place + i));
}

/* -- An honest guest on one connection -- */

struct flow {
	uint32_t guest_port;
	uint32_t host_port;
	uint64_t sent;      /* by the guest */
	uint32_t credit_at; /* the device's fwd_cnt as the guest knows it */
	uint64_t taken;     /* by the guest */
	uint32_t shutdown;  /* what the device has said */
	bool is_reset;
};

static struct flow flow_of(uint32_t guest_port, uint32_t host_port)
{
	return (struct flow){.guest_port = guest_port, .host_port = host_port};
}

/* Take everything that the device has for the guest, check it, and give credit back. */
static void take_all(struct flow *flow)
{
	while (take()) {
		assert_int_equal(got.header.dst_port, flow->guest_port);
		assert_int_equal(got.header.src_port, flow->host_port);
		flow->credit_at = got.header.fwd_cnt;
		assert_int_equal(got.header.buf_alloc, VSOCK_WIDE_CREDIT_BYTES);
		if (got.header.op == VSOCK_OP_RW) {
			assert_int_equal(flow->shutdown & VSOCK_SHUTDOWN_SEND, 0);
			expect_pattern(got.payload, flow->taken, got.header.len);
			flow->taken += got.header.len;
		} else if (got.header.op == VSOCK_OP_CREDIT_REQUEST) {
			send_credit(flow->guest_port, flow->host_port, CREDIT,
				    (uint32_t)flow->taken);
		} else if (got.header.op == VSOCK_OP_SHUTDOWN) {
			flow->shutdown |= got.header.flags;
		} else if (got.header.op == VSOCK_OP_RST) {
			flow->is_reset = true;
		} else {
			assert_int_equal(got.header.op, VSOCK_OP_CREDIT_UPDATE);
		}
	}
}

/* Send a packet of as much as the guest has credit for, at most `max`. */
static void send_some(struct flow *flow, uint64_t max)
{
	uint32_t credit = VSOCK_WIDE_CREDIT_BYTES - ((uint32_t)flow->sent - flow->credit_at);
	uint32_t room = credit < PACKET_BYTES ? credit : PACKET_BYTES;
	uint32_t count = room < max ? room : (uint32_t)max;
	struct vsock_header header = make_header(VSOCK_OP_RW, flow->guest_port, flow->host_port);

	if (count == 0)
		return;
	fill(bytes, flow->sent, count);
	header.len = count;
	header.fwd_cnt = (uint32_t)flow->taken;
	send_header(&header, bytes, count);
	flow->sent += count;
}

/* -- Bytes -- */

static void test_both_ways(void **state)
{
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	send_bytes(GUEST_PORT, HOST_PORT, "to the host", 11);
	expect_text(fd, "to the host");
	say(fd, "to the guest");
	expect(VSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	assert_int_equal(got.header.len, 12);
	assert_int_equal(got.header.fwd_cnt, 11);
	assert_memory_equal(got.payload, "to the guest", 12);
	send_bytes(GUEST_PORT, HOST_PORT, "", 0);
	expect_none();
	expect_silence(fd);
	assert_int_equal(vsock.muxer.counters.guest_connections, 1);
	assert_int_equal(vsock.muxer.counters.to_guest_bytes, 12);
	assert_int_equal(vsock.muxer.counters.from_guest_bytes, 11);
	close(fd);
}

/* 10 MB each way at once, the host in odd pieces; counters that wrap are tried below. */
static void transfer(uint64_t total)
{
	struct flow flow = flow_of(GUEST_PORT, HOST_PORT);
	static uint8_t piece[30011];
	uint64_t written = 0;
	uint64_t read_bytes = 0;
	int fd = connect_from_guest(GUEST_PORT, HOST_PORT);

	narrow();
	while (read_bytes < total || flow.taken < total) {
		ssize_t part;

		send_some(&flow, total - flow.sent);
		part = read(fd, piece, sizeof(piece));
		if (part > 0) {
			expect_pattern(piece, read_bytes, (size_t)part);
			read_bytes += (uint64_t)part;
		}
		if (written < total) {
			size_t count = total - written < sizeof(piece) ? total - written
								       : sizeof(piece);

			fill(piece, written, count);
			part = write(fd, piece, count);
			written += part > 0 ? (uint64_t)part : 0;
			if (written == total)
				assert_int_equal(shutdown(fd, SHUT_WR), 0);
		}
		service();
		take_all(&flow);
	}
	assert_int_equal(flow.sent, total);
	service();
	take_all(&flow);
	assert_int_equal(flow.shutdown, VSOCK_SHUTDOWN_SEND);
	send_shutdown(GUEST_PORT, HOST_PORT, VSOCK_SHUTDOWN_BOTH);
	expect(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	expect_end(fd);
	assert_int_equal(connections(), 0);
	close(fd);
}

static void test_ten_megabytes_each_way(void **state)
{
	(void)state;
	transfer(10 * 1000 * 1000);
	assert_int_equal(heard.failures + heard.refusals + heard.host_errors, 0);
}

/* Few buffers, so that the device is often without: whoever waits for them is told in time. */
static void test_no_notification_is_lost(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		build();
		has_event_index = i;
		start_queues();
		give_buffers(2);
		transfer(1000 * 1000);
		assert_int_equal(heard.failures + heard.refusals + heard.host_errors, 0);
		tear_down(NULL);
	}
}

/* The guest brings buffers at its leisure, and that alone lets things go on: no turn of the host's.
 */
static void test_buffers_alone_bring_things_on(void **state)
{
	uint64_t taken = 0;
	int fd;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		build();
		has_event_index = i;
		start_queues();
		give_buffers(1);
		fd = connect_from_guest(GUEST_PORT, HOST_PORT);
		fill(bytes, 0, 100000);
		assert_int_equal(write(fd, bytes, 100000), 100000);
		service();
		for (taken = 0; taken < 100000; taken += got.header.len) {
			assert_true(take());
			assert_int_equal(got.header.op, VSOCK_OP_RW);
			expect_pattern(got.payload, taken, got.header.len);
		}
		close(fd);
		tear_down(NULL);
	}
}

/* All counters are free-running: begin close to where they wrap. */
static void test_counters_wrap(void **state)
{
	const uint32_t before = UINT32_MAX - 1000;
	struct vsock_connection *connection;
	uint32_t forwarded = before;
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	connection = the_connection();
	connection->received = connection->forwarded = connection->told = before;
	connection->sent = connection->guest_forwarded = before;
	for (unsigned int i = 0; i < 40; i++) {
		fill(bytes, i * 8192, 8192);
		send_bytes(GUEST_PORT, HOST_PORT, bytes, 8192);
		/* The helper says that nothing was forwarded: put it right. */
		send_credit(GUEST_PORT, HOST_PORT, CREDIT, forwarded);
		assert_int_equal(read(fd, bytes, sizeof(bytes)), 8192);
		expect_pattern(bytes, i * 8192, 8192);
		fill(bytes, i * 3000, 3000);
		assert_int_equal(write(fd, bytes, 3000), 3000);
		service();
		do
			assert_true(take());
		while (got.header.op != VSOCK_OP_RW);
		assert_int_equal(got.header.len, 3000);
		expect_pattern(got.payload, i * 3000, 3000);
		forwarded += 3000;
		assert_int_equal(got.header.fwd_cnt, before + (i + 1) * 8192);
	}
	assert_int_equal(heard.refusals, 0);
	close(fd);
}

/* -- Credit -- */

/* As a connection has it that is not among the first. */
static int connect_with_little_credit(void)
{
	int fd = connect_from_guest(GUEST_PORT, HOST_PORT);

	the_connection()->credit_bytes = VSOCK_CREDIT_BYTES;
	return fd;
}

/* The first connections have more credit than the others. */
static void test_guest_is_told_its_credit(void **state)
{
	int fds[VSOCK_WIDE_CONNECTIONS + 1];

	(void)state;
	for (unsigned int i = 0; i <= VSOCK_WIDE_CONNECTIONS; i++) {
		fds[i] = connect_from_guest(GUEST_PORT + i, HOST_PORT);
		send_op(VSOCK_OP_CREDIT_REQUEST, GUEST_PORT + i, HOST_PORT);
		expect(VSOCK_OP_CREDIT_UPDATE, GUEST_PORT + i, HOST_PORT);
		assert_int_equal(got.header.buf_alloc, i < VSOCK_WIDE_CONNECTIONS
							       ? VSOCK_WIDE_CREDIT_BYTES
							       : VSOCK_CREDIT_BYTES);
	}
	for (unsigned int i = 0; i <= VSOCK_WIDE_CONNECTIONS; i++)
		close(fds[i]);
}

static void test_guest_hears_of_half_its_credit(void **state)
{
	int fd;

	(void)state;
	fd = connect_with_little_credit();
	send_bytes(GUEST_PORT, HOST_PORT, bytes, VSOCK_CREDIT_BYTES / 2);
	expect_none();
	send_bytes(GUEST_PORT, HOST_PORT, bytes, 1);
	expect(VSOCK_OP_CREDIT_UPDATE, GUEST_PORT, HOST_PORT);
	assert_int_equal(got.header.fwd_cnt, VSOCK_CREDIT_BYTES / 2 + 1);
	assert_int_equal(got.header.buf_alloc, VSOCK_CREDIT_BYTES);
	expect_none();
	close(fd);
}

/* Linux leaves no more unacknowledged than its own buffer holds, which is less than a wide credit.
 */
static void test_guest_hears_of_half_its_own_buffer(void **state)
{
	enum {
		PIECE_BYTES = CREDIT / 8
	};
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	assert_true(the_connection()->credit_bytes > CREDIT);
	for (unsigned int i = 0; i < 4; i++) {
		send_bytes(GUEST_PORT, HOST_PORT, bytes, PIECE_BYTES);
		assert_int_equal(read(fd, bytes, PIECE_BYTES), PIECE_BYTES);
		expect_none();
	}
	send_bytes(GUEST_PORT, HOST_PORT, bytes, 1);
	expect(VSOCK_OP_CREDIT_UPDATE, GUEST_PORT, HOST_PORT);
	assert_int_equal(got.header.fwd_cnt, CREDIT / 2 + 1);
	expect_none();
	close(fd);
}

/* Nothing was taken, so there is nothing to tell; once it was, there is. */
static void test_no_credit_before_the_host_reads(void **state)
{
	int fd;

	(void)state;
	fd = connect_with_little_credit();
	narrow();
	send_bytes(GUEST_PORT, HOST_PORT, bytes, VSOCK_CREDIT_BYTES);
	service();
	while (take())
		;
	assert_true(vsock_connection_buffered(the_connection()) > 0);
	expect_none();
	expect_none();
	while (read(fd, bytes, sizeof(bytes)) > 0)
		service();
	assert_true(take());
	while (take())
		;
	assert_int_equal(got.header.op, VSOCK_OP_CREDIT_UPDATE);
	/* Not each time that the host takes a little, but in good time. */
	assert_in_range(got.header.fwd_cnt, VSOCK_CREDIT_BYTES / 2, VSOCK_CREDIT_BYTES);
	assert_int_equal(vsock_buffered_bytes(&vsock), 0);
	close(fd);
}

static void test_more_than_the_credit_is_reset(void **state)
{
	struct vsock_header header = make_header(VSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	const struct fake_buffer huge[] = {{buffer_gpa(0), 44, false},
					   {buffer_gpa(1), VSOCK_CREDIT_BYTES + 1, false}};
	int fd;

	(void)state;
	fd = connect_with_little_credit();
	header.len = VSOCK_CREDIT_BYTES + 1;
	memcpy(fake_at(&drivers[1], buffer_gpa(0)), &header, sizeof(header));
	fake_driver_add(&drivers[1], huge, 2);
	notify(VSOCK_QUEUE_TRANSMIT);
	expect(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	expect_end(fd);
	assert_int_equal(heard.refusals, 1);
	assert_int_equal(connections(), 0);
	close(fd);
}

static void test_credit_request_is_answered(void **state)
{
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	send_op(VSOCK_OP_CREDIT_REQUEST, GUEST_PORT, HOST_PORT);
	expect(VSOCK_OP_CREDIT_UPDATE, GUEST_PORT, HOST_PORT);
	expect_none();
	close(fd);
}

/* The guest's credit is respected to the byte; it is asked for more once, and nobody is awake. */
static void test_guest_without_credit(void **state)
{
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	send_credit(GUEST_PORT, HOST_PORT, 10, 0);
	say(fd, "0123456789abcdef");
	expect(VSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	assert_int_equal(got.header.len, 10);
	expect(VSOCK_OP_CREDIT_REQUEST, GUEST_PORT, HOST_PORT);
	expect_none();
	assert_false(is_awake());
	say(fd, "ghi");
	expect_none();
	assert_false(is_awake());
	/* The same again is no credit. */
	send_credit(GUEST_PORT, HOST_PORT, 10, 0);
	expect_none();
	send_credit(GUEST_PORT, HOST_PORT, 10, 4);
	expect(VSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	assert_int_equal(got.header.len, 4);
	assert_memory_equal(got.payload, "abcd", 4);
	expect(VSOCK_OP_CREDIT_REQUEST, GUEST_PORT, HOST_PORT);
	/* Taken back, or more claimed than was ever sent: that is none, and does no harm. */
	send_credit(GUEST_PORT, HOST_PORT, 0, 14);
	expect_none();
	send_credit(GUEST_PORT, HOST_PORT, 10, 15);
	expect_none();
	send_credit(GUEST_PORT, HOST_PORT, 10, 14);
	expect(VSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	assert_memory_equal(got.payload, "efghi", 5);
	expect_none();
	assert_false(is_awake());
	close(fd);
}

/* -- Half-close -- */

static void test_guest_ends_its_way(void **state)
{
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	send_bytes(GUEST_PORT, HOST_PORT, "last words", 10);
	send_shutdown(GUEST_PORT, HOST_PORT, VSOCK_SHUTDOWN_SEND);
	expect_text(fd, "last words");
	expect_end(fd);
	/* The other way goes on. */
	say(fd, "an answer");
	expect(VSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	assert_memory_equal(got.payload, "an answer", 9);
	expect_none();
	/* Then the host ends, too: one SHUTDOWN says it all, and the guest's RST ends it. */
	close(fd);
	expect(VSOCK_OP_SHUTDOWN, GUEST_PORT, HOST_PORT);
	assert_int_equal(got.header.flags, VSOCK_SHUTDOWN_BOTH);
	assert_int_equal(connections(), 1);
	send_op(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	expect_none();
	assert_int_equal(connections(), 0);
	assert_int_equal(heard.refusals, 0);
}

static void test_host_ends_its_way(void **state)
{
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	say(fd, "a question");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	expect(VSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	expect(VSOCK_OP_SHUTDOWN, GUEST_PORT, HOST_PORT);
	assert_int_equal(got.header.flags, VSOCK_SHUTDOWN_SEND);
	expect_none();
	assert_false(is_awake());
	send_bytes(GUEST_PORT, HOST_PORT, "an answer", 9);
	expect_text(fd, "an answer");
	send_shutdown(GUEST_PORT, HOST_PORT, VSOCK_SHUTDOWN_SEND);
	expect_end(fd);
	expect(VSOCK_OP_SHUTDOWN, GUEST_PORT, HOST_PORT);
	assert_int_equal(got.header.flags, VSOCK_SHUTDOWN_BOTH);
	send_op(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	assert_int_equal(connections(), 0);
	close(fd);
}

/* A close of the guest is SHUTDOWN of both ways, and is answered with RST. */
static void test_guest_closes(void **state)
{
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	send_shutdown(GUEST_PORT, HOST_PORT, VSOCK_SHUTDOWN_BOTH);
	expect(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	expect_end(fd);
	assert_int_equal(connections(), 0);
	close(fd);
	/* In two steps, flags are kept. */
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	send_shutdown(GUEST_PORT, HOST_PORT, VSOCK_SHUTDOWN_RECEIVE);
	send_shutdown(GUEST_PORT, HOST_PORT, 0);
	expect_none();
	send_shutdown(GUEST_PORT, HOST_PORT, VSOCK_SHUTDOWN_SEND);
	expect(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	close(fd);
}

/* All that was sent arrives before the end, however slowly it is read; the ports are free at once.
 */
static void test_bytes_drain_before_the_end(void **state)
{
	static uint8_t piece[1000];
	uint64_t seen = 0;
	ssize_t part;
	int again;
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	narrow();
	fill(bytes, 0, 60000);
	send_bytes(GUEST_PORT, HOST_PORT, bytes, 60000);
	send_shutdown(GUEST_PORT, HOST_PORT, VSOCK_SHUTDOWN_BOTH);
	while (take() && got.header.op != VSOCK_OP_RST)
		;
	assert_int_equal(got.header.op, VSOCK_OP_RST);
	assert_int_equal(connections(), 1);
	time_passes();
	assert_int_equal(connections(), 1);
	again = connect_from_guest(GUEST_PORT, HOST_PORT);
	send_bytes(GUEST_PORT, HOST_PORT, "new", 3);
	expect_text(again, "new");
	while ((part = read(fd, piece, sizeof(piece))) != 0) {
		if (part > 0) {
			expect_pattern(piece, seen, (size_t)part);
			seen += (uint64_t)part;
		}
		service();
	}
	assert_int_equal(seen, 60000);
	assert_int_equal(connections(), 1);
	send_bytes(GUEST_PORT, HOST_PORT, "still", 5);
	expect_text(again, "still");
	close(fd);
	close(again);
}

/* The end of the guest's way comes after what is buffered, too, when only that way ends. */
static void test_half_close_drains(void **state)
{
	static uint8_t piece[1000];
	uint64_t seen = 0;
	ssize_t part;
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	narrow();
	fill(bytes, 0, 50000);
	send_bytes(GUEST_PORT, HOST_PORT, bytes, 50000);
	send_shutdown(GUEST_PORT, HOST_PORT, VSOCK_SHUTDOWN_SEND);
	while ((part = read(fd, piece, sizeof(piece))) != 0) {
		seen += part > 0 ? (uint64_t)part : 0;
		service();
	}
	assert_int_equal(seen, 50000);
	while (take())
		assert_int_equal(got.header.op, VSOCK_OP_CREDIT_UPDATE);
	say(fd, "heard");
	expect(VSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	close(fd);
}

static void test_ten_megabytes_then_closed(void **state)
{
	struct flow flow = flow_of(GUEST_PORT, HOST_PORT);
	uint64_t written = 0;
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	while (written < 10000000) {
		size_t count = 10000000 - written < 65536 ? 10000000 - written : 65536;
		ssize_t part;

		fill(bytes, written, count);
		part = write(fd, bytes, count);
		written += part > 0 ? (uint64_t)part : 0;
		if (part < 0) {
			service();
			take_all(&flow);
		}
	}
	close(fd);
	while (!flow.shutdown) {
		service();
		take_all(&flow);
	}
	assert_int_equal(flow.taken, 10000000);
	assert_false(flow.is_reset);
}

static void test_bytes_after_shutdown_are_reset(void **state)
{
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	send_shutdown(GUEST_PORT, HOST_PORT, VSOCK_SHUTDOWN_SEND);
	send_bytes(GUEST_PORT, HOST_PORT, "more", 4);
	expect(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	expect_end(fd);
	assert_int_equal(heard.refusals, 1);
	close(fd);
}

/* The guest reads no more: the host's writes fail, and what it wrote is not asked for. */
static void test_guest_takes_no_more(void **state)
{
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	say(fd, "unread");
	send_shutdown(GUEST_PORT, HOST_PORT, VSOCK_SHUTDOWN_RECEIVE);
	expect_none();
	assert_false(is_awake());
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	send_bytes(GUEST_PORT, HOST_PORT, "still sent", 10);
	expect_text(fd, "still sent");
	close(fd);
}

/* -- A host that goes away -- */

/* The host is gone, but what it said before arrives; the guest hears that nobody reads. */
static void test_host_reads_no_more(void **state)
{
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	send_credit(GUEST_PORT, HOST_PORT, 2, 0);
	say(fd, "farewell");
	close(fd);
	expect(VSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	expect(VSOCK_OP_CREDIT_REQUEST, GUEST_PORT, HOST_PORT);
	send_bytes(GUEST_PORT, HOST_PORT, "anybody there?", 14);
	expect(VSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	assert_memory_equal(got.payload, "rewell", 6);
	expect(VSOCK_OP_SHUTDOWN, GUEST_PORT, HOST_PORT);
	assert_int_equal(got.header.flags, VSOCK_SHUTDOWN_RECEIVE);
	expect(VSOCK_OP_SHUTDOWN, GUEST_PORT, HOST_PORT);
	assert_int_equal(got.header.flags, VSOCK_SHUTDOWN_BOTH);
	/* Bytes that cross it are dropped, without a fuss. */
	send_bytes(GUEST_PORT, HOST_PORT, "hello?", 6);
	expect_none();
	send_op(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	assert_int_equal(connections(), 0);
	assert_int_equal(heard.host_errors + heard.refusals, 0);
}

/* In mid-transfer, with bytes buffered for it. */
static void test_host_dies_in_mid_transfer(void **state)
{
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	narrow();
	send_bytes(GUEST_PORT, HOST_PORT, bytes, 60000);
	service();
	while (take())
		;
	assert_true(vsock_connection_buffered(the_connection()) > 0);
	close(fd); /* with bytes unread: a reset, to those who look */
	service();
	do
		assert_true(take());
	while (got.header.op == VSOCK_OP_CREDIT_UPDATE);
	if (got.header.op == VSOCK_OP_SHUTDOWN) {
		assert_true(got.header.flags & VSOCK_SHUTDOWN_RECEIVE);
		time_passes();
		assert_true(take());
	}
	assert_int_equal(got.header.op, VSOCK_OP_RST);
	service();
	assert_int_equal(connections(), 0);
	assert_int_equal(heard.host_errors, 0);
	assert_false(is_awake());
}

static void test_guest_resets_in_mid_transfer(void **state)
{
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	narrow();
	send_bytes(GUEST_PORT, HOST_PORT, bytes, 60000);
	while (take())
		;
	send_op(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	assert_int_equal(connections(), 0);
	expect_none();
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
	expect_end(fd);
	send_bytes(GUEST_PORT, HOST_PORT, "late", 4);
	expect(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	close(fd);
}

/* A guest that does not answer SHUTDOWN is reset after a while. */
static void test_unanswered_shutdown(void **state)
{
	uint64_t due_ns;
	int fd;

	(void)state;
	fd = connect_from_guest(GUEST_PORT, HOST_PORT);
	send_shutdown(GUEST_PORT, HOST_PORT, VSOCK_SHUTDOWN_SEND);
	close(fd);
	expect(VSOCK_OP_SHUTDOWN, GUEST_PORT, HOST_PORT);
	due_ns = the_connection()->deadline_ns;
	assert_in_range(due_ns, virtio_now_ns() + VSOCK_TIMEOUT_NS / 2,
			virtio_now_ns() + VSOCK_TIMEOUT_NS);
	assert_true(vsock.device.due_ns <= due_ns);
	vsock.device.ops->service(&vsock.device, due_ns - 1);
	assert_false(take());
	vsock.device.ops->service(&vsock.device, due_ns);
	assert_true(take());
	assert_int_equal(got.header.op, VSOCK_OP_RST);
	assert_int_equal(connections(), 0);
	assert_int_equal(vsock.device.due_ns, VIRTIO_NEVER);
}

/* -- Many -- */

/* One host does not read, another's guest has no credit: all others go on. */
static void test_slow_ones_stall_nobody(void **state)
{
	struct flow flow = flow_of(3, HOST_PORT);
	int slow_host;
	int slow_guest;
	int quick;

	(void)state;
	slow_host = connect_from_guest(1, HOST_PORT);
	narrow();
	send_bytes(1, HOST_PORT, bytes, 60000);
	while (take())
		;
	slow_guest = connect_from_guest(2, HOST_PORT);
	send_credit(2, HOST_PORT, 0, 0);
	say(slow_guest, "nobody reads this");
	expect(VSOCK_OP_CREDIT_REQUEST, 2, HOST_PORT);
	quick = connect_from_guest(3, HOST_PORT);
	while (flow.taken < 1000000) {
		fill(bytes, flow.taken, 50000);
		assert_int_equal(write(quick, bytes, 50000), 50000);
		service();
		take_all(&flow);
	}
	assert_int_equal(flow.taken, 1000000);
	assert_false(is_awake());
	close(quick);
	close(slow_guest);
	close(slow_host);
}

/* Each connection that has something gets its turn before any has a second. */
static void test_turns_are_fair(void **state)
{
	enum {
		MANY = 8,
		ROUNDS = 4,
	};
	int fds[MANY];
	unsigned int seen[MANY] = {0};

	(void)state;
	buffer_bytes = 1000 + 44;
	for (unsigned int i = 0; i < MANY; i++)
		fds[i] = connect_from_guest(i, HOST_PORT);
	/* From here on there are buffers of 1000 bytes only, and the old ones are used up. */
	holds_buffers = true;
	while (vsock.device.queues[0].next_avail != drivers[0].added) {
		send_op(VSOCK_OP_CREDIT_REQUEST, 0, HOST_PORT);
		assert_true(take());
	}
	for (unsigned int i = 0; i < MANY; i++)
		assert_int_equal(write(fds[i], bytes, ROUNDS * 1000), ROUNDS * 1000);
	service();
	give_buffers(MANY * ROUNDS);
	for (unsigned int round = 1; round <= ROUNDS; round++) {
		for (unsigned int i = 0; i < MANY; i++) {
			service();
			assert_true(take());
			assert_int_equal(got.header.op, VSOCK_OP_RW);
			assert_int_equal(got.header.len, 1000);
			seen[got.header.dst_port]++;
		}
		for (unsigned int i = 0; i < MANY; i++)
			assert_int_equal(seen[i], round);
	}
	for (unsigned int i = 0; i < MANY; i++)
		close(fds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_GUEST(test_both_ways),
		WITH_GUEST(test_ten_megabytes_each_way),
		cmocka_unit_test(test_no_notification_is_lost),
		cmocka_unit_test(test_buffers_alone_bring_things_on),
		WITH_GUEST(test_counters_wrap),
		WITH_GUEST(test_guest_is_told_its_credit),
		WITH_GUEST(test_guest_hears_of_half_its_credit),
		WITH_GUEST(test_guest_hears_of_half_its_own_buffer),
		WITH_GUEST(test_no_credit_before_the_host_reads),
		WITH_GUEST(test_more_than_the_credit_is_reset),
		WITH_GUEST(test_credit_request_is_answered),
		WITH_GUEST(test_guest_without_credit),
		WITH_GUEST(test_guest_ends_its_way),
		WITH_GUEST(test_host_ends_its_way),
		WITH_GUEST(test_guest_closes),
		WITH_GUEST(test_bytes_drain_before_the_end),
		WITH_GUEST(test_half_close_drains),
		WITH_GUEST(test_ten_megabytes_then_closed),
		WITH_GUEST(test_bytes_after_shutdown_are_reset),
		WITH_GUEST(test_guest_takes_no_more),
		WITH_GUEST(test_host_reads_no_more),
		WITH_GUEST(test_host_dies_in_mid_transfer),
		WITH_GUEST(test_guest_resets_in_mid_transfer),
		WITH_GUEST(test_unanswered_shutdown),
		WITH_GUEST(test_slow_ones_stall_nobody),
		WITH_GUEST(test_turns_are_fair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
