/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/trap.c - see trap.h. */
#include "tests/guests/lib/trap.h"

#include "tests/guests/lib/console.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/exit.h"

_Noreturn void trap_report(uint64_t vector, uint64_t error, uint64_t instruction, uint64_t address)
{
	print("exception %lu, error 0x%lx, at 0x%lx, fault address 0x%lx\n", vector, error,
	      instruction, address);
	port_write8(EXIT_PORT, EXIT_CODE_TRAP);
	for (;;)
		__asm__ volatile("cli; hlt");
}
