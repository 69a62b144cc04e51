/* SPDX-License-Identifier: MIT */
/* benches/block_output.c - see block_output.h. */
#include "benches/block_output.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#define NS_PER_S  1e9
#define NS_PER_US 1e3
#define US_PER_MS 1e3

enum {
	RUNS_MAX = 8,
};

/* A number that is not negative, be it written as an integer or not. */
static bool get_number(const json_t *object, const char *key, double *number)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_number(value) || json_number_value(value) < 0)
		return false;
	*number = json_number_value(value);
	return true;
}

static bool get_count(const json_t *object, const char *key, uint64_t *count)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*count = (uint64_t)json_integer_value(value);
	return true;
}

static bool read_guest(const json_t *object, struct block_run *run)
{
	double p50_ns;
	double p99_ns;

	if (!get_count(object, "requests", &run->requests) ||
	    !get_count(object, "elapsed_ns", &run->elapsed_ns) ||
	    !get_number(object, "p50_ns", &p50_ns) || !get_number(object, "p99_ns", &p99_ns))
		return false;
	if (run->requests == 0 || run->elapsed_ns == 0)
		return false;
	run->iops = (double)run->requests * NS_PER_S / (double)run->elapsed_ns;
	run->p50_us = p50_ns / NS_PER_US;
	run->p99_us = p99_ns / NS_PER_US;
	return true;
}

int block_parse_guest_line(const char *text, size_t length, struct block_run *run)
{
	json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	struct block_run read = {0};
	bool is_good = read_guest(object, &read);

	json_decref(object);
	if (!is_good)
		return -EPROTO;
	*run = read;
	return 0;
}

/* fio gives the processor time as a percentage of the job's running time. */
static bool read_cpu(const json_t *job, struct block_run *run)
{
	double user_percent;
	double system_percent;
	double runtime_ms;

	if (!get_number(job, "usr_cpu", &user_percent) ||
	    !get_number(job, "sys_cpu", &system_percent) ||
	    !get_number(job, "job_runtime", &runtime_ms))
		return false;
	run->cpu_us = (user_percent + system_percent) / 100.0 * runtime_ms * US_PER_MS /
		      (double)run->requests;
	return true;
}

static bool read_direction(const json_t *direction, struct block_run *run)
{
	const json_t *latency = json_object_get(direction, "lat_ns");
	const json_t *percentile = json_object_get(latency, "percentile");
	double runtime_ms;
	double p50_ns;
	double p99_ns;

	if (!get_count(direction, "total_ios", &run->requests) || run->requests == 0 ||
	    !get_number(direction, "iops", &run->iops) ||
	    !get_number(direction, "runtime", &runtime_ms) ||
	    !get_number(percentile, "50.000000", &p50_ns) ||
	    !get_number(percentile, "99.000000", &p99_ns))
		return false;
	run->elapsed_ns = (uint64_t)(runtime_ms * US_PER_MS * NS_PER_US);
	run->p50_us = p50_ns / NS_PER_US;
	run->p99_us = p99_ns / NS_PER_US;
	return true;
}

/* A job of these loads does one thing, so the direction without requests is none. */
static bool read_job(const json_t *job, struct block_run *run)
{
	if (!read_direction(json_object_get(job, "read"), run) &&
	    !read_direction(json_object_get(job, "write"), run))
		return false;
	return read_cpu(job, run);
}

int block_parse_fio(const char *text, size_t length, struct block_run *runs, size_t count)
{
	json_t *output = json_loadb(text, length, 0, NULL);
	const json_t *jobs = json_object_get(output, "jobs");
	struct block_run read[RUNS_MAX] = {0};
	bool is_good = count <= RUNS_MAX && json_array_size(jobs) == count;

	for (size_t at = 0; is_good && at < count; at++)
		is_good = read_job(json_array_get(jobs, at), &read[at]);
	json_decref(output);
	if (!is_good)
		return -EPROTO;
	memcpy(runs, read, count * sizeof(*runs));
	return 0;
}
