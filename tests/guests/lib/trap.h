/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/trap.h - what C sees of the interrupt table and of exceptions. */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H

#include <stdint.h>

#include "tests/guests/lib/layout.h"

/* In tables.S.  Level 3 may write to it. */
extern uint8_t interrupt_table[16 * VECTOR_COUNT];

/* Say which exception it was and leave with EXIT_CODE_TRAP.  Called at level 0 by traps.S. */
_Noreturn void trap_report(uint64_t vector, uint64_t error, uint64_t instruction, uint64_t address);

#endif
