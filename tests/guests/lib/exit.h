/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/exit.h - the ways a guest can end.
 *
 * None returns.  Where the machine lacks the port, the processor halts with interrupts off, but
 * for exit_code().
 */
#ifndef GUEST_EXIT_H
#define GUEST_EXIT_H

#include <stdint.h>

enum {
	EXIT_PORT = 0xf4,
	EXIT_QEMU_PORT = 0x501,
	EXIT_PVPANIC_PORT = 0x505,
	EXIT_SLEEP_PORT = 0x600, /* cloud-hypervisor */
	EXIT_POWER_PORT = 0x604,
	EXIT_I8042_PORT = 0x64,
	EXIT_CODE_TRAP = 121,      /* an exception that nobody expected */
	EXIT_CODE_NO_MEMORY = 120, /* heap_take() found none */
};

/* `code` as the exit code, through EXIT_PORT; without one the guest ends all the same, somehow. */
_Noreturn void exit_code(uint8_t code);

/* The same through EXIT_QEMU_PORT, whose reader makes 2 * code + 1 of it. */
_Noreturn void exit_qemu(uint8_t code);

_Noreturn void exit_power_off(void);
_Noreturn void exit_reset(void);
_Noreturn void exit_panic(void);
_Noreturn void exit_triple_fault(void);

#endif
