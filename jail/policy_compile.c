/* SPDX-License-Identifier: MIT */
/*
 * jail/policy_compile.c - a program of the build: policy.c as BPF, in C source.
 *
 *	policy_compile [--trace-rows | --without CALL] OUTPUT
 *
 * Writes what filter_programs.h declares: mote loads a filter with one system call and knows
 * nothing of how it came about.  policy_tree.c finds the shortest; the names of calls are
 * libseccomp's.  tests/unit/test_policy.c holds what comes out to the table, call by call.
 *
 * With --trace-rows a call that is allowed goes to a tracer first (SECCOMP_RET_TRACE), together
 * with role and row: tests/jail/trace_rows.c counts with it which rows guests need.  With --without
 * the rows of a call are left out, so that tests/jail/miss.t can see what a miss looks like.
 * Nothing that ships is made like that.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "jail/filter_programs.h"
#include "jail/policy.h"
#include "jail/policy_tree.h"

enum {
	INSTRUCTIONS_MAX = 1024,
};

struct compiled {
	struct sock_filter code[INSTRUCTIONS_MAX];
	size_t length;
};

static bool trace_rows;
static const char *left_out; /* a call, or NULL */

static uint32_t verdict_of_row(enum jail_role role, size_t row)
{
	if (!trace_rows)
		return SECCOMP_RET_ALLOW;
	return SECCOMP_RET_TRACE | (uint32_t)role << 8 | (uint32_t)row;
}

static bool has_row(enum jail_role role, size_t number)
{
	const struct policy_row *row = &policy_rows[number];

	return row->roles & POLICY_ROLE(role) && !(left_out && strcmp(row->name, left_out) == 0);
}

/* All rows of a call check the same argument, or else there is only one. */
static int add_row(struct policy_answer *answer, enum jail_role role, size_t number)
{
	const struct policy_row *row = &policy_rows[number];
	unsigned int count = answer->value_count;

	if (row->argument == POLICY_ANY && count == 0) {
		answer->otherwise = verdict_of_row(role, number);
		return 0;
	}
	if (row->argument == POLICY_ANY || (count > 0 && answer->argument != row->argument))
		return -EINVAL;
	if (count == POLICY_VALUES_MAX)
		return -E2BIG;
	answer->argument = row->argument;
	answer->values[count] = row->value;
	answer->verdicts[count] = verdict_of_row(role, number);
	answer->value_count++;
	return 0;
}

/* A miss says whose it was, with its verdict.  To be looked for in the log, all have to get there.
 */
static int answer_all(struct policy_answer *answers, enum jail_role role, enum filter_mode mode)
{
	uint32_t miss = mode == FILTER_LOG ? SECCOMP_RET_LOG : SECCOMP_RET_TRAP | (uint32_t)role;
	int error = 0;

	memset(answers, 0, POLICY_CALLS * sizeof(*answers));
	for (size_t call = 0; call < POLICY_CALLS; call++) {
		answers[call].argument = POLICY_ANY;
		answers[call].otherwise = miss;
	}
	for (size_t i = 0; i < policy_never_count && mode == FILTER_KILL; i++)
		answers[policy_never[i].call].otherwise = SECCOMP_RET_KILL_PROCESS;
	for (size_t i = 0; i < policy_row_count && !error; i++)
		if (has_row(role, i))
			error = add_row(&answers[policy_rows[i].call], role, i);
	return error;
}

static int compile(struct compiled *compiled, enum jail_role role, enum filter_mode mode)
{
	static struct policy_answer answers[POLICY_CALLS];
	int error = answer_all(answers, role, mode);
	ssize_t length;

	if (error)
		return error;
	length = policy_tree(answers, compiled->code, INSTRUCTIONS_MAX);
	if (length < 0)
		return (int)length;
	compiled->length = (size_t)length;
	return 0;
}

static void print_code(FILE *output, const struct compiled *compiled, int role, int mode)
{
	fprintf(output, "\nstatic const struct sock_filter code_%d_%d[] = {\n", role, mode);
	for (size_t i = 0; i < compiled->length; i++)
		fprintf(output, "\t{0x%02x, %u, %u, 0x%08x},\n", compiled->code[i].code,
			compiled->code[i].jt, compiled->code[i].jf, compiled->code[i].k);
	fputs("};\n", output);
}

static int print_programs(FILE *output)
{
	static struct compiled compiled;

	for (int role = 0; role < JAIL_ROLES; role++)
		for (int mode = 0; mode < FILTER_PROGRAM_MODES; mode++) {
			int error =
				compile(&compiled, (enum jail_role)role, (enum filter_mode)mode);

			if (error)
				return error;
			print_code(output, &compiled, role, mode);
		}
	fputs("\nconst struct filter_program"
	      " filter_programs[FILTER_PROGRAM_ROLES][FILTER_PROGRAM_MODES] = {\n",
	      output);
	for (int role = 0; role < JAIL_ROLES; role++)
		for (int mode = 0; mode < FILTER_PROGRAM_MODES; mode++)
			fprintf(output,
				"\t[%d][%d] = {code_%d_%d, sizeof(code_%d_%d) / "
				"sizeof(*code_%d_%d)},\n",
				role, mode, role, mode, role, mode, role, mode);
	fputs("};\n", output);
	return 0;
}

static void print_names(FILE *output)
{
	fputs("\nconst char filter_call_names[] =\n", output);
	for (int call = 0; call < POLICY_CALLS; call++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, call);

		fprintf(output, "\t\"%s\\0\"\n", name ? name : "");
		free(name);
	}
	fprintf(output, "\t;\n\nconst uint32_t filter_call_name_count = %d;\n", POLICY_CALLS);
}

static int print_all(FILE *output)
{
	int error;

	fputs("/* Made by policy_compile.c from policy.c. */\n"
	      "#include \"jail/filter_programs.h\"\n",
	      output);
	error = print_programs(output);
	print_names(output);
	return error;
}

/* Returns whether the command line is one. */
static bool parse_arguments(int argc, char *argv[])
{
	trace_rows = argc == 3 && strcmp(argv[1], "--trace-rows") == 0;
	if (argc == 4 && strcmp(argv[1], "--without") == 0)
		left_out = argv[2];
	return argc == 2 || trace_rows || left_out;
}

int main(int argc, char *argv[])
{
	const char *path = argv[argc - 1];
	FILE *output;
	int error;

	if (!parse_arguments(argc, argv)) {
		fputs("usage: policy_compile [--trace-rows | --without CALL] OUTPUT\n", stderr);
		return EXIT_FAILURE;
	}
	output = fopen(path, "we");
	if (!output) {
		perror(path);
		return EXIT_FAILURE;
	}
	error = print_all(output);
	if (fclose(output) && !error)
		error = -errno;
	if (!error)
		return EXIT_SUCCESS;
	fprintf(stderr, "policy_compile: %s\n", strerror(-error));
	(void)unlink(path);
	return EXIT_FAILURE;
}
