/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_input.c - standard input reaches the serial port when, and only when, it should.
 *
 * A real serial port and a real loop; the guest is serial_access().
 */
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/input.h"

enum {
	HANG_SECONDS = 20,
	REGISTER_DATA = 0,
	REGISTER_IER = 1,
	REGISTER_MCR = 4,
	REGISTER_LSR = 5,
	LSR_DATA_READY = 0x01,
	IER_RECEIVE = 0x01,
	MCR_LOOP = 0x10,
	CTRL_A = 0x01,
	FLOOD_BYTES = 3000,
};

static struct {
	struct loop loop;
	struct serial serial;
	struct input input;
	pthread_mutex_t lock;
	int wake_fd;
	int writer; /* the other end of what is read */
	int reader;
	unsigned int left;
	char got[FLOOD_BYTES + 1];
	size_t got_bytes;
} board;

static void on_output(void *owner, uint8_t byte)
{
	(void)owner;
	(void)byte;
}

static void on_interrupt(void *owner)
{
	(void)owner;
}

static void on_wanted(void *owner)
{
	(void)owner;
	input_want(&board.input);
}

static void on_drained(void *owner)
{
	(void)owner;
	loop_wake(&board.loop);
}

static const struct serial_ops serial_ops = {
	.output = on_output,
	.interrupt = on_interrupt,
	.wanted = on_wanted,
	.drained = on_drained,
};

static void on_wake(void *owner, short events)
{
	(void)owner;
	(void)events;
	input_resume(&board.input);
}

static void on_leave(void *owner)
{
	++*(unsigned int *)owner;
}

static uint8_t guest_access(uint64_t port, uint8_t value, bool is_write)
{
	struct bus_access access = {
		.offset = port, .data = &value, .size_bytes = 1, .is_write = is_write};

	pthread_mutex_lock(&board.lock);
	serial_access(&board.serial, &access);
	pthread_mutex_unlock(&board.lock);
	return value;
}

/* A driver comes up: it enables the receive interrupt, and goes on. */
static void guest_begins_to_read(void)
{
	guest_access(REGISTER_IER, IER_RECEIVE, true);
	guest_access(REGISTER_LSR, 0, false);
}

static void guest_reads(void)
{
	while (guest_access(REGISTER_LSR, 0, false) & LSR_DATA_READY) {
		assert_true(board.got_bytes < FLOOD_BYTES);
		board.got[board.got_bytes++] = (char)guest_access(REGISTER_DATA, 0, false);
	}
	board.got[board.got_bytes] = '\0';
}

/* Turn the loop until nothing is ready any more. */
static void settle(void)
{
	while (loop_turn(&board.loop, 0))
		;
}

static void prepare(int reader, int writer)
{
	memset(&board, 0, sizeof(board));
	alarm(HANG_SECONDS);
	pthread_mutex_init(&board.lock, NULL);
	board.reader = reader;
	board.writer = writer;
	board.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop_init(&board.loop, board.wake_fd, on_wake, NULL);
	serial_init(&board.serial, &serial_ops, NULL);
	board.input = (struct input){
		.fd = reader,
		.loop = &board.loop,
		.serial = &board.serial,
		.serial_lock = &board.lock,
		.leave = on_leave,
		.owner = &board.left,
	};
}

static void connect_to(int reader, int writer)
{
	prepare(reader, writer);
	assert_int_equal(input_init(&board.input), 0);
}

static int use_pipe(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	connect_to(ends[0], ends[1]);
	return 0;
}

static int use_terminal(void **state)
{
	struct termios settings;
	int master;
	int slave;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(slave, &settings), 0);
	cfmakeraw(&settings);
	assert_int_equal(tcsetattr(slave, TCSANOW, &settings), 0);
	connect_to(slave, master);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(board.wake_fd);
	close(board.reader);
	if (board.writer >= 0)
		close(board.writer);
	return 0;
}

static void type(const char *text, size_t count)
{
	assert_int_equal(write(board.writer, text, count), count);
}

static int bytes_waiting(void)
{
	int count;

	assert_int_equal(ioctl(board.reader, FIONREAD, &count), 0);
	return count;
}

/* What is typed reaches the other side of a terminal in its own time. */
static void type_and_settle(const char *text)
{
	int count = (int)strlen(text);

	type(text, strlen(text));
	while (bytes_waiting() < count)
		usleep(100);
	settle();
}

static void a_pipe_is_not_touched_until_the_guest_reads(void **state)
{
	(void)state;
	type("for the loop", 12);
	settle();
	/* A guest that only prints, and a driver's probe of the register, want no input. */
	guest_access(REGISTER_DATA, 'x', true);
	guest_access(REGISTER_IER, IER_RECEIVE, true);
	guest_access(REGISTER_IER, 0, true);
	settle();
	assert_int_equal(bytes_waiting(), 12);
	guest_begins_to_read();
	settle();
	guest_reads();
	assert_string_equal(board.got, "for the loop");
	assert_int_equal(bytes_waiting(), 0);
}

static void a_pipe_has_no_escape(void **state)
{
	(void)state;
	guest_begins_to_read();
	type("\x01x", 2);
	settle();
	guest_reads();
	assert_string_equal(board.got, "\x01x");
	assert_int_equal(board.left, 0);
}

static void the_port_takes_what_it_has_room_for(void **state)
{
	char sent[FLOOD_BYTES + 1] = "";

	(void)state;
	for (size_t i = 0; i < FLOOD_BYTES; i++)
		sent[i] = (char)('a' + i * 7 % 26);
	guest_begins_to_read();
	type(sent, FLOOD_BYTES);
	settle();
	/* At most one chunk beyond the port's FIFO is taken from whoever else may want it. */
	assert_in_range(bytes_waiting(), FLOOD_BYTES - 3 * INPUT_CHUNK_BYTES, FLOOD_BYTES);
	while (board.got_bytes < FLOOD_BYTES) {
		guest_reads();
		assert_true(loop_turn(&board.loop, 0) || board.got_bytes == FLOOD_BYTES);
		settle();
	}
	assert_string_equal(board.got, sent);
}

static void loopback_keeps_input_for_later(void **state)
{
	(void)state;
	guest_begins_to_read();
	guest_access(REGISTER_MCR, MCR_LOOP, true);
	type("kept", 4);
	settle();
	guest_reads();
	assert_string_equal(board.got, "");
	guest_access(REGISTER_MCR, 0, true);
	settle();
	guest_reads();
	assert_string_equal(board.got, "kept");
}

static void the_end_of_input_is_quiet(void **state)
{
	(void)state;
	guest_begins_to_read();
	type("last", 4);
	close(board.writer);
	board.writer = -1;
	settle();
	guest_reads();
	assert_string_equal(board.got, "last");
	assert_true(board.input.ended);
	/* A closed pipe is readable for ever, and must not keep the loop busy. */
	assert_false(loop_turn(&board.loop, 0));
	input_resume(&board.input);
	assert_false(loop_turn(&board.loop, 0));
}

static void files_end_as_well(void **state)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	FILE *file = tmpfile();

	(void)state;
	connect_to(null, -1);
	guest_begins_to_read();
	settle();
	assert_true(board.input.ended);
	tear_down(NULL);

	fputs("from a file", file);
	rewind(file);
	connect_to(dup(fileno(file)), -1);
	guest_begins_to_read();
	settle();
	guest_reads();
	assert_string_equal(board.got, "from a file");
	assert_true(board.input.ended);
	fclose(file);
}

static void what_cannot_be_read_ends_at_once(void **state)
{
	(void)state;
	connect_to(open("/dev/null", O_WRONLY | O_CLOEXEC), -1);
	guest_begins_to_read();
	settle();
	assert_true(board.input.ended);
}

/* The other reader of the same pipe, and faster. */
static void steal(void *owner, short events)
{
	char stolen[FLOOD_BYTES];

	(void)owner;
	(void)events;
	assert_true(read(board.reader, stolen, sizeof(stolen)) > 0);
}

static void bytes_that_another_reader_took_are_not_waited_for(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	prepare(ends[0], ends[1]);
	loop_watch(&board.loop, ends[0], POLLIN, steal, NULL);
	assert_int_equal(input_init(&board.input), 0);
	input_want(&board.input);
	assert_true(loop_turn(&board.loop, 0));
	type("stolen", 6);
	assert_true(loop_turn(&board.loop, 0));
	assert_int_equal(bytes_waiting(), 0);
	assert_false(board.input.ended);
	loop_expect(&board.loop, 1, 0);
	type("mine", 4);
	settle();
	guest_reads();
	assert_string_equal(board.got, "mine");
}

static void a_terminal_is_read_from_the_start(void **state)
{
	(void)state;
	type_and_settle("ls\r");
	guest_reads();
	assert_string_equal(board.got, "ls\r");
}

static void ctrl_a_x_leaves(void **state)
{
	(void)state;
	type_and_settle("ab\x01");
	assert_int_equal(board.left, 0);
	type_and_settle("x");
	assert_int_equal(board.left, 1);
	guest_reads();
	assert_string_equal(board.got, "ab");
}

static void ctrl_a_capital_x_leaves(void **state)
{
	(void)state;
	type_and_settle("\x01X");
	assert_int_equal(board.left, 1);
}

/* The run may still owe something to somebody, which who leaves again does not want to wait for. */
static void ctrl_a_x_leaves_again(void **state)
{
	(void)state;
	type_and_settle("\x01x");
	type_and_settle("\x01x\x01x");
	assert_int_equal(board.left, 3);
	guest_reads();
	assert_string_equal(board.got, "");
}

static void ctrl_a_reaches_the_guest(void **state)
{
	(void)state;
	type_and_settle("x\x01\x01x");
	type_and_settle("\x01");
	type_and_settle("b\x01\x01\x01\x01");
	guest_reads();
	assert_string_equal(board.got, "x\x01x\x01"
				       "b\x01\x01");
	assert_int_equal(board.left, 0);
}

/* The most that one read can become: a Ctrl-A from before, and pairs that are no command. */
static void a_chunk_of_escapes_grows_and_fits(void **state)
{
	char sent[INPUT_CHUNK_BYTES + 1] = "";

	(void)state;
	type_and_settle("\x01");
	for (size_t i = 0; i < INPUT_CHUNK_BYTES; i++)
		sent[i] = i % 2 ? CTRL_A : 'q';
	type_and_settle(sent);
	guest_reads();
	settle();
	guest_reads();
	assert_int_equal(board.got_bytes, INPUT_CHUNK_BYTES);
	for (size_t i = 0; i < INPUT_CHUNK_BYTES; i++)
		assert_int_equal(board.got[i], i % 2 ? 'q' : CTRL_A);
	assert_int_equal(board.left, 0);
}

static void a_terminal_that_hung_up_is_quiet(void **state)
{
	(void)state;
	close(board.writer);
	board.writer = -1;
	settle();
	assert_true(board.input.ended);
	assert_false(loop_turn(&board.loop, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_pipe_is_not_touched_until_the_guest_reads,
						use_pipe, tear_down),
		cmocka_unit_test_setup_teardown(a_pipe_has_no_escape, use_pipe, tear_down),
		cmocka_unit_test_setup_teardown(the_port_takes_what_it_has_room_for, use_pipe,
						tear_down),
		cmocka_unit_test_setup_teardown(loopback_keeps_input_for_later, use_pipe,
						tear_down),
		cmocka_unit_test_setup_teardown(the_end_of_input_is_quiet, use_pipe, tear_down),
		cmocka_unit_test_teardown(files_end_as_well, tear_down),
		cmocka_unit_test_teardown(what_cannot_be_read_ends_at_once, tear_down),
		cmocka_unit_test_teardown(bytes_that_another_reader_took_are_not_waited_for,
					  tear_down),
		cmocka_unit_test_setup_teardown(a_terminal_is_read_from_the_start, use_terminal,
						tear_down),
		cmocka_unit_test_setup_teardown(ctrl_a_x_leaves, use_terminal, tear_down),
		cmocka_unit_test_setup_teardown(ctrl_a_capital_x_leaves, use_terminal, tear_down),
		cmocka_unit_test_setup_teardown(ctrl_a_x_leaves_again, use_terminal, tear_down),
		cmocka_unit_test_setup_teardown(ctrl_a_reaches_the_guest, use_terminal, tear_down),
		cmocka_unit_test_setup_teardown(a_chunk_of_escapes_grows_and_fits, use_terminal,
						tear_down),
		cmocka_unit_test_setup_teardown(a_terminal_that_hung_up_is_quiet, use_terminal,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
