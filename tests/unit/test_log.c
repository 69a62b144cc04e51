/* SPDX-License-Identifier: MIT */
/* tests/unit/test_log.c - who gets to see a line, and that it is one. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/log.h"

#define say(...) log_line(LOG_LEVEL_INFO, __FILE__, __LINE__, __VA_ARGS__)

enum {
	PIPE_BYTES = 4096,
	HANG_SECONDS = 20,
};

/* Datagram sockets, so that each write(2) can be told from the next. */
static struct {
	int log_ends[2];
	int error_ends[2];
	int real_stderr;
} sinks;

static char text[2 * LOG_LINE_MAX_BYTES];

static int set_up(void **state)
{
	const int type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

	(void)state;
	alarm(HANG_SECONDS);
	sinks.real_stderr = dup(STDERR_FILENO);
	if (socketpair(AF_UNIX, type, 0, sinks.log_ends) ||
	    socketpair(AF_UNIX, type, 0, sinks.error_ends))
		return -1;
	return dup2(sinks.error_ends[1], STDERR_FILENO) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	dup2(sinks.real_stderr, STDERR_FILENO);
	close(sinks.real_stderr);
	for (int i = 0; i < 2; i++) {
		close(sinks.log_ends[i]);
		close(sinks.error_ends[i]);
	}
	return 0;
}

static void configure(enum log_level level, int fd)
{
	const struct log_settings settings = {.level = level, .fd = fd};

	log_configure(&settings);
}

/* The next write to a sink; "" if there was none. */
static const char *next_write(const int ends[2])
{
	ssize_t count = read(ends[0], text, sizeof(text) - 1);

	text[count < 0 ? 0 : count] = '\0';
	return text;
}

static void log_one_of_each(void)
{
	log_error("broken");
	log_warning("odd");
	say("good");
	log_line(LOG_LEVEL_DEBUG, "file.c", 1, "detail");
	log_line(LOG_LEVEL_TRACE, "file.c", 1, "flood");
}

static void a_line_goes_to_standard_error_by_default(void **state)
{
	(void)state;
	say("%s %d", "hello", 7);
	assert_string_equal(next_write(sinks.error_ends), "mote: hello 7\n");
	log_line(LOG_LEVEL_DEBUG, "file.c", 1, "not this");
	log_error("once");
	assert_string_equal(next_write(sinks.error_ends), "mote: once\n");
	assert_string_equal(next_write(sinks.error_ends), "");
}

static void levels_include_those_before_them(void **state)
{
	static const char *const lines[] = {"mote: broken\n", "mote: warning: odd\n",
					    "mote: good\n", "mote: detail\n", "mote: flood\n"};

	(void)state;
	for (int level = LOG_LEVEL_OFF; level <= LOG_LEVEL_TRACE; level++) {
		configure((enum log_level)level, sinks.log_ends[1]);
		log_one_of_each();
		for (int i = 0; i < level; i++)
			assert_string_equal(next_write(sinks.log_ends), lines[i]);
		assert_string_equal(next_write(sinks.log_ends), "");
		/* Whatever the level, a person at the shell sees the error, and only that. */
		assert_string_equal(next_write(sinks.error_ends), "mote: broken\n");
		assert_string_equal(next_write(sinks.error_ends), "");
	}
}

static void an_error_comes_once_where_the_log_is_standard_error(void **state)
{
	(void)state;
	for (int level = LOG_LEVEL_OFF; level <= LOG_LEVEL_INFO; level++) {
		configure((enum log_level)level, STDERR_FILENO);
		log_error("broken");
		assert_string_equal(next_write(sinks.error_ends), "mote: broken\n");
		assert_string_equal(next_write(sinks.error_ends), "");
	}
}

static void level_and_origin_are_shown_on_request(void **state)
{
	struct log_settings settings = {.level = LOG_LEVEL_INFO,
					.show_level = true,
					.show_origin = true,
					.fd = sinks.log_ends[1]};

	(void)state;
	log_configure(&settings);
	log_line(LOG_LEVEL_INFO, "monitor/x.c", 12, "words");
	assert_string_equal(next_write(sinks.log_ends), "mote: info: monitor/x.c:12: words\n");
	settings.show_level = false;
	log_configure(&settings);
	log_line(LOG_LEVEL_INFO, "monitor/x.c", 12, "words");
	assert_string_equal(next_write(sinks.log_ends), "mote: monitor/x.c:12: words\n");
}

static void a_long_line_is_cut_and_stays_a_line(void **state)
{
	char words[3 * LOG_LINE_MAX_BYTES];

	(void)state;
	configure(LOG_LEVEL_INFO, sinks.log_ends[1]);
	memset(words, 'w', sizeof(words));
	/* Around the limit each length once, and one far beyond. */
	for (size_t length = LOG_LINE_MAX_BYTES - 20; length < LOG_LINE_MAX_BYTES + 20; length++) {
		const char *line;

		say("%.*s", (int)length, words);
		line = next_write(sinks.log_ends);
		assert_in_range(strlen(line), LOG_LINE_MAX_BYTES - 20, LOG_LINE_MAX_BYTES);
		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
		assert_string_equal(next_write(sinks.log_ends), "");
	}
	log_line(LOG_LEVEL_INFO, words, 1, "%.*s", (int)sizeof(words), words);
	assert_in_range(strlen(next_write(sinks.log_ends)), 1, LOG_LINE_MAX_BYTES);
}

static void a_long_origin_leaves_room_for_the_newline(void **state)
{
	const struct log_settings settings = {
		.level = LOG_LEVEL_INFO, .show_origin = true, .fd = sinks.log_ends[1]};
	char file[2 * LOG_LINE_MAX_BYTES];
	const char *line;

	(void)state;
	log_configure(&settings);
	memset(file, 'f', sizeof(file));
	file[sizeof(file) - 1] = '\0';
	log_line(LOG_LEVEL_INFO, file, 1, "words");
	line = next_write(sinks.log_ends);
	assert_in_range(strlen(line), LOG_LINE_MAX_BYTES / 2, LOG_LINE_MAX_BYTES);
	assert_int_equal(line[strlen(line) - 1], '\n');
}

static void what_could_forge_a_line_is_replaced(void **state)
{
	(void)state;
	configure(LOG_LEVEL_INFO, sinks.log_ends[1]);
	say("cannot open %s", "a\nmote: all is well\x1b[2J\r\t\x7f"
			      "\xc3\xa9\xc2\x9b"
			      "2J");
	assert_string_equal(next_write(sinks.log_ends),
			    "mote: cannot open a?mote: all is well?[2J???\xc3\xa9??2J\n");
}

static void errno_survives(void **state)
{
	(void)state;
	configure(LOG_LEVEL_INFO, INT_MAX);
	errno = EXDEV;
	say("to nowhere");
	assert_int_equal(errno, EXDEV);
	log_error("%s", strerror(errno));
	assert_int_equal(errno, EXDEV);
}

static void on_signal(int number)
{
	(void)number;
}

struct writer {
	_Atomic bool done;
	int ends[2];
};

static void *log_one_line(void *owner)
{
	struct writer *writer = owner;

	say("after all");
	writer->done = true;
	return NULL;
}

/* As the I/O thread does with a vCPU thread that logs while nobody reads. */
static void a_signal_does_not_lose_the_line(void **state)
{
	const struct sigaction action = {.sa_handler = on_signal};
	struct writer writer = {.done = false};
	char fill[PIPE_BYTES];
	pthread_t thread;

	(void)state;
	assert_int_equal(pipe2(writer.ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(writer.ends[1], F_SETPIPE_SZ, PIPE_BYTES), PIPE_BYTES);
	memset(fill, '.', sizeof(fill));
	assert_int_equal(write(writer.ends[1], fill, sizeof(fill)), sizeof(fill));
	sigaction(SIGUSR1, &action, NULL);
	configure(LOG_LEVEL_INFO, writer.ends[1]);
	pthread_create(&thread, NULL, log_one_line, &writer);
	for (int i = 0; i < 50; i++) {
		usleep(1000);
		pthread_kill(thread, SIGUSR1);
	}
	assert_false(writer.done);
	assert_int_equal(read(writer.ends[0], fill, sizeof(fill)), sizeof(fill));
	pthread_join(thread, NULL);
	assert_int_equal(read(writer.ends[0], text, sizeof(text)), strlen("mote: after all\n"));
	close(writer.ends[0]);
	close(writer.ends[1]);
}

/* A guest that fills the pipe holds up neither its VM nor the launcher's end of the run. */
static void a_reader_that_never_reads_is_not_waited_for(void **state)
{
	char fill[PIPE_BYTES] = {0};
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES), PIPE_BYTES);
	assert_int_equal(write(ends[1], fill, sizeof(fill)), sizeof(fill));
	configure(LOG_LEVEL_INFO, ends[1]);
	say("lost");
	assert_int_equal(read(ends[0], fill, sizeof(fill)), sizeof(fill));
	say("there");
	assert_int_equal(read(ends[0], fill, sizeof(fill)), strlen("mote: there\n"));
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* The first one sees the settings that nobody configured. */
		cmocka_unit_test_setup_teardown(a_line_goes_to_standard_error_by_default, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(levels_include_those_before_them, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_error_comes_once_where_the_log_is_standard_error,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(level_and_origin_are_shown_on_request, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_long_line_is_cut_and_stays_a_line, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_long_origin_leaves_room_for_the_newline, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_could_forge_a_line_is_replaced, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(errno_survives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_signal_does_not_lose_the_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reader_that_never_reads_is_not_waited_for, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
