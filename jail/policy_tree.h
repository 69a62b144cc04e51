/* SPDX-License-Identifier: MIT */
/*
 * jail/policy_tree.h - a part of policy_compile: answers to system calls as the BPF that is loaded
 * soonest.
 *
 * When a filter is loaded, the kernel translates each instruction, and walks the filter once for
 * each call there is, to learn which it always allows.  Neighbours with the same answer therefore
 * share one test, and of all orders of the tests the one is taken for which both together are
 * least.
 *
 * Calls of other architectures, and those of x32, are answered with SECCOMP_RET_KILL_PROCESS.
 * Memory: none.  Threads: one.
 */
#ifndef JAIL_POLICY_TREE_H
#define JAIL_POLICY_TREE_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	POLICY_CALLS = 512, /* from here on they are those of x32, or none */
	POLICY_VALUES_MAX = 16,
};

/* All that is not in use is zero, so that equal answers are equal bytes. */
struct policy_answer {
	int argument; /* 0 to 5, or POLICY_ANY */
	unsigned int value_count;
	uint32_t values[POLICY_VALUES_MAX]; /* of the argument's low half */
	uint32_t verdicts[POLICY_VALUES_MAX];
	uint32_t otherwise; /* the verdict on all other values */
};

/*
 * `answers` has POLICY_CALLS rows, by the number of the call; a higher number is answered like the
 * last of them.  Returns the count of instructions, or -E2BIG where there is no room for them or a
 * jump is too far.
 */
ssize_t policy_tree(const struct policy_answer *answers, struct sock_filter *code, size_t code_max);

#endif
