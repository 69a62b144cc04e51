/* SPDX-License-Identifier: MIT */
/* benches/block_command.c - see block_command.h. */
#include "benches/block_command.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "benches/vm_config.h"
#include "benches/workspace.h"

enum {
	RAM_MIB = 64,
	WARM_UP_SHARE = 10,   /* of each run of a guest, beforehand and uncounted */
	QEMU_GOOD_STATUS = 1, /* isa-debug-exit: code * 2 + 1 */
};

static const char drive_id[] = "disk";

static void add(struct block_command *command, const char *argument)
{
	if (command->count + 1 == CHILD_ARGUMENTS_MAX)
		errx(EXIT_FAILURE, "more than %d arguments", CHILD_ARGUMENTS_MAX - 1);
	command->arguments[command->count++] = argument;
	command->arguments[command->count] = NULL;
}

static void add_two(struct block_command *command, const char *option, const char *value)
{
	add(command, option);
	add(command, value);
}

/* A text that lives as long as the command. */
__attribute__((format(printf, 2, 3))) static const char *keep(struct block_command *command,
							      const char *format, ...)
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

/*
 * The guest notifies from where it runs, at level 3: its other way, through a gate to level 0,
 * would add the same to every subject and so blur what the monitors differ in.
 */
static const char *boot_args(struct block_command *command, const struct block_load_time *what)
{
	char runs[BLOCK_RUNS_BYTES];

	block_guest_runs(runs, what->group.load);
	return keep(command, "notify=user run_ms=%u warmup_ms=%u runs=%s", what->run_ms,
		    what->run_ms / WARM_UP_SHARE, runs);
}

static void compose_mote(struct block_command *command, const struct block_paths *paths,
			 const struct block_load_time *what)
{
	json_t *config = vm_config_new(paths->guest, boot_args(command, what), RAM_MIB);

	vm_config_add_drive(config, drive_id, paths->disk, what->group.is_direct);
	add_two(command, paths->mote, "run");
	add(command, workspace_write_json("block.json", config));
}

/* The leanest microvm there is; its transport is the modern one, as mote's. */
static void compose_qemu(struct block_command *command, const struct block_subject *subject,
			 const struct block_paths *paths, const struct block_load_time *what)
{
	command->good_status = QEMU_GOOD_STATUS;
	add(command, paths->qemu);
	add_two(command, "-machine",
		"microvm,x-option-roms=off,pit=off,pic=off,rtc=off,isa-serial=on,acpi=off,"
		"auto-kernel-cmdline=on");
	add_two(command, "-accel", "kvm");
	add_two(command, "-cpu", "host");
	add_two(command, "-m", keep(command, "%d", RAM_MIB));
	add(command, "-nodefaults");
	add(command, "-no-user-config");
	add(command, "-no-reboot");
	add_two(command, "-display", "none");
	add_two(command, "-serial", "stdio");
	add_two(command, "-device", "isa-debug-exit,iobase=0xf4,iosize=4");
	add_two(command, "-global", "virtio-mmio.force-legacy=false");
	add_two(command, "-drive",
		keep(command, "if=none,id=%s,file=%s,format=raw,aio=%s,%s", drive_id, paths->disk,
		     subject->aio,
		     what->group.is_direct ? "cache.direct=on,cache.no-flush=off"
					   : "cache=writeback"));
	if (subject->has_iothread)
		add_two(command, "-object", "iothread,id=io");
	add_two(command, "-device",
		keep(command, "virtio-blk-device,drive=%s%s", drive_id,
		     subject->has_iothread ? ",iothread=io" : ""));
	add_two(command, "-kernel", paths->guest);
	add_two(command, "-append", boot_args(command, what));
}

/* Without --invalidate=0 it would empty the page cache first, whatever it is asked to measure. */
static void compose_fio(struct block_command *command, const struct block_paths *paths,
			const struct block_load_time *what)
{
	add(command, paths->fio);
	add(command, keep(command, "--filename=%s", paths->disk));
	add(command, keep(command, "--rw=%s", block_fio_name(what->group.load)));
	add(command, keep(command, "--bs=%u", block_size_bytes(what->group.load)));
	add(command, keep(command, "--direct=%d", what->group.is_direct));
	add(command, keep(command, "--runtime=%ums", what->run_ms));
	add(command, "--time_based");
	add(command, "--ioengine=io_uring");
	add(command, "--registerfiles=1");
	add(command, "--invalidate=0");
	add(command, "--norandommap");
	add(command, "--randrepeat=0");
	add(command, "--lat_percentiles=1");
	add(command, "--clat_percentiles=0");
	add(command, "--output-format=json");
	for (unsigned int at = 0; at < BLOCK_DEPTHS; at++) {
		add(command, keep(command, "--name=qd%u", block_depths[at]));
		add(command, "--stonewall");
		add(command, keep(command, "--iodepth=%u", block_depths[at]));
	}
}

void block_command_compose(struct block_command *command, const struct block_subject *subject,
			   const struct block_paths *paths, const struct block_load_time *what)
{
	command->count = 0;
	command->text_bytes = 0;
	command->good_status = 0;
	switch (subject->program) {
	case BLOCK_MOTE: compose_mote(command, paths, what); break;
	case BLOCK_QEMU: compose_qemu(command, subject, paths, what); break;
	case BLOCK_FIO: compose_fio(command, paths, what); break;
	}
}
