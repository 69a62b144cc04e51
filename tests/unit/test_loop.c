/* SPDX-License-Identifier: MIT */
/* tests/unit/test_loop.c - who is called, when, and that one switched off is left alone. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/loop.h"

struct call {
	struct loop *loop;
	int calls;
	short events;
	int switches_off; /* a watch, or -1 */
};

struct fixture {
	struct loop loop;
	int wake_fd;
	int ends[2];
	struct call woken;
};

static void on_ready(void *owner, short events)
{
	struct call *call = owner;

	call->calls++;
	call->events = events;
	if (call->switches_off >= 0)
		loop_expect(call->loop, call->switches_off, 0);
}

static struct call new_call(struct fixture *fixture)
{
	return (struct call){.loop = &fixture->loop, .switches_off = -1};
}

static struct fixture fixture;

static int set_up(void **state)
{
	*state = &fixture;
	fixture.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fixture.woken = new_call(&fixture);
	loop_init(&fixture.loop, fixture.wake_fd, on_ready, &fixture.woken);
	return fixture.wake_fd < 0 || pipe2(fixture.ends, O_CLOEXEC | O_NONBLOCK);
}

static int tear_down(void **state)
{
	(void)state;
	close(fixture.wake_fd);
	close(fixture.ends[0]);
	close(fixture.ends[1]);
	return 0;
}

static void nothing_ready_is_no_turn(void **state)
{
	(void)state;
	assert_false(loop_turn(&fixture.loop, 0));
	assert_false(loop_turn(&fixture.loop, 1));
	assert_int_equal(fixture.woken.calls, 0);
}

static void many_wakes_are_one_call(void **state)
{
	(void)state;
	loop_wake(&fixture.loop);
	loop_wake(&fixture.loop);
	assert_true(loop_turn(&fixture.loop, LOOP_FOREVER));
	assert_int_equal(fixture.woken.calls, 1);
	assert_false(loop_turn(&fixture.loop, 0));
	loop_wake(&fixture.loop);
	assert_true(loop_turn(&fixture.loop, LOOP_FOREVER));
	assert_int_equal(fixture.woken.calls, 2);
}

static void a_full_counter_still_wakes_and_blocks_nobody(void **state)
{
	uint64_t most = UINT64_MAX - 1;

	(void)state;
	assert_int_equal(write(fixture.wake_fd, &most, sizeof(most)), sizeof(most));
	loop_wake(&fixture.loop);
	assert_true(loop_turn(&fixture.loop, 0));
	assert_int_equal(fixture.woken.calls, 1);
}

static void a_watch_is_told_what_happened(void **state)
{
	struct call reader = new_call(&fixture);
	struct call writer = new_call(&fixture);

	(void)state;
	assert_int_equal(loop_watch(&fixture.loop, fixture.ends[0], POLLIN, on_ready, &reader), 1);
	assert_int_equal(loop_watch(&fixture.loop, fixture.ends[1], POLLOUT, on_ready, &writer), 2);
	assert_true(loop_turn(&fixture.loop, 0));
	assert_int_equal(reader.calls, 0);
	assert_int_equal(writer.calls, 1);
	assert_int_equal(writer.events, POLLOUT);
	assert_int_equal(write(fixture.ends[1], "x", 1), 1);
	assert_true(loop_turn(&fixture.loop, 0));
	assert_int_equal(reader.calls, 1);
	assert_int_equal(reader.events, POLLIN);
}

/* Not even a hang-up, which poll(2) reports to who asked for nothing. */
static void a_watch_switched_off_hears_nothing(void **state)
{
	struct call reader = new_call(&fixture);
	int watch = loop_watch(&fixture.loop, fixture.ends[0], 0, on_ready, &reader);

	(void)state;
	close(fixture.ends[1]);
	assert_false(loop_turn(&fixture.loop, 0));
	loop_expect(&fixture.loop, watch, 0);
	assert_false(loop_turn(&fixture.loop, 0));
	loop_expect(&fixture.loop, watch, POLLIN);
	loop_expect(&fixture.loop, watch, POLLIN);
	assert_true(loop_turn(&fixture.loop, 0));
	assert_int_equal(reader.calls, 1);
	assert_true(reader.events & POLLHUP);
	loop_expect(&fixture.loop, watch, 0);
	assert_false(loop_turn(&fixture.loop, 0));
	assert_int_equal(reader.calls, 1);
	fixture.ends[1] = -1;
}

/* Descriptor 0 has no negative of its own. */
static void standard_input_can_be_switched_off(void **state)
{
	int saved = dup(STDIN_FILENO);
	struct call reader = new_call(&fixture);
	int watch;

	(void)state;
	assert_int_equal(dup2(fixture.ends[0], STDIN_FILENO), STDIN_FILENO);
	watch = loop_watch(&fixture.loop, STDIN_FILENO, 0, on_ready, &reader);
	assert_int_equal(write(fixture.ends[1], "x", 1), 1);
	assert_false(loop_turn(&fixture.loop, 0));
	loop_expect(&fixture.loop, watch, POLLIN);
	assert_true(loop_turn(&fixture.loop, 0));
	assert_int_equal(reader.calls, 1);
	dup2(saved, STDIN_FILENO);
	close(saved);
}

static void who_was_switched_off_in_this_turn_is_not_called(void **state)
{
	struct call first = new_call(&fixture);
	struct call second = new_call(&fixture);

	(void)state;
	loop_watch(&fixture.loop, fixture.ends[0], POLLIN, on_ready, &first);
	first.switches_off = loop_watch(&fixture.loop, fixture.ends[1], POLLOUT, on_ready, &second);
	assert_int_equal(write(fixture.ends[1], "x", 1), 1);
	assert_true(loop_turn(&fixture.loop, 0));
	assert_int_equal(first.calls, 1);
	assert_int_equal(second.calls, 0);
}

static void the_table_has_an_end(void **state)
{
	struct call reader = new_call(&fixture);

	(void)state;
	for (int i = 1; i < LOOP_WATCHES_MAX; i++)
		assert_int_equal(
			loop_watch(&fixture.loop, fixture.ends[0], POLLIN, on_ready, &reader), i);
	assert_int_equal(loop_watch(&fixture.loop, fixture.ends[0], POLLIN, on_ready, &reader),
			 -ENOSPC);
	assert_int_equal(write(fixture.ends[1], "x", 1), 1);
	assert_true(loop_turn(&fixture.loop, 0));
	assert_int_equal(reader.calls, LOOP_WATCHES_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_ready_is_no_turn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_wakes_are_one_call, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_counter_still_wakes_and_blocks_nobody,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_watch_is_told_what_happened, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_watch_switched_off_hears_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(standard_input_can_be_switched_off, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(who_was_switched_off_in_this_turn_is_not_called,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_table_has_an_end, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
