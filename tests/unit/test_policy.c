/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_policy.c - the tables of system calls, and that the filters are exactly them.
 *
 * The compiled filters run in a small evaluator of the classic BPF that seccomp knows, against
 * policy_row_allows(), over all roles, numbers and the arguments around those that rows ask for.
 */
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "jail/filter_programs.h"
#include "jail/policy.h"

enum {
	ARGUMENTS = 6,
	CALLS = 600, /* more than there are */
	X32_BIT = 0x40000000,
	INSTRUCTIONS_ENOUGH = 140,
};

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;

	assert_true(offset % sizeof(word) == 0 && offset + sizeof(word) <= sizeof(*data));
	memcpy(&word, (const uint8_t *)data + offset, sizeof(word));
	return word;
}

static bool jumps(const struct sock_filter *instruction, uint32_t accumulator)
{
	switch (BPF_OP(instruction->code)) {
	case BPF_JEQ: return accumulator == instruction->k;
	case BPF_JGT: return accumulator > instruction->k;
	case BPF_JGE: return accumulator >= instruction->k;
	default: fail_msg("jump %#x", instruction->code); return false;
	}
}

/* What the kernel would make of a call. */
static uint32_t evaluate(const struct filter_program *program, const struct seccomp_data *data)
{
	uint32_t accumulator = 0;

	for (size_t at = 0; at < program->length; at++) {
		const struct sock_filter *instruction = &program->code[at];

		if (instruction->code == (BPF_RET | BPF_K))
			return instruction->k;
		if (instruction->code == (BPF_LD | BPF_W | BPF_ABS))
			accumulator = load(data, instruction->k);
		else if (instruction->code == (BPF_ALU | BPF_AND | BPF_K))
			accumulator &= instruction->k;
		else if (instruction->code == (BPF_JMP | BPF_JA))
			at += instruction->k;
		else if (BPF_CLASS(instruction->code) == BPF_JMP)
			at += jumps(instruction, accumulator) ? instruction->jt : instruction->jf;
		else
			fail_msg("instruction %#x", instruction->code);
	}
	fail_msg("ran off the end");
	return 0;
}

static bool is_never(uint32_t call)
{
	for (size_t i = 0; i < policy_never_count; i++)
		if (policy_never[i].call == call)
			return true;
	return false;
}

static uint32_t expected(enum jail_role role, enum filter_mode mode,
			 const struct seccomp_data *data)
{
	uint64_t arguments[ARGUMENTS];

	for (unsigned int i = 0; i < ARGUMENTS; i++)
		arguments[i] = data->args[i];
	for (size_t i = 0; i < policy_row_count; i++)
		if (policy_row_allows(&policy_rows[i], role, (uint32_t)data->nr, arguments))
			return SECCOMP_RET_ALLOW;
	if (mode == FILTER_LOG)
		return SECCOMP_RET_LOG;
	if (is_never((uint32_t)data->nr))
		return SECCOMP_RET_KILL_PROCESS;
	return SECCOMP_RET_TRAP | (uint32_t)role;
}

static void compare(enum jail_role role, enum filter_mode mode, const struct seccomp_data *data)
{
	uint32_t got = evaluate(&filter_programs[role][mode], data);
	uint32_t wanted = expected(role, mode, data);

	if (got != wanted)
		fail_msg("%s, mode %d, call %d, second argument %#llx: %#x instead of %#x",
			 jail_role_name(role), (int)mode, data->nr,
			 (unsigned long long)data->args[1], got, wanted);
}

/* One argument with the values around `value`, all others `rest`. */
static void compare_around(enum jail_role role, enum filter_mode mode, int call, int argument,
			   uint64_t value, uint64_t rest)
{
	struct seccomp_data data = {.nr = call, .arch = AUDIT_ARCH_X86_64};
	const uint64_t values[] = {value,          value - 1,      value + 1, ~value,
				   value | 1 << 8, value ^ 1 << 9, -value};

	for (unsigned int i = 0; i < ARGUMENTS; i++)
		data.args[i] = rest;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		data.args[argument] = values[i];
		compare(role, mode, &data);
	}
	for (unsigned int bit = 0; bit < 64; bit++) {
		data.args[argument] = value ^ UINT64_C(1) << bit;
		compare(role, mode, &data);
	}
}

static void for_all_filters(void (*check)(enum jail_role role, enum filter_mode mode))
{
	for (int role = 0; role < JAIL_ROLES; role++)
		for (int mode = 0; mode <= FILTER_LOG; mode++)
			check((enum jail_role)role, (enum filter_mode)mode);
}

/* What a row of any role asks for, in each place where a filter could look for it. */
static void compare_rows(enum jail_role role, enum filter_mode mode)
{
	for (size_t i = 0; i < policy_row_count; i++)
		for (int argument = 0; argument < ARGUMENTS; argument++) {
			const struct policy_row *row = &policy_rows[i];

			compare_around(role, mode, (int)row->call, argument, row->value, 0);
			compare_around(role, mode, (int)row->call, argument, row->value,
				       row->value);
		}
}

/* All other calls, with plain arguments. */
static void compare_calls(enum jail_role role, enum filter_mode mode)
{
	static const uint64_t values[] = {0, 1, 8, 128, UINT32_MAX, UINT64_MAX};
	struct seccomp_data data = {.arch = AUDIT_ARCH_X86_64};

	for (data.nr = 0; data.nr < CALLS; data.nr++)
		for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
			for (unsigned int j = 0; j < ARGUMENTS; j++)
				data.args[j] = values[i];
			compare(role, mode, &data);
		}
}

static void a_filter_allows_exactly_the_rows(void **state)
{
	(void)state;
	for_all_filters(compare_calls);
	for_all_filters(compare_rows);
}

static void refuse_others(enum jail_role role, enum filter_mode mode)
{
	static const uint32_t architectures[] = {AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0};
	struct seccomp_data data = {0};

	for (data.nr = 0; data.nr < CALLS; data.nr++)
		for (size_t i = 0; i < sizeof(architectures) / sizeof(*architectures); i++) {
			data.arch = architectures[i];
			assert_int_equal(evaluate(&filter_programs[role][mode], &data),
					 SECCOMP_RET_KILL_PROCESS);
		}
	data.arch = AUDIT_ARCH_X86_64;
	for (int call = 0; call < CALLS; call++) {
		data.nr = call | X32_BIT;
		assert_int_equal(evaluate(&filter_programs[role][mode], &data),
				 SECCOMP_RET_KILL_PROCESS);
	}
}

static void other_architectures_and_x32_end_the_process(void **state)
{
	(void)state;
	for_all_filters(refuse_others);
}

static void is_short(enum jail_role role, enum filter_mode mode)
{
	const struct filter_program *program = &filter_programs[role][mode];

	print_message("# %s, mode %d: %u instructions\n", jail_role_name(role), (int)mode,
		      program->length);
	assert_in_range(program->length, 1, INSTRUCTIONS_ENOUGH);
}

static void filters_are_short(void **state)
{
	(void)state;
	for_all_filters(is_short);
}

static void each_row_makes_sense(void **state)
{
	(void)state;
	for (size_t i = 0; i < policy_row_count; i++) {
		const struct policy_row *row = &policy_rows[i];

		assert_int_not_equal(row->roles, 0);
		assert_true(row->roles < POLICY_ROLE(JAIL_ROLES));
		assert_in_range(row->argument + 1, 0, ARGUMENTS);
		assert_string_equal(row->name, filter_call_name(row->call));
		assert_true(strlen(row->reason) > 5);
		assert_false(is_never(row->call));
	}
}

static bool overlap(const struct policy_row *one, const struct policy_row *other)
{
	if (one->call != other->call || !(one->roles & other->roles))
		return false;
	return one->argument != other->argument || one->value == other->value;
}

static void no_call_has_two_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < policy_row_count; i++)
		for (size_t j = 0; j < i; j++)
			if (overlap(&policy_rows[i], &policy_rows[j]))
				fail_msg("%s: rows %zu and %zu", policy_rows[i].name, j, i);
}

static void what_must_be_checked_is(void **state)
{
	/* Each does very different things, depending on one argument. */
	static const uint32_t checked[] = {SYS_ioctl,    SYS_fcntl,     SYS_futex,
					   SYS_prctl,    SYS_kill,      SYS_wait4,
					   SYS_tgkill,   SYS_fallocate, SYS_socket,
					   SYS_unlinkat, SYS_openat,    SYS_pidfd_send_signal};

	(void)state;
	for (size_t i = 0; i < policy_row_count; i++)
		for (size_t j = 0; j < sizeof(checked) / sizeof(*checked); j++)
			if (policy_rows[i].call == checked[j])
				assert_int_not_equal(policy_rows[i].argument, POLICY_ANY);
}

static void assert_no_row(uint32_t roles, const uint32_t *calls, size_t count)
{
	for (size_t i = 0; i < policy_row_count; i++)
		for (size_t j = 0; j < count; j++)
			if (policy_rows[i].call == calls[j] && policy_rows[i].roles & roles)
				fail_msg("%s", policy_rows[i].name);
}

#define ASSERT_NO_ROW(roles, calls) assert_no_row(roles, calls, sizeof(calls) / sizeof(*(calls)))

static void nothing_maps_opens_or_multiplies(void **state)
{
	static const uint32_t absent[] = {
		SYS_mmap,     SYS_mprotect, SYS_mremap,       SYS_clone,        SYS_clone3,
		SYS_fork,     SYS_vfork,    SYS_open,         SYS_openat2,      SYS_bind,
		SYS_accept,   SYS_prctl,    SYS_seccomp,      SYS_dup,          SYS_dup2,
		SYS_dup3,     SYS_pipe2,    SYS_setuid,       SYS_capset,       SYS_shmat,
		SYS_splice,   SYS_sendto,   SYS_rt_sigaction, SYS_memfd_create, SYS_listen,
		SYS_sendmmsg, SYS_eventfd2};

	(void)state;
	ASSERT_NO_ROW(UINT32_MAX, absent);
}

/* What the broker does for the guest, nobody else does, and a guest meets no broker. */
static void only_the_broker_connects(void **state)
{
	static const uint32_t brokers[] = {SYS_socket,   SYS_connect,  SYS_sendmsg, SYS_newfstatat,
					   SYS_recvfrom, SYS_unlinkat, SYS_openat};
	const uint32_t vm = POLICY_ROLE(JAIL_ROLE_IO) | POLICY_ROLE(JAIL_ROLE_VCPU);

	(void)state;
	ASSERT_NO_ROW(vm, brokers);
	for (size_t i = 0; i < policy_row_count; i++)
		if (policy_rows[i].call == SYS_socket)
			assert_int_equal(policy_rows[i].value, AF_UNIX);
	/* What is opened can be pointed at, and no more. */
	for (size_t i = 0; i < policy_row_count; i++)
		if (policy_rows[i].call == SYS_openat) {
			assert_int_equal(policy_rows[i].argument, 2);
			assert_true(policy_rows[i].value & O_PATH);
		}
}

static void each_call_that_never_happens_stands_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < policy_never_count; i++) {
		assert_string_equal(policy_never[i].name, filter_call_name(policy_never[i].call));
		assert_true(strlen(policy_never[i].reason) > 5);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(policy_never[i].call, policy_never[j].call);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_makes_sense),
		cmocka_unit_test(no_call_has_two_rows),
		cmocka_unit_test(what_must_be_checked_is),
		cmocka_unit_test(nothing_maps_opens_or_multiplies),
		cmocka_unit_test(only_the_broker_connects),
		cmocka_unit_test(each_call_that_never_happens_stands_once),
		cmocka_unit_test(a_filter_allows_exactly_the_rows),
		cmocka_unit_test(other_architectures_and_x32_end_the_process),
		cmocka_unit_test(filters_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
