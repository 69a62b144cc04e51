/* SPDX-License-Identifier: MIT */
/* tests/unit/test_result.c - reports are one line of valid JSON each, whatever is in them. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/result.h"

static struct run_state run_state;
static int ends[2];
static char line[65536];

/* A socket of packets: one report must be one write. */
static int set_up(void **state)
{
	const int type = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;

	(void)state;
	memset(&run_state, 0, sizeof(run_state));
	return socketpair(AF_UNIX, type, 0, ends);
}

static int tear_down(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

/* The report as sent: one packet, one newline, at its end. */
static json_t *received(void)
{
	ssize_t count = read(ends[0], line, sizeof(line) - 1);
	json_t *object;
	char more;

	assert_true(count > 1);
	line[count] = '\0';
	assert_ptr_equal(strchr(line, '\n'), line + count - 1);
	assert_int_equal(read(ends[0], &more, 1), -1);
	object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(object);
	assert_true(json_is_object(object));
	return object;
}

static json_int_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static const char *string(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	assert_true(json_is_string(value));
	return json_string_value(value);
}

static void fill_counters(void)
{
	run_state.counters = (struct run_counters){
		.port_exits = 1,
		.mmio_exits = 2,
		.other_exits = 3,
		.unclaimed_reads = 4,
		.unclaimed_writes = 5,
		.console_bytes = 6,
		.console_dropped_bytes = 7,
	};
}

static void expect_counters(const json_t *object)
{
	assert_int_equal(number(object, "port_exits"), 1);
	assert_int_equal(number(object, "mmio_exits"), 2);
	assert_int_equal(number(object, "other_exits"), 3);
	assert_int_equal(number(object, "unclaimed_reads"), 4);
	assert_int_equal(number(object, "unclaimed_writes"), 5);
	assert_int_equal(number(object, "console_bytes"), 6);
	assert_int_equal(number(object, "console_dropped_bytes"), 7);
}

static void fill_trace(void)
{
	run_state.trace.stamps[0] = (struct trace_stamp){.stage = TRACE_START, .ns = 1000};
	run_state.trace.stamps[1] = (struct trace_stamp){
		.stage = TRACE_GUEST_STAGE, .value = UINT32_MAX, .ns = INT64_MAX};
	run_state.trace.count = 2;
}

static void expect_trace(const json_t *array)
{
	const json_t *first = json_array_get(array, 0);
	const json_t *second = json_array_get(array, 1);

	assert_int_equal(json_array_size(array), 2);
	assert_string_equal(string(first, "stage"), "start");
	assert_int_equal(number(first, "ns"), 1000);
	assert_null(json_object_get(first, "value"));
	assert_string_equal(string(second, "stage"), "guest-stage");
	assert_int_equal(number(second, "ns"), INT64_MAX);
	assert_int_equal(number(second, "value"), UINT32_MAX);
}

static void a_run_is_told_whole(void **state)
{
	const struct result result = {
		.id = "vm-1",
		.outcome = {.kind = OUTCOME_EXIT, .code = 200},
		.status = 125,
		.state = &run_state,
	};
	json_t *object;

	(void)state;
	fill_counters();
	fill_trace();
	assert_int_equal(result_write(ends[1], &result), 0);
	object = received();
	assert_string_equal(string(object, "outcome"), "exit");
	assert_string_equal(string(object, "id"), "vm-1");
	assert_int_equal(number(object, "code"), 200);
	assert_int_equal(number(object, "status"), 125);
	expect_counters(json_object_get(object, "counters"));
	expect_trace(json_object_get(object, "trace"));
	json_decref(object);
}

static void every_outcome_is_named(void **state)
{
	(void)state;
	for (int kind = 0; kind < OUTCOME_KINDS; kind++) {
		const struct result result = {.outcome = {.kind = (enum outcome_kind)kind}};
		json_t *object;

		assert_int_equal(result_write(ends[1], &result), 0);
		object = received();
		assert_string_equal(string(object, "outcome"),
				    outcome_name((enum outcome_kind)kind));
		assert_null(json_object_get(object, "id"));
		assert_null(json_object_get(object, "counters"));
		assert_null(json_object_get(object, "trace"));
		json_decref(object);
	}
}

static void ids_are_escaped(void **state)
{
	static const char *const ids[] = {
		"",
		"\"},{\"",
		"back\\slash",
		"two\nlines\r\n",
		"\x01\x1f\x7f",
		"caf\xc3\xa9",
		"\xe2\x80\xa8",
		"%s%n",
		"\xf0\x9f\x90\xb3",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		const struct result result = {.id = ids[i], .outcome = {.kind = OUTCOME_EXIT}};
		json_t *object;

		assert_int_equal(result_write(ends[1], &result), 0);
		object = received();
		assert_string_equal(string(object, "id"), ids[i]);
		json_decref(object);
	}
}

/* Bytes that are no text cannot be told in JSON; the rest of the report must not suffer. */
static void an_id_that_is_no_text_leaves_a_valid_report(void **state)
{
	const struct result result = {
		.id = "\xff\xfe", .outcome = {.kind = OUTCOME_EXIT, .code = 3}, .status = 3};
	json_t *object;

	(void)state;
	assert_int_equal(result_write(ends[1], &result), 0);
	object = received();
	assert_int_equal(number(object, "code"), 3);
	json_decref(object);
}

static void metrics_stand_beside_the_outcome(void **state)
{
	const struct result result = {
		.id = "m", .outcome = {.kind = OUTCOME_RESET}, .status = 161, .state = &run_state};
	json_t *object;

	(void)state;
	fill_counters();
	fill_trace();
	assert_int_equal(result_write_metrics(ends[1], &result), 0);
	object = received();
	assert_string_equal(string(object, "outcome"), "reset");
	assert_string_equal(string(object, "id"), "m");
	expect_counters(object);
	assert_null(json_object_get(object, "trace"));
	json_decref(object);
}

static void the_trace_can_be_told_alone(void **state)
{
	struct result result = {.id = "t", .state = &run_state};
	json_t *object;
	json_t *costs;

	(void)state;
	fill_trace();
	run_state.costs.launcher_ns[JAIL_NETWORK] = 400000;
	run_state.costs.vm_process_ns[JAIL_LANDLOCK] = 15000;
	assert_int_equal(result_write_trace(ends[1], &result), 0);
	object = received();
	assert_int_equal(json_object_size(object), 2);
	expect_trace(json_object_get(object, "trace"));
	costs = json_object_get(object, "jail_ns");
	assert_int_equal(json_object_size(json_object_get(costs, "launcher")), 1);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(costs, "launcher"), "network")),
		400000);
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(costs, "vm_process"), "landlock")),
			 15000);
	json_decref(object);
	result.state = NULL;
	assert_int_equal(result_write_trace(ends[1], &result), 0);
	object = received();
	assert_int_equal(json_array_size(json_object_get(object, "trace")), 0);
	json_decref(object);
}

static void a_state_full_of_ones_is_still_json(void **state)
{
	const struct result result = {.outcome = {.kind = OUTCOME_PANIC, .code = UINT32_MAX},
				      .state = &run_state};
	json_t *object;

	(void)state;
	memset(&run_state, 0xff, sizeof(run_state));
	for (uint32_t i = 0; i < TRACE_STAMPS_MAX; i += 2)
		run_state.trace.stamps[i].stage = TRACE_GUEST_STAGE;
	assert_int_equal(result_write(ends[1], &result), 0);
	object = received();
	assert_int_equal(number(object, "code"), UINT32_MAX);
	assert_int_equal(json_array_size(json_object_get(object, "trace")), TRACE_STAMPS_MAX / 2);
	json_decref(object);
	assert_int_equal(result_write_metrics(ends[1], &result), 0);
	json_decref(received());
	assert_int_equal(result_write_trace(ends[1], &result), 0);
	json_decref(received());
}

static void a_report_that_cannot_be_written_is_an_error(void **state)
{
	const struct result result = {.outcome = {.kind = OUTCOME_EXIT}, .state = &run_state};
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(result_write(full, &result), -ENOSPC);
	close(full);
	assert_int_equal(result_write_metrics(full, &result), -EBADF);
	assert_int_equal(result_write_trace(full, &result), -EBADF);
}

/* A pipe that is full to the last byte. */
static void make_stalled_pipe(int *pipe_ends)
{
	static char bytes[65536];

	assert_int_equal(pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC), 0);
	while (write(pipe_ends[1], bytes, sizeof(bytes)) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fcntl(pipe_ends[1], F_SETFL, 0), 0);
}

/* poll(2) is this one while there is somebody to act on it; it does not wait. */
static void (*on_poll)(void);
static int polled_ms;

int poll(struct pollfd *descriptors, nfds_t count, int timeout_ms)
{
	const struct timespec now = {0};
	int ready;

	polled_ms = timeout_ms;
	ready = (int)syscall(SYS_ppoll, descriptors, count, &now, NULL, 0);
	if (ready != 0 || !on_poll)
		return ready;
	on_poll();
	return (int)syscall(SYS_ppoll, descriptors, count, &now, NULL, 0);
}

static void a_reader_who_does_not_read_is_given_up(void **state)
{
	const struct result result = {.outcome = {.kind = OUTCOME_EXIT}, .state = &run_state};
	int pipe_ends[2];

	(void)state;
	make_stalled_pipe(pipe_ends);
	assert_int_equal(result_write(pipe_ends[1], &result), -ETIMEDOUT);
	assert_in_range(polled_ms, RESULT_PATIENCE_MS - 1000, RESULT_PATIENCE_MS);
	assert_int_equal(result_write_metrics(pipe_ends[1], &result), -ETIMEDOUT);
	assert_int_equal(result_write_trace(pipe_ends[1], &result), -ETIMEDOUT);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static int read_end;

static void read_some(void)
{
	char bytes[4096];

	assert_int_equal(read(read_end, bytes, sizeof(bytes)), sizeof(bytes));
}

static void a_reader_who_is_late_gets_the_report(void **state)
{
	const struct result result = {.outcome = {.kind = OUTCOME_EXIT}, .state = &run_state};
	int pipe_ends[2];

	(void)state;
	make_stalled_pipe(pipe_ends);
	read_end = pipe_ends[0];
	on_poll = read_some;
	assert_int_equal(result_write(pipe_ends[1], &result), 0);
	on_poll = NULL;
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

/* A caller's own pipe may be non-blocking, and then there is no room for more than a part. */
static void a_pipe_that_does_not_block_loses_nothing(void **state)
{
	const struct result result = {.outcome = {.kind = OUTCOME_EXIT}, .state = &run_state};
	int pipe_ends[2];

	(void)state;
	make_stalled_pipe(pipe_ends);
	assert_int_equal(fcntl(pipe_ends[1], F_SETFL, O_NONBLOCK), 0);
	read_end = pipe_ends[0];
	on_poll = read_some;
	assert_int_equal(result_write(pipe_ends[1], &result), 0);
	on_poll = NULL;
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_run_is_told_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_outcome_is_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ids_are_escaped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_id_that_is_no_text_leaves_a_valid_report, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(metrics_stand_beside_the_outcome, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_trace_can_be_told_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_state_full_of_ones_is_still_json, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_report_that_cannot_be_written_is_an_error, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_reader_who_does_not_read_is_given_up, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_reader_who_is_late_gets_the_report, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_pipe_that_does_not_block_loses_nothing, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
