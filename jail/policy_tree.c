/* SPDX-License-Identifier: MIT */
/* jail/policy_tree.c - see policy_tree.h. */
#include "jail/policy_tree.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>

#include "jail/policy.h"

enum {
	X32_FIRST = 0x40000000,
	KERNEL_CALLS = 470,     /* that it tries, about */
	INSTRUCTION_STEPS = 60, /* what one more takes to load, against one more on a walk */
	JUMP_MAX = 255,
	NOTHING = -1,
};

/* Numbers that follow each other and have one answer. */
struct range {
	uint32_t first;
	uint32_t last;
	int answer;
};

/*
 * The best test of the ranges from one to another.  A split asks on which side of `split` the
 * number is.  A list asks for each second range, which is a single number, and what is left then
 * has the same answer everywhere: that of the range `rest`.
 */
struct choice {
	uint64_t cost;
	int split; /* the last range before it, or NOTHING for a list */
	int rest;
};

/* A jump goes to an instruction, or to an answer: ~answer. */
struct test {
	uint16_t code;
	int if_true;
	int if_false;
	uint32_t k;
};

static struct policy_answer distinct[POLICY_CALLS + 1];
static int answer_count;
static struct range ranges[POLICY_CALLS + 1];
static int range_count;
static struct choice choices[POLICY_CALLS + 1][POLICY_CALLS + 1];
static struct test tests[POLICY_CALLS];
static int test_count;

static int number_of(const struct policy_answer *answer)
{
	for (int i = 0; i < answer_count; i++)
		if (memcmp(&distinct[i], answer, sizeof(*answer)) == 0)
			return i;
	distinct[answer_count] = *answer;
	return answer_count++;
}

static void find_ranges(const struct policy_answer *answers)
{
	static const struct policy_answer x32 = {.argument = POLICY_ANY,
						 .otherwise = SECCOMP_RET_KILL_PROCESS};

	answer_count = 0;
	range_count = 0;
	for (uint32_t call = 0; call < POLICY_CALLS; call++) {
		int answer = number_of(&answers[call]);

		if (range_count == 0 || ranges[range_count - 1].answer != answer)
			ranges[range_count++] = (struct range){call, call, answer};
		ranges[range_count - 1].last = call;
	}
	ranges[range_count - 1].last = X32_FIRST - 1;
	ranges[range_count++] = (struct range){X32_FIRST, UINT32_MAX, number_of(&x32)};
}

/* How many of the kernel's walks come to the test of these. */
static uint64_t walks(int from, int to)
{
	uint32_t end = ranges[to].last < KERNEL_CALLS ? ranges[to].last + 1 : KERNEL_CALLS;

	return ranges[from].first < end ? end - ranges[from].first : 0;
}

static bool is_list(int from, int to, int rest)
{
	for (int i = from; i <= to; i++) {
		bool is_rest = (i - rest) % 2 == 0;

		if (is_rest ? ranges[i].answer != ranges[rest].answer
			    : ranges[i].first != ranges[i].last)
			return false;
	}
	return true;
}

static void try_list(struct choice *best, int from, int to, int rest)
{
	uint64_t left = walks(from, to);
	uint64_t cost = 0;

	if (rest > to || !is_list(from, to, rest))
		return;
	for (int i = from; i <= to; i++)
		if ((i - rest) % 2 != 0) {
			cost += INSTRUCTION_STEPS + left;
			left -= walks(i, i);
		}
	if (cost < best->cost)
		*best = (struct choice){cost, NOTHING, rest};
}

static void choose(int from, int to)
{
	struct choice best = {.cost = UINT64_MAX};

	try_list(&best, from, to, from);
	try_list(&best, from, to, from + 1);
	for (int split = from; split < to; split++) {
		uint64_t cost = INSTRUCTION_STEPS + walks(from, to) + choices[from][split].cost +
				choices[split + 1][to].cost;

		if (cost < best.cost)
			best = (struct choice){cost, split, NOTHING};
	}
	choices[from][to] = best;
}

/* Each from those of fewer ranges. */
static void choose_all(void)
{
	for (int count = 1; count <= range_count; count++)
		for (int from = 0; from + count <= range_count; from++)
			choose(from, from + count - 1);
}

static void add_test(uint16_t code, uint32_t k)
{
	tests[test_count++] = (struct test){.code = BPF_JMP | BPF_K | code, .k = k};
}

static void add_list(int from, int to, int rest)
{
	for (int i = from; i <= to; i++)
		if ((i - rest) % 2 != 0) {
			add_test(BPF_JEQ, ranges[i].first);
			tests[test_count - 1].if_true = ~ranges[i].answer;
			tests[test_count - 1].if_false = test_count;
		}
	tests[test_count - 1].if_false = ~ranges[rest].answer;
}

static void add_tests(int from, int to)
{
	const struct choice *choice = &choices[from][to];
	int here = test_count;

	if (choice->split == NOTHING) {
		add_list(from, to, choice->rest);
		return;
	}
	add_test(BPF_JGE, ranges[choice->split + 1].first);
	tests[here].if_false = from == choice->split ? ~ranges[from].answer : test_count;
	if (from < choice->split)
		add_tests(from, choice->split);
	tests[here].if_true = choice->split + 1 == to ? ~ranges[to].answer : test_count;
	if (choice->split + 1 < to)
		add_tests(choice->split + 1, to);
}

/* --- The program: a head, the tests, what looks at arguments, the verdicts --- */

enum {
	HEAD = 3, /* instructions */
};

static struct {
	struct sock_filter *code;
	size_t length;
	size_t max;
	bool is_too_long;
	int answer_places[POLICY_CALLS + 1]; /* where a program goes for each answer */
	uint32_t verdicts[POLICY_CALLS];
	int verdict_count;
	int verdicts_place; /* of the first */
} program;

static int verdict_place(uint32_t verdict)
{
	int i = 0;

	while (i < program.verdict_count && program.verdicts[i] != verdict)
		i++;
	if (i == program.verdict_count)
		program.verdicts[program.verdict_count++] = verdict;
	return program.verdicts_place + i;
}

static void lay_out(void)
{
	int place = HEAD + test_count;

	for (int i = 0; i < answer_count; i++)
		if (distinct[i].argument != POLICY_ANY) {
			program.answer_places[i] = place;
			place += 1 + (int)distinct[i].value_count;
		}
	program.verdict_count = 0;
	program.verdicts_place = place;
	for (int i = 0; i < answer_count; i++)
		if (distinct[i].argument == POLICY_ANY)
			program.answer_places[i] = verdict_place(distinct[i].otherwise);
}

static void put(uint16_t code, uint32_t k)
{
	if (program.length == program.max) {
		program.is_too_long = true;
		return;
	}
	program.code[program.length++] = (struct sock_filter){.code = code, .k = k};
}

static uint8_t distance(int place)
{
	int jump = place - (int)program.length;

	if (jump < 0 || jump > JUMP_MAX)
		program.is_too_long = true;
	return (uint8_t)jump;
}

static void put_jump(uint16_t code, uint32_t k, int true_place, int false_place)
{
	put(code, k);
	if (program.is_too_long)
		return;
	program.code[program.length - 1].jt = distance(true_place);
	program.code[program.length - 1].jf = distance(false_place);
}

static void put_head(void)
{
	put(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	put_jump(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, HEAD - 1,
		 verdict_place(SECCOMP_RET_KILL_PROCESS));
	put(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
}

static int place_of(int target)
{
	return target < 0 ? program.answer_places[~target] : HEAD + target;
}

static void put_tests(void)
{
	for (int i = 0; i < test_count; i++)
		put_jump(tests[i].code, tests[i].k, place_of(tests[i].if_true),
			 place_of(tests[i].if_false));
}

/* The low half is the first, as the machine's numbers begin with their low end. */
static void put_check(const struct policy_answer *answer)
{
	put(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offsetof(struct seccomp_data, args) +
						 sizeof(uint64_t) * (size_t)answer->argument));
	for (unsigned int i = 0; i < answer->value_count; i++)
		put_jump(BPF_JMP | BPF_JEQ | BPF_K, answer->values[i],
			 verdict_place(answer->verdicts[i]),
			 i + 1 == answer->value_count ? verdict_place(answer->otherwise)
						      : (int)program.length + 1);
}

ssize_t policy_tree(const struct policy_answer *answers, struct sock_filter *code, size_t code_max)
{
	find_ranges(answers);
	choose_all();
	test_count = 0;
	add_tests(0, range_count - 1);

	program.code = code;
	program.max = code_max;
	program.length = 0;
	program.is_too_long = false;
	lay_out();
	put_head();
	put_tests();
	for (int i = 0; i < answer_count; i++)
		if (distinct[i].argument != POLICY_ANY)
			put_check(&distinct[i]);
	for (int i = 0; i < program.verdict_count; i++)
		put(BPF_RET | BPF_K, program.verdicts[i]);
	return program.is_too_long ? -E2BIG : (ssize_t)program.length;
}
