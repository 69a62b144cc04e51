/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_vsock_socket.c - the socket of a VM: made, replaced, refused, inherited, removed.
 *
 * The working directory is a folder of the test's own.
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/vsock_socket.h"

enum {
	FDS_LOOKED_AT = 256,
	HANG_SECONDS = 20,
	SOMEBODY = 1234,
};

static char folder[] = "/tmp/test_vsock_socket.XXXXXX";
static struct vm_config config;
static struct vsock_socket vsock;
static struct reason reason;
static int fds_before;

static int open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < FDS_LOOKED_AT; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int make_folder(void **state)
{
	(void)state;
	return !mkdtemp(folder) || chdir(folder) || mkdir("folder", 0755);
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir("folder") || chdir("/") || rmdir(folder);
}

static int set_up(void **state)
{
	(void)state;
	alarm(HANG_SECONDS);
	config = (struct vm_config){
		.vsock = {.present = true, .guest_cid = 3, .uds_path = "v.sock"},
		.mote = {.vsock = {.mode = 0600, .uid = UINT32_MAX, .gid = UINT32_MAX}},
	};
	vsock = (struct vsock_socket){.fd = VSOCK_SOCKET_NONE, .directory_fd = VSOCK_SOCKET_NONE};
	fds_before = open_fds();
	return 0;
}

/* Each test leaves the folder as it was. */
static int tear_down(void **state)
{
	(void)state;
	vsock_socket_close(&vsock);
	return open_fds() != fds_before || access("v.sock", F_OK) == 0;
}

static void open_one(const char *path)
{
	config.vsock.uds_path = path;
	if (vsock_socket_open(&vsock, &config, &reason))
		fail_msg("%s", reason.text);
}

static void expect_failure(const char *path, int error, const char *text)
{
	int before = open_fds();

	config.vsock.uds_path = path;
	assert_int_equal(vsock_socket_open(&vsock, &config, &reason), error);
	assert_string_equal(reason.text, text);
	assert_int_equal(vsock.fd, VSOCK_SOCKET_NONE);
	assert_int_equal(open_fds(), before);
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	return address;
}

static int bind_to(const char *path, int type)
{
	const struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Returns whether a client gets in, whom the VM would see. */
static bool answers(const char *path)
{
	const struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int accepted = -1;

	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		accepted = accept(vsock.fd, NULL, NULL);
	close(fd);
	if (accepted >= 0)
		close(accepted);
	return accepted >= 0;
}

static struct stat status_of(const char *path)
{
	struct stat status = {0};

	assert_int_equal(lstat(path, &status), 0);
	return status;
}

static void clients_get_in_and_the_file_goes_with_it(void **state)
{
	(void)state;
	open_one("v.sock");
	assert_string_equal(vsock.name, "v.sock");
	assert_true(answers("v.sock"));
	assert_true(fcntl(vsock.fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(vsock.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(accept(vsock.fd, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	vsock_socket_close(&vsock);
	assert_int_equal(access("v.sock", F_OK), -1);
}

static void the_path_is_what_tools_see(void **state)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	struct sockaddr_un address = {0};
	socklen_t bytes = sizeof(address);

	(void)state;
	snprintf(path, sizeof(path), "%s/folder/v", folder);
	open_one(path);
	assert_int_equal(getsockname(vsock.fd, (struct sockaddr *)&address, &bytes), 0);
	assert_string_equal(address.sun_path, path);
	assert_true(answers("folder/v"));
}

static void a_path_of_any_length_works(void **state)
{
	char path[4000] = "";
	char name[CONFIG_VSOCK_NAME_MAX_BYTES + 1];
	size_t length = 0;
	char before[256];
	char after[256];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	while (length < sizeof(path) - sizeof(name) - 8)
		length += (size_t)snprintf(path + length, sizeof(path) - length, "folder/../");
	memcpy(path + length, name, sizeof(name));
	assert_non_null(getcwd(before, sizeof(before)));
	open_one(path);
	assert_true(answers(name));
	assert_non_null(getcwd(after, sizeof(after)));
	assert_string_equal(before, after);
	assert_int_equal(faccessat(vsock.directory_fd, name, F_OK, 0), 0);
	/* The next one finds it there, also the long way round. */
	assert_int_equal(vsock_socket_open(&(struct vsock_socket){0}, &config, &reason),
			 -EADDRINUSE);
	vsock_socket_close(&vsock);
	assert_int_equal(access(name, F_OK), -1);
}

static void the_mode_is_exactly_what_is_wanted(void **state)
{
	static const uint32_t modes[] = {0600, 0660, 0666, 0777, 0400, 0};
	static const mode_t masks[] = {0, 022, 0777};

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		for (size_t j = 0; j < sizeof(masks) / sizeof(*masks); j++) {
			mode_t before = umask(masks[j]);

			config.mote.vsock.mode = modes[i];
			open_one("v.sock");
			assert_int_equal(umask(before), masks[j]);
			assert_int_equal(status_of("v.sock").st_mode, S_IFSOCK | modes[i]);
			vsock_socket_close(&vsock);
		}
}

static void the_owner_is_who_is_wanted(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	config.mote.vsock.uid = SOMEBODY;
	config.mote.vsock.gid = SOMEBODY + 1;
	open_one("v.sock");
	assert_int_equal(status_of("v.sock").st_uid, SOMEBODY);
	assert_int_equal(status_of("v.sock").st_gid, SOMEBODY + 1);
	vsock_socket_close(&vsock);
	config.mote.vsock.uid = UINT32_MAX;
	open_one("v.sock");
	assert_int_equal(status_of("v.sock").st_uid, geteuid());
	assert_int_equal(status_of("v.sock").st_gid, SOMEBODY + 1);
}

static void an_owner_that_cannot_be_leaves_no_file(void **state)
{
	uid_t before = geteuid();

	(void)state;
	if (before != 0)
		skip();
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(seteuid(SOMEBODY), 0);
	config.mote.vsock.uid = 0;
	expect_failure("v.sock", -EPERM,
		       "mote.vsock: cannot give v.sock its owner: Operation not permitted");
	assert_int_equal(seteuid(before), 0);
	assert_int_equal(chmod(folder, 0700), 0);
}

static void what_a_dead_process_left_is_replaced(void **state)
{
	(void)state;
	close(bind_to("v.sock", SOCK_STREAM));
	open_one("v.sock");
	assert_true(answers("v.sock"));
	assert_true(vsock.is_made);
	assert_int_equal(status_of("v.sock").st_ino, vsock.inode);
}

static void who_listens_keeps_its_socket(void **state)
{
	int other = bind_to("v.sock", SOCK_STREAM);

	(void)state;
	listen(other, 0);
	expect_failure("v.sock", -EADDRINUSE,
		       "vsock.uds_path: v.sock: another process listens there");
	/* Its queue is full by now. */
	expect_failure("v.sock", -EADDRINUSE,
		       "vsock.uds_path: v.sock: another process listens there");
	assert_int_equal(access("v.sock", F_OK), 0);
	close(other);
	unlink("v.sock");
}

static void a_socket_of_another_type_is_left_alone(void **state)
{
	int other = bind_to("v.sock", SOCK_DGRAM);

	(void)state;
	expect_failure("v.sock", -EADDRINUSE,
		       "vsock.uds_path: v.sock: another process has a socket of another type "
		       "there");
	close(other);
	unlink("v.sock");
}

static void other_files_are_left_alone(void **state)
{
	(void)state;
	close(open("v.sock", O_WRONLY | O_CREAT, 0600));
	expect_failure("v.sock", -EEXIST, "vsock.uds_path: v.sock exists and is not a socket");
	unlink("v.sock");
	assert_int_equal(symlink("elsewhere", "v.sock"), 0);
	expect_failure("v.sock", -EEXIST, "vsock.uds_path: v.sock exists and is not a socket");
	unlink("v.sock");
	expect_failure("folder", -EEXIST, "vsock.uds_path: folder exists and is not a socket");
}

static void a_place_that_is_none_is_told(void **state)
{
	(void)state;
	expect_failure("missing/v.sock", -ENOENT,
		       "vsock.uds_path: cannot make missing/v.sock: No such file or directory");
	expect_failure("/dev/null/v.sock", -ENOTDIR,
		       "vsock.uds_path: cannot make /dev/null/v.sock: Not a directory");
}

static void a_file_that_came_in_its_place_stays(void **state)
{
	int other;

	(void)state;
	open_one("v.sock");
	unlink("v.sock");
	/* Not the same inode, as that one is in use until the socket is closed. */
	other = bind_to("v.sock", SOCK_STREAM);
	vsock_socket_remove(&vsock);
	assert_int_equal(access("v.sock", F_OK), 0);
	close(other);
	unlink("v.sock");
}

static void removing_twice_is_removing_once(void **state)
{
	(void)state;
	open_one("v.sock");
	vsock_socket_remove(&vsock);
	assert_int_equal(access("v.sock", F_OK), -1);
	vsock_socket_remove(&vsock);
}

/* A descriptor that survives execve(), as one that was passed on. */
static const char *inherit(int fd)
{
	static char path[32];

	fcntl(fd, F_SETFD, 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	return path;
}

static void an_inherited_socket_has_its_place(void **state)
{
	char path[64];
	int other;

	(void)state;
	snprintf(path, sizeof(path), "%s/v.sock", folder);
	other = bind_to(path, SOCK_STREAM);
	listen(other, 1);
	open_one(inherit(other));
	assert_true(answers("v.sock"));
	assert_string_equal(vsock.name, "v.sock");
	assert_int_equal(faccessat(vsock.directory_fd, vsock.name, F_OK, 0), 0);
	vsock_socket_close(&vsock);
	assert_int_equal(access("v.sock", F_OK), 0);
	close(other);
	unlink("v.sock");
}

static void an_inherited_socket_without_a_place_leads_nowhere(void **state)
{
	int other = bind_to("v.sock", SOCK_STREAM);

	(void)state;
	listen(other, 1);
	/* Relative to a directory that nobody knows. */
	open_one(inherit(other));
	assert_int_equal(vsock.directory_fd, VSOCK_SOCKET_NONE);
	assert_true(answers("v.sock"));
	close(other);
	unlink("v.sock");
}

static void expect_misfit(int fd, const char *what)
{
	char text[128];
	const char *path = inherit(fd);

	snprintf(text, sizeof(text), "vsock.uds_path: %s %s", path, what);
	expect_failure(path, -EINVAL, text);
	close(fd);
}

static void what_cannot_accept_is_refused(void **state)
{
	(void)state;
	expect_misfit(open("/dev/null", O_RDWR), "is not a socket");
	expect_misfit(socket(AF_INET, SOCK_STREAM, 0), "is not a Unix socket");
	expect_misfit(socket(AF_UNIX, SOCK_DGRAM, 0), "is not a stream socket");
	expect_misfit(socket(AF_UNIX, SOCK_STREAM, 0), "is a socket that does not listen");
	expect_failure("/dev/fd/200", -EBADF, "vsock.uds_path: /dev/fd/200 is not open");
}

static void closing_what_is_not_open_is_nothing(void **state)
{
	(void)state;
	vsock_socket_close(&vsock);
	vsock_socket_close(&vsock);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(clients_get_in_and_the_file_goes_with_it),
		TEST(the_path_is_what_tools_see),
		TEST(a_path_of_any_length_works),
		TEST(the_mode_is_exactly_what_is_wanted),
		TEST(the_owner_is_who_is_wanted),
		TEST(an_owner_that_cannot_be_leaves_no_file),
		TEST(what_a_dead_process_left_is_replaced),
		TEST(who_listens_keeps_its_socket),
		TEST(a_socket_of_another_type_is_left_alone),
		TEST(other_files_are_left_alone),
		TEST(a_place_that_is_none_is_told),
		TEST(a_file_that_came_in_its_place_stays),
		TEST(removing_twice_is_removing_once),
		TEST(an_inherited_socket_has_its_place),
		TEST(an_inherited_socket_without_a_place_leads_nowhere),
		TEST(what_cannot_accept_is_refused),
		TEST(closing_what_is_not_open_is_nothing),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
