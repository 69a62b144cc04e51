/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/exit.c - see exit.h. */
#include "tests/guests/lib/exit.h"

#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/string.h"
#include "tests/guests/lib/trap.h"

enum {
	POWER_SLEEP_ENABLE = 0x2000,
	SLEEP_STATE_5 = 0x34, /* the sleep control register of reduced hardware */
	I8042_RESET = 0xfe,
	PVPANIC_PANICKED = 1,
};

/* Where that port does not end the guest, another monitor runs it, which knows one of these. */
_Noreturn void exit_code(uint8_t code)
{
	port_write8(EXIT_PORT, code);
	port_write8(EXIT_SLEEP_PORT, SLEEP_STATE_5);
	port_write8(EXIT_I8042_PORT, I8042_RESET);
	exit_triple_fault();
}

_Noreturn void exit_qemu(uint8_t code)
{
	port_write8(EXIT_QEMU_PORT, code);
	cpu_halt();
}

_Noreturn void exit_power_off(void)
{
	port_write16(EXIT_POWER_PORT, POWER_SLEEP_ENABLE);
	cpu_halt();
}

_Noreturn void exit_reset(void)
{
	port_write8(EXIT_I8042_PORT, I8042_RESET);
	cpu_halt();
}

_Noreturn void exit_panic(void)
{
	port_write8(EXIT_PVPANIC_PORT, PVPANIC_PANICKED);
	cpu_halt();
}

/* With no gate present, an exception becomes a second and a third one. */
_Noreturn void exit_triple_fault(void)
{
	memset(interrupt_table, 0, sizeof(interrupt_table));
	__asm__ volatile("ud2");
	cpu_halt();
}
