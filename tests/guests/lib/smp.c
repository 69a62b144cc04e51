/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/smp.c - see smp.h. */
#include "tests/guests/lib/smp.h"

#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/lapic.h"
#include "tests/guests/lib/string.h"

enum {
	STARTUP_TRIES = 2000,
	POLLS_PER_TRY = 20000,
};

/* In trampoline.S. */
extern const uint8_t trampoline[];
extern const uint8_t trampoline_end[];

/* The number that the next processor to arrive takes; written by trampoline.S. */
uint32_t smp_ticket = 1;

static void (*volatile smp_work)(uint32_t number);

/* Entered by iretq from trampoline.S. */
_Noreturn void smp_start(uint32_t number);

_Noreturn void smp_start(uint32_t number)
{
	smp_work(number);
	cpu_halt();
}

static bool wait_for_arrival(uint32_t before)
{
	for (uint32_t poll = 0; poll < POLLS_PER_TRY; poll++) {
		if (__atomic_load_n(&smp_ticket, __ATOMIC_ACQUIRE) != before)
			return true;
		cpu_relax();
	}
	return false;
}

/*
 * A start-up message is lost on a processor that has not come to its wait yet,
 * and ignored by one that runs, so it is repeated until the processor arrives.
 */
bool smp_start_cpu(uint32_t apic_id, void (*work)(uint32_t number))
{
	uint32_t before = __atomic_load_n(&smp_ticket, __ATOMIC_ACQUIRE);

	memcpy((void *)TRAMPOLINE_ADDRESS, trampoline, (size_t)(trampoline_end - trampoline));
	smp_work = work;
	lapic_enable();
	lapic_send_init(apic_id);
	for (uint32_t tries = 0; tries < STARTUP_TRIES; tries++) {
		lapic_send_startup(apic_id, TRAMPOLINE_ADDRESS >> 12);
		if (wait_for_arrival(before))
			return true;
	}
	return false;
}
