/* SPDX-License-Identifier: MIT */
/*
 * jail/filter_programs.h - what policy_compile.c made of policy.c when mote was built.
 *
 * The source that defines these is generated into the build directory.
 */
#ifndef JAIL_FILTER_PROGRAMS_H
#define JAIL_FILTER_PROGRAMS_H

#include <linux/filter.h>
#include <stdint.h>

enum {
	FILTER_PROGRAM_ROLES = 4, /* enum jail_role */
	FILTER_PROGRAM_MODES = 2, /* enum filter_mode */
};

struct filter_program {
	const struct sock_filter *code;
	uint16_t length; /* in instructions */
};

extern const struct filter_program filter_programs[FILTER_PROGRAM_ROLES][FILTER_PROGRAM_MODES];

/*
 * The names of all system calls of x86-64 in the order of their numbers, each with its NUL,
 * empty where a number is none; one NUL more ends the list.
 */
extern const char filter_call_names[];
extern const uint32_t filter_call_name_count;

#endif
