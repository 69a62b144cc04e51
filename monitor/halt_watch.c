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

static bool all_halted(const struct halt_watch *watch)
{
	for (unsigned int i = 0; i < watch->vcpu_count; i++)
		if (vcpu_probe_result(&watch->vcpus[i]) != VCPU_PROBE_HALTED)
			return false;
	return true;
}

bool halt_watch_tick(struct halt_watch *watch, uint64_t now_ns)
{
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
	if (all_halted(watch)) {
		watch->rounds_halted++;
		set_due(watch, now_ns, 0);
		return watch->rounds_halted == HALT_WATCH_ROUNDS;
	}
	watch->rounds_halted = 0;
	watch->interval_ms *= 2;
	if (watch->interval_ms > HALT_WATCH_LAST_MS)
		watch->interval_ms = HALT_WATCH_LAST_MS;
	set_due(watch, now_ns, watch->interval_ms);
	return false;
}
