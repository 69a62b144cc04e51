/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/disturber.c - see disturber.h. */
#include "tests/guests/lib/disturber.h"

#include <stddef.h>
#include <stdint.h>

#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/lapic.h"
#include "tests/guests/lib/mptable.h"
#include "tests/guests/lib/smp.h"

/* What the second processor does over and over; NULL: nothing. */
static void (*volatile disturb)(struct random *random);
static volatile uint32_t idle_seen;
static bool is_started;

static void work(uint32_t number)
{
	struct random random;

	random_seed(&random, number);
	for (;;) {
		void (*what)(struct random *) = disturb;

		if (what != NULL)
			what(&random);
		else
			idle_seen = 1;
	}
}

bool disturber_start(void)
{
	uint32_t self = lapic_id();
	struct mptable table;

	if (is_started || !mptable_read(&table))
		return is_started;
	for (uint32_t cpu = 0; cpu < table.cpu_count && !is_started; cpu++)
		is_started = table.cpu_ids[cpu] != self && smp_start_cpu(table.cpu_ids[cpu], work);
	return is_started;
}

void disturber_begin(void (*what)(struct random *random))
{
	idle_seen = 0;
	disturb = what;
}

void disturber_end(void)
{
	disturb = NULL;
	idle_seen = 0;
	while (idle_seen == 0)
		cpu_relax();
}
