/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_vm_cgroup.c - from mote.cgroup to a group, and what is said when there is none.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/vm_cgroup.h"

enum {
	PATH_BYTES = 512,
	TEXT_BYTES = 256,
};

static struct cgroup cgroup;
static struct reason reason;
static char empty_root[] = "/tmp/test_vm_cgroup.XXXXXX";
static char parent[64];

static int make_root(void **state)
{
	(void)state;
	snprintf(parent, sizeof(parent), "mote-test-%d", (int)getpid());
	return mkdtemp(empty_root) ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	return rmdir(empty_root);
}

static int end(void **state)
{
	char path[PATH_BYTES];
	DIR *directory = opendir(VM_CGROUP_ROOT);
	const struct dirent *entry;

	(void)state;
	(void)cgroup_remove(&cgroup);
	while (directory && (entry = readdir(directory))) {
		snprintf(path, sizeof(path), VM_CGROUP_ROOT "/%s/%s", entry->d_name, parent);
		(void)rmdir(path);
	}
	if (directory)
		closedir(directory);
	return 0;
}

static void refused(int expected, const struct config_cgroup *config, const char *root,
		    const char *words)
{
	memset(&reason, 0, sizeof(reason));
	assert_int_equal(vm_cgroup_create(&cgroup, config, root, &reason), expected);
	assert_string_equal(reason.text, words);
	assert_int_equal(cgroup.hierarchy_count, 0);
}

static void without_a_parent_there_is_no_group(void **state)
{
	static const struct config_cgroup none;

	(void)state;
	memset(&cgroup, 0x5a, sizeof(cgroup));
	assert_int_equal(vm_cgroup_create(&cgroup, &none, "/nonexistent", &reason), 0);
	assert_int_equal(cgroup.hierarchy_count, 0);
	assert_int_equal(cgroup_clone_fd(&cgroup), -1);
	assert_int_equal(cgroup_remove(&cgroup), 0);
}

static void a_host_without_cgroups_is_named(void **state)
{
	const struct config_cgroup config = {.parent = "mote.slice"};

	(void)state;
	refused(-ENOENT, &config, "/nonexistent",
		"mote.cgroup: cannot open /nonexistent: No such file or directory");
	refused(-ENOENT, &config, empty_root,
		"mote.cgroup.parent: mote.slice: cgroup: no hierarchy is mounted: No such file or "
		"directory");
}

static void devices_are_block_devices(void **state)
{
	struct config_cgroup config = {
		.parent = "p",
		.io = {{.major = 8, .read_bytes_per_s = 1}, {.read_bytes_per_s = 1}},
		.io_count = 2,
	};

	(void)state;
	config.io[1].device_path = "/dev/null";
	refused(-ENOTBLK, &config, empty_root,
		"mote.cgroup.io[1].device: /dev/null is not a block device");
	config.io[1].device_path = "/dev/no-such-disk";
	refused(-ENOENT, &config, empty_root,
		"mote.cgroup.io[1].device: /dev/no-such-disk: No such file or directory");
}

/* The text of a file of the group, in whichever hierarchy has it. */
static bool read_file(const char *file, char text[TEXT_BYTES])
{
	for (unsigned int i = 0; i < cgroup.hierarchy_count; i++) {
		int fd = openat(cgroup.hierarchies[i].group_fd, file, O_RDONLY | O_CLOEXEC);
		ssize_t count;

		if (fd < 0)
			continue;
		count = read(fd, text, TEXT_BYTES - 1);
		close(fd);
		text[count < 0 ? 0 : count] = '\0';
		return count > 0;
	}
	return false;
}

static void need_groups(void)
{
	const struct config_cgroup config = {.parent = parent};
	int error;

	if (geteuid() != 0) {
		print_message("skipped: only root can make groups here\n");
		skip();
	}
	error = vm_cgroup_create(&cgroup, &config, VM_CGROUP_ROOT, &reason);
	if (error == -ENOENT || error == -EROFS) {
		print_message("skipped: %s\n", reason.text);
		skip();
	}
	assert_int_equal(error, 0);
	assert_int_equal(cgroup_remove(&cgroup), 0);
}

static void limits_arrive(void **state)
{
	const struct config_cgroup config = {
		.parent = parent,
		.cpu = {.weight = 200},
		.memory = {.max_bytes = 1 << 26},
		.pids = 77,
	};
	char text[TEXT_BYTES];

	(void)state;
	need_groups();
	assert_int_equal(vm_cgroup_create(&cgroup, &config, VM_CGROUP_ROOT, &reason), 0);
	assert_true(read_file("pids.max", text));
	assert_string_equal(text, "77\n");
	assert_true(read_file("cpu.weight", text) || read_file("cpu.shares", text));
	assert_true(strcmp(text, "200\n") == 0 || strcmp(text, "2048\n") == 0);
	assert_true(read_file("memory.max", text) || read_file("memory.limit_in_bytes", text));
	assert_string_equal(text, "67108864\n");
}

static void a_disk_is_found_by_its_path(void **state)
{
	static const char *const disks[] = {"/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/loop0"};
	struct config_cgroup config = {
		.parent = parent, .io = {{.write_bytes_per_s = 123456}}, .io_count = 1};
	struct stat status;
	char expected[TEXT_BYTES];
	char text[TEXT_BYTES];

	(void)state;
	need_groups();
	for (size_t i = 0; i < sizeof(disks) / sizeof(disks[0]) && !config.io[0].device_path; i++)
		if (stat(disks[i], &status) == 0 && S_ISBLK(status.st_mode))
			config.io[0].device_path = disks[i];
	if (!config.io[0].device_path) {
		print_message("skipped: this host has no disk by any of the usual names\n");
		skip();
	}
	assert_int_equal(vm_cgroup_create(&cgroup, &config, VM_CGROUP_ROOT, &reason), 0);
	snprintf(expected, sizeof(expected), "%u:%u ", major(status.st_rdev),
		 minor(status.st_rdev));
	assert_true(read_file("io.max", text) ||
		    read_file("blkio.throttle.write_bps_device", text));
	assert_memory_equal(text, expected, strlen(expected));
	assert_non_null(strstr(text, "123456"));
}

static void the_failing_file_is_named(void **state)
{
	const struct config_cgroup config = {
		.parent = parent,
		.io = {{.major = 4095, .minor = 1, .read_ops_per_s = 1}},
		.io_count = 1,
	};

	(void)state;
	need_groups();
	assert_int_equal(vm_cgroup_create(&cgroup, &config, VM_CGROUP_ROOT, &reason), -ENODEV);
	assert_non_null(strstr(reason.text,
			       "takes no such device; it must be a whole disk: No such "
			       "device"));
}

static void a_clone_that_is_refused_is_explained(void **state)
{
	const struct config_cgroup config = {.parent = "mote.slice"};

	(void)state;
	assert_int_equal(vm_cgroup_explain_clone(&config, -EACCES, &reason), -EACCES);
	assert_string_equal(
		reason.text,
		"mote.cgroup.parent: mote.slice: this user may not move processes there "
		"from the cgroup that mote was started in");
	assert_int_equal(vm_cgroup_explain_clone(&config, -ENOMEM, &reason), -ENOMEM);
	assert_string_equal(reason.text, "mote.cgroup.parent: mote.slice: Cannot allocate memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_parent_there_is_no_group),
		cmocka_unit_test(a_host_without_cgroups_is_named),
		cmocka_unit_test(devices_are_block_devices),
		cmocka_unit_test_teardown(limits_arrive, end),
		cmocka_unit_test_teardown(a_disk_is_found_by_its_path, end),
		cmocka_unit_test_teardown(the_failing_file_is_named, end),
		cmocka_unit_test(a_clone_that_is_refused_is_explained),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
