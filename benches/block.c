/* SPDX-License-Identifier: MIT */
/*
 * benches/block.c - how fast a guest's disk is, beside QEMU's and beside the host's own.
 *
 *     bench_block --guest PATH [--mote PATH] [--qemu PATH] [--fio PATH] [--directory PATH]
 *                 [--rounds N] [--run-ms N] [--quick] [--only TEXT] [--json FILE]
 *
 * The same guest image drives the same file through mote and through QEMU's microvm
 * machine, each variant of QEMU's way to the disk a subject of its own; fio with io_uring on
 * the host says what the file gives at most.  In each round all subjects
 * run through a load's queue depths, in random order, so that whatever else the machine does meets
 * all alike.  Before each turn the page cache is brought to the same state: full for the cached
 * loads, empty for those with O_DIRECT.
 *
 * --quick is for the first of the loads, --only for those whose name holds a text, such as "write"
 * or "4k random read, O_DIRECT".  A peer that cannot run here is named with the reason and left
 * out.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "benches/block_results.h"
#include "benches/block_subject.h"
#include "benches/disk_file.h"
#include "benches/options.h"
#include "benches/order.h"
#include "benches/report.h"
#include "benches/workspace.h"

enum {
	ROUNDS_USUAL = 5,
	ROUNDS_QUICK = 3,
	RUN_USUAL_MS = 500,
	RUN_QUICK_MS = 200,
	RUN_PROBE_MS = 20,
	RUN_MIN_MS = 50,
	RUN_MAX_MS = 60000,
	SHUFFLE_SEED = 1,
};

#define DISK_BYTES (UINT64_C(256) << 20)

struct options {
	struct block_paths paths;
	const char *directory;
	const char *json_path;
	const char *only;
	size_t rounds;
	size_t run_ms;
	bool is_quick;
};

static const struct block_subject known_subjects[] = {
	{.name = "mote", .program = BLOCK_MOTE},
	{.name = "qemu-io_uring", .program = BLOCK_QEMU, .aio = "io_uring"},
	{.name = "qemu-threads", .program = BLOCK_QEMU, .aio = "threads"},
	{.name = "qemu-io_uring-iothread",
	 .program = BLOCK_QEMU,
	 .aio = "io_uring",
	 .has_iothread = true},
	{.name = "qemu-threads-iothread",
	 .program = BLOCK_QEMU,
	 .aio = "threads",
	 .has_iothread = true},
	{.name = "fio", .program = BLOCK_FIO},
};

static struct block_results results;

static void require(int error, const char *what)
{
	errno = -error;
	if (error != 0)
		err(EXIT_FAILURE, "%s", what);
}

static void add_group(struct block_group group, const char *only)
{
	char name[BLOCK_NAME_BYTES];

	block_describe(name, group);
	if (only == NULL || strstr(name, only) != NULL)
		results.groups[results.group_count++] = group;
}

static void choose_groups(const struct options *options)
{
	unsigned int loads = options->is_quick && !options->only ? BLOCK_RANDOM_READ + 1
								 : BLOCK_LOADS;

	for (unsigned int load = 0; load < loads; load++) {
		add_group((struct block_group){load, false}, options->only);
		add_group((struct block_group){load, true}, options->only);
	}
	if (results.group_count == 0)
		errx(EXIT_FAILURE, "no load has \"%s\" in its name", options->only);
}

static void prepare_disk(const char *path, struct block_group group)
{
	if (group.is_direct)
		require(disk_file_cool(path), path);
	else
		require(disk_file_warm(path), path);
}

/* Guests need KVM.  Returns whether there is one, or says why the subject is left out. */
static bool has_kvm(const struct block_subject *subject)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		printf("%s: skipped, /dev/kvm: %s\n", subject->name, strerror(errno));
		return false;
	}
	close(fd);
	return true;
}

/* A short run says whether the subject works here at all; only mote has to. */
static bool probe(const struct block_subject *subject, const struct block_paths *paths)
{
	const struct block_load_time what = {.run_ms = RUN_PROBE_MS};
	struct block_run runs[BLOCK_DEPTHS];
	char reason[SESSION_REASON_BYTES] = "";

	if (subject->program == BLOCK_MOTE && paths->mote == NULL)
		return false;
	if (subject->program != BLOCK_FIO && !has_kvm(subject))
		return false;
	if (block_subject_run(subject, paths, &what, runs, reason) == 0)
		return true;
	if (subject->program == BLOCK_MOTE)
		errx(EXIT_FAILURE, "mote: %s", reason);
	printf("%s: skipped, %s\n", subject->name, reason);
	return false;
}

static void choose_subjects(const struct block_paths *paths)
{
	for (size_t at = 0; at < sizeof(known_subjects) / sizeof(known_subjects[0]); at++)
		if (probe(&known_subjects[at], paths))
			results.subjects[results.subject_count++] = &known_subjects[at];
	fflush(stdout);
}

static void take_turn(const struct options *options, size_t subject, size_t group, size_t round)
{
	const struct block_load_time what = {results.groups[group], (unsigned int)options->run_ms};
	struct block_run runs[BLOCK_DEPTHS];
	char reason[SESSION_REASON_BYTES] = "";

	prepare_disk(options->paths.disk, what.group);
	if (block_subject_run(results.subjects[subject], &options->paths, &what, runs, reason) != 0)
		errx(EXIT_FAILURE, "%s: %s", results.subjects[subject]->name, reason);
	block_results_add(&results, subject, group, round, runs);
}

static void run_round(const struct options *options, size_t round)
{
	size_t order[BLOCK_SUBJECTS_MAX] = {0};

	for (size_t group = 0; group < results.group_count; group++) {
		order_draw(order, results.subject_count);
		for (size_t turn = 0; turn < results.subject_count; turn++)
			take_turn(options, order[turn], group, round);
	}
	fprintf(stderr, "block: %zu of %zu rounds\n", round + 1, options->rounds);
}

static struct options parse(int argc, char *argv[])
{
	static struct options options = {.paths = {.qemu = "qemu-system-x86_64", .fio = "fio"}};
	static const struct options_row rows[] = {
		{.name = "guest", .file = &options.paths.guest, .is_required = true},
		{.name = "mote", .file = &options.paths.mote},
		{.name = "qemu", .text = &options.paths.qemu},
		{.name = "fio", .text = &options.paths.fio},
		{.name = "directory", .text = &options.directory},
		{.name = "rounds",
		 .number = &options.rounds,
		 .minimum = 1,
		 .maximum = BLOCK_ROUNDS_MAX,
		 .usual = ROUNDS_USUAL,
		 .quick = ROUNDS_QUICK},
		{.name = "run-ms",
		 .number = &options.run_ms,
		 .minimum = RUN_MIN_MS,
		 .maximum = RUN_MAX_MS,
		 .usual = RUN_USUAL_MS,
		 .quick = RUN_QUICK_MS},
		{.name = "only", .text = &options.only},
		{.name = "quick", .flag = &options.is_quick},
		{.name = "json", .text = &options.json_path},
	};

	options_take(rows, sizeof(rows) / sizeof(rows[0]), argc, argv);
	return options;
}

/* QEMU's and fio's options are lists, and these characters divide them. */
static void make_disk(struct options *options)
{
	workspace_make(options->directory);
	options->paths.disk = workspace_path("disk.img");
	if (strpbrk(options->paths.disk, ",:\\") != NULL)
		errx(EXIT_FAILURE, "%s: peers cannot be given this name", options->paths.disk);
	require(disk_file_make(options->paths.disk, DISK_BYTES), options->paths.disk);
}

int main(int argc, char *argv[])
{
	struct options options = parse(argc, argv);

	srandom(SHUFFLE_SEED);
	make_disk(&options);
	choose_groups(&options);
	choose_subjects(&options.paths);
	results.round_count = options.rounds;
	for (size_t round = 0; round < options.rounds; round++)
		run_round(&options, round);
	block_results_print(&results);
	report_finish(options.json_path, block_results_report(&results));
	return EXIT_SUCCESS;
}
