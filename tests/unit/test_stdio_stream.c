/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_stdio_stream.c - whatever standard input and output are, reading and writing do
 * not wait, ends are seen, and who shares them notices nothing.
 *
 * Each case puts its files in the place of descriptors 0 and 1 and takes them away again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/stdio_stream.h"

enum {
	FDS_LOOKED_AT = 256,
	HANG_SECONDS = 20,
	PATIENCE_MS = 5000,
};

static const struct stdio_stream none = {
	.read_fd = STDIO_STREAM_NONE,
	.write_fd = STDIO_STREAM_NONE,
	.loans = {{.fd = STDIO_STREAM_NONE}, {.fd = STDIO_STREAM_NONE}},
};
static struct stdio_stream stream;
static int saved[2];
static int fds_before;

static int open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < FDS_LOOKED_AT; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int set_up(void **state)
{
	(void)state;
	alarm(HANG_SECONDS);
	signal(SIGPIPE, SIG_IGN);
	stream = none;
	fds_before = open_fds();
	fflush(stdout);
	saved[0] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 100);
	saved[1] = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);
	return saved[0] < 0 || saved[1] < 0;
}

static int tear_down(void **state)
{
	(void)state;
	stdio_stream_hand_over(&stream);
	stdio_stream_restore(&stream);
	dup2(saved[0], STDIN_FILENO);
	dup2(saved[1], STDOUT_FILENO);
	close(saved[0]);
	close(saved[1]);
	return open_fds() != fds_before;
}

/* The descriptors become 0 and 1; the caller's are gone. */
static void take_place(int input, int output)
{
	fflush(stdout);
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	close(input);
	if (output != input)
		close(output);
}

static bool is_null(int fd)
{
	struct stat status;
	struct stat null;

	return fstat(fd, &status) == 0 && stat("/dev/null", &null) == 0 &&
	       status.st_rdev == null.st_rdev && S_ISCHR(status.st_mode);
}

static void assert_would_wait(int fd)
{
	char byte;

	assert_int_equal(read(fd, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

static bool waits(int fd)
{
	return !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static void pipes_get_flags_of_their_own(void **state)
{
	int in[2];
	int out[2];
	int shared_in;
	int shared_out;
	char bytes[4] = "";

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC), 0);
	shared_in = dup(in[0]);
	shared_out = dup(out[1]);
	take_place(in[0], out[1]);
	assert_int_equal(stdio_stream_open(&stream), 0);
	assert_true(waits(shared_in) && waits(shared_out));
	assert_true(is_null(STDIN_FILENO) && is_null(STDOUT_FILENO));
	assert_would_wait(stream.read_fd);
	assert_int_equal(write(in[1], "ab", 2), 2);
	assert_int_equal(read(stream.read_fd, bytes, sizeof(bytes)), 2);
	while (write(stream.write_fd, bytes, 1) == 1)
		;
	assert_int_equal(errno, EAGAIN);
	assert_true(fcntl(stream.read_fd, F_GETFD) & FD_CLOEXEC);
	close(in[1]);
	assert_int_equal(read(stream.read_fd, bytes, 1), 0);
	close(shared_in);
	close(shared_out);
	close(out[0]);
}

/* Peers have to see it when the guest ends its half, while mote still runs. */
static void the_end_of_output_is_seen_at_once(void **state)
{
	int out[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	take_place(open("/dev/null", O_RDONLY), out[1]);
	assert_int_equal(stdio_stream_open(&stream), 0);
	stdio_stream_hand_over(&stream);
	assert_int_equal(read(out[0], &byte, 1), 0);
	close(out[0]);
}

/* What epoll says of the stream's input: whether there is an end or something to read. */
static bool epoll_reports(int fd)
{
	int set = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};
	bool reported = epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0 &&
			epoll_wait(set, &event, 1, PATIENCE_MS) == 1;

	close(set);
	return reported;
}

static void the_end_of_a_pipe_is_seen_that_was_there_before(void **state)
{
	int in[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	close(in[1]);
	take_place(in[0], open("/dev/null", O_WRONLY));
	assert_int_equal(stdio_stream_open(&stream), 0);
	assert_true(epoll_reports(stream.read_fd));
	assert_int_equal(read(stream.read_fd, &byte, 1), 0);
}

static void the_end_of_a_fifo_is_seen_that_was_there_before(void **state)
{
	char path[] = "/tmp/test_stdio_stream.XXXXXX";
	int writer;
	int reader;
	char byte;

	(void)state;
	assert_non_null(mkdtemp(path));
	assert_int_equal(chdir(path) || mkfifo("fifo", 0600), 0);
	reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	writer = open("fifo", O_WRONLY | O_CLOEXEC);
	fcntl(reader, F_SETFL, 0);
	assert_int_equal(write(writer, "x", 1), 1);
	close(writer);
	unlink("fifo");
	assert_int_equal(chdir("/") || rmdir(path), 0);
	take_place(reader, open("/dev/null", O_WRONLY));
	assert_int_equal(stdio_stream_open(&stream), 0);
	assert_true(epoll_reports(stream.read_fd));
	assert_int_equal(read(stream.read_fd, &byte, 1), 1);
	assert_true(epoll_reports(stream.read_fd));
	assert_int_equal(read(stream.read_fd, &byte, 1), 0);
}

static void a_reader_that_left_is_an_error_of_writing(void **state)
{
	int out[2];

	(void)state;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	close(out[0]);
	take_place(open("/dev/null", O_RDONLY), out[1]);
	assert_int_equal(stdio_stream_open(&stream), 0);
	assert_int_equal(write(stream.write_fd, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
}

static void files_stay_where_they_are(void **state)
{
	char path[] = "/tmp/test_stdio_stream.XXXXXX";
	int file = mkostemp(path, O_CLOEXEC);
	int shared;
	char bytes[4] = "";

	(void)state;
	unlink(path);
	assert_int_equal(write(file, "abc", 3), 3);
	assert_int_equal(lseek(file, 1, SEEK_SET), 1);
	shared = dup(file);
	take_place(file, open("/dev/null", O_WRONLY));
	assert_int_equal(stdio_stream_open(&stream), 0);
	assert_int_equal(read(stream.read_fd, bytes, sizeof(bytes)), 2);
	assert_string_equal(bytes, "bc");
	/* As with any program, the position is shared. */
	assert_int_equal(lseek(shared, 0, SEEK_CUR), 3);
	assert_true(waits(shared));
	close(shared);
}

static void one_socket_is_one_descriptor(void **state)
{
	int ends[2];
	int shared;
	char byte;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	shared = dup(ends[0]);
	take_place(ends[0], ends[0]);
	assert_int_equal(stdio_stream_open(&stream), 0);
	assert_int_equal(stream.read_fd, stream.write_fd);
	assert_would_wait(stream.read_fd);
	assert_int_equal(write(stream.write_fd, "x", 1), 1);
	assert_int_equal(read(ends[1], &byte, 1), 1);
	assert_false(waits(shared));
	stdio_stream_hand_over(&stream);
	stdio_stream_restore(&stream);
	assert_true(waits(shared));
	close(shared);
	close(ends[1]);
}

static void two_sockets_are_two(void **state)
{
	int in[2];
	int out[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out), 0);
	take_place(in[0], out[0]);
	assert_int_equal(stdio_stream_open(&stream), 0);
	assert_int_not_equal(stream.read_fd, stream.write_fd);
	assert_would_wait(stream.read_fd);
	assert_would_wait(stream.write_fd);
	close(in[1]);
	close(out[1]);
}

/* One that was non-blocking already is none of mote's business. */
static void what_did_not_wait_before_does_not_afterwards(void **state)
{
	int ends[2];
	int shared;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
			 0);
	shared = dup(ends[0]);
	take_place(ends[0], ends[0]);
	assert_int_equal(stdio_stream_open(&stream), 0);
	stdio_stream_hand_over(&stream);
	stdio_stream_restore(&stream);
	assert_false(waits(shared));
	close(shared);
	close(ends[1]);
}

static void a_failure_changes_nothing(void **state)
{
	int ends[2];
	int shared;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	shared = dup(ends[0]);
	take_place(ends[0], dup(ends[1]));
	close(STDOUT_FILENO);
	assert_int_equal(stdio_stream_open(&stream), -EBADF);
	assert_memory_equal(&stream, &none, sizeof(none));
	assert_true(waits(shared));
	close(shared);
	close(ends[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(pipes_get_flags_of_their_own),
		TEST(the_end_of_output_is_seen_at_once),
		TEST(the_end_of_a_pipe_is_seen_that_was_there_before),
		TEST(the_end_of_a_fifo_is_seen_that_was_there_before),
		TEST(a_reader_that_left_is_an_error_of_writing),
		TEST(files_stay_where_they_are),
		TEST(one_socket_is_one_descriptor),
		TEST(two_sockets_are_two),
		TEST(what_did_not_wait_before_does_not_afterwards),
		TEST(a_failure_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
