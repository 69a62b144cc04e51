/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_resources.c - each file that cannot be used has its reason, and nothing leaks.
 *
 * The host's /dev/kvm is replaced by a folder that is made the root of a child.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/resources.h"

enum {
	FDS_LOOKED_AT = 256,
	HANG_SECONDS = 20,
	SKIPPED = 77,
	NOBODY = 65534,
};

static char folder[] = "/tmp/test_resources.XXXXXX";
static struct vm_config config;
static struct resources resources;
static const struct resources untouched = {.kvm_fd = 1234, .wake_fd = 5678, .kernel_bytes = 9};
static enum outcome_kind failure;
static struct reason reason;

static int open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < FDS_LOOKED_AT; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int bind_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int error;

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	error = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	close(fd);
	return error;
}

static int write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	return !file || fputs(text, file) < 0 || fclose(file);
}

/* The test's own folder is the working directory, so that names are short and the same. */
static int make_folder(void **state)
{
	(void)state;
	return !mkdtemp(folder) || chdir(folder) || chmod(folder, 0755) ||
	       write_file("kernel", "an image") || write_file("initrd", "files") ||
	       write_file("empty", "") || write_file("disk", "") || truncate("disk", 5000) ||
	       mkdir("folder", 0755) || mkfifo("fifo", 0666) || symlink("loop", "loop") ||
	       bind_socket("socket") || mkdir("dev", 0755);
}

static int remove_folder(void **state)
{
	static const char *const names[] = {"kernel", "initrd", "empty", "disk",    "fifo",
					    "loop",   "socket", "log",   "metrics", "dev/kvm"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(names[i]);
	rmdir("folder");
	rmdir("dev");
	return chdir("/") || rmdir(folder);
}

static int set_up(void **state)
{
	(void)state;
	alarm(HANG_SECONDS);
	config = (struct vm_config){.boot_source.kernel_image_path = "kernel"};
	resources = untouched;
	reason.text[0] = '\0';
	return 0;
}

static void close_all(void)
{
	const int fds[] = {resources.kvm_fd, resources.kernel_fd,  resources.initrd_fd,
			   resources.log_fd, resources.metrics_fd, resources.wake_fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] != RESOURCES_NONE)
			close(fds[i]);
	for (unsigned int i = 0; i < config.drive_count; i++)
		drive_file_close(&resources.drives[i]);
}

/* Open with the configuration as it stands: it must fail so, and leave no trace. */
static void expect_failure(int error, enum outcome_kind kind, const char *text)
{
	int before = open_fds();

	assert_int_equal(resources_open(&resources, &config, &failure, &reason), error);
	assert_string_equal(reason.text, text);
	assert_int_equal(failure, kind);
	assert_int_equal(open_fds(), before);
	assert_memory_equal(&resources, &untouched, sizeof(resources));
}

struct bad_file {
	const char *path;
	int error;
	const char *text; /* after the key */
};

static const struct bad_file bad_images[] = {
	{"absent", -ENOENT, "cannot open absent: No such file or directory"},
	{"kernel/below", -ENOTDIR, "cannot open kernel/below: Not a directory"},
	{"loop", -ELOOP, "cannot open loop: Too many levels of symbolic links"},
	{"socket", -ENXIO, "cannot open socket: No such device or address"},
	{"folder", -EINVAL, "folder is not a regular file"},
	{"fifo", -EINVAL, "fifo is not a regular file"},
	{"/dev/null", -EINVAL, "/dev/null is not a regular file"},
	{"empty", -EINVAL, "empty is empty"},
};

static const struct bad_file bad_sinks[] = {
	{"absent/log", -ENOENT, "cannot open absent/log for writing: No such file or directory"},
	{"folder", -EISDIR, "cannot open folder for writing: Is a directory"},
	{"fifo", -ENXIO, "cannot open fifo for writing: No such device or address"},
	{"socket", -ENXIO, "cannot open socket for writing: No such device or address"},
	{"loop", -ELOOP, "cannot open loop for writing: Too many levels of symbolic links"},
};

static void expect_bad(const struct bad_file *bad, const char *key, enum outcome_kind kind)
{
	char text[REASON_MAX_BYTES];

	snprintf(text, sizeof(text), "%s: %s", key, bad->text);
	expect_failure(bad->error, kind, text);
}

static void bad_images_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_images) / sizeof(*bad_images); i++) {
		config.boot_source.kernel_image_path = bad_images[i].path;
		config.boot_source.initrd_path = NULL;
		expect_bad(&bad_images[i], "boot-source.kernel_image_path", OUTCOME_BAD_IMAGE);
		config.boot_source.kernel_image_path = "kernel";
		config.boot_source.initrd_path = bad_images[i].path;
		expect_bad(&bad_images[i], "boot-source.initrd_path", OUTCOME_BAD_IMAGE);
	}
}

static void bad_sinks_are_told_apart(void **state)
{
	(void)state;
	config.boot_source.initrd_path = "initrd";
	for (size_t i = 0; i < sizeof(bad_sinks) / sizeof(*bad_sinks); i++) {
		config.logger.log_path = bad_sinks[i].path;
		config.metrics.metrics_path = NULL;
		expect_bad(&bad_sinks[i], "logger.log_path", OUTCOME_HOST_FAILURE);
		config.logger.log_path = "log";
		config.metrics.metrics_path = bad_sinks[i].path;
		expect_bad(&bad_sinks[i], "metrics.metrics_path", OUTCOME_HOST_FAILURE);
	}
}

/* Run a test's body as a child whose root is the folder; it may skip, but not silently. */
static void in_the_folder(void (*body)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (chroot(".") && (errno == EPERM || errno == ENOSYS))
			_exit(SKIPPED);
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
		print_message("skipped: chroot(2) is for root only\n");
		skip();
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* As expect_failure(), in a child, where cmocka's own way of failing is not to be had. */
static void claim_failure(int error, const char *text)
{
	int before = open_fds();
	bool held = resources_open(&resources, &config, &failure, &reason) == error &&
		    strcmp(reason.text, text) == 0 && failure == OUTCOME_HOST_FAILURE &&
		    open_fds() == before;

	if (!held) {
		fprintf(stderr, "got: %s\n", reason.text);
		_exit(1);
	}
}

static void want_everything(void)
{
	config.boot_source.initrd_path = "initrd";
	config.logger.log_path = "log";
	config.metrics.metrics_path = "metrics";
}

static void open_without_kvm(void)
{
	want_everything();
	claim_failure(-ENOENT, "cannot open /dev/kvm: No such file or directory "
			       "(is the KVM module loaded?)");
}

static void open_without_permission(void)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		_exit(2);
	claim_failure(-EACCES, "cannot open /dev/kvm: Permission denied "
			       "(is this user in the group that owns it?)");
}

static void a_host_without_kvm_is_named(void **state)
{
	(void)state;
	in_the_folder(open_without_kvm);
}

static void a_user_without_kvm_is_named(void **state)
{
	(void)state;
	assert_int_equal(write_file("dev/kvm", ""), 0);
	assert_int_equal(chmod("dev/kvm", 0600), 0);
	in_the_folder(open_without_permission);
	unlink("dev/kvm");
}

static void expect_close_on_exec(int fd)
{
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

static bool kvm_is_there(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	else
		print_message("skipped: no usable /dev/kvm here: %s\n", strerror(errno));
	return fd >= 0;
}

static void all_that_is_named_is_opened_once(void **state)
{
	struct stat status;
	int before = open_fds();

	(void)state;
	if (!kvm_is_there())
		skip();
	want_everything();
	assert_int_equal(resources_open(&resources, &config, &failure, &reason), 0);
	assert_int_equal(failure, OUTCOME_NONE);
	assert_int_equal(open_fds(), before + 6);
	assert_int_equal(resources.kernel_bytes, 8);
	assert_int_equal(resources.initrd_bytes, 5);
	expect_close_on_exec(resources.kvm_fd);
	expect_close_on_exec(resources.kernel_fd);
	expect_close_on_exec(resources.initrd_fd);
	expect_close_on_exec(resources.log_fd);
	expect_close_on_exec(resources.metrics_fd);
	expect_close_on_exec(resources.wake_fd);
	assert_int_equal(fcntl(resources.wake_fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(fcntl(resources.log_fd, F_GETFL) & O_APPEND, O_APPEND);
	assert_int_equal(fstat(resources.log_fd, &status), 0);
	assert_int_equal(status.st_mode & 0137, 0);
	close_all();
	assert_int_equal(open_fds(), before);
}

static void what_is_not_named_is_not_opened(void **state)
{
	int before = open_fds();

	(void)state;
	if (!kvm_is_there())
		skip();
	assert_int_equal(resources_open(&resources, &config, &failure, &reason), 0);
	assert_int_equal(open_fds(), before + 3);
	assert_int_equal(resources.initrd_fd, RESOURCES_NONE);
	assert_int_equal(resources.log_fd, RESOURCES_NONE);
	assert_int_equal(resources.metrics_fd, RESOURCES_NONE);
	close_all();
}

static void want_drives(const char *first, const char *second)
{
	config.drive_count = 2;
	config.drives[0] = (struct config_drive){.path_on_host = first, .is_read_only = true};
	config.drives[1] = (struct config_drive){.path_on_host = second, .is_read_only = true};
}

static void drives_are_opened_in_order(void **state)
{
	int before = open_fds();

	(void)state;
	if (!kvm_is_there())
		skip();
	want_drives("disk", "/proc/self/exe");
	assert_int_equal(resources_open(&resources, &config, &failure, &reason), 0);
	assert_int_equal(open_fds(), before + 5);
	expect_close_on_exec(resources.drives[0].fd);
	assert_int_equal(resources.drives[0].size_bytes, 9 * 512);
	assert_int_equal(resources.drives[0].left_out_bytes, 5000 - 9 * 512);
	assert_true(resources.drives[1].size_bytes > 5000);
	assert_int_equal(resources.drives[2].fd, DRIVE_FILE_NONE);
	close_all();
}

static void a_bad_drive_leaves_nothing_open(void **state)
{
	(void)state;
	want_everything();
	want_drives("disk", "empty");
	expect_failure(-EINVAL, OUTCOME_HOST_FAILURE,
		       "drives[1].path_on_host: empty holds no whole block of 512 bytes");
}

/* Out of descriptors at each step in turn. */
static void running_out_of_descriptors_leaks_none(void **state)
{
	struct rlimit before;
	struct rlimit limit;
	int first = dup(STDIN_FILENO);
	int steps = kvm_is_there() ? 8 : 6;

	(void)state;
	close(first);
	want_everything();
	want_drives("disk", "disk");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (int step = 0; step < steps; step++) {
		int fds = open_fds();
		int error;

		limit = (struct rlimit){(rlim_t)(first + step), before.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		error = resources_open(&resources, &config, &failure, &reason);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		assert_int_equal(error, -EMFILE);
		assert_int_equal(failure, step < 2 ? OUTCOME_BAD_IMAGE : OUTCOME_HOST_FAILURE);
		assert_non_null(strstr(reason.text, "Too many open files"));
		assert_int_equal(open_fds(), fds);
		assert_memory_equal(&resources, &untouched, sizeof(resources));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bad_images_are_told_apart, set_up),
		cmocka_unit_test_setup(bad_sinks_are_told_apart, set_up),
		cmocka_unit_test_setup(a_host_without_kvm_is_named, set_up),
		cmocka_unit_test_setup(a_user_without_kvm_is_named, set_up),
		cmocka_unit_test_setup(all_that_is_named_is_opened_once, set_up),
		cmocka_unit_test_setup(what_is_not_named_is_not_opened, set_up),
		cmocka_unit_test_setup(drives_are_opened_in_order, set_up),
		cmocka_unit_test_setup(a_bad_drive_leaves_nothing_open, set_up),
		cmocka_unit_test_setup(running_out_of_descriptors_leaks_none, set_up),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
