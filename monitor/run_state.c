/* SPDX-License-Identifier: MIT */
/* monitor/run_state.c - see run_state.h. */
#include "monitor/run_state.h"

#include <errno.h>
#include <sys/mman.h>

enum {
	SIGNAL_MAX = 64,
};

int run_state_create(struct run_state **state)
{
	void *mapping = mmap(NULL, sizeof(**state), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (mapping == MAP_FAILED)
		return -errno;
	*state = mapping;
	return 0;
}

bool run_state_claim(struct run_state *state)
{
	return atomic_exchange_explicit(&state->claimed, 1, memory_order_acq_rel) == 0;
}

void run_state_finish(struct run_state *state, const struct outcome *outcome)
{
	atomic_store_explicit(&state->outcome_code, outcome->code, memory_order_relaxed);
	/* Pairs with the acquire in run_state_outcome(): who sees the kind sees the code. */
	atomic_store_explicit(&state->outcome_kind, outcome->kind, memory_order_release);
}

struct outcome run_state_outcome(const struct run_state *state)
{
	uint32_t kind = atomic_load_explicit(&state->outcome_kind, memory_order_acquire);
	uint32_t code = atomic_load_explicit(&state->outcome_code, memory_order_relaxed);

	if (kind >= OUTCOME_KINDS)
		return (struct outcome){.kind = OUTCOME_NONE};
	/* The exit status is computed from it. */
	if (kind == OUTCOME_SIGNAL && (code == 0 || code > SIGNAL_MAX))
		return (struct outcome){.kind = OUTCOME_NONE};
	return (struct outcome){.kind = (enum outcome_kind)kind, .code = code};
}
