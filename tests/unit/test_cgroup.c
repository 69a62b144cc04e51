/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_cgroup.c - which files get which values, on hosts of every kind.
 *
 * A host is a tree of ordinary files: what the kernel does when a group is made or removed is
 * done here, in place of mkdirat() and unlinkat().  test_cgroup_host.c asks a real kernel.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "jail/cgroup.h"

enum {
	NUMBER = 0xabc,
	SOMEBODY = 65534,
	PATH_BYTES = 256,
	VALUE_BYTES = 128,
};

#define NAME "mote-1-abc"

static const char *const v1_files[] = {
	"tasks",
	"cpu.shares",
	"cpu.cfs_period_us",
	"cpu.cfs_quota_us",
	"memory.limit_in_bytes",
	"memory.memsw.limit_in_bytes",
	"pids.max",
	"blkio.throttle.read_bps_device",
	"blkio.throttle.write_bps_device",
	"blkio.throttle.read_iops_device",
	"blkio.throttle.write_iops_device",
};

static const char *const v2_files[] = {
	"cgroup.procs",
	"cgroup.controllers",
	"cgroup.subtree_control",
	"cpu.weight",
	"cpu.max",
	"memory.max",
	"io.max",
	"memory.swap.max",
	"pids.max",
};

static char root_path[] = "/tmp/test_cgroup.XXXXXX";
static const char *absent_file; /* one that this kernel does not have */
static int root_fd = -1;
static struct cgroup cgroup;
static struct cgroup_error error;

static void put(int directory_fd, const char *file, const char *text)
{
	int fd = openat(directory_fd, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void populate(int directory_fd, const char *const files[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!absent_file || strcmp(files[i], absent_file) != 0)
			put(directory_fd, files[i], "");
}

#define POPULATE(fd, files) populate(fd, files, sizeof(files) / sizeof((files)[0]))

/* A new group comes with its files; whether of v2 shows the directory it is made in. */
int mkdirat(int directory_fd, const char *path, mode_t mode)
{
	int result = (int)syscall(SYS_mkdirat, directory_fd, path, mode);
	int fd;

	if (result)
		return result;
	fd = openat(directory_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (faccessat(directory_fd, "cgroup.controllers", F_OK, 0) == 0)
		POPULATE(fd, v2_files);
	else
		POPULATE(fd, v1_files);
	close(fd);
	return 0;
}

/* The files of a group do not keep it. */
int unlinkat(int directory_fd, const char *path, int flags)
{
	if (flags == AT_REMOVEDIR) {
		int fd = openat(directory_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		for (size_t i = 0; i < sizeof(v1_files) / sizeof(v1_files[0]) && fd >= 0; i++)
			(void)syscall(SYS_unlinkat, fd, v1_files[i], 0);
		for (size_t i = 0; i < sizeof(v2_files) / sizeof(v2_files[0]) && fd >= 0; i++)
			(void)syscall(SYS_unlinkat, fd, v2_files[i], 0);
		if (fd >= 0)
			close(fd);
	}
	return (int)syscall(SYS_unlinkat, directory_fd, path, flags);
}

static int begin_host(void **state)
{
	(void)state;
	absent_file = NULL;
	memset(&cgroup, 0, sizeof(cgroup));
	memset(&error, 0, sizeof(error));
	strcpy(root_path + sizeof(root_path) - sizeof("XXXXXX"), "XXXXXX");
	if (!mkdtemp(root_path))
		return -1;
	root_fd = open(root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root_fd < 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

static int end_host(void **state)
{
	enum {
		DESCRIPTORS = 8,
	};

	(void)state;
	(void)cgroup_remove(&cgroup);
	close(root_fd);
	return nftw(root_path, remove_entry, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}

static void make_v2(int fd, const char *controllers)
{
	POPULATE(fd, v2_files);
	put(fd, "cgroup.controllers", controllers);
}

static void make_unified(const char *controllers)
{
	int fd;

	assert_int_equal(syscall(SYS_mkdirat, root_fd, "unified", 0755), 0);
	fd = openat(root_fd, "unified", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	make_v2(fd, controllers);
	close(fd);
}

static void make_v1(const char *controller)
{
	assert_int_equal(mkdirat(root_fd, controller, 0755), 0);
}

static const char *value(const char *path)
{
	static char text[VALUE_BYTES];
	int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t count;

	if (fd < 0)
		return "(no such file)";
	count = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[count < 0 ? 0 : count] = '\0';
	return text;
}

static void holds(const char *path, const char *expected)
{
	const char *found = value(path);

	if (strcmp(found, expected) != 0)
		fail_msg("%s: \"%s\" and not \"%s\"", path, found, expected);
}

static bool exists(const char *path)
{
	return faccessat(root_fd, path, F_OK, 0) == 0;
}

static int create(const char *parent, const struct cgroup_limits *limits)
{
	return cgroup_create(&cgroup, root_fd, parent, 1, NUMBER, limits, &error);
}

static const struct cgroup_limits no_limits;

static const struct cgroup_limits all_limits = {
	.cpu_weight = 250,
	.cpu_quota_us = 50000,
	.cpu_period_us = 100000,
	.memory_max_bytes = 1 << 20,
	.has_swap_max = true,
	.swap_max_bytes = 4096,
	.pids_max = 16,
	.io = {{254, 16, 1, 2, 3, 4}},
	.io_count = 1,
};

static void v2_takes_every_limit(void **state)
{
	(void)state;
	make_v2(root_fd, "cpuset cpu io memory pids\n");
	put(root_fd, "cgroup.subtree_control", "cpu io memory pids\n");
	assert_int_equal(mkdirat(root_fd, "p", 0755), 0);
	put(root_fd, "p/cgroup.subtree_control", "cpu io memory pids\n");
	assert_int_equal(create("p", &all_limits), 0);
	assert_string_equal(cgroup.name, NAME);
	assert_int_equal(cgroup.hierarchy_count, 1);
	holds("p/" NAME "/cpu.weight", "250");
	holds("p/" NAME "/cpu.max", "50000 100000");
	holds("p/" NAME "/memory.max", "1048576");
	holds("p/" NAME "/memory.swap.max", "4096");
	holds("p/" NAME "/pids.max", "16");
	holds("p/" NAME "/io.max", "254:16 rbps=1 wbps=2 riops=3 wiops=4");
	holds("p/" NAME "/cgroup.procs", "");
	holds("p/cgroup.subtree_control", "cpu io memory pids\n");
	assert_true(cgroup_clone_fd(&cgroup) >= 0);
	assert_int_equal(cgroup_remove(&cgroup), 0);
	assert_false(exists("p/" NAME));
	assert_true(exists("p"));
}

static void v1_takes_every_limit(void **state)
{
	static const char *const controllers[] = {"cpu", "memory", "blkio", "pids"};
	char path[PATH_BYTES];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		make_v1(controllers[i]);
	assert_int_equal(create("a/b", &all_limits), 0);
	assert_int_equal(cgroup.hierarchy_count, 4);
	holds("cpu/a/b/" NAME "/cpu.shares", "2560");
	holds("cpu/a/b/" NAME "/cpu.cfs_period_us", "100000");
	holds("cpu/a/b/" NAME "/cpu.cfs_quota_us", "50000");
	holds("memory/a/b/" NAME "/memory.limit_in_bytes", "1048576");
	holds("memory/a/b/" NAME "/memory.memsw.limit_in_bytes", "1052672");
	holds("pids/a/b/" NAME "/pids.max", "16");
	holds("blkio/a/b/" NAME "/blkio.throttle.read_bps_device", "254:16 1");
	holds("blkio/a/b/" NAME "/blkio.throttle.write_bps_device", "254:16 2");
	holds("blkio/a/b/" NAME "/blkio.throttle.read_iops_device", "254:16 3");
	holds("blkio/a/b/" NAME "/blkio.throttle.write_iops_device", "254:16 4");
	assert_int_equal(cgroup_clone_fd(&cgroup), -1);
	assert_int_equal(cgroup_remove(&cgroup), 0);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/a/b/" NAME, controllers[i]);
		assert_false(exists(path));
	}
}

static void each_controller_is_used_where_it_is(void **state)
{
	(void)state;
	make_v1("cpu");
	make_v1("blkio");
	make_unified("memory pids\n");
	assert_int_equal(create("p", &all_limits), 0);
	assert_int_equal(cgroup.hierarchy_count, 3);
	holds("unified/p/" NAME "/memory.max", "1048576");
	holds("unified/p/" NAME "/pids.max", "16");
	holds("unified/p/" NAME "/cpu.weight", "");
	holds("cpu/p/" NAME "/cpu.shares", "2560");
	holds("blkio/p/" NAME "/blkio.throttle.read_bps_device", "254:16 1");
	assert_true(cgroup_clone_fd(&cgroup) >= 0);
}

static void a_v2_without_controllers_is_left_alone_beside_v1(void **state)
{
	(void)state;
	make_v1("pids");
	make_unified("\n");
	assert_int_equal(create("p", &no_limits), 0);
	assert_int_equal(cgroup.hierarchy_count, 1);
	assert_true(exists("pids/p/" NAME));
	assert_false(exists("unified/p"));
}

static void controllers_mounted_together_share_a_group(void **state)
{
	(void)state;
	make_v1("cpu,memory");
	assert_int_equal(symlinkat("cpu,memory", root_fd, "cpu"), 0);
	assert_int_equal(symlinkat("cpu,memory", root_fd, "memory"), 0);
	make_v1("pids");
	assert_int_equal(
		create("p", &(struct cgroup_limits){.cpu_weight = 1, .memory_max_bytes = 5}), 0);
	assert_int_equal(cgroup.hierarchy_count, 2);
	holds("memory/p/" NAME "/cpu.shares", "10");
	holds("memory/p/" NAME "/memory.limit_in_bytes", "5");
}

static void missing_controllers_are_enabled_down_to_the_parent(void **state)
{
	(void)state;
	make_v2(root_fd, "cpu memory pids\n");
	put(root_fd, "cgroup.subtree_control", "cpu memory\n");
	assert_int_equal(create("a/b", &(struct cgroup_limits){.pids_max = 3}), 0);
	/* An ordinary file is overwritten from its start, where the kernel's would add. */
	holds("cgroup.subtree_control", "+pidsemory\n");
	holds("a/cgroup.subtree_control", "+pids");
	holds("a/b/cgroup.subtree_control", "+pids");
	holds("a/b/" NAME "/cgroup.subtree_control", "");
	holds("a/b/" NAME "/pids.max", "3");
}

static void without_limits_nothing_is_enabled(void **state)
{
	(void)state;
	make_v2(root_fd, "cpu memory pids\n");
	assert_int_equal(create("a/b", &no_limits), 0);
	holds("cgroup.subtree_control", "");
	holds("a/b/cgroup.subtree_control", "");
	assert_true(exists("a/b/" NAME));
}

static void refused(int expected, int result, const char *controller, const char *file)
{
	static const struct cgroup untouched;

	assert_memory_equal(&cgroup, &untouched, sizeof(cgroup));
	assert_string_equal(error.controller, controller);
	if (file)
		assert_string_equal(error.file, file);
	else
		assert_null(error.file);
	assert_non_null(error.text);
	assert_int_equal(result, expected);
}

static void a_missing_controller_is_named(void **state)
{
	(void)state;
	make_v2(root_fd, "cpu pids\n");
	/* Another's group of that name is no hierarchy. */
	assert_int_equal(mkdirat(root_fd, "memory", 0755), 0);
	refused(-ENOENT, create("p", &all_limits), "memory", NULL);
	assert_false(exists("p/" NAME));
}

static void a_missing_v1_controller_is_named_and_the_others_tidied(void **state)
{
	(void)state;
	make_v1("cpu");
	make_v1("memory");
	refused(-ENOENT, create("p", &all_limits), "blkio", NULL);
	assert_true(exists("memory/p"));
	assert_false(exists("cpu/p/" NAME));
	assert_false(exists("memory/p/" NAME));
}

static void a_missing_file_is_named(void **state)
{
	(void)state;
	absent_file = "memory.memsw.limit_in_bytes";
	make_v1("cpu");
	make_v1("memory");
	make_v1("blkio");
	make_v1("pids");
	refused(-ENOENT, create("p", &all_limits), "memory", "memory.memsw.limit_in_bytes");
	assert_string_equal(error.text, "this host's kernel does not have it");
	assert_false(exists("pids/p/" NAME));
	assert_false(exists("memory/p/" NAME));
}

static void a_host_without_cgroups_is_refused(void **state)
{
	(void)state;
	refused(-ENOENT, create("p", &no_limits), "cgroup", NULL);
	assert_false(exists("p"));
}

static void a_group_of_that_name_is_neither_used_nor_removed(void **state)
{
	(void)state;
	make_v2(root_fd, "\n");
	assert_int_equal(mkdirat(root_fd, "p", 0755), 0);
	assert_int_equal(mkdirat(root_fd, "p/" NAME, 0755), 0);
	refused(-EEXIST, create("p", &no_limits), "cgroup2", NULL);
	assert_true(exists("p/" NAME));
}

static void roots_parent_is_roots_own(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("skipped: only root can give a folder to somebody else\n");
		skip();
	}
	make_v1("pids");
	assert_int_equal(mkdirat(root_fd, "pids/p", 0755), 0);
	assert_int_equal(fchownat(root_fd, "pids/p", SOMEBODY, SOMEBODY, 0), 0);
	refused(-ENOTSUP, create("p", &no_limits), "pids", NULL);
	assert_false(exists("pids/p/" NAME));
	assert_int_equal(fchownat(root_fd, "pids/p", 0, 0, 0), 0);
	assert_int_equal(create("p", &no_limits), 0);
	assert_int_equal(cgroup_remove(&cgroup), 0);
}

static unsigned int open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned int count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static void no_descriptor_is_left_open(void **state)
{
	unsigned int before;

	(void)state;
	make_v1("cpu");
	make_v1("memory");
	make_v1("pids");
	before = open_descriptors();
	assert_true(create("p", &all_limits) < 0);
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(create("p", &no_limits), 0);
	assert_int_equal(cgroup_enter(&cgroup), 0);
	holds("cpu/p/" NAME "/tasks", "0");
	holds("memory/p/" NAME "/tasks", "0");
	holds("pids/p/" NAME "/tasks", "0");
	assert_int_equal(open_descriptors(), before);
	/* The clone's copy is empty now, so the group is safe from it. */
	assert_int_equal(cgroup_remove(&cgroup), 0);
	assert_true(exists("cpu/p/" NAME));
	unlinkat(root_fd, "cpu/p/" NAME, AT_REMOVEDIR);
	unlinkat(root_fd, "memory/p/" NAME, AT_REMOVEDIR);
	unlinkat(root_fd, "pids/p/" NAME, AT_REMOVEDIR);
	assert_int_equal(create("p", &no_limits), 0);
	assert_int_equal(cgroup_remove(&cgroup), 0);
	assert_int_equal(open_descriptors(), before);
}

static void zeroed_is_removed_as_well(void **state)
{
	struct cgroup zeroed = {.hierarchy_count = 0};

	(void)state;
	assert_int_equal(cgroup_remove(&zeroed), 0);
	assert_int_equal(cgroup_clone_fd(&zeroed), -1);
	assert_int_equal(cgroup_enter(&zeroed), 0);
	assert_int_equal(cgroup_sweep(&zeroed), 0);
}

#define HOST_TEST(test) cmocka_unit_test_setup_teardown(test, begin_host, end_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOST_TEST(v2_takes_every_limit),
		HOST_TEST(v1_takes_every_limit),
		HOST_TEST(each_controller_is_used_where_it_is),
		HOST_TEST(a_v2_without_controllers_is_left_alone_beside_v1),
		HOST_TEST(controllers_mounted_together_share_a_group),
		HOST_TEST(missing_controllers_are_enabled_down_to_the_parent),
		HOST_TEST(without_limits_nothing_is_enabled),
		HOST_TEST(a_missing_controller_is_named),
		HOST_TEST(a_missing_v1_controller_is_named_and_the_others_tidied),
		HOST_TEST(a_missing_file_is_named),
		HOST_TEST(a_host_without_cgroups_is_refused),
		HOST_TEST(a_group_of_that_name_is_neither_used_nor_removed),
		HOST_TEST(roots_parent_is_roots_own),
		HOST_TEST(no_descriptor_is_left_open),
		HOST_TEST(zeroed_is_removed_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
