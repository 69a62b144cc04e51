/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_cgroup_host.c - cgroups of a real kernel: entered, in force, removed, swept.
 *
 * What needs root or a controller that the host lacks is skipped, and says so.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "jail/cgroup.h"

enum {
	TEXT_BYTES = 4096,
	PATH_BYTES = 512,
	NOBODY = 65534,
	CHILD_SECONDS = 20, /* no child outlives a test that failed for long */
	MIB = 1 << 20,
	FAILED = 1,
};

#define HOST_ROOT "/sys/fs/cgroup"

static char parent[64];
static int root_fd = -1;
static struct cgroup cgroup;
static struct cgroup_error error;
static const struct cgroup_limits no_limits;

/* The roots that cgroup_create() may be given here: all hierarchies, and v2 where it stands beside.
 */
static const char *const roots[] = {HOST_ROOT, HOST_ROOT "/unified"};

static uint64_t next_number(void)
{
	static uint64_t number;
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + ++number;
}

static void remove_parents(void)
{
	char path[PATH_BYTES];
	DIR *directory = opendir(HOST_ROOT);
	const struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		snprintf(path, sizeof(path), HOST_ROOT "/%s/%s", entry->d_name, parent);
		(void)rmdir(path);
	}
	if (directory)
		closedir(directory);
	snprintf(path, sizeof(path), HOST_ROOT "/%s", parent);
	(void)rmdir(path);
}

/* -1 where the host has no such root. */
static int open_root(const char *path)
{
	root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root_fd < 0 ? -1 : 0;
}

static int begin(void **state)
{
	(void)state;
	memset(&cgroup, 0, sizeof(cgroup));
	snprintf(parent, sizeof(parent), "mote-test-%d", (int)getpid());
	return 0;
}

static int end(void **state)
{
	(void)state;
	(void)cgroup_remove(&cgroup);
	if (root_fd >= 0)
		close(root_fd);
	root_fd = -1;
	remove_parents();
	return 0;
}

static int create_as(pid_t pid, const struct cgroup_limits *limits)
{
	return cgroup_create(&cgroup, root_fd, parent, pid, next_number(), limits, &error);
}

/* A group for the limits; a host that cannot give them ends the test as skipped. */
static void need_group(const struct cgroup_limits *limits)
{
	int result;

	if (geteuid() != 0) {
		print_message("skipped: only root can make groups here\n");
		skip();
	}
	if (root_fd < 0 && open_root(HOST_ROOT)) {
		print_message("skipped: there is no " HOST_ROOT "\n");
		skip();
	}
	result = create_as(getpid(), limits);
	if (result == -ENOENT || result == -EROFS) {
		print_message("skipped: %s %s: %s (%s)\n", error.controller,
			      error.file ? error.file : "", error.text, strerror(-result));
		skip();
	}
	if (result)
		fail_msg("%s %s: %s (%s)", error.controller, error.file ? error.file : "",
			 error.text, strerror(-result));
}

static pid_t clone_into(const struct cgroup *group)
{
	struct clone_args arguments = {.exit_signal = SIGCHLD};

	if (cgroup_clone_fd(group) >= 0) {
		arguments.flags = CLONE_INTO_CGROUP;
		arguments.cgroup = (unsigned int)cgroup_clone_fd(group);
	}
	return (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
}

/* A process in the group that runs `body` and ends with what it returns. */
static pid_t start(int (*body)(void))
{
	pid_t pid = clone_into(&cgroup);

	if (pid == 0) {
		alarm(CHILD_SECONDS);
		if (cgroup_enter(&cgroup))
			_exit(FAILED);
		_exit(body());
	}
	assert_true(pid > 0);
	return pid;
}

static int reap(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int wait_for_signal(void)
{
	pause();
	return FAILED;
}

static size_t read_text(int at_fd, const char *path, char text[TEXT_BYTES])
{
	int fd = openat(at_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t count = fd < 0 ? 0 : read(fd, text, TEXT_BYTES - 1);

	if (fd >= 0)
		close(fd);
	text[count < 0 ? 0 : count] = '\0';
	return (size_t)(count < 0 ? 0 : count);
}

/* In how many hierarchies the process is in the group. */
static unsigned int memberships(pid_t pid)
{
	char wanted[PATH_BYTES];
	char path[PATH_BYTES];
	char text[TEXT_BYTES];
	unsigned int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	snprintf(wanted, sizeof(wanted), ":/%s/%s\n", parent, cgroup.name);
	read_text(AT_FDCWD, path, text);
	for (const char *at = strstr(text, wanted); at; at = strstr(at + 1, wanted))
		count++;
	return count;
}

/* Wait until the child has entered all hierarchies, which it does by itself. */
static void await_entry(pid_t pid)
{
	const struct timespec pause_time = {.tv_nsec = 1000000};

	for (int i = 0; i < 5000 && memberships(pid) != cgroup.hierarchy_count; i++)
		nanosleep(&pause_time, NULL);
	assert_int_equal(memberships(pid), cgroup.hierarchy_count);
}

static bool group_exists(int parent_fd, const char *name)
{
	return faccessat(parent_fd, name, F_OK, 0) == 0;
}

static void enter_and_remove(const char *root)
{
	struct cgroup copy;
	int parent_fd;
	pid_t pid;

	if (open_root(root))
		return;
	need_group(&no_limits);
	copy = cgroup;
	parent_fd = dup(cgroup.hierarchies[0].parent_fd);
	pid = start(wait_for_signal);
	await_entry(pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
	assert_true(group_exists(parent_fd, copy.name));
	assert_int_equal(cgroup_remove(&cgroup), 0);
	assert_false(group_exists(parent_fd, copy.name));
	close(parent_fd);
	close(root_fd);
	root_fd = -1;
}

static void a_process_is_born_into_its_group(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		enter_and_remove(roots[i]);
}

/* The process itself and one more are two. */
static int fork_twice(void)
{
	pid_t first = fork();
	pid_t second;

	if (first == 0)
		return wait_for_signal();
	if (first < 0)
		return FAILED;
	second = fork();
	if (second == 0)
		return 0;
	kill(first, SIGKILL);
	return second == -1 && errno == EAGAIN ? 0 : FAILED;
}

static void pids_max_stops_a_fork(void **state)
{
	(void)state;
	need_group(&(struct cgroup_limits){.pids_max = 2});
	assert_int_equal(reap(start(fork_twice)), 0);
	assert_int_equal(cgroup_remove(&cgroup), 0);
}

static int touch_memory(void)
{
	enum {
		BYTES = 128 * MIB,
		STEP = 4096,
	};
	volatile char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return FAILED;
	for (size_t at = 0; at < BYTES; at += STEP)
		memory[at] = 1;
	return 0;
}

static void memory_max_kills(void **state)
{
	int status;

	(void)state;
	need_group(&(struct cgroup_limits){
		.memory_max_bytes = 32 * MIB, .has_swap_max = true, .swap_max_bytes = 0});
	status = reap(start(touch_memory));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(cgroup_remove(&cgroup), 0);
}

/* Burn CPU time for a while of real time, and tell whether it was much less. */
static int burn(void)
{
	enum {
		WALL_MS = 400,
		CPU_MAX_MS = 120, /* 10 % of 400 ms is 40 */
	};
	struct timespec now;
	struct timespec cpu;
	long start_ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	start_ms = now.tv_sec * 1000 + now.tv_nsec / 1000000;
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (now.tv_sec * 1000 + now.tv_nsec / 1000000 - start_ms < WALL_MS);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	return cpu.tv_sec == 0 && cpu.tv_nsec / 1000000 < CPU_MAX_MS ? 0 : FAILED;
}

static void cpu_max_throttles(void **state)
{
	(void)state;
	need_group(&(struct cgroup_limits){
		.cpu_weight = 50, .cpu_quota_us = 2000, .cpu_period_us = 20000});
	assert_int_equal(reap(start(burn)), 0);
	assert_int_equal(cgroup_remove(&cgroup), 0);
}

/* The numbers of a whole disk of this host. */
static bool find_disk(uint32_t *major, uint32_t *minor)
{
	DIR *directory = opendir("/sys/block");
	const struct dirent *entry;
	bool found = false;

	while (directory && !found && (entry = readdir(directory))) {
		char path[PATH_BYTES];
		char text[TEXT_BYTES];

		snprintf(path, sizeof(path), "/sys/block/%s/dev", entry->d_name);
		read_text(AT_FDCWD, path, text);
		found = entry->d_name[0] != '.' &&
			sscanf(text, "%" SCNu32 ":%" SCNu32, major, minor) == 2;
	}
	if (directory)
		closedir(directory);
	return found;
}

static void a_disk_is_limited(void **state)
{
	struct cgroup_limits limits = {.io = {{.read_bytes_per_s = 1000000, .write_ops_per_s = 7}},
				       .io_count = 1};
	char expected[PATH_BYTES];
	char text[TEXT_BYTES];
	bool v2 = access(HOST_ROOT "/cgroup.controllers", F_OK) == 0;
	int group_fd = -1;

	(void)state;
	if (!find_disk(&limits.io[0].major, &limits.io[0].minor)) {
		print_message("skipped: this host has no disk\n");
		skip();
	}
	need_group(&limits);
	for (unsigned int i = 0; i < cgroup.hierarchy_count && group_fd < 0; i++)
		if (faccessat(cgroup.hierarchies[i].group_fd,
			      v2 ? "io.max" : "blkio.throttle.read_bps_device", F_OK, 0) == 0)
			group_fd = cgroup.hierarchies[i].group_fd;
	assert_true(group_fd >= 0);
	snprintf(expected, sizeof(expected), v2 ? "%u:%u rbps=1000000 wbps=max" : "%u:%u 1000000\n",
		 limits.io[0].major, limits.io[0].minor);
	read_text(group_fd, v2 ? "io.max" : "blkio.throttle.read_bps_device", text);
	assert_memory_equal(text, expected, strlen(expected));
}

static void a_device_that_is_none_is_refused(void **state)
{
	struct cgroup_limits limits = {.io = {{.major = 4095, .minor = 9, .read_bytes_per_s = 1}},
				       .io_count = 1};

	(void)state;
	need_group(&no_limits);
	assert_int_equal(cgroup_remove(&cgroup), 0);
	if (create_as(getpid(), &limits) == -ENOENT) {
		print_message("skipped: %s: %s\n", error.controller, error.text);
		skip();
	}
	assert_int_equal(create_as(getpid(), &limits), -ENODEV);
	assert_string_equal(error.text, "takes no such device; it must be a whole disk");
}

static void a_group_in_use_is_not_removed(void **state)
{
	int parent_fds[CGROUP_HIERARCHIES_MAX];
	struct cgroup busy;
	pid_t pid;

	(void)state;
	need_group(&no_limits);
	busy = cgroup;
	for (unsigned int i = 0; i < busy.hierarchy_count; i++)
		parent_fds[i] = dup(busy.hierarchies[i].parent_fd);
	pid = start(wait_for_signal);
	await_entry(pid);
	assert_int_equal(cgroup_remove(&cgroup), -EBUSY);
	kill(pid, SIGKILL);
	reap(pid);
	for (unsigned int i = 0; i < busy.hierarchy_count; i++) {
		assert_true(group_exists(parent_fds[i], busy.name));
		assert_int_equal(unlinkat(parent_fds[i], busy.name, AT_REMOVEDIR), 0);
		close(parent_fds[i]);
	}
}

/* A pid that was somebody's and is nobody's now. */
static pid_t dead_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	reap(pid);
	return pid;
}

/* As after a launcher that was killed: its group stays, and so do groups that are not orphans. */
static void orphans_are_swept_and_nobody_else(void **state)
{
	static const char *const others[] = {"mote-x-1", "mote-1", "vm-4194303-1", "mote-4194303-g",
					     "mote--1-1"};
	struct cgroup orphan;
	unsigned int hierarchies;
	int parent_fd;

	(void)state;
	need_group(&no_limits);
	hierarchies = cgroup.hierarchy_count;
	assert_int_equal(cgroup_remove(&cgroup), 0);
	assert_int_equal(create_as(dead_pid(), &no_limits), 0);
	orphan = cgroup;
	assert_int_equal(create_as(getpid(), &no_limits), 0);
	parent_fd = cgroup.hierarchies[0].parent_fd;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(mkdirat(parent_fd, others[i], 0755), 0);

	assert_int_equal(cgroup_sweep(&cgroup), hierarchies);
	assert_false(group_exists(parent_fd, orphan.name));
	assert_true(group_exists(parent_fd, cgroup.name));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(unlinkat(parent_fd, others[i], AT_REMOVEDIR), 0);
	assert_int_equal(cgroup_sweep(&cgroup), 0);
	assert_int_equal(cgroup_remove(&orphan), 0);
}

/* The VM process of a launcher that was killed may still be ending: its group waits for the next.
 */
static void an_orphan_with_a_process_stays(void **state)
{
	struct cgroup orphan;
	pid_t pid;

	(void)state;
	need_group(&no_limits);
	assert_int_equal(cgroup_remove(&cgroup), 0);
	assert_int_equal(create_as(dead_pid(), &no_limits), 0);
	orphan = cgroup;
	pid = start(wait_for_signal);
	await_entry(pid);
	assert_int_equal(create_as(getpid(), &no_limits), 0);
	assert_int_equal(cgroup_sweep(&cgroup), 0);
	kill(pid, SIGKILL);
	reap(pid);
	assert_int_equal(cgroup_sweep(&cgroup), orphan.hierarchy_count);
	assert_int_equal(cgroup_remove(&orphan), 0);
}

static void become_ordinary(void)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		_exit(FAILED);
}

static int refused_as_ordinary(void)
{
	become_ordinary();
	return create_as(getpid(), &no_limits) == -EACCES && error.text ? 0 : FAILED;
}

static void an_ordinary_user_is_refused_without_delegation(void **state)
{
	(void)state;
	need_group(&no_limits);
	assert_int_equal(reap(start(refused_as_ordinary)), 0);
}

static int clone_as_ordinary(void)
{
	pid_t pid;

	become_ordinary();
	if (create_as(getpid(), &no_limits))
		return FAILED;
	pid = clone_into(&cgroup);
	if (pid == 0)
		_exit(cgroup_enter(&cgroup) ? FAILED : 0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		return FAILED;
	return cgroup_remove(&cgroup) ? FAILED : 0;
}

static void give_to_nobody(int directory_fd)
{
	static const char *const files[] = {".", "cgroup.procs", "cgroup.threads",
					    "cgroup.subtree_control"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_int_equal(fchownat(directory_fd, files[i], NOBODY, NOBODY, 0), 0);
}

/* As systemd does it: the user's processes and groups are below a group that is the user's. */
static void an_ordinary_user_is_served_with_delegation(void **state)
{
	struct cgroup session;

	(void)state;
	if (open_root(HOST_ROOT "/unified"))
		open_root(HOST_ROOT);
	need_group(&no_limits);
	if (cgroup_clone_fd(&cgroup) < 0) {
		print_message("skipped: there is no v2 hierarchy\n");
		skip();
	}
	session = cgroup;
	give_to_nobody(session.hierarchies[0].parent_fd);
	give_to_nobody(session.hierarchies[0].group_fd);
	assert_int_equal(reap(start(clone_as_ordinary)), 0);
	assert_int_equal(cgroup_remove(&session), 0);
	cgroup.hierarchy_count = 0;
}

#define HOST_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOST_TEST(a_process_is_born_into_its_group),
		HOST_TEST(pids_max_stops_a_fork),
		HOST_TEST(memory_max_kills),
		HOST_TEST(cpu_max_throttles),
		HOST_TEST(a_disk_is_limited),
		HOST_TEST(a_device_that_is_none_is_refused),
		HOST_TEST(a_group_in_use_is_not_removed),
		HOST_TEST(orphans_are_swept_and_nobody_else),
		HOST_TEST(an_orphan_with_a_process_stays),
		HOST_TEST(an_ordinary_user_is_refused_without_delegation),
		HOST_TEST(an_ordinary_user_is_served_with_delegation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
