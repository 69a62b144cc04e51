/* SPDX-License-Identifier: MIT */
/* monitor/outcome.c - see outcome.h. */
#include "monitor/outcome.h"

#include <string.h>

enum {
	STATUS_SIGNAL_BASE = 128,
};

/* Statuses from 129 to 159 would read as a signal's in a shell, so mote's own start above. */
static const struct {
	const char *name;
	int status;
} kinds[OUTCOME_KINDS] = {
	[OUTCOME_NONE] = {"running", OUTCOME_STATUS_HOST},
	[OUTCOME_EXIT] = {"exit", 0},
	[OUTCOME_BAD_CONFIG] = {"bad-config", OUTCOME_STATUS_CONFIG},
	[OUTCOME_HOST_FAILURE] = {"host-failure", OUTCOME_STATUS_HOST},
	[OUTCOME_SIGNAL] = {"signal", STATUS_SIGNAL_BASE},
	[OUTCOME_POWER_OFF] = {"power-off", 160},
	[OUTCOME_RESET] = {"reset", 161},
	[OUTCOME_TRIPLE_FAULT] = {"triple-fault", 162},
	[OUTCOME_PANIC] = {"panic", 163},
	[OUTCOME_HALTED] = {"halted", 164},
	[OUTCOME_TIMEOUT] = {"timeout", 165},
	[OUTCOME_BLOCKED_CALL] = {"blocked-call", 166},
	[OUTCOME_KVM_FAILURE] = {"kvm-failure", 167},
	[OUTCOME_LEFT] = {"left", 168},
	[OUTCOME_BAD_IMAGE] = {"bad-image", 169},
};

const char *outcome_name(enum outcome_kind kind)
{
	return kinds[kind].name;
}

enum outcome_kind outcome_from_name(const char *name)
{
	for (int kind = OUTCOME_EXIT; kind < OUTCOME_KINDS; kind++)
		if (strcmp(kinds[kind].name, name) == 0)
			return (enum outcome_kind)kind;
	return OUTCOME_NONE;
}

int outcome_status(const struct outcome *outcome, unsigned int clean)
{
	if (clean & OUTCOME_BIT(outcome->kind))
		return 0;
	if (outcome->kind == OUTCOME_EXIT)
		return outcome->code > OUTCOME_GUEST_CODE_MAX ? OUTCOME_GUEST_CODE_MAX
							      : (int)outcome->code;
	if (outcome->kind == OUTCOME_SIGNAL)
		return STATUS_SIGNAL_BASE + (int)outcome->code;
	return kinds[outcome->kind].status;
}
