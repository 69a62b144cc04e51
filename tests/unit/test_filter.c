/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_filter.c - what sealing does to a thread, and what is left of a miss.
 *
 * Each test seals a child of its own.  Which calls a role may make is test_policy.c's subject, and
 * tests/jail/escape.c tries them one by one.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "jail/filter.h"

enum {
	SURVIVED = 42,
	WRONG = 43,
	PATIENCE_SECONDS = 30,
	RACES = 50,
};

static struct filter_miss *miss;

static void leave(int status)
{
	syscall(SYS_exit_group, status);
}

/* Run `body` in a child that is ready to be sealed, and return how the child ended. */
static int in_child(void (*body)(void))
{
	int status = 0;
	pid_t child;

	memset(miss, 0, sizeof(*miss));
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		alarm(PATIENCE_SECONDS);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || filter_prepare(miss))
			leave(WRONG);
		body();
		leave(SURVIVED);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void seal(enum jail_role role, enum filter_mode mode)
{
	if (filter_seal(role, mode))
		leave(WRONG);
}

static void assert_survived(int status)
{
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), SURVIVED);
	assert_int_equal(atomic_load(&miss->role_plus_one), 0);
}

static void assert_missed(int status, enum jail_role role, uint32_t call)
{
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), FILTER_MISS_STATUS);
	assert_int_equal(atomic_load(&miss->role_plus_one), role + 1);
	assert_int_equal(atomic_load(&miss->call), call);
}

static void assert_killed(int status)
{
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	assert_int_equal(atomic_load(&miss->role_plus_one), 0);
}

static void write_nothing(void)
{
	seal(JAIL_ROLE_IO, FILTER_KILL);
	if (syscall(SYS_write, -1, NULL, 0) != -1 || errno != EBADF)
		leave(WRONG);
}

static void what_is_allowed_goes_on(void **state)
{
	(void)state;
	assert_survived(in_child(write_nothing));
}

static void get_user_as_launcher(void)
{
	seal(JAIL_ROLE_LAUNCHER, FILTER_KILL);
	syscall(SYS_getuid);
}

static void get_user_as_io(void)
{
	seal(JAIL_ROLE_IO, FILTER_KILL);
	syscall(SYS_getuid);
}

static void get_user_as_vcpu(void)
{
	seal(JAIL_ROLE_VCPU, FILTER_KILL);
	syscall(SYS_getuid);
}

static void a_miss_tells_role_and_call(void **state)
{
	(void)state;
	assert_missed(in_child(get_user_as_launcher), JAIL_ROLE_LAUNCHER, SYS_getuid);
	assert_missed(in_child(get_user_as_io), JAIL_ROLE_IO, SYS_getuid);
	assert_missed(in_child(get_user_as_vcpu), JAIL_ROLE_VCPU, SYS_getuid);
}

static void tell_by_status(uint32_t call)
{
	leave(call == SYS_getuid ? SURVIVED : WRONG);
}

static void get_user_as_one_who_tells(void)
{
	filter_tell(tell_by_status);
	get_user_as_launcher();
}

static void who_tells_itself_leaves_no_note(void **state)
{
	(void)state;
	assert_survived(in_child(get_user_as_one_who_tells));
}

static void miss_again(uint32_t call)
{
	(void)call;
	syscall(SYS_getuid);
}

static void get_user_as_one_who_cannot_tell(void)
{
	filter_tell(miss_again);
	get_user_as_launcher();
}

static void a_second_miss_while_telling_is_ended_by_the_kernel(void **state)
{
	(void)state;
	assert_killed(in_child(get_user_as_one_who_cannot_tell));
}

static void read_nothing_as_vcpu(void)
{
	seal(JAIL_ROLE_VCPU, FILTER_KILL);
	syscall(SYS_read, -1, NULL, 0);
}

static void call_zero_is_told_from_none(void **state)
{
	(void)state;
	assert_missed(in_child(read_nothing_as_vcpu), JAIL_ROLE_VCPU, SYS_read);
}

static void replace_the_program(void)
{
	seal(JAIL_ROLE_VCPU, FILTER_KILL);
	syscall(SYS_execve, "/bin/true", NULL, NULL);
}

static void what_only_an_intruder_does_is_ended_by_the_kernel(void **state)
{
	(void)state;
	assert_killed(in_child(replace_the_program));
}

static void get_user_with_the_signal_blocked(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	seal(JAIL_ROLE_VCPU, FILTER_KILL);
	syscall(SYS_getuid);
}

static void a_blocked_signal_saves_nobody(void **state)
{
	(void)state;
	assert_killed(in_child(get_user_with_the_signal_blocked));
}

/* The signal is blocked when filter_prepare() runs, as a careless parent would leave it. */
static void get_user_with_the_signal_inherited_blocked(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (filter_prepare(miss))
		leave(WRONG);
	seal(JAIL_ROLE_VCPU, FILTER_KILL);
	syscall(SYS_getuid);
}

static void an_inherited_mask_hides_no_miss(void **state)
{
	(void)state;
	assert_missed(in_child(get_user_with_the_signal_inherited_blocked), JAIL_ROLE_VCPU,
		      SYS_getuid);
}

/* getpid() by the 32-bit entry, which counts calls differently: 20 is writev() for 64 bits. */
static void enter_by_32_bits(void)
{
	long result = 20;

	seal(JAIL_ROLE_IO, FILTER_KILL);
	__asm__ volatile("int $0x80" : "+a"(result) : : "memory");
}

static void the_32_bit_entry_is_closed(void **state)
{
	(void)state;
	assert_killed(in_child(enter_by_32_bits));
}

static void write_by_x32(void)
{
	seal(JAIL_ROLE_IO, FILTER_KILL);
	syscall(0x40000000 | SYS_write, -1, NULL, 0);
}

static void x32_is_closed(void **state)
{
	(void)state;
	assert_killed(in_child(write_by_x32));
}

static void get_user_while_logging(void)
{
	seal(JAIL_ROLE_IO, FILTER_LOG);
	if (syscall(SYS_getuid) != (long)getuid())
		leave(WRONG);
}

static void logging_refuses_nothing(void **state)
{
	(void)state;
	assert_survived(in_child(get_user_while_logging));
}

static void be_sent_the_signal(void)
{
	kill(getpid(), SIGSYS);
}

static void the_signal_alone_is_no_miss(void **state)
{
	int status;

	(void)state;
	status = in_child(be_sent_the_signal);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), FILTER_MISS_STATUS);
	assert_int_equal(atomic_load(&miss->role_plus_one), 0);
}

static void seal_twice(void)
{
	seal(JAIL_ROLE_VCPU, FILTER_KILL);
	filter_seal(JAIL_ROLE_IO, FILTER_KILL);
}

static void who_is_sealed_cannot_choose_again(void **state)
{
	(void)state;
	assert_missed(in_child(seal_twice), JAIL_ROLE_VCPU, SYS_seccomp);
}

static void *ask_for_mode(void *sealed)
{
	*(_Atomic int *)sealed = prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER;
	return NULL;
}

static void start_a_thread(void)
{
	_Atomic int sealed = 0;
	pthread_t thread;

	/* Of the two modes only this one lets a thread be made. */
	seal(JAIL_ROLE_IO, FILTER_LOG);
	if (pthread_create(&thread, NULL, ask_for_mode, &sealed))
		leave(WRONG);
	pthread_join(thread, NULL);
	if (!atomic_load(&sealed))
		leave(WRONG);
}

static void threads_inherit(void **state)
{
	(void)state;
	assert_survived(in_child(start_a_thread));
}

static _Atomic int ready;

static void *race(void *role)
{
	seal((enum jail_role)(intptr_t)role, FILTER_KILL);
	atomic_fetch_add(&ready, 1);
	while (atomic_load(&ready) < 2)
		continue;
	if ((enum jail_role)(intptr_t)role == JAIL_ROLE_IO)
		syscall(SYS_getuid);
	else
		syscall(SYS_getgid);
	return NULL;
}

static void miss_in_two_threads(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, race, (void *)(intptr_t)JAIL_ROLE_IO))
		leave(WRONG);
	race((void *)(intptr_t)JAIL_ROLE_VCPU);
}

static void of_two_misses_one_is_kept_whole(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RACES; i++) {
		int status = in_child(miss_in_two_threads);

		if (atomic_load(&miss->role_plus_one) == JAIL_ROLE_IO + 1)
			assert_missed(status, JAIL_ROLE_IO, SYS_getuid);
		else
			assert_missed(status, JAIL_ROLE_VCPU, SYS_getgid);
	}
}

static void there_are_no_other_roles_or_modes(void **state)
{
	(void)state;
	assert_int_equal(filter_seal(JAIL_ROLES, FILTER_KILL), -EINVAL);
	assert_int_equal(filter_seal((enum jail_role) - 1, FILTER_KILL), -EINVAL);
	assert_int_equal(filter_seal(JAIL_ROLE_IO, (enum filter_mode)2), -EINVAL);
}

static void roles_have_names(void **state)
{
	(void)state;
	assert_string_equal(jail_role_name(JAIL_ROLE_LAUNCHER), "launcher");
	assert_string_equal(jail_role_name(JAIL_ROLE_IO), "io");
	assert_string_equal(jail_role_name(JAIL_ROLE_VCPU), "vcpu");
	assert_string_equal(jail_role_name(JAIL_ROLE_BROKER), "broker");
	assert_string_equal(jail_role_name(JAIL_ROLES), "unknown");
	assert_string_equal(jail_role_name(UINT32_MAX), "unknown");
}

static void calls_have_names(void **state)
{
	(void)state;
	assert_string_equal(filter_call_name(SYS_read), "read");
	assert_string_equal(filter_call_name(SYS_exit_group), "exit_group");
	assert_string_equal(filter_call_name(SYS_restart_syscall), "restart_syscall");
	assert_string_equal(filter_call_name(SYS_futex_waitv), "futex_waitv");
	assert_null(filter_call_name(400)); /* numbers from 387 to 423 are none */
	assert_null(filter_call_name(511));
	assert_null(filter_call_name(512));
	assert_null(filter_call_name(0x40000000));
	assert_null(filter_call_name(UINT32_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_allowed_goes_on),
		cmocka_unit_test(a_miss_tells_role_and_call),
		cmocka_unit_test(who_tells_itself_leaves_no_note),
		cmocka_unit_test(a_second_miss_while_telling_is_ended_by_the_kernel),
		cmocka_unit_test(call_zero_is_told_from_none),
		cmocka_unit_test(what_only_an_intruder_does_is_ended_by_the_kernel),
		cmocka_unit_test(a_blocked_signal_saves_nobody),
		cmocka_unit_test(an_inherited_mask_hides_no_miss),
		cmocka_unit_test(the_32_bit_entry_is_closed),
		cmocka_unit_test(x32_is_closed),
		cmocka_unit_test(logging_refuses_nothing),
		cmocka_unit_test(the_signal_alone_is_no_miss),
		cmocka_unit_test(who_is_sealed_cannot_choose_again),
		cmocka_unit_test(threads_inherit),
		cmocka_unit_test(of_two_misses_one_is_kept_whole),
		cmocka_unit_test(there_are_no_other_roles_or_modes),
		cmocka_unit_test(roles_have_names),
		cmocka_unit_test(calls_have_names),
	};

	miss = mmap(NULL, sizeof(*miss), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (miss == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
