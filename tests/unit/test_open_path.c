/* SPDX-License-Identifier: MIT */
/* tests/unit/test_open_path.c - which paths are descriptors, and which descriptors will do. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/open_path.h"

enum {
	PATH_BYTES = 64,
	NEVER_OPEN = 987654,
};

static const char *why;

static void a_number_alone_is_a_descriptor(void **state)
{
	static const char *const descriptors[] = {"/dev/fd/0", "/dev/fd/9", "/proc/self/fd/10",
						  "/dev/fd/2147483647"};
	static const char *const files[] = {
		"",
		"9",
		"/dev/fd",
		"/dev/fd/",
		"/dev/fd/09",
		"/dev/fd/9a",
		"/dev/fd/-1",
		"/dev/fd/+1",
		"/dev/fd/ 1",
		"/dev/fd/1/",
		"dev/fd/1",
		"/dev/fd//1",
		"/dev/fd1",
		"/proc/1/fd/1",
		"/dev/fd/2147483648",
		"/dev/stdin",
		"/proc/self/",
		"/dev/fd/9999999999999999999999",
		"/proc/self/fd/1.",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(descriptors) / sizeof(*descriptors); i++)
		if (!open_path_is_descriptor(descriptors[i]))
			fail_msg("%s", descriptors[i]);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (open_path_is_descriptor(files[i]))
			fail_msg("%s", files[i]);
}

static void a_path_is_opened(void **state)
{
	int fd = open_path("/dev/null", O_RDONLY, 0, &why);

	(void)state;
	assert_true(fd >= 0);
	assert_null(why);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	assert_int_equal(open_path("/dev/null/below", O_RDONLY, 0, &why), -ENOTDIR);
	assert_null(why);
}

/* As open_path() on a descriptor that was inherited. */
static int open_descriptor(int fd, int flags)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	why = "untouched";
	return open_path(path, flags, 0, &why);
}

static void a_descriptor_is_shared(void **state)
{
	int given = memfd_create("given", 0);
	int fd = open_descriptor(given, O_RDWR);

	(void)state;
	assert_true(fd > STDERR_FILENO);
	assert_int_not_equal(fd, given);
	assert_null(why);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(fd, "twelve bytes", 12), 12);
	assert_int_equal(lseek(given, 0, SEEK_CUR), 12);
	close(fd);
	close(given);
}

static void nothing_is_truncated_and_all_is_appended(void **state)
{
	struct stat status;
	int given = memfd_create("given", 0);
	int fd;

	(void)state;
	assert_int_equal(ftruncate(given, 100), 0);
	fd = open_descriptor(given, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
	assert_true(fd >= 0);
	assert_int_equal(fstat(given, &status), 0);
	assert_int_equal(status.st_size, 100);
	assert_int_equal(fcntl(given, F_GETFL) & O_APPEND, O_APPEND);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(lseek(given, 0, SEEK_CUR), 101);
	close(fd);
	close(given);
}

static void expect_misfit(int fd, int flags, int error, const char *text)
{
	assert_int_equal(open_descriptor(fd, flags), error);
	assert_string_equal(why, text);
}

static void a_descriptor_must_be_open_for_what_is_wanted(void **state)
{
	int reading = open("/dev/null", O_RDONLY);
	int writing = open("/dev/null", O_WRONLY);
	int both = open("/dev/null", O_RDWR);
	int name = open("/dev/null", O_PATH);

	(void)state;
	expect_misfit(reading, O_WRONLY, -EACCES, "is open for reading only");
	expect_misfit(reading, O_RDWR, -EACCES, "is open for reading only");
	expect_misfit(writing, O_RDONLY, -EACCES, "is open for writing only");
	expect_misfit(writing, O_RDWR, -EACCES, "is open for writing only");
	expect_misfit(name, O_RDONLY, -EACCES, "is open as a name only (O_PATH)");
	for (int mode = O_RDONLY; mode <= O_RDWR; mode++) {
		int fd = open_descriptor(mode == O_RDONLY ? reading : both, mode);

		assert_true(fd >= 0);
		close(fd);
	}
	close(reading);
	close(writing);
	close(both);
	close(name);
}

/* A number that nobody handed over may be that of a file which mote opened for itself. */
static void what_was_not_inherited_is_not_open(void **state)
{
	int own = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	expect_misfit(NEVER_OPEN, O_RDONLY, -EBADF, "is not open");
	expect_misfit(own, O_RDONLY, -EBADF, "is not open");
	close(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_alone_is_a_descriptor),
		cmocka_unit_test(a_path_is_opened),
		cmocka_unit_test(a_descriptor_is_shared),
		cmocka_unit_test(nothing_is_truncated_and_all_is_appended),
		cmocka_unit_test(a_descriptor_must_be_open_for_what_is_wanted),
		cmocka_unit_test(what_was_not_inherited_is_not_open),
	};

	return cmocka_run_group_tests_name("open_path", tests, NULL, NULL);
}
