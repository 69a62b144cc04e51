/* SPDX-License-Identifier: MIT */
/*
 * monitor/launcher.h - the parent: clone the VM process, wait for it, stop it.
 *
 * The launcher stays only to reap, to pass on the wish to stop, and to keep the
 * terminal, and to connect for a guest with vsock (vsock_broker.h).  It never touches the VM.  The
 * VM process dies with its launcher, even if that one is killed.
 *
 * Call order: launcher_start() while single-threaded; in the VM process it
 * calls `job` and never returns; then launcher_wait() once.
 *
 * Stopping: SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1 and SIGUSR2 ask the VM process to
 * deliver its console output and end; so does the time limit.  One that has not ended
 * LAUNCHER_GRACE_MS later is killed.  All but SIGTERM stay ignored if they were
 * when mote started (nohup).
 */
#ifndef MONITOR_LAUNCHER_H
#define MONITOR_LAUNCHER_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "monitor/confine.h"
#include "monitor/reason.h"
#include "monitor/run_state.h"
#include "monitor/terminal.h"
#include "monitor/vsock_broker.h"

enum {
	LAUNCHER_GRACE_MS = 2000,
};

struct launcher {
	pid_t child;
	int child_fd; /* a pidfd: all that the launcher can signal once it is sealed */
	sigset_t signals;
	struct outcome wish; /* to stop; OUTCOME_NONE until there is one */
	struct run_state *state;
	struct terminal *terminal;
	struct confinement *confinement;
	int wake_fd;                       /* the VM process's eventfd */
	uint64_t start_ns;                 /* the time limit counts from here */
	uint64_t timeout_ms;               /* 0: none */
	const struct vsock_broker *broker; /* NULL: the guest has no vsock to connect by */
	bool is_behind;                    /* the broker may have more requests */
};

/*
 * Clone.  The fields from `state` to `broker` are the caller's to set, the others are zero. Returns
 * 0 in the launcher, or a negative errno with a reason if there is no VM process.
 */
int launcher_start(struct launcher *launcher, void (*job)(void *owner), void *owner,
		   struct reason *reason);

/* Something failed that the launcher cannot go on without: end the VM process, and say why. */
void launcher_abandon(const struct launcher *launcher, const struct reason *reason);

/* How the VM process ended: wait status as of waitpid(2). */
int launcher_wait(struct launcher *launcher);

/* What the run came to, out of what the VM process said and how it died. */
struct outcome launcher_judge(const struct launcher *launcher, int wait_status);

#endif
