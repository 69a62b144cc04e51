/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/jail_inmate.h - a launcher and an inmate, jailed as the monitor jails them.
 *
 * The test is the grandparent: it forks a launcher, which is root or an ordinary user, clones
 * an inmate and makes its room.  The inmate then does what `attempt` says.  Whatever a failed
 * test leaves dies with the test program, the launcher and the inmate each with its parent.
 */
#ifndef TESTS_UNIT_JAIL_INMATE_H
#define TESTS_UNIT_JAIL_INMATE_H

#include <linux/landlock.h>
#include <linux/sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>

#include "jail/jail.h"
#include "tests/unit/empty_room.h"
#include "tests/unit/jail_child.h"

enum {
	NEW_FDS = 2,
	STRAY_FDS = 40,
	SEGMENT_BYTES = 4096,
};

/* What launcher, inmate and test tell each other. */
static struct {
	_Atomic pid_t launcher;
	_Atomic pid_t inmate;
	_Atomic bool jailed; /* the inmate has done all of jail_enter() */
	_Atomic bool shed;   /* the launcher has done all of jail_shed() */
	_Atomic int result;
	struct jail jail; /* the inmate's, afterwards */
} * shared;

static struct jail jail;
static bool shares_room;
static int segment;
static struct utsname host;
static struct sockaddr_un abstract = {.sun_family = AF_UNIX};

struct attempt {
	void (*body)(void);   /* in the inmate */
	void (*change)(void); /* of `jail` before the clone, or NULL */
};

static const struct attempt *attempt;

static inline bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

/* Things in the host that the inmate is not to find. */
static void prepare_host(void)
{
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	struct shmid_ds found;

	for (int i = 0; i < STRAY_FDS; i++)
		expect(dup(STDERR_FILENO) >= 0);
	expect(uname(&host) == 0);
	/* Removed, it can be found for as long as it is attached. */
	segment = shmget(IPC_PRIVATE, SEGMENT_BYTES, 0666);
	expect(shmat(segment, NULL, 0) != (void *)-1);
	expect(shmctl(segment, IPC_RMID, NULL) == 0);
	expect(shmctl(segment, IPC_STAT, &found) == 0);
	snprintf(abstract.sun_path + 1, sizeof(abstract.sun_path) - 1, "test_jail.%d", getpid());
	expect(bind(listener, (const struct sockaddr *)&abstract, sizeof(abstract)) == 0);
	expect(listen(listener, 1) == 0);
}

static void share_room(void)
{
	int mounts_fd;
	int network_fd;

	open_empty_room(&mounts_fd, &network_fd);
	jail_share_room(&jail, mounts_fd, network_fd);
}

static void configure(void)
{
	expect(jail_init(&jail) == 0);
	expect(jail.is_root == (geteuid() == 0));
	jail.kept_fds[0] = STDIN_FILENO;
	jail.kept_fds[1] = STDERR_FILENO;
	jail.kept_fds[2] = STDOUT_FILENO;
	jail.kept_fd_count = 3;
	jail.new_fds_max = NEW_FDS;
	if (!has_landlock())
		jail.allow_missing |= JAIL_PIECE_BIT(JAIL_LANDLOCK);
	if (attempt->change)
		attempt->change();
	if (shares_room)
		share_room();
	expect(jail_close_ways(&jail) == 0);
}

static pid_t clone_inmate(void)
{
	struct clone_args arguments = {.exit_signal = SIGCHLD};
	pid_t pid;
	int error = 0;

	do {
		arguments.flags = jail_clone_flags(&jail);
		pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
		error = pid < 0 ? jail_clone_refused(&jail, -errno) : 0;
	} while (pid < 0 && !error);
	if (error && jail.failed == JAIL_USERS)
		skip_child("no user namespaces for ordinary users here");
	expect(error == 0);
	return pid;
}

static void live_in_jail(void) __attribute__((noreturn));
static void live_in_jail(void)
{
	alarm(CHILD_SECONDS);
	expect(jail_arrive(&jail) == 0);
	expect(jail_enter(&jail) == 0);
	shared->jail = jail;
	shared->jailed = true;
	attempt->body();
	_exit(0);
}

/* The monitor in short, up to where it waits. */
static pid_t launch_inmate(void)
{
	pid_t inmate;

	shared->launcher = getpid();
	configure();
	inmate = clone_inmate();
	if (inmate == 0)
		live_in_jail();
	shared->inmate = inmate;
	expect(jail_make_room(&jail, inmate) == 0);
	expect(jail_shed(&jail) == 0);
	/* Only here: to join a user namespace clears it. */
	expect(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	shared->shed = true;
	return inmate;
}

static inline void launch(void)
{
	prepare_host();
	expect(wait_for(launch_inmate()) == 0);
}

static inline void launch_as_root(void)
{
	need_root();
	launch();
}

static inline void launch_as_ordinary(void)
{
	become_ordinary();
	launch();
}

static inline int share(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return shared == MAP_FAILED;
}

#endif
