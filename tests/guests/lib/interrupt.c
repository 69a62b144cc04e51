/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/interrupt.c - see interrupt.h. */
#include "tests/guests/lib/interrupt.h"

#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/ioapic.h"
#include "tests/guests/lib/lapic.h"

/* Written by the stubs in traps.S, on whichever processor takes the interrupt. */
uint32_t interrupt_counts[VECTOR_INTERRUPTS];

uint8_t interrupt_vector(uint32_t source)
{
	return (uint8_t)(VECTOR_FIRST_INTERRUPT + source);
}

void interrupt_route(uint32_t pin)
{
	lapic_enable();
	ioapic_write_redirection(pin, (uint64_t)lapic_id() << 56 | interrupt_vector(pin));
}

uint32_t interrupt_count(uint32_t source)
{
	return __atomic_load_n(&interrupt_counts[source], __ATOMIC_ACQUIRE);
}

void interrupt_wait(uint32_t source, uint32_t seen)
{
	while (interrupt_count(source) == seen)
		cpu_idle();
}
