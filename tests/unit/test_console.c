/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_console.c - output reaches every kind of reader whole, and none can stall a
 * guest.
 *
 * pwritev2() and poll() are replaced below, to take the way of old kernels and of signals
 * that come at the wrong moment.  A console that blocks is ended by alarm(2).
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/console.h"
#include "monitor/trace.h"

enum {
	HANG_SECONDS = 30,
	PIPE_BYTES = 4096,
	EACH_WRITER_BYTES = 100000,
	LINE_BYTES = 40,
	FLOOD_BYTES = 60500,
	SIDE_BIT = 0x80, /* which of two writers a byte is from */
};

static struct {
	_Atomic bool refuse_nowait;
	_Atomic int interrupt_next; /* so many polls end with EINTR at once */
} fake;

static struct console console;
static _Atomic unsigned int wakes;

ssize_t pwritev2(int fd, const struct iovec *pieces, int count, off_t offset, int flags)
{
	if (fake.refuse_nowait && (flags & RWF_NOWAIT)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return syscall(SYS_pwritev2, fd, pieces, count, offset, 0, flags);
}

int poll(struct pollfd *descriptors, nfds_t count, int timeout_ms)
{
	if (atomic_fetch_sub(&fake.interrupt_next, 1) > 0) {
		errno = EINTR;
		return -1;
	}
	return (int)syscall(SYS_poll, descriptors, count, timeout_ms);
}

static void on_wake(void *owner)
{
	atomic_fetch_add((_Atomic unsigned int *)owner, 1);
}

static void begin(int fd)
{
	memset(&console, 0, sizeof(console));
	wakes = 0;
	console_init(&console, fd, on_wake, &wakes);
}

/* The end of a run, as the I/O thread sees to it. */
static void deliver(void)
{
	struct pollfd ready = {.fd = console.fd, .events = POLLOUT};
	bool blocked = false;

	console_close(&console);
	while (console_owed_bytes(&console) > 0) {
		syscall(SYS_poll, &ready, 1, -1);
		console_tick(&console, &blocked);
	}
}

static void put_text(const char *text)
{
	for (; *text; text++)
		console_put(&console, (uint8_t)*text);
}

/* The byte at a place of a stream without newlines, so that a lost or swapped one shows. */
static uint8_t pattern(uint64_t place)
{
	return (uint8_t)('0' + (place ^ place >> 6) % 64);
}

static void put_pattern(uint64_t from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		console_put(&console, pattern(from + i));
}

/* A pipe that takes PIPE_BYTES; its reading end does not block. */
static void make_pipe(int ends[2])
{
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES), PIPE_BYTES);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
}

static void close_pipe(const int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

/* Take what has arrived and compare it with the stream; returns how much it was. */
static size_t expect_pattern(int fd, uint64_t from)
{
	uint8_t bytes[65536];
	size_t total = 0;
	ssize_t count;

	while ((count = read(fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < count; i++)
			assert_int_equal(bytes[i], pattern(from + total + (size_t)i));
		total += (size_t)count;
	}
	return total;
}

static void expect_text(int fd, const char *wanted)
{
	char text[64] = "";
	ssize_t count = read(fd, text, sizeof(text) - 1);

	assert_int_equal(count < 0 ? 0 : count, strlen(wanted));
	assert_string_equal(text, wanted);
}

static int set_up(void **state)
{
	(void)state;
	alarm(HANG_SECONDS);
	fake.refuse_nowait = false;
	fake.interrupt_next = 0;
	return 0;
}

static void a_line_goes_out_at_once(void **state)
{
	int ends[2];

	(void)state;
	make_pipe(ends);
	begin(ends[1]);
	put_text("hi\n");
	expect_text(ends[0], "hi\n");
	assert_int_equal(console.total_bytes, 3);
	assert_int_equal(console.used, 0);
	/* 'h' asked for attention before the newline came; nothing asked again. */
	assert_int_equal(wakes, 1);
	close_pipe(ends);
}

static void a_piece_of_a_line_waits_for_the_tick(void **state)
{
	bool blocked = true;
	int ends[2];

	(void)state;
	make_pipe(ends);
	begin(ends[1]);
	put_text("login: ");
	expect_text(ends[0], "");
	assert_int_equal(wakes, 1);
	assert_false(console_tick(&console, &blocked));
	assert_false(blocked);
	expect_text(ends[0], "login: ");
	put_text("x");
	assert_int_equal(wakes, 2);
	close_pipe(ends);
}

/* Deliver through ticks, reading in between, until nothing is left. */
static void tick_through(int reader, uint64_t from, size_t count)
{
	size_t done = 0;
	bool blocked;

	while (console_tick(&console, &blocked)) {
		assert_true(blocked);
		done += expect_pattern(reader, from + done);
	}
	assert_false(blocked);
	done += expect_pattern(reader, from + done);
	assert_int_equal(done, count);
}

static void a_full_pipe_keeps_the_rest_in_the_ring(void **state)
{
	bool blocked = false;
	int ends[2];

	(void)state;
	make_pipe(ends);
	begin(ends[1]);
	put_pattern(0, 20000);
	assert_true(console_tick(&console, &blocked));
	assert_true(blocked);
	assert_int_equal(console.used, 20000 - PIPE_BYTES);
	tick_through(ends[0], 0, 20000);
	assert_int_equal(console.dropped_bytes, 0);
	close_pipe(ends);
}

static void a_full_ring_drops_the_newest_and_counts(void **state)
{
	int ends[2];

	(void)state;
	make_pipe(ends);
	begin(ends[1]);
	/* Once around the end of the ring as well. */
	put_pattern(0, 100001);
	tick_through(ends[0], 0, 100001);
	put_pattern(100001, CONSOLE_RING_BYTES + 777);
	assert_int_equal(console.used, CONSOLE_RING_BYTES);
	assert_int_equal(console.dropped_bytes, 777);
	assert_int_equal(console.total_bytes, 100001 + CONSOLE_RING_BYTES + 777);
	tick_through(ends[0], 100001, CONSOLE_RING_BYTES);
	assert_int_equal(console.dropped_bytes, 777);
	close_pipe(ends);
}

static void a_closed_reader_costs_bytes_only(void **state)
{
	bool blocked = true;
	int ends[2];

	(void)state;
	make_pipe(ends);
	begin(ends[1]);
	close(ends[0]);
	put_text("nobody\n");
	assert_true(console.gone);
	assert_int_equal(console.dropped_bytes, 7);
	put_pattern(0, CONSOLE_RING_BYTES + 5);
	assert_false(console_tick(&console, &blocked));
	assert_false(blocked);
	put_text("more");
	deliver();
	assert_int_equal(console.used, 0);
	assert_int_equal(console.dropped_bytes, console.total_bytes);
	close(ends[1]);
}

static void a_descriptor_that_is_none_costs_bytes_only(void **state)
{
	(void)state;
	begin(-1);
	put_text("nowhere\n");
	deliver();
	assert_int_equal(console.dropped_bytes, 8);
}

static void a_regular_file_gets_everything(void **state)
{
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	begin(fileno(file));
	assert_int_equal(console.mode, CONSOLE_WRITES);
	put_pattern(0, CONSOLE_RING_BYTES);
	console_put(&console, '\n');
	/* The ring was full: the newline is lost, and flushes nothing. */
	assert_int_equal(console.dropped_bytes, 1);
	deliver();
	assert_int_equal(console.dropped_bytes, 1);
	rewind(file);
	assert_int_equal(expect_pattern(fileno(file), 0), CONSOLE_RING_BYTES);
	fclose(file);
}

static void devices_swallow_or_refuse(void **state)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(null >= 0 && full >= 0);
	begin(null);
	put_text("into the void\n");
	assert_int_equal(console.used, 0);
	assert_int_equal(console.dropped_bytes, 0);
	begin(full);
	put_text("no space\n");
	assert_int_equal(console.used, 0);
	assert_int_equal(console.dropped_bytes, 9);
	close(null);
	close(full);
}

static void without_nowait_a_full_pipe_blocks_nobody(void **state)
{
	int ends[2];

	(void)state;
	make_pipe(ends);
	begin(ends[1]);
	assert_int_equal(console.mode, CONSOLE_NOWAIT);
	fake.refuse_nowait = true;
	put_text("old kernel\n");
	assert_int_equal(console.mode, CONSOLE_POLLS);
	expect_text(ends[0], "old kernel\n");
	put_pattern(0, 50000);
	tick_through(ends[0], 0, 50000);
	assert_int_equal(console.dropped_bytes, 0);
	close_pipe(ends);
}

static void an_interrupted_poll_is_no_room(void **state)
{
	bool blocked;
	int ends[2];

	(void)state;
	make_pipe(ends);
	begin(ends[1]);
	fake.refuse_nowait = true;
	put_pattern(0, 2 * PIPE_BYTES);
	assert_true(console_tick(&console, &blocked));
	fake.interrupt_next = 3;
	assert_true(console_tick(&console, &blocked));
	assert_true(blocked);
	assert_int_equal(console.used, PIPE_BYTES);
	close_pipe(ends);
}

static void open_raw_terminal(int *master, int *slave)
{
	struct termios settings;

	assert_int_equal(openpty(master, slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(*slave, &settings), 0);
	cfmakeraw(&settings);
	settings.c_oflag |= OPOST | ONLCR; /* as terminal_enter() leaves it */
	assert_int_equal(tcsetattr(*slave, TCSANOW, &settings), 0);
	assert_int_equal(fcntl(*master, F_SETFL, O_NONBLOCK), 0);
}

/* Lines, because a newline takes two places and so leaves room for a part of a write only. */
static uint8_t line_byte(size_t place)
{
	return place % LINE_BYTES == LINE_BYTES - 1 ? '\n' : pattern(place);
}

static size_t expect_lines(int fd, size_t from)
{
	uint8_t bytes[4096];
	size_t total = 0;
	ssize_t count;

	while ((count = read(fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < count; i++)
			if (bytes[i] != '\r')
				assert_int_equal(bytes[i], line_byte(from + total++));
	}
	return total;
}

/* Far more than a terminal takes while nobody reads it, then all of it. */
static void flood_terminal(int master)
{
	size_t done = 0;
	bool blocked;

	for (size_t i = 0; i < FLOOD_BYTES; i++)
		console_put(&console, line_byte(i));
	assert_true(console_tick(&console, &blocked));
	assert_true(blocked);
	/* The terminal hands over what it has in its own time. */
	while (done < FLOOD_BYTES) {
		struct pollfd readable = {.fd = master, .events = POLLIN};

		poll(&readable, 1, -1);
		done += expect_lines(master, done);
		console_tick(&console, &blocked);
	}
	assert_int_equal(done, FLOOD_BYTES);
	assert_int_equal(console.dropped_bytes, 0);
}

static void a_stopped_terminal_blocks_nobody(void **state)
{
	int master;
	int slave;

	(void)state;
	open_raw_terminal(&master, &slave);
	begin(slave);
	put_text("hi\n");
	expect_text(master, "hi\r\n");
	/* The descriptor that others share keeps its mode. */
	assert_int_not_equal(console.fd, slave);
	assert_int_equal(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
	flood_terminal(master);
	close(console.fd);
	close(slave);
	close(master);
}

static void a_terminal_that_cannot_be_reopened_blocks_nobody(void **state)
{
	struct rlimit before;
	struct rlimit none;
	int master;
	int slave;

	(void)state;
	open_raw_terminal(&master, &slave);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	begin(slave);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(console.fd, slave);
	assert_int_equal(console.mode, CONSOLE_POLLS);
	flood_terminal(master);
	close(slave);
	close(master);
}

static uint64_t throttle_ns(void)
{
	uint64_t start_ns = trace_now_ns();

	console_throttle(&console);
	return trace_now_ns() - start_ns;
}

static void throttling_is_bounded_and_comes_once(void **state)
{
	const uint64_t bound_ns = UINT64_C(1000000) * CONSOLE_THROTTLE_MS;
	int ends[2];

	(void)state;
	make_pipe(ends);
	begin(ends[1]);
	put_pattern(0, CONSOLE_CROWDED_BYTES - 1);
	assert_true(throttle_ns() < bound_ns);
	assert_false(console.stalled);
	put_pattern(CONSOLE_CROWDED_BYTES - 1, 1);
	assert_true(throttle_ns() >= bound_ns);
	assert_true(console.stalled);
	assert_true(throttle_ns() < bound_ns);
	/* A reader that came back is waited for again. */
	tick_through(ends[0], 0, CONSOLE_CROWDED_BYTES);
	assert_false(console.stalled);
	close_pipe(ends);
}

/* Where two threads put bytes, a third ticks when it is woken, and a fourth reads. */
struct traffic {
	int ends[2];
	sem_t wanted;
	_Atomic bool over;
	size_t read_bytes[2]; /* by side */
	bool ordered;
};

static void post(void *semaphore)
{
	sem_post(semaphore);
}

static uint8_t side_byte(unsigned int side, size_t place)
{
	if (place % 50 == 49)
		return side ? SIDE_BIT | '\n' : '\n';
	return (uint8_t)((side ? SIDE_BIT : 0) | (32 + place % 71));
}

static void *write_side(void *side)
{
	for (size_t i = 0; i < EACH_WRITER_BYTES; i++) {
		console_put(&console, side_byte(side != NULL, i));
		console_throttle(&console);
	}
	return NULL;
}

static void *tick_when_wanted(void *owner)
{
	struct traffic *traffic = owner;
	struct pollfd writable = {.fd = traffic->ends[1], .events = POLLOUT};
	bool blocked;

	while (sem_wait(&traffic->wanted) == 0 && !traffic->over)
		while (console_tick(&console, &blocked))
			if (blocked)
				poll(&writable, 1, -1);
	return NULL;
}

static void *read_both_sides(void *owner)
{
	struct traffic *traffic = owner;
	uint8_t bytes[1000];
	ssize_t count;

	while (traffic->read_bytes[0] + traffic->read_bytes[1] < 2 * EACH_WRITER_BYTES) {
		count = read(traffic->ends[0], bytes, sizeof(bytes));
		for (ssize_t i = 0; i < count; i++) {
			unsigned int side = (bytes[i] & SIDE_BIT) != 0;

			if (bytes[i] != side_byte(side, traffic->read_bytes[side]++))
				traffic->ordered = false;
		}
	}
	return NULL;
}

static void two_writers_lose_nothing_and_keep_their_order(void **state)
{
	struct traffic traffic = {.ordered = true};
	pthread_t threads[4];

	(void)state;
	static_assert(2 * EACH_WRITER_BYTES < CONSOLE_RING_BYTES, "nothing may be dropped");
	make_pipe(traffic.ends);
	fcntl(traffic.ends[0], F_SETFL, 0);
	sem_init(&traffic.wanted, 0, 0);
	memset(&console, 0, sizeof(console));
	console_init(&console, traffic.ends[1], post, &traffic.wanted);
	pthread_create(&threads[0], NULL, read_both_sides, &traffic);
	pthread_create(&threads[1], NULL, tick_when_wanted, &traffic);
	pthread_create(&threads[2], NULL, write_side, NULL);
	pthread_create(&threads[3], NULL, write_side, &traffic);
	pthread_join(threads[2], NULL);
	pthread_join(threads[3], NULL);
	/* Nobody drains: what the last bytes asked for must bring them out. */
	pthread_join(threads[0], NULL);
	traffic.over = true;
	sem_post(&traffic.wanted);
	pthread_join(threads[1], NULL);
	assert_true(traffic.ordered);
	assert_int_equal(traffic.read_bytes[0], EACH_WRITER_BYTES);
	assert_int_equal(traffic.read_bytes[1], EACH_WRITER_BYTES);
	assert_int_equal(console.dropped_bytes, 0);
	assert_int_equal(console.used, 0);
	close_pipe(traffic.ends);
}

/* Reads a little at a time until the stream ends; leaves the number of bytes behind. */
static void *read_slowly(void *fd_and_count)
{
	size_t *count = fd_and_count;
	int fd = (int)*count;
	char bytes[2 * PIPE_BYTES];
	ssize_t got;

	*count = 0;
	while ((got = read(fd, bytes, sizeof(bytes))) > 0) {
		*count += (size_t)got;
		usleep(500);
	}
	return NULL;
}

static void what_is_owed_waits_for_a_slow_reader(void **state)
{
	pthread_t reader;
	size_t count;
	int ends[2];

	(void)state;
	make_pipe(ends);
	fcntl(ends[0], F_SETFL, 0);
	begin(ends[1]);
	put_pattern(0, CONSOLE_RING_BYTES);
	count = (size_t)ends[0];
	pthread_create(&reader, NULL, read_slowly, &count);
	deliver();
	close(ends[1]);
	pthread_join(reader, NULL);
	assert_int_equal(count, CONSOLE_RING_BYTES);
	assert_int_equal(console.dropped_bytes, 0);
	close(ends[0]);
}

static void what_nobody_reads_stays_owed(void **state)
{
	bool blocked = false;
	int ends[2];

	(void)state;
	make_pipe(ends);
	begin(ends[1]);
	put_pattern(0, 3 * PIPE_BYTES);
	assert_int_equal(console_owed_bytes(&console), 0);
	console_close(&console);
	assert_int_equal(console_owed_bytes(&console), 2 * PIPE_BYTES);
	assert_true(console_tick(&console, &blocked));
	assert_true(blocked);
	assert_int_equal(console_owed_bytes(&console), 2 * PIPE_BYTES);
	assert_int_equal(expect_pattern(ends[0], 0), PIPE_BYTES);
	console_tick(&console, &blocked);
	assert_int_equal(console_owed_bytes(&console), PIPE_BYTES);
	close_pipe(ends);
}

/* Another vCPU may do so for ever. */
static void what_is_written_after_the_end_is_not_owed(void **state)
{
	bool blocked = false;
	int ends[2];

	(void)state;
	make_pipe(ends);
	begin(ends[1]);
	put_pattern(0, 2 * PIPE_BYTES);
	console_close(&console);
	put_pattern(2 * PIPE_BYTES, 2 * PIPE_BYTES);
	assert_int_equal(console_owed_bytes(&console), PIPE_BYTES);
	assert_int_equal(expect_pattern(ends[0], 0), PIPE_BYTES);
	assert_true(console_tick(&console, &blocked));
	assert_int_equal(console_owed_bytes(&console), 0);
	assert_int_equal(expect_pattern(ends[0], PIPE_BYTES), PIPE_BYTES);
	assert_true(console_tick(&console, &blocked));
	assert_int_equal(console_owed_bytes(&console), 0);
	close_pipe(ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_line_goes_out_at_once, set_up),
		cmocka_unit_test_setup(a_piece_of_a_line_waits_for_the_tick, set_up),
		cmocka_unit_test_setup(a_full_pipe_keeps_the_rest_in_the_ring, set_up),
		cmocka_unit_test_setup(a_full_ring_drops_the_newest_and_counts, set_up),
		cmocka_unit_test_setup(a_closed_reader_costs_bytes_only, set_up),
		cmocka_unit_test_setup(a_descriptor_that_is_none_costs_bytes_only, set_up),
		cmocka_unit_test_setup(a_regular_file_gets_everything, set_up),
		cmocka_unit_test_setup(devices_swallow_or_refuse, set_up),
		cmocka_unit_test_setup(without_nowait_a_full_pipe_blocks_nobody, set_up),
		cmocka_unit_test_setup(an_interrupted_poll_is_no_room, set_up),
		cmocka_unit_test_setup(a_stopped_terminal_blocks_nobody, set_up),
		cmocka_unit_test_setup(a_terminal_that_cannot_be_reopened_blocks_nobody, set_up),
		cmocka_unit_test_setup(throttling_is_bounded_and_comes_once, set_up),
		cmocka_unit_test_setup(two_writers_lose_nothing_and_keep_their_order, set_up),
		cmocka_unit_test_setup(what_is_owed_waits_for_a_slow_reader, set_up),
		cmocka_unit_test_setup(what_nobody_reads_stays_owed, set_up),
		cmocka_unit_test_setup(what_is_written_after_the_end_is_not_owed, set_up),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
