/* SPDX-License-Identifier: MIT */
/*
 * benches/command.h - a command line that is put together piece by piece.
 *
 * Call order: command_begin(), then the rest in any order.  What is too long ends the program with
 * a message.  Ownership: arguments are borrowed, but for those that command_keep() made.
 */
#ifndef BENCHES_COMMAND_H
#define BENCHES_COMMAND_H

#include <stddef.h>

#include "benches/child.h"

enum {
	COMMAND_TEXT_BYTES = 4096,
};

struct command {
	const char *arguments[CHILD_ARGUMENTS_MAX]; /* NULL last */
	size_t count;
	char text[COMMAND_TEXT_BYTES]; /* what was composed for them */
	size_t text_bytes;
	int good_status; /* the exit status of a guest that ended with 0 */
};

void command_begin(struct command *command);
void command_add(struct command *command, const char *argument);
void command_add_two(struct command *command, const char *option, const char *value);

/* A text that lives as long as the command. */
__attribute__((format(printf, 2, 3))) const char *command_keep(struct command *command,
							       const char *format, ...);

/*
 * `mote run`, which neither uses nor changes what earlier starts have kept on this host; options
 * and the configuration are for the caller to add.
 */
void command_add_mote(struct command *command, const char *mote);

/*
 * QEMU with the leanest microvm there is, its guest's console on standard output; its transport is
 * the modern one, as mote's.  Kernel and devices are for the caller to add.
 */
void command_add_microvm(struct command *command, const char *qemu, unsigned int ram_mib);

#endif
