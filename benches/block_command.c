/* SPDX-License-Identifier: MIT */
/* benches/block_command.c - see block_command.h. */
#include "benches/block_command.h"

#include "benches/vm_config.h"
#include "benches/workspace.h"

enum {
	RAM_MIB = 64,
	WARM_UP_SHARE = 10, /* of each run of a guest, beforehand and uncounted */
};

static const char drive_id[] = "disk";

/*
 * The guest notifies from where it runs, at level 3: its other way, through a gate to level 0,
 * would add the same to every subject and so blur what the monitors differ in.
 */
static const char *boot_args(struct command *command, const struct block_load_time *what)
{
	char runs[BLOCK_RUNS_BYTES];

	block_guest_runs(runs, what->group.load);
	return command_keep(command, "notify=user run_ms=%u warmup_ms=%u runs=%s", what->run_ms,
			    what->run_ms / WARM_UP_SHARE, runs);
}

static void compose_mote(struct command *command, const struct block_paths *paths,
			 const struct block_load_time *what)
{
	json_t *config = vm_config_new(paths->guest, boot_args(command, what), RAM_MIB);

	vm_config_add_drive(config, drive_id, paths->disk, what->group.is_direct);
	command_add_mote(command, paths->mote);
	command_add(command, workspace_write_json("block.json", config));
}

static void compose_qemu(struct command *command, const struct block_subject *subject,
			 const struct block_paths *paths, const struct block_load_time *what)
{
	command_add_microvm(command, paths->qemu, RAM_MIB);
	command_add_two(command, "-drive",
			command_keep(command, "if=none,id=%s,file=%s,format=raw,aio=%s,%s",
				     drive_id, paths->disk, subject->aio,
				     what->group.is_direct ? "cache.direct=on,cache.no-flush=off"
							   : "cache=writeback"));
	if (subject->has_iothread)
		command_add_two(command, "-object", "iothread,id=io");
	command_add_two(command, "-device",
			command_keep(command, "virtio-blk-device,drive=%s%s", drive_id,
				     subject->has_iothread ? ",iothread=io" : ""));
	command_add_two(command, "-kernel", paths->guest);
	command_add_two(command, "-append", boot_args(command, what));
}

/* Without --invalidate=0 it would empty the page cache first, whatever it is asked to measure. */
static void compose_fio(struct command *command, const struct block_paths *paths,
			const struct block_load_time *what)
{
	command_add(command, paths->fio);
	command_add(command, command_keep(command, "--filename=%s", paths->disk));
	command_add(command, command_keep(command, "--rw=%s", block_fio_name(what->group.load)));
	command_add(command, command_keep(command, "--bs=%u", block_size_bytes(what->group.load)));
	command_add(command, command_keep(command, "--direct=%d", what->group.is_direct));
	command_add(command, command_keep(command, "--runtime=%ums", what->run_ms));
	command_add(command, "--time_based");
	command_add(command, "--ioengine=io_uring");
	command_add(command, "--registerfiles=1");
	command_add(command, "--invalidate=0");
	command_add(command, "--norandommap");
	command_add(command, "--randrepeat=0");
	command_add(command, "--lat_percentiles=1");
	command_add(command, "--clat_percentiles=0");
	command_add(command, "--output-format=json");
	for (unsigned int at = 0; at < BLOCK_DEPTHS; at++) {
		command_add(command, command_keep(command, "--name=qd%u", block_depths[at]));
		command_add(command, "--stonewall");
		command_add(command, command_keep(command, "--iodepth=%u", block_depths[at]));
	}
}

void block_command_compose(struct command *command, const struct block_subject *subject,
			   const struct block_paths *paths, const struct block_load_time *what)
{
	command_begin(command);
	switch (subject->program) {
	case BLOCK_MOTE: compose_mote(command, paths, what); break;
	case BLOCK_QEMU: compose_qemu(command, subject, paths, what); break;
	case BLOCK_FIO: compose_fio(command, paths, what); break;
	}
}
