/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/smp.c - starts every processor that the MPTable lists.
 *
 * Each prints "cpu N up".  Exit code 0 when all are in, 1 when one did not come,
 * 2 when there is no table.
 */
#include "tests/guests/lib/smp.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/lapic.h"
#include "tests/guests/lib/mptable.h"

static uint32_t cpus_up;

static void report(uint32_t number)
{
	print("cpu %u up\n", number);
	__atomic_fetch_add(&cpus_up, 1, __ATOMIC_RELEASE);
}

int guest_main(void)
{
	uint32_t self = lapic_id();
	struct mptable table;

	if (!mptable_read(&table)) {
		print("no MPTable\n");
		return 2;
	}
	for (uint32_t cpu = 0; cpu < table.cpu_count; cpu++) {
		if (table.cpu_ids[cpu] == self || smp_start_cpu(table.cpu_ids[cpu], report))
			continue;
		print("the processor with APIC id %u did not start\n", table.cpu_ids[cpu]);
		return 1;
	}
	while (__atomic_load_n(&cpus_up, __ATOMIC_ACQUIRE) < table.cpu_count - 1)
		cpu_relax();
	print("%u cpus\n", table.cpu_count);
	return 0;
}
