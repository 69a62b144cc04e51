/* SPDX-License-Identifier: MIT */
/*
 * benches/density.c - what a live VM costs that does nothing, and what grows with their number.
 *
 *     bench_density --mote PATH --floor PATH --guest PATH [--vms N] [--settle SECONDS]
 *                   [--idle SECONDS] [--quick] [--json FILE]
 *
 * For each of the steps 1, 10, 100, 500, 1000 ... up to --vms (1, 10 and --vms with --quick), and
 * for each subject: start so many VMs, one after the other, with a guest that prints a byte and
 * halts with interrupts on; look at their memory, at the kernel's, and at what they do while there
 * is nothing to do; end them all.  A VM that is alone is started twenty times, for one start and
 * one look are no measurement.
 *
 * --settle is how long the machine is left alone before a look at it, --idle how long it is looked
 * at for what idle VMs do.
 *
 * Subjects: the floor; mote as root's first start has left the host, which keeps KVM's CPUID; and
 * mote after `mote prepare` (mote+prepared).  The memory of the jailed process can only be seen by
 * root.
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "benches/child.h"
#include "benches/clock.h"
#include "benches/density_results.h"
#include "benches/fleet.h"
#include "benches/options.h"
#include "benches/preparation.h"
#include "benches/report.h"
#include "benches/vm_config.h"
#include "benches/workspace.h"

enum {
	VMS_USUAL = 2000,
	VMS_QUICK = 200,
	STEP_QUICK_MAX = 10,
	LONE_STARTS = 20,
	LONE_SETTLE_NS = 50000000,
	SETTLE_USUAL_S = 3,
	SETTLE_QUICK_S = 1,
	SETTLE_MAX_S = 600,
	IDLE_USUAL_S = 2,
	IDLE_QUICK_S = 1,
	RAM_MIB = 16,
	MIB = 1 << 20,
	USED_MIB_EACH = 2, /* room to be had before a step is tried */
	KIB_PER_MIB = 1024,
};

struct options {
	const char *mote_path;
	const char *floor_path;
	const char *guest_path;
	const char *json_path;
	size_t vms;
	size_t settle_s;
	size_t idle_s;
	bool is_quick;
};

static const size_t usual_steps[] = {1, 10, 100, 500, 1000, 2000, 5000, FLEET_VMS_MAX};
static struct options options;
static struct subject subjects[DENSITY_SUBJECTS_MAX];
static struct density_curve curves[DENSITY_SUBJECTS_MAX];
static size_t subject_count;
static struct fleet fleet;

static void wait_s(size_t seconds)
{
	const struct timespec time = {.tv_sec = (time_t)seconds};

	nanosleep(&time, NULL);
}

static struct memory_machine read_machine(void)
{
	struct memory_machine machine;
	int error = memory_machine_read(&machine);

	if (error != 0)
		errx(EXIT_FAILURE, "/proc/meminfo: %s", strerror(-error));
	return machine;
}

static void take_starts(struct density_point *point)
{
	size_t count = fleet.count < DENSITY_STARTS ? fleet.count : DENSITY_STARTS;

	for (size_t at = 0; at < count; at++, point->start_count++) {
		point->first_us[point->start_count] = fleet.vms[at].start_us;
		point->last_us[point->start_count] = fleet.vms[fleet.count - count + at].start_us;
	}
}

/* Some of them from all over the fleet, as one takes a millisecond to look at. */
static void take_memory(struct density_point *point)
{
	size_t count = fleet.count < DENSITY_MEMORIES_MAX ? fleet.count : DENSITY_MEMORIES_MAX;

	for (size_t at = 0; at < count; at++, point->memory_count++) {
		struct memory_use use =
			fleet_memory(&fleet, at * fleet.count / count, (uint64_t)RAM_MIB * MIB);

		point->pss_kib[point->memory_count] = (double)use.pss_kib;
		point->beyond_kib[point->memory_count] = (double)use.pss_kib -
							 (double)use.guest_dirty_kib;
	}
}

/* What is measured takes time to read as well, so by the clock. */
static void take_idle(struct density_point *point)
{
	uint64_t began_ns = clock_now_ns();
	struct task_time before = fleet_time(&fleet);
	struct task_time after;
	double elapsed_s;

	wait_s(options.idle_s);
	elapsed_s = (double)(clock_now_ns() - began_ns) / 1e9;
	after = fleet_time(&fleet);
	point->idle_processors = (double)(after.running_ns - before.running_ns) / 1e9 / elapsed_s;
	point->idle_turns_per_s = (double)(after.turns - before.turns) / elapsed_s;
}

static void repeat_lone(struct density_point *point)
{
	const struct timespec pause = {.tv_nsec = LONE_SETTLE_NS};

	for (size_t start = 1; start < LONE_STARTS; start++) {
		fleet_grow(&fleet, 1);
		nanosleep(&pause, NULL);
		take_starts(point);
		take_memory(point);
		fleet_stop(&fleet);
	}
}

/* The kernel cleans up after the VMs of the point before for a while. */
static void measure(size_t which, size_t live)
{
	struct density_curve *curve = &curves[which];
	struct density_point *point = &curve->points[curve->point_count++];
	struct memory_machine before;
	struct memory_machine after;

	wait_s(options.settle_s);
	before = read_machine();
	point->live = live;
	fleet_begin(&fleet, &subjects[which]);
	fleet_grow(&fleet, live);
	wait_s(options.settle_s);
	after = read_machine();
	density_point_take_machine(point, &before, &after);
	take_starts(point);
	take_memory(point);
	take_idle(point);
	point->stop_us = fleet_stop(&fleet) / (double)live;
	if (live == 1)
		repeat_lone(point);
	density_print_point(curve, point);
}

static void require_memory(size_t live)
{
	struct memory_machine machine = read_machine();

	if (machine.available_kib / KIB_PER_MIB < live * USED_MIB_EACH)
		errx(EXIT_FAILURE, "too little memory for %zu VMs: %zu MiB of %zu are there", live,
		     (size_t)machine.available_kib / KIB_PER_MIB, live * USED_MIB_EACH);
}

static void run_step(size_t live)
{
	require_memory(live);
	for (size_t which = 0; which < subject_count; which++)
		measure(which, live);
}

static void run_all(void)
{
	density_print_head();
	for (size_t at = 0; usual_steps[at] < options.vms; at++)
		if (!options.is_quick || usual_steps[at] <= STEP_QUICK_MAX)
			run_step(usual_steps[at]);
	run_step(options.vms);
	density_print_end(curves, subject_count);
}

static struct subject *add_subject(const char *name)
{
	curves[subject_count].name = name;
	curves[subject_count].reference = subject_count == 0 ? NULL : &curves[0];
	subjects[subject_count].name = name;
	return &subjects[subject_count++];
}

static void add_mote(const char *name, const char *prepared, const char *config)
{
	*add_subject(name) = (struct subject){
		.name = name,
		.arguments = {options.mote_path, "run", "--prepared", prepared, config},
	};
}

static void add_subjects(void)
{
	const char *config =
		workspace_write_json("vm.json", vm_config_new(options.guest_path, "", RAM_MIB));
	struct preparation preparation = preparation_make(options.mote_path);

	*add_subject("floor") = (struct subject){
		.name = "floor",
		.arguments = {options.floor_path, "--mib", "16", options.guest_path},
	};
	add_mote("mote", preparation.kept, config);
	add_mote("mote+prepared", preparation.prepared, config);
	preparation_start(&preparation, subjects[1].arguments);
}

static void report(void)
{
	json_t *results = json_array();

	for (size_t at = 0; at < subject_count; at++)
		density_add_results(results, &curves[at]);
	report_finish(options.json_path, results);
}

int main(int argc, char *argv[])
{
	static const struct options_row rows[] = {
		{.name = "mote", .file = &options.mote_path, .is_required = true},
		{.name = "floor", .file = &options.floor_path, .is_required = true},
		{.name = "guest", .file = &options.guest_path, .is_required = true},
		{.name = "json", .text = &options.json_path},
		{.name = "vms",
		 .number = &options.vms,
		 .minimum = 1,
		 .maximum = FLEET_VMS_MAX,
		 .usual = VMS_USUAL,
		 .quick = VMS_QUICK},
		{.name = "settle",
		 .number = &options.settle_s,
		 .minimum = 0,
		 .maximum = SETTLE_MAX_S,
		 .usual = SETTLE_USUAL_S,
		 .quick = SETTLE_QUICK_S},
		{.name = "idle",
		 .number = &options.idle_s,
		 .minimum = 1,
		 .maximum = SETTLE_MAX_S,
		 .usual = IDLE_USUAL_S,
		 .quick = IDLE_QUICK_S},
		{.name = "quick", .flag = &options.is_quick},
	};

	options_take(rows, sizeof(rows) / sizeof(rows[0]), argc, argv);
	if (geteuid() != 0)
		errx(EXIT_FAILURE, "only root can see the memory of a jailed process");
	child_allow(options.vms);
	workspace_make(NULL);
	add_subjects();
	run_all();
	report();
	return EXIT_SUCCESS;
}
