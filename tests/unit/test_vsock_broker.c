/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_vsock_broker.c - what the VM process asks the launcher for, and gets.
 *
 * Both ends are in this process, and none of them is in the directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/vsock_broker.h"
#include "monitor/vsock_client.h"

enum {
	PORT = 1234,
	HANG_SECONDS = 20,
	FDS_LOOKED_AT = 256,
};

static char folder[] = "/tmp/test_vsock_broker.XXXXXX";
static char sources[4096];
static int directory = -1;
static struct vsock_broker broker;
static struct vsock_client client;

static int make_folder(void **state)
{
	(void)state;
	if (!getcwd(sources, sizeof(sources)) || !mkdtemp(folder))
		return -1;
	directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return directory < 0;
}

static int remove_folder(void **state)
{
	(void)state;
	close(directory);
	return rmdir(folder);
}

static int set_up(void **state)
{
	sigset_t io;

	(void)state;
	alarm(HANG_SECONDS);
	sigemptyset(&io);
	sigaddset(&io, SIGIO);
	sigprocmask(SIG_BLOCK, &io, NULL);
	if (vsock_broker_open(&broker, directory, "v.sock") || vsock_broker_enter(&broker))
		return -1;
	client = (struct vsock_client){0};
	vsock_client_init(&client, broker.vm_fd);
	return 0;
}

static int tear_down(void **state)
{
	const struct timespec none = {0};
	sigset_t io;

	(void)state;
	vsock_broker_close(&broker);
	sigemptyset(&io);
	sigaddset(&io, SIGIO);
	while (sigtimedwait(&io, NULL, &none) == SIGIO)
		;
	return chdir(sources);
}

static void remove_name(const char *name)
{
	assert_int_equal(unlinkat(directory, name, 0), 0);
}

static int listen_on(const char *name, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", folder, name);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, VSOCK_CLIENT_WAITING_MAX), 0);
	return fd;
}

static bool signalled(void)
{
	const struct timespec none = {0};
	sigset_t io;

	sigemptyset(&io);
	sigaddset(&io, SIGIO);
	return sigtimedwait(&io, NULL, &none) == SIGIO;
}

static int open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < FDS_LOOKED_AT; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Ask, let the launcher answer, and take the answer. */
static int ask_once(uint32_t port)
{
	uint64_t token = 0;
	int connected;

	assert_int_equal(vsock_client_ask(&client, 0x123456789abcdef0, port), 0);
	assert_true(signalled());
	assert_false(vsock_broker_serve(&broker));
	assert_int_equal(vsock_client_take(&client, &token, &connected), 0);
	assert_int_equal(token, 0x123456789abcdef0);
	assert_int_equal(vsock_client_take(&client, &token, &connected), -EAGAIN);
	return connected;
}

static void a_port_is_a_socket_beside_the_vms_own(void **state)
{
	int listener = listen_on("v.sock_1234", SOCK_STREAM);
	int connected = ask_once(PORT);
	int accepted = accept(listener, NULL, NULL);
	char byte = 0;

	(void)state;
	assert_true(connected >= 0);
	assert_true(accepted >= 0);
	assert_true(fcntl(connected, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(connected, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(connected, "x", 1), 1);
	assert_int_equal(read(accepted, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(connected);
	close(accepted);
	close(listener);
	remove_name("v.sock_1234");
}

static void a_port_is_printed_without_a_sign(void **state)
{
	int listener = listen_on("v.sock_4294967295", SOCK_STREAM);
	int connected = ask_once(UINT32_MAX);

	(void)state;
	assert_true(connected >= 0);
	close(connected);
	close(listener);
	remove_name("v.sock_4294967295");
}

static void who_is_not_there_is_an_errno(void **state)
{
	int others = listen_on("v.sock_1", SOCK_DGRAM);

	(void)state;
	assert_int_equal(ask_once(PORT), -ENOENT);
	assert_int_equal(ask_once(1), -EPROTOTYPE);
	close(others);
	assert_int_equal(ask_once(1), -ECONNREFUSED);
	remove_name("v.sock_1");
}

static void a_link_is_not_followed(void **state)
{
	int listener = listen_on("others", SOCK_STREAM);

	(void)state;
	assert_int_equal(symlinkat("others", directory, "v.sock_1234"), 0);
	assert_int_equal(ask_once(PORT), -ECONNREFUSED);
	remove_name("v.sock_1234");
	/* Another name of the same file is none. */
	assert_int_equal(linkat(directory, "others", directory, "v.sock_1234", 0), 0);
	close(ask_once(PORT));
	close(listener);
	remove_name("v.sock_1234");
	remove_name("others");
}

static void what_is_no_socket_is_refused(void **state)
{
	int file = openat(directory, "v.sock_1234", O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(ask_once(PORT), -ECONNREFUSED);
	close(file);
	remove_name("v.sock_1234");
}

static void a_listener_whose_queue_is_full_is_no_wait(void **state)
{
	int listener = listen_on("v.sock_1234", SOCK_STREAM);
	int first;

	(void)state;
	listen(listener, 0);
	first = ask_once(PORT);
	assert_true(first >= 0);
	assert_int_equal(ask_once(PORT), -EAGAIN);
	close(first);
	close(listener);
	remove_name("v.sock_1234");
}

static void nothing_leaks(void **state)
{
	int listener = listen_on("v.sock_1234", SOCK_STREAM);
	int before = open_fds();

	(void)state;
	for (unsigned int i = 0; i < 300; i++)
		close(ask_once(PORT));
	assert_int_equal(open_fds(), before);
	close(listener);
	remove_name("v.sock_1234");
}

/* The guest opens all connections that there can be before the launcher gets to run. */
static void a_thousand_at_once_are_all_answered(void **state)
{
	bool answered[VSOCK_CLIENT_WAITING_MAX] = {false};
	unsigned int count = 0;

	(void)state;
	for (uint64_t i = 0; i < VSOCK_CLIENT_WAITING_MAX; i++)
		assert_int_equal(vsock_client_ask(&client, i, PORT), 0);
	assert_int_equal(client.asked, VSOCK_BROKER_ASKED_MAX);
	while (signalled() || count < VSOCK_CLIENT_WAITING_MAX) {
		uint64_t token;
		int connected;

		while (vsock_broker_serve(&broker))
			;
		while (vsock_client_take(&client, &token, &connected) == 0) {
			assert_int_equal(connected, -ENOENT);
			assert_true(token < VSOCK_CLIENT_WAITING_MAX && !answered[token]);
			answered[token] = true;
			count++;
		}
	}
	assert_int_equal(count, VSOCK_CLIENT_WAITING_MAX);
	assert_int_equal(client.asked, 0);
}

static void who_asks_for_even_more_is_refused(void **state)
{
	unsigned int taken = 0;

	(void)state;
	while (vsock_client_ask(&client, taken, PORT) == 0)
		assert_true(++taken <= VSOCK_CLIENT_WAITING_MAX + VSOCK_BROKER_ASKED_MAX);
	assert_int_equal(taken, VSOCK_CLIENT_WAITING_MAX + VSOCK_BROKER_ASKED_MAX);
	assert_int_equal(vsock_client_ask(&client, 1, PORT), -EAGAIN);
}

/* A VM process in an intruder's hands. */
static void nonsense_is_passed_over(void **state)
{
	static const uint8_t garbage[4096];
	uint64_t token;
	int connected;

	(void)state;
	assert_int_equal(write(broker.vm_fd, garbage, 1), 1);
	assert_int_equal(write(broker.vm_fd, garbage, sizeof(garbage)), sizeof(garbage));
	assert_false(vsock_broker_serve(&broker));
	/* The long one is cut to a request for port 0. */
	assert_int_equal(vsock_client_take(&client, &token, &connected), 0);
	assert_int_equal(connected, -ENOENT);
	assert_int_equal(vsock_client_take(&client, &token, &connected), -EAGAIN);
	assert_int_equal(ask_once(PORT), -ENOENT);
}

static void a_flood_is_answered_in_turns_and_never_waited_for(void **state)
{
	const struct vsock_broker_request request = {.port = PORT};
	int listener = listen_on("v.sock_1234", SOCK_STREAM);
	int before = open_fds();
	unsigned int sent = 0;
	unsigned int turns = 0;

	(void)state;
	/* Nobody takes the answers. */
	for (unsigned int round = 0; round < 10; round++) {
		while (write(broker.vm_fd, &request, sizeof(request)) == sizeof(request))
			sent++;
		do
			turns++;
		while (vsock_broker_serve(&broker));
	}
	assert_true(sent > VSOCK_BROKER_ASKED_MAX);
	assert_true(turns * VSOCK_BROKER_ASKED_MAX >= sent);
	assert_int_equal(open_fds(), before);
	close(listener);
	remove_name("v.sock_1234");
}

static void descriptors_of_the_vm_process_stay_out(void **state)
{
	struct vsock_broker_request request = {.port = PORT};
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS}};
	struct iovec piece = {.iov_base = &request, .iov_len = sizeof(request)};
	struct msghdr message = {.msg_iov = &piece,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int before = open_fds();

	(void)state;
	assert_int_equal(sendmsg(broker.vm_fd, &message, 0), sizeof(request));
	assert_false(vsock_broker_serve(&broker));
	assert_int_equal(open_fds(), before);
}

/* A full table is an error of that one connection. */
static void no_room_for_a_descriptor_is_told(void **state)
{
	int listener = listen_on("v.sock_1234", SOCK_STREAM);
	struct rlimit limit;
	struct rlimit full;
	uint64_t token;
	int connected;

	(void)state;
	assert_int_equal(vsock_client_ask(&client, 7, PORT), 0);
	assert_false(vsock_broker_serve(&broker));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	full = limit;
	full.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &full), 0);
	assert_int_equal(vsock_client_take(&client, &token, &connected), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(token, 7);
	assert_int_equal(connected, -EMFILE);
	close(listener);
	remove_name("v.sock_1234");
}

static void without_a_launcher_there_is_nobody_to_ask(void **state)
{
	uint64_t token;
	int connected;
	int vm_fd = dup(broker.vm_fd);

	(void)state;
	vsock_broker_close(&broker);
	signal(SIGPIPE, SIG_IGN);
	client.fd = vm_fd;
	assert_int_equal(vsock_client_ask(&client, 1, PORT), -EPIPE);
	assert_int_equal(vsock_client_take(&client, &token, &connected), -EPIPE);
	close(vm_fd);
	client.fd = VSOCK_BROKER_NONE;
	assert_int_equal(vsock_client_ask(&client, 1, PORT), -ECONNREFUSED);
}

static void the_end_of_the_vm_process_is_quiet(void **state)
{
	(void)state;
	vsock_broker_hand_over(&broker);
	assert_false(vsock_broker_serve(&broker));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_port_is_a_socket_beside_the_vms_own),
		TEST(a_port_is_printed_without_a_sign),
		TEST(who_is_not_there_is_an_errno),
		TEST(a_link_is_not_followed),
		TEST(what_is_no_socket_is_refused),
		TEST(a_listener_whose_queue_is_full_is_no_wait),
		TEST(nothing_leaks),
		TEST(a_thousand_at_once_are_all_answered),
		TEST(who_asks_for_even_more_is_refused),
		TEST(nonsense_is_passed_over),
		TEST(a_flood_is_answered_in_turns_and_never_waited_for),
		TEST(descriptors_of_the_vm_process_stay_out),
		TEST(no_room_for_a_descriptor_is_told),
		TEST(without_a_launcher_there_is_nobody_to_ask),
		TEST(the_end_of_the_vm_process_is_quiet),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
