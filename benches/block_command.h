/* SPDX-License-Identifier: MIT */
/*
 * benches/block_command.h - the command lines of the block benchmark's subjects.
 *
 * One command runs one group: all queue depths, one after the other, each for the same time.
 */
#ifndef BENCHES_BLOCK_COMMAND_H
#define BENCHES_BLOCK_COMMAND_H

#include <stdbool.h>

#include "benches/block_cell.h"
#include "benches/command.h"

enum block_program {
	BLOCK_MOTE,
	BLOCK_QEMU,
	BLOCK_FIO,
};

struct block_subject {
	const char *name;
	const char *aio; /* QEMU's way to the disk */
	enum block_program program;
	bool has_iothread;
};

/* Absolute, or to be found in PATH; what no subject needs may be NULL. */
struct block_paths {
	const char *mote;
	const char *qemu;
	const char *fio;
	const char *guest;
	const char *disk;
};

struct block_load_time {
	struct block_group group;
	unsigned int run_ms; /* for each depth */
};

/* Compose it; for mote, write the configuration file into the workspace as well. */
void block_command_compose(struct command *command, const struct block_subject *subject,
			   const struct block_paths *paths, const struct block_load_time *what);

#endif
