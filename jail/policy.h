/* SPDX-License-Identifier: MIT */
/*
 * jail/policy.h - which system calls a thread may still make once it is sealed, and why.
 *
 * Two tables, for people to read and for policy_compile.c to turn into BPF.  They are no part
 * of mote's binary: only the compiled filters are.
 *
 * policy_rows allows.  A row names the roles that need it, a call, at most one argument that must
 * have one value, and the reason.  A call without a row that fits it ends the process, and the
 * report names it.
 *
 * policy_never adds nothing to what is forbidden: all of its calls are anyway.  No mistake in
 * mote or in its C library leads to one of them, only an intruder; so the kernel ends the process
 * there and then, without running any more of its code.
 *
 * What is not checked: descriptors, since none but the known ones are open (descriptors.h), and
 * addresses, which a filter cannot follow.
 */
#ifndef JAIL_POLICY_H
#define JAIL_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jail/filter.h"

enum {
	POLICY_ANY = -1, /* as an argument's index: none is checked */
};

/* Whether the test suite comes by a row; tests/jail/rows.t holds the table to it. */
enum policy_use {
	POLICY_USED, /* it does, in each of the row's roles, or else the row has to go */
	POLICY_RARE, /* it need not, for the reason says when and where that is */
};

struct policy_row {
	uint32_t roles; /* POLICY_ROLE()s */
	enum policy_use use;
	const char *name;
	uint32_t call;  /* its number on x86-64 */
	int argument;   /* 0 to 5, or POLICY_ANY */
	uint32_t value; /* of its low half, all that the kernel looks at in each of these */
	const char *value_name;
	const char *reason;
};

struct policy_never {
	const char *name;
	uint32_t call;
	const char *reason;
};

#define POLICY_ROLE(role) (UINT32_C(1) << (unsigned int)(role))

extern const struct policy_row policy_rows[];
extern const size_t policy_row_count;

extern const struct policy_never policy_never[];
extern const size_t policy_never_count;

/* Whether `row` lets a thread of that role make the call with these six arguments. */
bool policy_row_allows(const struct policy_row *row, enum jail_role role, uint32_t call,
		       const uint64_t *arguments);

#endif
