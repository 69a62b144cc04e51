/* SPDX-License-Identifier: MIT */
/*
 * tests/lab/boot_init.c - the first program of a Linux guest whose boot is measured: says that it
 * is there, and ends the machine.
 *
 * It has no C library, whose own start would be measured as well: glibc's asks the processor 40
 * questions, each an exit.
 */
#include <linux/reboot.h>
#include <sys/syscall.h>

static const char line[] = "mote-guest: up\n";

static void call(long number, long first, long second, long third)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(first), "S"(second), "d"(third)
			 : "rcx", "r11", "memory");
}

void _start(void);

void _start(void)
{
	call(SYS_write, 1, (long)line, sizeof(line) - 1);
	call(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART);
	/* Should it come back: an init that ends is a panic, which looks like an end as well. */
	for (;;)
		call(SYS_pause, 0, 0, 0);
}
