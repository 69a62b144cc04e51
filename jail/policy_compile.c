/* SPDX-License-Identifier: MIT */
/*
 * jail/policy_compile.c - a program of the build: policy.c as BPF, in C source.
 *
 *	policy_compile [--trace-rows | --without CALL] OUTPUT
 *
 * Writes what filter_programs.h declares.  libseccomp does the work, and only here: mote loads
 * the result with one system call and knows nothing of how it came about.
 *
 * With --trace-rows a call that is allowed goes to a tracer first (SECCOMP_RET_TRACE), together
 * with role and row: tests/jail/trace_rows.c counts with it which rows guests need.  With --without
 * the rows of a call are left out, so that tests/jail/miss.t can see what a miss looks like.
 * Nothing that ships is made like that.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "jail/filter_programs.h"
#include "jail/policy.h"

enum {
	INSTRUCTIONS_MAX = 1024,
	BINARY_TREE = 2,
	CALL_NUMBERS_END = 512, /* from here on they are those of x32 */
};

struct compiled {
	struct sock_filter code[INSTRUCTIONS_MAX];
	size_t length;
};

static bool trace_rows;
static const char *left_out; /* a call, or NULL */

static uint32_t action_of_row(enum jail_role role, size_t row)
{
	if (!trace_rows)
		return SCMP_ACT_ALLOW;
	return SCMP_ACT_TRACE((unsigned int)role << 8 | (unsigned int)row);
}

static bool has_row(enum jail_role role, size_t number)
{
	const struct policy_row *row = &policy_rows[number];

	return row->roles & POLICY_ROLE(role) && !(left_out && strcmp(row->name, left_out) == 0);
}

static int add_row(scmp_filter_ctx filter, enum jail_role role, size_t number)
{
	const struct policy_row *row = &policy_rows[number];
	struct scmp_arg_cmp only = {
		.arg = (unsigned int)row->argument,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = UINT32_MAX,
		.datum_b = row->value,
	};

	return seccomp_rule_add_array(filter, action_of_row(role, number), (int)row->call,
				      row->argument == POLICY_ANY ? 0 : 1, &only);
}

/*
 * As a tree, since the kernel walks the filter once for each call there is when it is loaded, to
 * learn which it always allows: 42 us instead of 110, where the shortest filter takes 17.
 */
static int add_rules(scmp_filter_ctx filter, enum jail_role role, enum filter_mode mode)
{
	int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (!error)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, BINARY_TREE);
	for (size_t i = 0; i < policy_row_count && !error; i++)
		if (has_row(role, i))
			error = add_row(filter, role, i);
	/* To be looked for in the log, these have to get there as well. */
	for (size_t i = 0; i < policy_never_count && mode == FILTER_KILL && !error; i++)
		error = seccomp_rule_add_array(filter, SCMP_ACT_KILL_PROCESS,
					       (int)policy_never[i].call, 0, NULL);
	return error;
}

/* A miss says whose it was: the library has no word for that, the kernel has. */
static void sign(struct compiled *compiled, enum jail_role role)
{
	for (size_t i = 0; i < compiled->length; i++) {
		struct sock_filter *instruction = &compiled->code[i];

		if (instruction->code == (BPF_RET | BPF_K) && instruction->k == SECCOMP_RET_TRAP)
			instruction->k |= (uint32_t)role;
	}
}

static int export(scmp_filter_ctx filter, struct compiled *compiled)
{
	int fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t bytes = -1;

	if (fd < 0)
		return -errno;
	if (seccomp_export_bpf(filter, fd) == 0)
		bytes = pread(fd, compiled->code, sizeof(compiled->code), 0);
	close(fd);
	if (bytes <= 0 || bytes == sizeof(compiled->code))
		return -EIO;
	compiled->length = (size_t)bytes / sizeof(*compiled->code);
	return 0;
}

static int compile(struct compiled *compiled, enum jail_role role, enum filter_mode mode)
{
	scmp_filter_ctx filter = seccomp_init(mode == FILTER_LOG ? SCMP_ACT_LOG : SCMP_ACT_TRAP);
	int error;

	if (!filter)
		return -ENOMEM;
	error = add_rules(filter, role, mode);
	if (!error)
		error = export(filter, compiled);
	seccomp_release(filter);
	sign(compiled, role);
	return error;
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
	for (int call = 0; call < CALL_NUMBERS_END; call++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, call);

		fprintf(output, "\t\"%s\\0\"\n", name ? name : "");
		free(name);
	}
	fprintf(output, "\t;\n\nconst uint32_t filter_call_name_count = %d;\n", CALL_NUMBERS_END);
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
