/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/timer.c - see timer.h. */
#include "tests/guests/lib/timer.h"

#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/interrupt.h"
#include "tests/guests/lib/lapic.h"

enum {
	CPUID_HYPERVISOR_LEAF = 0x40000000,
	CPUID_TSC_DEADLINE = 1 << 24, /* leaf 1, ECX */
	MSR_TSC_DEADLINE = 0x6e0,
	TIMER_MASKED = 1 << 16,
	TIMER_ONE_SHOT = 0 << 17,
	TIMER_DEADLINE = 2 << 17,
	DIVIDE_BY_1 = 0xb,
	BUS_KHZ_USUAL = 1000000, /* what KVM and QEMU make it */
};

void timer_start(struct timer *timer)
{
	struct cpuid timing = {0, 0, 0, 0};

	if (cpuid(CPUID_HYPERVISOR_LEAF, 0).eax >= CPUID_TIMING_LEAF)
		timing = cpuid(CPUID_TIMING_LEAF, 0);
	timer->tsc_khz = timing.eax;
	timer->bus_khz = timing.ebx != 0 ? timing.ebx : BUS_KHZ_USUAL;
	timer->is_deadline = timing.eax != 0 && (cpuid(1, 0).ecx & CPUID_TSC_DEADLINE) != 0;
	lapic_enable();
	lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
	lapic_write(LAPIC_TIMER, (timer->is_deadline ? TIMER_DEADLINE : TIMER_ONE_SHOT) |
					 interrupt_vector(INTERRUPT_TIMER));
}

void timer_wait(const struct timer *timer, uint32_t wait_us)
{
	uint32_t seen = interrupt_count(INTERRUPT_TIMER);

	if (timer->is_deadline)
		msr_write(MSR_TSC_DEADLINE, tsc_read() + (uint64_t)timer->tsc_khz * wait_us / 1000);
	else
		lapic_write(LAPIC_TIMER_INITIAL,
			    (uint32_t)((uint64_t)timer->bus_khz * wait_us / 1000));
	interrupt_wait(INTERRUPT_TIMER, seen);
}

void timer_mask(void)
{
	lapic_write(LAPIC_TIMER, TIMER_ONE_SHOT | TIMER_MASKED);
}
