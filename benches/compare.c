/* SPDX-License-Identifier: MIT */
/*
 * benches/compare.c - what changed between two result files.
 *
 *     bench_compare A.json B.json
 *
 * One row for each metric and subject (and place on its axis) of A that B has too: medians and
 * 99th percentiles, and their change in percent.  Where the samples are in both files, the last
 * column says whether the change is beyond noise: "real" if a rank test (stats.h) would see such a
 * difference between two sets of one distribution less than once in a thousand times, "noise"
 * otherwise, "-" without samples.
 *
 * Two files are two times, and the machine may have been slower in one of them: then all is "real".
 * So each result that has a ratio has a second row, "subject/reference", for the ratio of its
 * samples to those of the reference taken in the same round.  What both had to bear cancels there;
 * trust that row.
 */
#include <err.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benches/stats.h"

#define CHANCE_MAX 0.001

enum {
	NAME_BYTES = 128,
};

/* Numbers of a file, in a heap block of their own. */
struct samples {
	double *values; /* NULL: none */
	size_t count;
};

static json_t *load(const char *path, const char *key)
{
	json_error_t wrong;
	json_t *file = json_load_file(path, 0, &wrong);
	json_t *value = json_incref(json_object_get(file, key));

	if (file == NULL)
		errx(EXIT_FAILURE, "%s:%d: %s", path, wrong.line, wrong.text);
	if (value == NULL)
		errx(EXIT_FAILURE, "%s: no %s: not a result file", path, key);
	json_decref(file);
	return value;
}

static const char *text_of(const json_t *result, const char *key)
{
	const char *text = json_string_value(json_object_get(result, key));

	return text == NULL ? "" : text;
}

static double number_of(const json_t *result, const char *key)
{
	return json_number_value(json_object_get(result, key));
}

static bool is_same_place(const json_t *left, const json_t *right, const char *subject)
{
	return strcmp(text_of(left, "metric"), text_of(right, "metric")) == 0 &&
	       strcmp(text_of(right, "subject"), subject) == 0 &&
	       number_of(json_object_get(left, "x"), "value") ==
		       number_of(json_object_get(right, "x"), "value");
}

/* The result of a subject for the same metric at the same place on its axis; NULL if none. */
static json_t *find(const json_t *results, const json_t *like, const char *subject)
{
	json_t *result;
	size_t at;

	json_array_foreach (results, at, result)
		if (is_same_place(like, result, subject))
			return result;
	return NULL;
}

static struct samples samples_of(const json_t *result)
{
	const json_t *list = json_object_get(result, "samples");
	struct samples samples = {NULL, json_array_size(list)};

	if (samples.count == 0)
		return samples;
	samples.values = calloc(samples.count, sizeof(*samples.values));
	if (samples.values == NULL)
		err(EXIT_FAILURE, "samples");
	for (size_t at = 0; at < samples.count; at++)
		samples.values[at] = json_number_value(json_array_get(list, at));
	return samples;
}

/* Round by round; none where one of both did not run in each round. */
static struct samples ratios_of(const json_t *results, const json_t *result, const char *reference)
{
	struct samples ratios = samples_of(result);
	struct samples under = samples_of(find(results, result, reference));

	if (ratios.count == under.count)
		stats_ratios(ratios.values, ratios.values, under.values, ratios.count);
	else
		ratios.count = 0;
	free(under.values);
	return ratios;
}

static double change_percent(double from, double to)
{
	return from == 0.0 ? 0.0 : (to / from - 1.0) * 100.0;
}

static const char *verdict(struct samples left, struct samples right)
{
	if (left.count == 0 || right.count == 0)
		return "-";
	return stats_rank_test(left.values, left.count, right.values, right.count) < CHANCE_MAX
		       ? "real"
		       : "noise";
}

/* Takes over both. */
static void print_numbers(double left_median, double right_median, double left_p99,
			  double right_p99, struct samples left, struct samples right)
{
	printf(" %11.2f %11.2f %+7.1f%% %11.2f %11.2f %+7.1f%%  %s\n", left_median, right_median,
	       change_percent(left_median, right_median), left_p99, right_p99,
	       change_percent(left_p99, right_p99), verdict(left, right));
	free(left.values);
	free(right.values);
}

/* "startup.reaped", or "density.pss, live VMs 500". */
static void name_place(const json_t *result, char name[NAME_BYTES])
{
	const json_t *x = json_object_get(result, "x");
	const char *metric = text_of(result, "metric");

	if (x == NULL)
		snprintf(name, NAME_BYTES, "%s", metric);
	else
		snprintf(name, NAME_BYTES, "%s, %s %g", metric, text_of(x, "name"),
			 number_of(x, "value"));
}

/* The place, and "mote", or "mote/floor" for a ratio. */
static void print_label(const json_t *result, const char *reference)
{
	char place[NAME_BYTES];
	char subject[NAME_BYTES];

	name_place(result, place);
	snprintf(subject, sizeof(subject), "%s%s%s", text_of(result, "subject"),
		 reference == NULL ? "" : "/", reference == NULL ? "" : reference);
	printf("%-32s %-28s", place, subject);
}

static void print_result(const json_t *left, const json_t *right)
{
	print_label(left, NULL);
	print_numbers(number_of(left, "median"), number_of(right, "median"), number_of(left, "p99"),
		      number_of(right, "p99"), samples_of(left), samples_of(right));
}

static void print_ratios(const json_t *all_left, const json_t *left, const json_t *all_right,
			 const json_t *right)
{
	json_t *ratios = json_object_get(left, "ratio");
	const char *reference;
	json_t *ratio;

	json_object_foreach (ratios, reference, ratio) {
		json_t *other = json_object_get(json_object_get(right, "ratio"), reference);

		if (other == NULL)
			continue;
		print_label(left, reference);
		print_numbers(json_number_value(ratio), json_number_value(other),
			      number_of(json_object_get(left, "p99_of_ratio"), reference),
			      number_of(json_object_get(right, "p99_of_ratio"), reference),
			      ratios_of(all_left, left, reference),
			      ratios_of(all_right, right, reference));
	}
}

/* All but the date, which always differs, and the load, which is told whatever it is. */
static void print_environments(json_t *left, const json_t *right)
{
	json_t *value;
	const char *key;

	printf("A %s, load %.1f; B %s, load %.1f\n", text_of(left, "date"), number_of(left, "load"),
	       text_of(right, "date"), number_of(right, "load"));
	json_object_foreach (left, key, value) {
		const json_t *other = json_object_get(right, key);
		char *ours;
		char *theirs;

		if (strcmp(key, "date") == 0 || strcmp(key, "load") == 0 ||
		    json_equal(value, other))
			continue;
		ours = json_dumps(value, JSON_ENCODE_ANY);
		theirs = json_dumps(other, JSON_ENCODE_ANY);
		printf("different %s: A %s, B %s\n", key, ours, theirs == NULL ? "none" : theirs);
		free(ours);
		free(theirs);
	}
}

/* Results of one file that the other has not. */
static void print_missing(const json_t *all, const json_t *others, const char *name)
{
	char place[NAME_BYTES];
	json_t *result;
	size_t at;

	json_array_foreach (all, at, result) {
		if (find(others, result, text_of(result, "subject")) != NULL)
			continue;
		name_place(result, place);
		printf("only in %s: %s, %s\n", name, place, text_of(result, "subject"));
	}
}

static void compare(const json_t *all_left, const json_t *all_right)
{
	json_t *left;
	size_t at;

	printf("%-32s %-28s %11s %11s %8s %11s %11s %8s\n", "metric", "subject", "A median",
	       "B median", "change", "A p99", "B p99", "change");
	json_array_foreach (all_left, at, left) {
		json_t *right = find(all_right, left, text_of(left, "subject"));

		if (right == NULL)
			continue;
		print_result(left, right);
		print_ratios(all_left, left, all_right, right);
	}
	print_missing(all_left, all_right, "A");
	print_missing(all_right, all_left, "B");
}

int main(int argc, char *argv[])
{
	json_t *results[2];
	json_t *environments[2];

	if (argc != 3)
		errx(EXIT_FAILURE, "usage: bench_compare A.json B.json");
	for (int at = 0; at < 2; at++) {
		environments[at] = load(argv[1 + at], "environment");
		results[at] = load(argv[1 + at], "results");
	}
	print_environments(environments[0], environments[1]);
	compare(results[0], results[1]);
	for (int at = 0; at < 2; at++) {
		json_decref(environments[at]);
		json_decref(results[at]);
	}
	return EXIT_SUCCESS;
}
