/* SPDX-License-Identifier: MIT */
/*
 * monitor/outcome.h - the ways a run can end, and what the shell sees of each.
 *
 * Exit statuses 0 to 125 belong to the guest.  Those above are mote's own, one
 * for each outcome, so that a caller never has to read a log to know what
 * happened.  128 + N for a signal is what shells use themselves.
 */
#ifndef MONITOR_OUTCOME_H
#define MONITOR_OUTCOME_H

#include <stdint.h>

enum outcome_kind {
	OUTCOME_NONE,         /* still running */
	OUTCOME_EXIT,         /* the guest gave an exit code */
	OUTCOME_POWER_OFF,    /* ACPI S5 or port 0x604 */
	OUTCOME_RESET,        /* i8042 reset */
	OUTCOME_TRIPLE_FAULT, /* KVM_EXIT_SHUTDOWN */
	OUTCOME_PANIC,        /* pvpanic */
	OUTCOME_HALTED,       /* every vCPU in hlt with interrupts off */
	OUTCOME_TIMEOUT,      /* mote.timeout_ms ran out */
	OUTCOME_SIGNAL,       /* one that asks for the end (launcher.h); code is the signal */
	OUTCOME_LEFT,         /* the user typed the escape */
	OUTCOME_BAD_CONFIG,   /* configuration or command line */
	OUTCOME_BAD_IMAGE,    /* kernel or initrd cannot be loaded */
	OUTCOME_HOST_FAILURE, /* the host lacks or refuses something */
	OUTCOME_KVM_FAILURE,  /* KVM could not go on running the guest */
	OUTCOME_BLOCKED_CALL, /* a system call that the role may not make */
	OUTCOME_KINDS,
};

enum {
	OUTCOME_GUEST_CODE_MAX = 125,
	OUTCOME_STATUS_CONFIG = 126, /* known before anything runs, so named here */
	OUTCOME_STATUS_HOST = 127,
};

struct outcome {
	enum outcome_kind kind;
	uint32_t code; /* guest's exit code, or signal number; else 0 */
};

/* A set of kinds, as bits: 1 << kind. */
#define OUTCOME_BIT(kind) (1U << (unsigned int)(kind))

/* The word used in --result, in mote.clean_outcomes and in messages, e.g. "power-off". */
const char *outcome_name(enum outcome_kind kind);

/* The kind of that name, or OUTCOME_NONE. */
enum outcome_kind outcome_from_name(const char *name);

/*
 * The exit status of the command.  Kinds in `clean` (OUTCOME_BIT) count as 0;
 * a guest's code above OUTCOME_GUEST_CODE_MAX is reported as that maximum.
 */
int outcome_status(const struct outcome *outcome, unsigned int clean);

#endif
