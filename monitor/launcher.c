/* SPDX-License-Identifier: MIT */
/* monitor/launcher.c - see launcher.h. */
#include "monitor/launcher.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "monitor/log.h"

#define NS_PER_MS UINT64_C(1000000)

/* What nohup or a shell's `&` took away is not for mote to take back; blocked, it would come. */
static void add_unless_ignored(sigset_t *signals, int number)
{
	struct sigaction action;

	if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
		return;
	sigaddset(signals, number);
}

static void collect_signals(struct launcher *launcher)
{
	sigset_t blocked;

	sigemptyset(&launcher->signals);
	sigaddset(&launcher->signals, SIGCHLD);
	sigaddset(&launcher->signals, SIGTERM);
	add_unless_ignored(&launcher->signals, SIGINT);
	add_unless_ignored(&launcher->signals, SIGHUP);
	add_unless_ignored(&launcher->signals, SIGQUIT);
	/* Nobody has a reason to send these, but they would leave the terminal raw. */
	add_unless_ignored(&launcher->signals, SIGALRM);
	add_unless_ignored(&launcher->signals, SIGUSR1);
	add_unless_ignored(&launcher->signals, SIGUSR2);
	sigaddset(&launcher->signals, SIGCONT);
	if (launcher->broker)
		sigaddset(&launcher->signals, SIGIO);
	/* Blocked in both processes: only the launcher acts on them, one at a time. */
	blocked = launcher->signals;
	/* Nobody waits for this one: a read from the background then fails instead of stopping. */
	sigaddset(&blocked, SIGTTIN);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	/* Inherited as ignored it would never come, and the VM process would be reaped unseen. */
	signal(SIGCHLD, SIG_DFL);
}

/* The terminal that is to be put back when the launcher ends of its own mistake. */
static struct terminal *left_terminal;

/* Nobody outlives the launcher who could tell of this one, so it does so itself. */
static void tell_miss(uint32_t call)
{
	const struct outcome blocked = {.kind = OUTCOME_BLOCKED_CALL};
	const char *name = filter_call_name(call);

	log_error("the launcher made a system call that it may not make: %s (%" PRIu32 ")",
		  name ? name : "unknown", call);
	terminal_leave(left_terminal);
	_exit(outcome_status(&blocked, 0));
}

int launcher_start(struct launcher *launcher, void (*job)(void *owner), void *owner,
		   struct reason *reason)
{
	collect_signals(launcher);
	launcher->child = confine_clone(launcher->confinement, reason);
	if (launcher->child < 0)
		return launcher->child;
	if (launcher->child == 0) {
		job(owner);
		_exit(1);
	}
	left_terminal = launcher->terminal;
	filter_tell(tell_miss);
	launcher->child_fd = pidfd_open(launcher->child, 0);
	if (launcher->child_fd < 0) {
		int error = -errno;

		kill(launcher->child, SIGKILL);
		waitpid(launcher->child, NULL, 0);
		return reason_set(reason, error, "cannot watch over the VM process: %s",
				  strerror(-error));
	}
	return 0;
}

/* By descriptor, so that the filter can hold a launcher to this one process. */
static void kill_child(const struct launcher *launcher)
{
	(void)pidfd_send_signal(launcher->child_fd, SIGKILL, NULL, 0);
}

void launcher_abandon(const struct launcher *launcher, const struct reason *reason)
{
	log_error("%s", reason->text);
	kill_child(launcher);
}

static void wake_vm(const struct launcher *launcher)
{
	uint64_t one = 1;

	if (write(launcher->wake_fd, &one, sizeof(one)) < 0)
		kill_child(launcher);
}

/* Pass on the wish to stop. */
static void ask_to_stop(struct launcher *launcher, enum outcome_kind kind, int code)
{
	launcher->wish = (struct outcome){.kind = kind, .code = (uint32_t)code};
	atomic_store(&launcher->state->stop_code, (uint32_t)code);
	atomic_store(&launcher->state->stop_kind, kind);
	wake_vm(launcher);
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Wait for a signal until a deadline: its number, or 0 when the time is up. */
static int wait_for_signal(const struct launcher *launcher, uint64_t deadline_ns)
{
	uint64_t now_ns = trace_now_ns();
	uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
	struct timespec left = {
		.tv_sec = (time_t)min_u64(left_ns / (1000 * NS_PER_MS), INT32_MAX),
		.tv_nsec = (long)(left_ns % (1000 * NS_PER_MS)),
	};
	int number;

	do
		number = sigtimedwait(&launcher->signals, NULL,
				      deadline_ns == UINT64_MAX ? NULL : &left);
	while (number < 0 && errno == EINTR);
	return number < 0 ? 0 : number;
}

/*
 * The same, with SIGIO also where the broker is behind.  A VM process that keeps it so puts off
 * neither another signal nor the deadline.
 */
static int next_signal(struct launcher *launcher, uint64_t deadline_ns)
{
	int number = wait_for_signal(launcher, launcher->is_behind ? 0 : deadline_ns);

	if (number != SIGIO && !(number == 0 && launcher->is_behind))
		return number;
	launcher->is_behind = true;
	return trace_now_ns() < deadline_ns ? SIGIO : 0;
}

int launcher_wait(struct launcher *launcher)
{
	uint64_t deadline_ns = UINT64_MAX;
	int status = 0;

	if (launcher->timeout_ms)
		deadline_ns = launcher->start_ns + launcher->timeout_ms * NS_PER_MS;
	for (;;) {
		int number = next_signal(launcher, deadline_ns);
		bool stopping = launcher->wish.kind != OUTCOME_NONE;

		if (number == SIGCHLD) {
			if (waitpid(launcher->child, &status, WNOHANG) == launcher->child)
				return status;
		} else if (number == SIGIO) {
			launcher->is_behind = vsock_broker_serve(launcher->broker);
		} else if (number == SIGCONT) {
			terminal_enter(launcher->terminal, STDIN_FILENO);
			wake_vm(launcher);
		} else if (number == 0 && stopping) {
			kill_child(launcher);
			deadline_ns = UINT64_MAX;
		} else if (!stopping) {
			ask_to_stop(launcher, number ? OUTCOME_SIGNAL : OUTCOME_TIMEOUT, number);
			deadline_ns = trace_now_ns() + LAUNCHER_GRACE_MS * NS_PER_MS;
		}
	}
}

/* Whether a filter ended the VM process, and which call of whom it was, if that is known. */
static bool was_blocked(const struct launcher *launcher, int wait_status)
{
	const struct filter_miss *miss = &launcher->state->miss;
	uint32_t role_plus_one = atomic_load(&miss->role_plus_one);
	uint32_t call = atomic_load(&miss->call);
	const char *name = filter_call_name(call);

	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == FILTER_MISS_STATUS &&
	    role_plus_one) {
		log_error("the %s thread of the VM process made a system call that it may not "
			  "make: %s (%" PRIu32 ")",
			  jail_role_name(role_plus_one - 1), name ? name : "unknown", call);
		return true;
	}
	if (!WIFSIGNALED(wait_status) || WTERMSIG(wait_status) != SIGSYS)
		return false;
	log_error("the VM process made a system call that no part of it may ever make: the "
		  "kernel's audit log names it");
	return true;
}

struct outcome launcher_judge(const struct launcher *launcher, int wait_status)
{
	struct outcome outcome = run_state_outcome(launcher->state);

	/* Before what it says itself: an intruder would say that all went well.  Also on the way to
	 * a stop: a call that only that needs would else never be told of. */
	if (was_blocked(launcher, wait_status))
		return (struct outcome){.kind = OUTCOME_BLOCKED_CALL};
	if (outcome.kind != OUTCOME_NONE)
		return outcome;
	/* Killed because it did not stop in time: what was asked for still happened. */
	if (launcher->wish.kind != OUTCOME_NONE)
		return launcher->wish;
	if (WIFSIGNALED(wait_status))
		log_error("the VM process was killed by signal %d (%s)", WTERMSIG(wait_status),
			  strsignal(WTERMSIG(wait_status)));
	else
		log_error("the VM process ended without an outcome");
	return (struct outcome){.kind = OUTCOME_HOST_FAILURE};
}
