/* SPDX-License-Identifier: MIT */
/* monitor/halt_watch.c - see halt_watch.h. */
#include "monitor/halt_watch.h"

#define NS_PER_MS UINT64_C(1000000)

static void set_due(struct halt_watch *watch, uint64_t now_ns, int wait_ms)
{
	watch->due_ns = now_ns + (uint64_t)wait_ms * NS_PER_MS;
}

void halt_watch_init(struct halt_watch *watch, struct vcpu *vcpus, unsigned int vcpu_count,
		     uint64_t now_ns)
{
	*watch = (struct halt_watch){
		.vcpus = vcpus,
		.vcpu_count = vcpu_count,
		.interval_ms = HALT_WATCH_FIRST_MS,
	};
	set_due(watch, now_ns, watch->interval_ms);
}

/* What they have in common: all halted, all at least quiet, or busy. */
static enum vcpu_probe common_answer(const struct halt_watch *watch)
{
	enum vcpu_probe common = VCPU_PROBE_HALTED;

	for (unsigned int i = 0; i < watch->vcpu_count; i++) {
		enum vcpu_probe answer = vcpu_probe_result(&watch->vcpus[i]);

		if (answer == VCPU_PROBE_QUIET)
			common = VCPU_PROBE_QUIET;
		else if (answer != VCPU_PROBE_HALTED)
			return VCPU_PROBE_BUSY;
	}
	return common;
}

bool halt_watch_tick(struct halt_watch *watch, uint64_t now_ns)
{
	enum vcpu_probe answer;
	int last_ms;

	if (now_ns < watch->due_ns)
		return false;
	if (!watch->asked) {
		for (unsigned int i = 0; i < watch->vcpu_count; i++)
			vcpu_probe(&watch->vcpus[i]);
		watch->asked = true;
		set_due(watch, now_ns, HALT_WATCH_ANSWER_MS);
		return false;
	}
	watch->asked = false;
	/*
	 * The answers are not of one moment: a vCPU may have been started by another after it
	 * answered.  Halts that last are still there when asked again.
	 */
	answer = common_answer(watch);
	if (answer == VCPU_PROBE_HALTED) {
		watch->rounds_halted++;
		set_due(watch, now_ns, 0);
		return watch->rounds_halted == HALT_WATCH_ROUNDS;
	}
	watch->rounds_halted = 0;
	last_ms = answer == VCPU_PROBE_QUIET ? HALT_WATCH_LAST_QUIET_MS : HALT_WATCH_LAST_MS;
	watch->interval_ms *= 2;
	if (watch->interval_ms > last_ms)
		watch->interval_ms = last_ms;
	set_due(watch, now_ns, watch->interval_ms);
	return false;
}
