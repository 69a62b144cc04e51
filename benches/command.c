/* SPDX-License-Identifier: MIT */
/* benches/command.c - see command.h. */
#include "benches/command.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	QEMU_GOOD_STATUS = 1, /* isa-debug-exit: code * 2 + 1 */
};

void command_begin(struct command *command)
{
	command->arguments[0] = NULL;
	command->count = 0;
	command->text_bytes = 0;
	command->good_status = 0;
}

void command_add(struct command *command, const char *argument)
{
	if (command->count + 1 == CHILD_ARGUMENTS_MAX)
		errx(EXIT_FAILURE, "more than %d arguments", CHILD_ARGUMENTS_MAX - 1);
	command->arguments[command->count++] = argument;
	command->arguments[command->count] = NULL;
}

void command_add_two(struct command *command, const char *option, const char *value)
{
	command_add(command, option);
	command_add(command, value);
}

const char *command_keep(struct command *command, const char *format, ...)
{
	size_t room_bytes = sizeof(command->text) - command->text_bytes;
	char *text = command->text + command->text_bytes;
	va_list values;
	int length;

	va_start(values, format);
	length = vsnprintf(text, room_bytes, format, values);
	va_end(values);
	if (length < 0 || (size_t)length >= room_bytes)
		errx(EXIT_FAILURE, "a command line with more than %zu bytes",
		     sizeof(command->text));
	command->text_bytes += (size_t)length + 1;
	return text;
}

void command_add_mote(struct command *command, const char *mote)
{
	command_add_two(command, mote, "run");
	command_add_two(command, "--prepared", "none");
}

void command_add_microvm(struct command *command, const char *qemu, unsigned int ram_mib)
{
	command->good_status = QEMU_GOOD_STATUS;
	command_add(command, qemu);
	command_add_two(command, "-machine",
			"microvm,x-option-roms=off,pit=off,pic=off,rtc=off,isa-serial=on,acpi=off,"
			"auto-kernel-cmdline=on");
	command_add_two(command, "-accel", "kvm");
	command_add_two(command, "-cpu", "host");
	command_add_two(command, "-m", command_keep(command, "%u", ram_mib));
	command_add(command, "-nodefaults");
	command_add(command, "-no-user-config");
	command_add(command, "-no-reboot");
	command_add_two(command, "-display", "none");
	command_add_two(command, "-serial", "stdio");
	command_add_two(command, "-device", "isa-debug-exit,iobase=0xf4,iosize=4");
	command_add_two(command, "-global", "virtio-mmio.force-legacy=false");
}
