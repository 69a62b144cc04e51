/* SPDX-License-Identifier: MIT */
/* tests/unit/test_block_output.c - the block benchmark's guest and fio, read from their text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "benches/block_cell.h"
#include "benches/block_output.h"

#define GUEST_HEAD "{\"kind\":\"read\",\"pattern\":\"random\",\"block\":4096,\"depth\":8,"
#define FIO_IDLE   "{\"total_ios\":0,\"iops\":0.0,\"runtime\":0}"
#define FIO_BUSY                                               \
	"{\"total_ios\":4000,\"iops\":8000.0,\"runtime\":500," \
	"\"lat_ns\":{\"percentile\":{\"50.000000\":61696,\"99.000000\":634880}}}"
#define FIO_CPU ",\"usr_cpu\":10.0,\"sys_cpu\":30.0,\"job_runtime\":500}"

static int parse_guest(const char *text, struct block_run *run)
{
	return block_parse_guest_line(text, strlen(text), run);
}

static int parse_fio(const char *text, struct block_run *runs, size_t count)
{
	return block_parse_fio(text, strlen(text), runs, count);
}

static void guest_line_is_read(void **state)
{
	struct block_run run;

	(void)state;
	assert_int_equal(parse_guest(GUEST_HEAD "\"requests\":5000,\"elapsed_ns\":250000000,"
						"\"p50_ns\":40500,\"p99_ns\":99000}",
				     &run),
			 0);
	assert_int_equal(run.requests, 5000);
	assert_int_equal(run.elapsed_ns, 250000000);
	assert_float_equal(run.iops, 20000.0, 0.001);
	assert_float_equal(run.p50_us, 40.5, 0.001);
	assert_float_equal(run.p99_us, 99.0, 0.001);
	assert_float_equal(run.cpu_us, 0.0, 0.0);
}

static void guest_line_that_lacks_something_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[]",
		"hello",
		GUEST_HEAD "\"requests\":5000,\"elapsed_ns\":250,\"p50_ns\":40500",
		GUEST_HEAD "\"requests\":5000,\"elapsed_ns\":250,\"p50_ns\":40500}",
		GUEST_HEAD "\"requests\":0,\"elapsed_ns\":250,\"p50_ns\":1,\"p99_ns\":1}",
		GUEST_HEAD "\"requests\":1,\"elapsed_ns\":0,\"p50_ns\":1,\"p99_ns\":1}",
		GUEST_HEAD "\"requests\":-1,\"elapsed_ns\":250,\"p50_ns\":1,\"p99_ns\":1}",
		GUEST_HEAD "\"requests\":\"9\",\"elapsed_ns\":250,\"p50_ns\":1,\"p99_ns\":1}",
	};
	struct block_run run = {.requests = 77};

	(void)state;
	for (size_t at = 0; at < sizeof(texts) / sizeof(texts[0]); at++)
		assert_int_equal(parse_guest(texts[at], &run), -EPROTO);
	assert_int_equal(run.requests, 77);
}

static void guest_line_ends_where_its_length_says(void **state)
{
	static const char text[] = GUEST_HEAD "\"requests\":5000,\"elapsed_ns\":250000000,"
					      "\"p50_ns\":40500,\"p99_ns\":99000}trailing";
	struct block_run run;

	(void)state;
	assert_int_equal(block_parse_guest_line(text, sizeof(text) - sizeof("trailing"), &run), 0);
	assert_int_equal(parse_guest(text, &run), -EPROTO);
}

static void fio_job_is_read_in_either_direction(void **state)
{
	struct block_run runs[2];

	(void)state;
	assert_int_equal(parse_fio("{\"jobs\":[{\"read\":" FIO_BUSY ",\"write\":" FIO_IDLE FIO_CPU
				   ",{\"read\":" FIO_IDLE ",\"write\":" FIO_BUSY FIO_CPU "]}",
				   runs, 2),
			 0);
	for (size_t at = 0; at < 2; at++) {
		assert_int_equal(runs[at].requests, 4000);
		assert_int_equal(runs[at].elapsed_ns, 500000000);
		assert_float_equal(runs[at].iops, 8000.0, 0.001);
		assert_float_equal(runs[at].p50_us, 61.696, 0.001);
		assert_float_equal(runs[at].p99_us, 634.88, 0.001);
		/* 40% of 500 ms over 4000 requests */
		assert_float_equal(runs[at].cpu_us, 50.0, 0.001);
	}
}

static void fio_output_that_lacks_something_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"{\"jobs\":[]}",
		"{\"jobs\":[{}]}",
		"{\"jobs\":[{\"read\":" FIO_IDLE ",\"write\":" FIO_IDLE FIO_CPU "]}",
		"{\"jobs\":[{\"read\":" FIO_BUSY ",\"write\":" FIO_IDLE "}]}",
		"{\"jobs\":[{\"read\":{\"total_ios\":1,\"iops\":1,\"runtime\":1}" FIO_CPU "]}",
		"{\"jobs\":[{\"read\":" FIO_BUSY FIO_CPU ",{\"read\":" FIO_BUSY FIO_CPU "]}",
	};
	struct block_run run = {.requests = 77};

	(void)state;
	for (size_t at = 0; at < sizeof(texts) / sizeof(texts[0]); at++)
		assert_int_equal(parse_fio(texts[at], &run, 1), -EPROTO);
	assert_int_equal(run.requests, 77);
}

static void metrics_and_runs_have_their_names(void **state)
{
	char name[BLOCK_NAME_BYTES];
	char runs[BLOCK_RUNS_BYTES];

	(void)state;
	block_metric_name(name, (struct block_group){BLOCK_RANDOM_READ, false}, BLOCK_IOPS, 8);
	assert_string_equal(name, "block.iops.qd8");
	block_metric_name(name, (struct block_group){BLOCK_RANDOM_READ, true}, BLOCK_P50_US, 1);
	assert_string_equal(name, "block.direct.p50_us.qd1");
	block_metric_name(name, (struct block_group){BLOCK_SEQUENTIAL_WRITE, true}, BLOCK_CPU_US,
			  32);
	assert_string_equal(name, "block.direct.sequential_write.cpu_us.qd32");
	block_guest_runs(runs, BLOCK_SEQUENTIAL_WRITE);
	assert_string_equal(
		runs,
		"write:sequential:65536:1,write:sequential:65536:8,write:sequential:65536:32");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guest_line_is_read),
		cmocka_unit_test(guest_line_that_lacks_something_is_refused),
		cmocka_unit_test(guest_line_ends_where_its_length_says),
		cmocka_unit_test(fio_job_is_read_in_either_direction),
		cmocka_unit_test(fio_output_that_lacks_something_is_refused),
		cmocka_unit_test(metrics_and_runs_have_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
