/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_vsock_begin.c - the three ways in which connections begin, and fail to.
 */
#include "tests/unit/vsock_guest.h"
#include "virtio/clock.h"

#include <sys/resource.h>

/* -- Clients of the listening socket -- */

static void test_client_connects(void **state)
{
	uint32_t first;
	uint32_t second;
	int one;
	int other;

	(void)state;
	one = connect_from_host(GUEST_PORT, &first);
	other = connect_from_host(GUEST_PORT, &second);
	assert_int_equal(first, 1 << 30);
	assert_int_equal(second, first + 1);
	say(one, "to the guest");
	expect(VSOCK_OP_RW, GUEST_PORT, first);
	assert_memory_equal(got.payload, "to the guest", 12);
	send_bytes(GUEST_PORT, second, "to the other", 12);
	expect_text(other, "to the other");
	expect_silence(one);
	assert_int_equal(vsock.muxer.counters.host_connections, 2);
	close(one);
	close(other);
}

/* The line may come in any pieces, and what comes behind it is the guest's. */
static void test_greeting_in_pieces(void **state)
{
	static const char line[] = "connect 1024\nGET / HTTP/1.1\r\n\r\n";
	int fd;

	(void)state;
	fd = connect_client();
	for (const char *place = line; *place != 'G'; place++) {
		expect_none();
		assert_int_equal(write(fd, place, 1), 1);
	}
	say(fd, strchr(line, 'G'));
	expect(VSOCK_OP_REQUEST, 1024, VSOCK_HOST_PORT_MIN);
	expect_none();
	expect_silence(fd);
	assert_false(is_awake());
	send_op(VSOCK_OP_RESPONSE, 1024, VSOCK_HOST_PORT_MIN);
	expect_text(fd, "OK 1073741824\n");
	expect(VSOCK_OP_RW, 1024, VSOCK_HOST_PORT_MIN);
	assert_int_equal(got.header.len, 18);
	assert_memory_equal(got.payload, "GET / HTTP/1.1\r\n\r\n", 18);
	close(fd);
}

static void expect_hung_up(int fd)
{
	char byte;
	ssize_t result;

	service();
	result = read(fd, &byte, 1);
	/* With bytes unread it is a reset. */
	assert_true(result == 0 || (result < 0 && errno == ECONNRESET));
	assert_int_equal(connections(), 0);
	expect_none();
	close(fd);
}

static void test_wrong_greetings_are_hung_up_on(void **state)
{
	static const char *const lines[] = {
		"GET / HTTP/1.1\r\n", "CONNECT\n",  "CONNECT 4294967295\n",
		"CONNECT x\n",        "\n\n\n\n\n", "CONNECT 00000000000000000000000000000000001",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		int fd = connect_client();

		say(fd, lines[i]);
		expect_hung_up(fd);
		assert_int_equal(vsock.muxer.counters.refused, i + 1);
	}
	assert_int_equal(heard.host_errors, 0);
}

static void test_silent_client_is_hung_up_on(void **state)
{
	int fd;

	(void)state;
	fd = connect_client();
	say(fd, "CONN");
	service();
	assert_int_equal(connections(), 1);
	assert_in_range(vsock.device.due_ns, virtio_now_ns(), virtio_now_ns() + VSOCK_TIMEOUT_NS);
	time_passes();
	expect_hung_up(fd);
}

static void test_client_that_leaves_at_once(void **state)
{
	(void)state;
	close(connect_client());
	service();
	service();
	assert_int_equal(connections(), 0);
	assert_false(is_awake());
	expect_none();
}

static void test_guest_refuses_a_client(void **state)
{
	int fd;

	(void)state;
	fd = connect_client();
	say(fd, "CONNECT 7\n");
	expect(VSOCK_OP_REQUEST, 7, VSOCK_HOST_PORT_MIN);
	send_op(VSOCK_OP_RST, 7, VSOCK_HOST_PORT_MIN);
	expect_hung_up(fd);
	assert_int_equal(vsock.muxer.counters.refused, 1);
}

static void test_guest_does_not_answer_a_client(void **state)
{
	int fd;

	(void)state;
	fd = connect_client();
	say(fd, "CONNECT 7\n");
	expect(VSOCK_OP_REQUEST, 7, VSOCK_HOST_PORT_MIN);
	time_passes();
	expect_end(fd);
	expect(VSOCK_OP_RST, 7, VSOCK_HOST_PORT_MIN);
	assert_int_equal(connections(), 0);
	/* Too late. */
	send_op(VSOCK_OP_RESPONSE, 7, VSOCK_HOST_PORT_MIN);
	expect(VSOCK_OP_RST, 7, VSOCK_HOST_PORT_MIN);
	close(fd);
}

/* An answer before the question can only be guessed. */
static void test_response_before_the_request(void **state)
{
	int fd;

	(void)state;
	start_queues(); /* and no buffers */
	fd = connect_client();
	say(fd, "CONNECT 7\n");
	service();
	assert_int_equal(the_connection()->state, VSOCK_REQUESTED);
	send_op(VSOCK_OP_RESPONSE, 7, VSOCK_HOST_PORT_MIN);
	expect_end(fd);
	give_buffers(8);
	expect(VSOCK_OP_RST, 7, VSOCK_HOST_PORT_MIN);
	expect_none();
	assert_int_equal(heard.refusals, 1);
	close(fd);
}

/* What it said before is the guest's all the same. */
static void test_client_leaves_before_the_answer(void **state)
{
	int fd;

	(void)state;
	fd = connect_client();
	say(fd, "CONNECT 7\nfarewell");
	expect(VSOCK_OP_REQUEST, 7, VSOCK_HOST_PORT_MIN);
	close(fd);
	send_op(VSOCK_OP_RESPONSE, 7, VSOCK_HOST_PORT_MIN);
	expect(VSOCK_OP_SHUTDOWN, 7, VSOCK_HOST_PORT_MIN);
	assert_int_equal(got.header.flags, VSOCK_SHUTDOWN_RECEIVE);
	expect(VSOCK_OP_RW, 7, VSOCK_HOST_PORT_MIN);
	assert_memory_equal(got.payload, "farewell", 8);
	expect(VSOCK_OP_SHUTDOWN, 7, VSOCK_HOST_PORT_MIN);
	assert_int_equal(got.header.flags, VSOCK_SHUTDOWN_BOTH);
	send_op(VSOCK_OP_RST, 7, VSOCK_HOST_PORT_MIN);
	assert_int_equal(connections(), 0);
	assert_int_equal(heard.host_errors, 0);
}

/* Ports of the host are not given twice, also if the guest has taken one by itself. */
static void test_host_ports_are_unique(void **state)
{
	static const uint32_t wanted[] = {VSOCK_HOST_PORT_MIN + 1, VSOCK_HOST_PORT_MAX,
					  VSOCK_HOST_PORT_MIN + 2};
	int clients[3];
	uint32_t port;
	int guest;

	(void)state;
	guest = connect_from_guest(GUEST_PORT, VSOCK_HOST_PORT_MIN);
	for (unsigned int i = 0; i < 3; i++) {
		clients[i] = connect_from_host(GUEST_PORT, &port);
		assert_int_equal(port, wanted[i]);
		if (i == 0)
			vsock.muxer.last_host_port = VSOCK_HOST_PORT_MAX - 1;
	}
	for (unsigned int i = 0; i < 3; i++)
		close(clients[i]);
	close(guest);
}

/* Without descriptors clients wait, nobody is awake, and later they are served. */
static void test_host_without_descriptors(void **state)
{
	struct rlimit old;
	struct rlimit few;
	int fd;

	(void)state;
	fd = connect_client();
	say(fd, "CONNECT 7\n");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = (struct rlimit){.rlim_cur = (rlim_t)fd + 1, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	service();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(heard.host_errors, 1);
	assert_int_equal(connections(), 0);
	assert_false(is_awake());
	assert_in_range(vsock.device.due_ns, virtio_now_ns(),
			virtio_now_ns() + VSOCK_LISTENER_REST_NS);
	time_passes();
	expect(VSOCK_OP_REQUEST, 7, VSOCK_HOST_PORT_MIN);
	close(fd);
}

/* -- The guest connects -- */

/* Whoever passed the socket on can do that. */
static void shut_listener_down(int how)
{
	int waiting = connect_client();

	say(waiting, "CONNECT 7\n");
	assert_int_equal(shutdown(vsock.listener.fd, how), 0);
	service();
	assert_true(take());
	assert_int_equal(got.header.op, VSOCK_OP_REQUEST);
	assert_false(is_awake());
	assert_int_equal(heard.host_errors, 1);
	/* The next driver finds it so as well. */
	vsock.device.ops->reset(&vsock.device);
	start_queues();
	service();
	assert_false(is_awake());
	assert_int_equal(vsock.device.due_ns, VSOCK_NEVER);
	assert_int_equal(heard.host_errors, 1);
	close(waiting);
}

static void test_listener_is_shut_down(void **state)
{
	(void)state;
	shut_listener_down(SHUT_RDWR);
}

static void test_listener_is_shut_down_for_reading(void **state)
{
	(void)state;
	shut_listener_down(SHUT_RD);
}

static void test_guest_connects(void **state)
{
	int pair[2];

	(void)state;
	send_op(VSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	assert_int_equal(heard.connects, 1);
	assert_int_equal(heard.port, HOST_PORT);
	expect_none();
	make_pair(pair);
	say(pair[0], "early");
	vsock_connected(&vsock, heard.token, pair[1]);
	expect(VSOCK_OP_RESPONSE, GUEST_PORT, HOST_PORT);
	assert_int_equal(got.header.buf_alloc, VSOCK_WIDE_CREDIT_BYTES);
	expect(VSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	assert_memory_equal(got.payload, "early", 5);
	close(pair[0]);
}

static void test_nobody_listens_on_the_host(void **state)
{
	(void)state;
	heard.connect_result = -ECONNREFUSED; /* known at once */
	send_op(VSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	expect(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	heard.connect_result = 0; /* or later */
	send_op(VSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	expect_none();
	vsock_connected(&vsock, heard.token, -ENOENT);
	expect(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	assert_int_equal(connections(), 0);
	assert_int_equal(heard.host_errors + heard.refusals, 0);
	assert_int_equal(vsock.muxer.counters.refused, 2);
}

static void test_host_does_not_answer(void **state)
{
	int pair[2];

	(void)state;
	send_op(VSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	assert_in_range(vsock.device.due_ns, virtio_now_ns(), virtio_now_ns() + VSOCK_TIMEOUT_NS);
	time_passes();
	assert_true(take());
	assert_int_equal(got.header.op, VSOCK_OP_RST);
	assert_int_equal(connections(), 0);
	/* Too late: the descriptor is closed, also if the slot serves another by now. */
	send_op(VSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT + 1);
	make_pair(pair);
	vsock_connected(&vsock, 0, pair[1]);
	expect_end(pair[0]);
	expect_none();
	assert_int_equal(the_connection()->state, VSOCK_CONNECTING);
	close(pair[0]);
}

/* A host with a full queue is asked again, until it has room. */
static void test_a_busy_host_is_asked_again(void **state)
{
	int pair[2];

	(void)state;
	send_op(VSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	for (unsigned int tries = 1; tries < 4; tries++) {
		vsock_connected(&vsock, heard.token, -EAGAIN);
		expect_none();
		assert_int_equal(heard.connects, tries);
		assert_in_range(vsock.device.due_ns, virtio_now_ns(),
				virtio_now_ns() + VSOCK_QUEUE_NS * tries);
		time_passes();
		assert_int_equal(heard.connects, tries + 1);
		assert_int_equal(heard.port, HOST_PORT);
	}
	make_pair(pair);
	vsock_connected(&vsock, heard.token, pair[1]);
	expect(VSOCK_OP_RESPONSE, GUEST_PORT, HOST_PORT);
	assert_int_equal(vsock.muxer.counters.refused, 0);
	close(pair[0]);
}

static void test_a_busy_host_is_asked_so_often(void **state)
{
	(void)state;
	send_op(VSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	for (unsigned int tries = 1; tries < VSOCK_CONNECT_TRIES_MAX; tries++) {
		vsock_connected(&vsock, heard.token, -EAGAIN);
		expect_none();
		time_passes();
	}
	assert_int_equal(heard.connects, VSOCK_CONNECT_TRIES_MAX);
	vsock_connected(&vsock, heard.token, -EAGAIN);
	expect(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	assert_int_equal(connections(), 0);
	assert_int_equal(vsock.muxer.counters.refused, 1);
}

static void test_guest_gives_up_on_a_busy_host(void **state)
{
	(void)state;
	send_op(VSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	vsock_connected(&vsock, heard.token, -EAGAIN);
	send_op(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	assert_int_equal(connections(), 0);
	time_passes();
	assert_int_equal(heard.connects, 1);
}

/* Once it was asked again, it has as long for its answer as before. */
static void test_a_busy_host_does_not_answer(void **state)
{
	(void)state;
	send_op(VSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	vsock_connected(&vsock, heard.token, -EAGAIN);
	time_passes();
	assert_int_equal(heard.connects, 2);
	assert_true(vsock.device.due_ns > virtio_now_ns() + VSOCK_TIMEOUT_NS / 2);
	time_passes();
	expect(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	assert_int_equal(heard.connects, 2);
	assert_int_equal(connections(), 0);
}

/* While the host is connecting: what the guest may do, and what not. */
static void test_guest_is_impatient(void **state)
{
	static const struct {
		uint16_t op;
		bool is_reset;
		bool is_refused;
		bool is_kept;
	} cases[] = {
		{VSOCK_OP_RST, false, false, false},
		{VSOCK_OP_SHUTDOWN, true, false, false},
		{VSOCK_OP_REQUEST, true, true, false},
		{VSOCK_OP_RESPONSE, true, true, false},
		{VSOCK_OP_RW, true, true, false},
		{99, true, true, false},
		{VSOCK_OP_CREDIT_UPDATE, false, false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unsigned int refusals = heard.refusals;

		send_op(VSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
		send_op(cases[i].op, GUEST_PORT, HOST_PORT);
		if (cases[i].is_reset)
			expect(VSOCK_OP_RST, GUEST_PORT, HOST_PORT);
		expect_none();
		assert_int_equal(heard.refusals - refusals, cases[i].is_refused);
		assert_int_equal(connections(), cases[i].is_kept);
	}
}

/* -- As many as there may be -- */

static void raise_descriptors(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < 2 * VSOCK_CONNECTIONS_MAX + 64)
		skip(); /* no room for all those descriptors */
}

static void test_the_1024th_is_refused(void **state)
{
	static int fds[VSOCK_CONNECTIONS_MAX];
	char text[32];
	int fd;

	(void)state;
	raise_descriptors();
	for (uint32_t i = 0; i < VSOCK_CONNECTIONS_MAX; i++)
		fds[i] = connect_from_guest(i, HOST_PORT);
	send_op(VSOCK_OP_REQUEST, VSOCK_CONNECTIONS_MAX, HOST_PORT);
	expect(VSOCK_OP_RST, VSOCK_CONNECTIONS_MAX, HOST_PORT);
	fd = connect_client();
	service();
	expect_end(fd);
	close(fd);
	assert_int_equal(vsock.muxer.counters.refused, 2);
	/* All others work, both ways. */
	for (uint32_t i = 0; i < VSOCK_CONNECTIONS_MAX; i++) {
		snprintf(text, sizeof(text), "number %u", i);
		send_bytes(i, HOST_PORT, text, (uint32_t)strlen(text));
		expect_text(fds[i], text);
		say(fds[i], text);
		expect(VSOCK_OP_RW, i, HOST_PORT);
		assert_memory_equal(got.payload, text, strlen(text));
	}
	/* One goes, one more may come. */
	send_shutdown(500, HOST_PORT, VSOCK_SHUTDOWN_BOTH);
	expect(VSOCK_OP_RST, 500, HOST_PORT);
	close(fds[500]);
	fds[500] = connect_from_guest(VSOCK_CONNECTIONS_MAX, HOST_PORT);
	for (uint32_t i = 0; i < VSOCK_CONNECTIONS_MAX; i++)
		close(fds[i]);
	vsock.device.ops->reset(&vsock.device);
	assert_int_equal(connections(), 0);
	assert_int_equal(heard.failures + heard.refusals + heard.host_errors, 0);
}

/* Open and closed by either side, again and again: nothing is left, no slot and no descriptor. */
static void test_many_one_after_the_other(void **state)
{
	int lowest;
	int after;

	(void)state;
	lowest = dup(0);
	close(lowest);
	for (unsigned int i = 0; i < 100000; i++) {
		int fd = connect_from_guest(i, HOST_PORT);

		if (i % 2) {
			send_shutdown(i, HOST_PORT, VSOCK_SHUTDOWN_BOTH);
			expect(VSOCK_OP_RST, i, HOST_PORT);
			close(fd);
		} else {
			close(fd);
			expect(VSOCK_OP_SHUTDOWN, i, HOST_PORT);
			send_shutdown(i, HOST_PORT, VSOCK_SHUTDOWN_BOTH);
			expect(VSOCK_OP_RST, i, HOST_PORT);
		}
	}
	assert_int_equal(connections(), 0);
	assert_int_equal(vsock.muxer.table.touched, 1);
	after = dup(0);
	assert_int_equal(after, lowest);
	close(after);
	assert_int_equal(heard.refusals + heard.host_errors, 0);
}

/* -- Streams of the owner's -- */

/* Requested until something listens, with another port each time. */
static void test_stream_waits_for_a_listener(void **state)
{
	uint32_t last = 0;
	int pair[2];

	(void)state;
	make_pair(pair);
	assert_int_equal(vsock_connect_stream(&vsock, GUEST_PORT, pair[1], pair[1]), 0);
	expect_none();
	/* A driver resets the device before it looks at it. */
	vsock.device.ops->reset(&vsock.device);
	assert_int_equal(connections(), 1);
	start_queues();
	give_buffers(BUFFERS_MAX);
	for (unsigned int i = 0; i < 5; i++) {
		service();
		assert_true(take());
		assert_int_equal(got.header.op, VSOCK_OP_REQUEST);
		assert_int_equal(got.header.dst_port, GUEST_PORT);
		assert_true(got.header.src_port != last);
		last = got.header.src_port;
		send_op(VSOCK_OP_RST, GUEST_PORT, last);
		expect_none();
		assert_in_range(vsock.device.due_ns, virtio_now_ns() - VSOCK_RETRY_NS,
				virtio_now_ns() + VSOCK_RETRY_NS);
		time_passes();
	}
	service();
	assert_true(take());
	last = got.header.src_port;
	send_op(VSOCK_OP_RESPONSE, GUEST_PORT, last);
	say(pair[0], "input");
	expect(VSOCK_OP_RW, GUEST_PORT, last);
	assert_memory_equal(got.payload, "input", 5);
	assert_int_equal(heard.streams_ended, 0);
	send_bytes(GUEST_PORT, last, "output", 6);
	expect_text(pair[0], "output");
	send_shutdown(GUEST_PORT, last, VSOCK_SHUTDOWN_BOTH);
	expect(VSOCK_OP_RST, GUEST_PORT, last);
	expect_end(pair[0]);
	assert_int_equal(heard.streams_ended, 1);
	assert_int_equal(heard.stream_error, 0);
	assert_int_equal(vsock.muxer.counters.refused, 0);
	close(pair[0]);
}

/* A stream to a port where a guest does not even say no. */
static void test_stream_without_an_answer(void **state)
{
	int pair[2];

	(void)state;
	make_pair(pair);
	assert_int_equal(vsock_connect_stream(&vsock, GUEST_PORT, pair[1], pair[1]), 0);
	expect(VSOCK_OP_REQUEST, GUEST_PORT, VSOCK_HOST_PORT_MIN);
	time_passes();
	time_passes();
	assert_true(take());
	assert_int_equal(got.header.op, VSOCK_OP_REQUEST);
	assert_int_equal(got.header.src_port, VSOCK_HOST_PORT_MIN + 1);
	assert_int_equal(heard.streams_ended, 0);
	close(pair[0]);
}

/* Pipes, as in a shell: one to read from, one to write to, each with its own end. */
static void test_stream_over_two_pipes(void **state)
{
	uint32_t port;
	int in[2];
	int out[2];

	(void)state;
	assert_int_equal(pipe2(in, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(vsock_connect_stream(&vsock, GUEST_PORT, in[0], out[1]), 0);
	expect(VSOCK_OP_REQUEST, GUEST_PORT, VSOCK_HOST_PORT_MIN);
	port = got.header.src_port;
	send_op(VSOCK_OP_RESPONSE, GUEST_PORT, port);
	say(in[1], "request");
	close(in[1]);
	expect(VSOCK_OP_RW, GUEST_PORT, port);
	assert_memory_equal(got.payload, "request", 7);
	expect(VSOCK_OP_SHUTDOWN, GUEST_PORT, port);
	assert_int_equal(got.header.flags, VSOCK_SHUTDOWN_SEND);
	expect_none();
	assert_false(is_awake());
	send_bytes(GUEST_PORT, port, "response", 8);
	expect_text(out[0], "response");
	expect_silence(out[0]);
	send_shutdown(GUEST_PORT, port, VSOCK_SHUTDOWN_SEND);
	expect_end(out[0]);
	expect(VSOCK_OP_SHUTDOWN, GUEST_PORT, port);
	assert_int_equal(got.header.flags, VSOCK_SHUTDOWN_BOTH);
	assert_int_equal(heard.streams_ended, 1);
	assert_int_equal(heard.stream_error, 0);
	send_op(VSOCK_OP_RST, GUEST_PORT, port);
	assert_int_equal(connections(), 0);
	close(out[0]);
}

/* Files, which epoll does not know: all of one goes in, and all comes out into the other. */
static void test_stream_over_files(void **state)
{
	static uint8_t bytes[200000];
	char text[16] = {0};
	uint64_t taken = 0;
	uint32_t port;
	int in;
	int out;
	int kept;

	(void)state;
	in = memfd_create("in", MFD_CLOEXEC);
	out = memfd_create("out", MFD_CLOEXEC);
	kept = dup(out);
	assert_true(in >= 0 && out >= 0 && kept >= 0);
	assert_int_equal(write(in, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	assert_int_equal(vsock_connect_stream(&vsock, GUEST_PORT, in, out), 0);
	expect(VSOCK_OP_REQUEST, GUEST_PORT, VSOCK_HOST_PORT_MIN);
	port = got.header.src_port;
	send_op(VSOCK_OP_RESPONSE, GUEST_PORT, port);
	while (take() && got.header.op != VSOCK_OP_SHUTDOWN) {
		assert_int_equal(got.header.op, VSOCK_OP_RW);
		taken += got.header.len;
		send_credit(GUEST_PORT, port, CREDIT, (uint32_t)taken);
	}
	assert_int_equal(got.header.op, VSOCK_OP_SHUTDOWN);
	assert_int_equal(taken, sizeof(bytes));
	assert_false(is_awake());
	send_bytes(GUEST_PORT, port, "result", 6);
	send_shutdown(GUEST_PORT, port, VSOCK_SHUTDOWN_BOTH);
	expect(VSOCK_OP_RST, GUEST_PORT, port);
	assert_int_equal(heard.streams_ended, 1);
	assert_int_equal(pread(kept, text, sizeof(text), 0), 6);
	assert_string_equal(text, "result");
	close(kept);
}

/* No input at all, and an output that fails. */
static void test_stream_over_null_and_full(void **state)
{
	uint32_t port;

	(void)state;
	assert_int_equal(vsock_connect_stream(&vsock, GUEST_PORT,
					      open("/dev/null", O_RDONLY | O_CLOEXEC),
					      open("/dev/full", O_WRONLY | O_CLOEXEC)),
			 0);
	expect(VSOCK_OP_REQUEST, GUEST_PORT, VSOCK_HOST_PORT_MIN);
	port = got.header.src_port;
	send_op(VSOCK_OP_RESPONSE, GUEST_PORT, port);
	expect(VSOCK_OP_SHUTDOWN, GUEST_PORT, port);
	assert_int_equal(got.header.flags, VSOCK_SHUTDOWN_SEND);
	send_bytes(GUEST_PORT, port, "lost", 4);
	expect(VSOCK_OP_RST, GUEST_PORT, port);
	assert_int_equal(heard.streams_ended, 1);
	assert_int_equal(heard.stream_error, ENOSPC);
	assert_int_equal(heard.host_errors, 1);
	assert_int_equal(connections(), 0);
}

static void test_guest_breaks_a_stream_off(void **state)
{
	int pair[2];

	(void)state;
	make_pair(pair);
	assert_int_equal(vsock_connect_stream(&vsock, GUEST_PORT, pair[1], pair[1]), 0);
	expect(VSOCK_OP_REQUEST, GUEST_PORT, VSOCK_HOST_PORT_MIN);
	send_op(VSOCK_OP_RESPONSE, GUEST_PORT, VSOCK_HOST_PORT_MIN);
	send_op(VSOCK_OP_RST, GUEST_PORT, VSOCK_HOST_PORT_MIN);
	assert_int_equal(heard.streams_ended, 1);
	assert_int_equal(heard.stream_error, ECONNRESET);
	expect_end(pair[0]);
	close(pair[0]);
}

/* Somebody else has the same open file, as a shell has: it wakes nobody once the stream is over. */
static void test_stream_over_a_shared_file(void **state)
{
	int pair[2];
	int kept;

	(void)state;
	make_pair(pair);
	kept = dup(pair[1]);
	assert_int_equal(vsock_connect_stream(&vsock, GUEST_PORT, pair[1], pair[1]), 0);
	expect(VSOCK_OP_REQUEST, GUEST_PORT, VSOCK_HOST_PORT_MIN);
	send_op(VSOCK_OP_RESPONSE, GUEST_PORT, VSOCK_HOST_PORT_MIN);
	send_op(VSOCK_OP_RST, GUEST_PORT, VSOCK_HOST_PORT_MIN);
	assert_int_equal(heard.streams_ended, 1);
	say(pair[0], "for whoever is left");
	assert_false(is_awake());
	expect_text(kept, "for whoever is left");
	close(kept);
	close(pair[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_GUEST(test_client_connects),
		WITH_GUEST(test_greeting_in_pieces),
		WITH_GUEST(test_wrong_greetings_are_hung_up_on),
		WITH_GUEST(test_silent_client_is_hung_up_on),
		WITH_GUEST(test_client_that_leaves_at_once),
		WITH_GUEST(test_guest_refuses_a_client),
		WITH_GUEST(test_guest_does_not_answer_a_client),
		WITHOUT_GUEST(test_response_before_the_request),
		WITH_GUEST(test_client_leaves_before_the_answer),
		WITH_GUEST(test_host_ports_are_unique),
		WITH_GUEST(test_host_without_descriptors),
		WITH_GUEST(test_listener_is_shut_down),
		WITH_GUEST(test_listener_is_shut_down_for_reading),
		WITH_GUEST(test_guest_connects),
		WITH_GUEST(test_nobody_listens_on_the_host),
		WITH_GUEST(test_host_does_not_answer),
		WITH_GUEST(test_a_busy_host_is_asked_again),
		WITH_GUEST(test_a_busy_host_is_asked_so_often),
		WITH_GUEST(test_guest_gives_up_on_a_busy_host),
		WITH_GUEST(test_a_busy_host_does_not_answer),
		WITH_GUEST(test_guest_is_impatient),
		WITH_GUEST(test_the_1024th_is_refused),
		WITH_GUEST(test_many_one_after_the_other),
		WITHOUT_GUEST(test_stream_waits_for_a_listener),
		WITH_GUEST(test_stream_without_an_answer),
		WITH_GUEST(test_stream_over_two_pipes),
		WITH_GUEST(test_stream_over_files),
		WITH_GUEST(test_stream_over_null_and_full),
		WITH_GUEST(test_guest_breaks_a_stream_off),
		WITH_GUEST(test_stream_over_a_shared_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
