/* SPDX-License-Identifier: MIT */
/* tests/unit/test_trace.c - a trace keeps what fits, and its reader believes nothing. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/trace.h"

enum {
	THREADS = 4,
	STAMPS_EACH = 1000,
};

static struct trace trace;
static struct trace_stamp copy[TRACE_STAMPS_MAX];

static int set_up(void **state)
{
	(void)state;
	memset(&trace, 0, sizeof(trace));
	memset(copy, 0, sizeof(copy));
	return 0;
}

static void an_empty_trace_has_no_stamps(void **state)
{
	(void)state;
	assert_int_equal(trace_read(&trace, copy), 0);
}

static void stamps_come_back_in_order(void **state)
{
	uint64_t before_ns = trace_now_ns();

	(void)state;
	trace_stamp(&trace, TRACE_START);
	trace_stamp_value(&trace, TRACE_GUEST_STAGE, 77);
	trace_stamp(&trace, TRACE_END);
	assert_int_equal(trace_read(&trace, copy), 3);
	assert_int_equal(copy[0].stage, TRACE_START);
	assert_int_equal(copy[0].value, 0);
	assert_int_equal(copy[1].stage, TRACE_GUEST_STAGE);
	assert_int_equal(copy[1].value, 77);
	assert_int_equal(copy[2].stage, TRACE_END);
	assert_true(before_ns <= copy[0].ns && copy[0].ns <= copy[1].ns &&
		    copy[1].ns <= copy[2].ns && copy[2].ns <= trace_now_ns());
}

/* Two threads may take their slots in another order than their times. */
static void the_reader_sorts_by_time(void **state)
{
	(void)state;
	trace.stamps[0] = (struct trace_stamp){.stage = TRACE_VM, .ns = 30};
	trace.stamps[1] = (struct trace_stamp){.stage = TRACE_START, .ns = 10};
	trace.stamps[2] = (struct trace_stamp){.stage = TRACE_END, .ns = UINT64_MAX};
	trace.stamps[3] = (struct trace_stamp){.stage = TRACE_CLONE, .ns = 20};
	trace.count = 4;
	assert_int_equal(trace_read(&trace, copy), 4);
	assert_int_equal(copy[0].stage, TRACE_START);
	assert_int_equal(copy[1].stage, TRACE_CLONE);
	assert_int_equal(copy[2].stage, TRACE_VM);
	assert_int_equal(copy[3].stage, TRACE_END);
}

static void what_does_not_fit_is_dropped(void **state)
{
	const uint64_t after[] = {0x5555555555555555};
	struct {
		struct trace trace;
		uint64_t after;
	} *guarded = calloc(1, sizeof(*guarded));

	(void)state;
	assert_non_null(guarded);
	guarded->after = *after;
	for (uint32_t i = 0; i < 3 * TRACE_STAMPS_MAX; i++)
		trace_stamp_value(&guarded->trace, TRACE_CLONE, i);
	assert_int_equal(guarded->after, *after);
	assert_int_equal(trace_read(&guarded->trace, copy), TRACE_STAMPS_MAX);
	for (uint32_t i = 0; i < TRACE_STAMPS_MAX; i++)
		assert_int_equal(copy[i].value, i);
	free(guarded);
}

/* However much the guest stamps, the end of its run is still in the trace. */
static void a_guest_cannot_push_the_end_out(void **state)
{
	unsigned int count;

	(void)state;
	memset(&trace, 0, sizeof(trace));
	for (uint32_t i = 0; i < 1000; i++)
		trace_stamp_value(&trace, TRACE_GUEST_STAGE, i);
	trace_stamp(&trace, TRACE_END);
	count = trace_read(&trace, copy);
	assert_int_equal(count, TRACE_GUEST_STAMPS_MAX + 1);
	assert_int_equal(copy[count - 1].stage, TRACE_END);
}

/* The count is one that the VM process wrote: no slot may be found before or behind the table. */
static void a_hostile_count_is_clamped(void **state)
{
	const uint32_t counts[] = {TRACE_STAMPS_MAX + 1, INT32_MAX, UINT32_MAX - 1, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		set_up(NULL);
		trace_stamp(&trace, TRACE_START);
		trace.count = counts[i];
		assert_int_equal(trace_read(&trace, copy), 1);
		/* Twice, so that a count that wraps is seen in the second. */
		trace_stamp(&trace, TRACE_REAPED);
		trace_stamp(&trace, TRACE_REAPED);
		assert_int_equal(trace_read(&trace, copy), 1);
		assert_int_equal(copy[0].stage, TRACE_START);
	}
}

static void stages_that_are_none_are_left_out(void **state)
{
	const uint32_t stages[] = {TRACE_STAGES, TRACE_STAGES + 1, UINT32_MAX, TRACE_VM};

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		trace.stamps[i] = (struct trace_stamp){.stage = stages[i], .ns = i + 1};
	/* A slot that was taken and not filled in, because its thread died there. */
	trace.count = 5;
	assert_int_equal(trace_read(&trace, copy), 1);
	assert_int_equal(copy[0].stage, TRACE_VM);
	assert_string_equal(trace_stage_name(TRACE_STAGES), "?");
	assert_string_equal(trace_stage_name(UINT32_MAX), "?");
}

static void every_stage_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < TRACE_STAGES; i++) {
		assert_non_null(trace_stage_name(i));
		assert_string_not_equal(trace_stage_name(i), "?");
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(trace_stage_name(i), trace_stage_name(j));
	}
}

static void *stamp_much(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < STAMPS_EACH; i++)
		trace_stamp_value(&trace, TRACE_CLONE, i);
	return NULL;
}

static void threads_take_a_slot_each(void **state)
{
	pthread_t threads[THREADS];
	unsigned int first = 0;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, stamp_much, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(trace_read(&trace, copy), TRACE_STAMPS_MAX);
	for (uint32_t i = 1; i < TRACE_STAMPS_MAX; i++)
		assert_true(copy[i - 1].ns <= copy[i].ns);
	for (uint32_t i = 0; i < TRACE_STAMPS_MAX; i++)
		first += copy[i].value == 0;
	assert_in_range(first, 1, THREADS);
}

static char *printed(void)
{
	char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	assert_non_null(stream);
	trace_print(&trace, stream);
	fclose(stream);
	return text;
}

static void the_table_shows_own_and_running_time(void **state)
{
	char *text;

	(void)state;
	trace.stamps[0] = (struct trace_stamp){.stage = TRACE_START, .ns = 1000000};
	trace.stamps[1] = (struct trace_stamp){.stage = TRACE_CONFIG, .ns = 1012500};
	trace.stamps[2] =
		(struct trace_stamp){.stage = TRACE_GUEST_STAGE, .value = 4, .ns = 1100000};
	trace.count = 3;
	text = printed();
	assert_string_equal(text, "stage                  own us   running us\n"
				  "start                     0.0          0.0\n"
				  "config                   12.5         12.5\n"
				  "guest-stage 4            87.5        100.0\n");
	free(text);
}

static void a_hostile_table_can_be_printed(void **state)
{
	char *text;

	(void)state;
	memset(&trace, 0xff, sizeof(trace));
	for (uint32_t i = 0; i < TRACE_STAMPS_MAX; i++)
		trace.stamps[i].stage = TRACE_GUEST_STAGE;
	trace.stamps[3].ns = 1;
	text = printed();
	assert_non_null(strstr(text, "guest-stage 4294967295"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_trace_has_no_stamps, set_up),
		cmocka_unit_test_setup(stamps_come_back_in_order, set_up),
		cmocka_unit_test_setup(the_reader_sorts_by_time, set_up),
		cmocka_unit_test_setup(what_does_not_fit_is_dropped, set_up),
		cmocka_unit_test(a_guest_cannot_push_the_end_out),
		cmocka_unit_test_setup(a_hostile_count_is_clamped, set_up),
		cmocka_unit_test_setup(stages_that_are_none_are_left_out, set_up),
		cmocka_unit_test_setup(every_stage_has_a_name_of_its_own, set_up),
		cmocka_unit_test_setup(threads_take_a_slot_each, set_up),
		cmocka_unit_test_setup(the_table_shows_own_and_running_time, set_up),
		cmocka_unit_test_setup(a_hostile_table_can_be_printed, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
