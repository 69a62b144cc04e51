/* SPDX-License-Identifier: MIT */
/*
 * benches/density_results.h - what so many live VMs cost: a table as it fills, and a report.
 *
 * A point is one subject with so many VMs alive.  Kernel memory and what is available are
 * differences of the whole machine, which mean something only where they are large: they are left
 * out below DENSITY_MACHINE_VMS.
 */
#ifndef BENCHES_DENSITY_RESULTS_H
#define BENCHES_DENSITY_RESULTS_H

#include <jansson.h>
#include <stddef.h>

#include "benches/memory_use.h"

enum {
	DENSITY_SUBJECTS_MAX = 3,
	DENSITY_POINTS_MAX = 16,
	DENSITY_STARTS = 100,      /* the last ones before a point */
	DENSITY_MEMORIES_MAX = 64, /* VMs whose memory is looked at */
	DENSITY_MACHINE_VMS = 100,
};

/* Where it says so, for each VM. */
struct density_point {
	size_t live;
	double first_us[DENSITY_STARTS]; /* starts, spawn to first byte: of the first VMs */
	double last_us[DENSITY_STARTS];  /* and of the last */
	size_t start_count;              /* in each */
	double pss_kib[DENSITY_MEMORIES_MAX];
	double beyond_kib[DENSITY_MEMORIES_MAX]; /* without the guest's own dirty pages */
	size_t memory_count;
	double kernel_kib[MEMORY_KERNEL_FIELDS]; /* each VM */
	double used_kib;                         /* each VM: what is no longer available */
	double idle_processors;                  /* all together */
	double idle_turns_per_s;                 /* all together */
	double stop_us;                          /* each VM */
};

struct density_curve {
	const char *name;
	const struct density_curve *reference; /* NULL for the floor itself */
	struct density_point points[DENSITY_POINTS_MAX];
	size_t point_count;
};

/* What the machine lacks against before, for each of `live` VMs. */
void density_point_take_machine(struct density_point *point, const struct memory_machine *before,
				const struct memory_machine *after);

/* Sum over the kinds of kernel memory. */
double density_kernel_kib(const struct density_point *point);

void density_print_head(void);
void density_print_point(const struct density_curve *curve, const struct density_point *point);

/* Kernel memory by its kinds, and what became slower, at the last point of each curve. */
void density_print_end(const struct density_curve *curves, size_t count);

/* All results of one curve, at the end of `results`. */
void density_add_results(json_t *results, const struct density_curve *curve);

#endif
