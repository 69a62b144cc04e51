/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_uplink.c - what is behind a network interface, by name, path and descriptor.
 *
 * Taps themselves are test_tap.c's; here it is which key leads where, and which one is blamed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/log.h"
#include "monitor/uplink.h"
#include "tests/unit/jail_child.h"

enum {
	FD_NUMBER = 200, /* handed over as; of the names below */
	LONG_NAME_BYTES = 200,
	LINE_BYTES = 512,
};

static char folder[] = "/tmp/test_uplink.XXXXXX";
static struct config_interface interfaces[2];
static struct uplink uplink;
static const struct uplink untouched = {.fd = 77};
static struct reason reason;

static int make_folder(void **state)
{
	(void)state;
	return !mkdtemp(folder) || chdir(folder) || chmod(folder, 0755);
}

static int remove_folder(void **state)
{
	(void)state;
	return chdir("/") || rmdir(folder);
}

static int set_up(void **state)
{
	(void)state;
	interfaces[0] = (struct config_interface){.iface_id = "other"};
	interfaces[1] = (struct config_interface){.iface_id = "eth0"};
	uplink = untouched;
	return 0;
}

static int listen_at(const char *path, int type, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static void assert_opens(void)
{
	if (uplink_open(&uplink, interfaces, 1, &reason))
		fail_msg("%s", reason.text);
	assert_true(fcntl(uplink.fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(uplink.fd, F_GETFD) & FD_CLOEXEC);
}

static void assert_refused(int error, const char *text)
{
	int before = dup(STDERR_FILENO);
	int after;

	close(before);
	assert_int_equal(uplink_open(&uplink, interfaces, 1, &reason), error);
	assert_string_equal(reason.text, text);
	assert_memory_equal(&uplink, &untouched, sizeof(uplink));
	after = dup(STDERR_FILENO);
	close(after);
	assert_int_equal(before, after);
}

/* --- Sockets by path --- */

static void test_socket(void **state)
{
	int listener = listen_at("passt.sock", SOCK_STREAM, 1);
	int peer;
	char byte = 0;

	(void)state;
	interfaces[1].uplink.socket = "passt.sock";
	assert_opens();
	assert_int_equal(uplink.kind, NET_PORT_STREAM);
	peer = accept(listener, NULL, NULL);
	assert_int_equal(write(uplink.fd, "x", 1), 1);
	assert_int_equal(read(peer, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	uplink_close(&uplink);
	assert_int_equal(uplink.fd, UPLINK_NONE);
	uplink_close(&uplink);
	close(peer);
	close(listener);
	unlink("passt.sock");
}

/* 107 bytes fit an address, and more do not. */
static void test_long_path(void **state)
{
	char name[LONG_NAME_BYTES + 1];
	char path[LONG_NAME_BYTES + 16];
	int listener = listen_at("s", SOCK_STREAM, 1);

	(void)state;
	memset(name, 'n', LONG_NAME_BYTES);
	name[LONG_NAME_BYTES] = '\0';
	assert_int_equal(mkdir(name, 0755), 0);
	snprintf(path, sizeof(path), "%s/s", name);
	assert_int_equal(rename("s", path), 0);
	interfaces[1].uplink.socket = path;
	assert_opens();
	uplink_close(&uplink);
	uplink = untouched;
	close(listener);
	unlink(path);
	assert_int_equal(uplink_open(&uplink, interfaces, 1, &reason), -ENOENT);
	assert_non_null(strstr(reason.text, "cannot connect to ...nnn"));
	assert_non_null(strstr(reason.text, "/s: nobody listens there"));
	rmdir(name);
}

static void test_exact_path(void **state)
{
	struct sockaddr_un address;
	char path[sizeof(address.sun_path) + 1];

	(void)state;
	for (size_t bytes = sizeof(address.sun_path) - 1; bytes <= sizeof(address.sun_path);
	     bytes++) {
		int listener = listen_at("s", SOCK_STREAM, 1);

		memset(path, 'p', bytes);
		path[bytes] = '\0';
		assert_int_equal(rename("s", path), 0);
		interfaces[1].uplink.socket = path;
		assert_opens();
		uplink_close(&uplink);
		close(listener);
		unlink(path);
	}
}

static void test_nobody_listens(void **state)
{
	(void)state;
	interfaces[1].uplink.socket = "passt.sock";
	assert_refused(-ENOENT, "mote.network.eth0.socket: cannot connect to passt.sock: nobody "
				"listens there; passt --socket PATH does");
	close(listen_at("passt.sock", SOCK_STREAM, 1));
	assert_refused(-ECONNREFUSED,
		       "mote.network.eth0.socket: cannot connect to passt.sock: nobody listens "
		       "there; passt --socket PATH does");
	unlink("passt.sock");
}

static void test_wrong_listener(void **state)
{
	int listener = listen_at("passt.sock", SOCK_DGRAM, 0);
	int waiting;

	(void)state;
	interfaces[1].uplink.socket = "passt.sock";
	assert_refused(-EPROTOTYPE, "mote.network.eth0.socket: cannot connect to passt.sock: it is "
				    "no stream socket");
	close(listener);
	unlink("passt.sock");

	listener = listen_at("passt.sock", SOCK_STREAM, 0);
	assert_opens();
	waiting = uplink.fd;
	uplink = untouched;
	assert_refused(-EAGAIN, "mote.network.eth0.socket: cannot connect to passt.sock: too many "
				"wait for its listener already");
	close(waiting);
	close(listener);
	unlink("passt.sock");
}

static void not_for_everybody(void)
{
	need_root();
	become_ordinary();
	expect(uplink_open(&uplink, interfaces, 1, &reason) == -EACCES);
	expect(strcmp(reason.text,
		      "mote.network.eth0.socket: cannot connect to passt.sock: "
		      "Permission denied: this user must be able to write to it") == 0);
}

static void test_no_permission(void **state)
{
	int listener = listen_at("passt.sock", SOCK_STREAM, 1);

	(void)state;
	assert_int_equal(chmod("passt.sock", 0600), 0);
	interfaces[1].uplink.socket = "passt.sock";
	in_child(not_for_everybody);
	close(listener);
	unlink("passt.sock");
}

/* --- Descriptors --- */

static void hand_over(int fd)
{
	assert_int_equal(dup2(fd, FD_NUMBER), FD_NUMBER);
	close(fd);
	interfaces[1].host_dev_name = "/dev/fd/200";
}

static void test_socket_handed_over(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	hand_over(ends[0]);
	assert_opens();
	assert_int_equal(uplink.kind, NET_PORT_STREAM);
	assert_int_not_equal(uplink.fd, FD_NUMBER);
	uplink_close(&uplink);
	assert_true(fcntl(FD_NUMBER, F_GETFD) >= 0);
	close(FD_NUMBER);
	close(ends[1]);
}

static void test_descriptors_of_no_use(void **state)
{
	int ends[2];

	(void)state;
	interfaces[1].host_dev_name = "/dev/fd/200";
	assert_refused(-EBADF, "network-interfaces[1].host_dev_name: /dev/fd/200 is not open");

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	close(ends[1]);
	hand_over(ends[0]);
	assert_refused(-EPROTOTYPE, "network-interfaces[1].host_dev_name: /dev/fd/200 is a socket, "
				    "but not a stream socket");
	hand_over(socket(AF_UNIX, SOCK_STREAM, 0));
	assert_refused(-ENOTCONN, "network-interfaces[1].host_dev_name: /dev/fd/200 is a socket "
				  "that is not connected");
	hand_over(open("/dev/null", O_RDWR));
	assert_refused(-ENOTTY, "network-interfaces[1].host_dev_name: /dev/fd/200 is neither a tap "
				"nor a stream socket");
	hand_over(open("/dev/null", O_RDONLY));
	assert_refused(-EACCES, "network-interfaces[1].host_dev_name: /dev/fd/200 is open for "
				"reading only");
	close(FD_NUMBER);
}

/* --- Addresses --- */

static void test_addresses(void **state)
{
	static const uint8_t given[] = {6, 0, 0xac, 0x10, 0, 2};
	uint8_t first[UPLINK_ADDRESS_BYTES];
	int listener = listen_at("passt.sock", SOCK_STREAM, 8);

	(void)state;
	interfaces[1].uplink.socket = "passt.sock";
	assert_opens();
	memcpy(first, uplink.address, sizeof(first));
	uplink_close(&uplink);
	assert_opens();
	assert_memory_not_equal(first, uplink.address, sizeof(first));
	assert_int_equal(first[0], 2);
	assert_int_equal(uplink.address[0], 2);
	uplink_close(&uplink);

	interfaces[1].has_guest_mac = true;
	memcpy(interfaces[1].guest_mac, given, sizeof(given));
	assert_opens();
	assert_memory_equal(uplink.address, given, sizeof(given));
	uplink_close(&uplink);
	close(listener);
	unlink("passt.sock");
}

/* --- Taps, and which key is blamed --- */

static void enter_netns(void)
{
	need_root();
	if (access("/dev/net/tun", F_OK))
		skip_child("no /dev/net/tun");
	if (unshare(CLONE_NEWNET))
		skip_child("no network namespaces");
}

static void add_tap(const char *name)
{
	struct ifreq device = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR);

	strncpy(device.ifr_name, name, IFNAMSIZ - 1);
	expect(fd >= 0 && ioctl(fd, TUNSETIFF, &device) == 0);
	expect(ioctl(fd, TUNSETPERSIST, 1) == 0);
	close(fd);
}

static void expect_refused(int error, const char *text)
{
	int found = uplink_open(&uplink, interfaces, 1, &reason);

	if (found != error || strcmp(reason.text, text) != 0)
		dprintf(STDERR_FILENO, "# %d: %s\n", found, reason.text);
	expect(found == error && strcmp(reason.text, text) == 0);
}

static void blame(void)
{
	enter_netns();
	interfaces[1].host_dev_name = "vm0";
	expect_refused(-ENODEV, "network-interfaces[1].host_dev_name: there is no vm0; make it: "
				"sudo ip tuntap add dev vm0 mode tap user $(id -un)");
	interfaces[1].uplink.bridge = "br0";
	expect_refused(-ENODEV, "mote.network.eth0.bridge: there is no bridge br0; make it: sudo "
				"ip link add br0 type bridge && sudo ip link set br0 up");
	interfaces[1].uplink.bridge = NULL;
	interfaces[1].uplink.netns = "no-such-namespace";
	expect_refused(-ENOENT, "mote.network.eth0.netns: there is no network namespace "
				"no-such-namespace; make it: sudo ip netns add no-such-namespace");
	interfaces[1].uplink.netns = "./nowhere";
	expect_refused(-ENOENT, "mote.network.eth0.netns: cannot open ./nowhere: No such file or "
				"directory");
	interfaces[1].uplink.netns = "/proc/self/status";
	expect_refused(-EINVAL,
		       "mote.network.eth0.netns: /proc/self/status is not a network namespace");
	become_ordinary();
	interfaces[1].uplink.netns = "/proc/self/ns/net";
	expect_refused(-EPERM, "mote.network.eth0.netns: to enter /proc/self/ns/net takes "
			       "CAP_SYS_ADMIN; or pass an open tap as /dev/fd/N");
}

static void test_blame(void **state)
{
	(void)state;
	in_child(blame);
}

static ino_t netns_now(void)
{
	struct stat status;

	expect(stat("/proc/self/ns/net", &status) == 0);
	return status.st_ino;
}

/* The tap is where it was looked for, and the process where it was. */
static void elsewhere(void)
{
	char there[] = "/proc/self/fd/200";
	ino_t home;

	enter_netns();
	add_tap("vm0");
	expect(dup2(open("/proc/self/ns/net", O_RDONLY), FD_NUMBER) == FD_NUMBER);
	expect(unshare(CLONE_NEWNET) == 0);
	home = netns_now();
	interfaces[1].host_dev_name = "vm0";
	expect(uplink_open(&uplink, interfaces, 1, &reason) == -ENODEV);
	expect(memcmp(&uplink, &untouched, sizeof(uplink)) == 0);
	interfaces[1].uplink.netns = there;
	expect(uplink_open(&uplink, interfaces, 1, &reason) == 0);
	expect(uplink.kind == NET_PORT_TAP && strcmp(uplink.tap.name, "vm0") == 0);
	expect(netns_now() == home);
	interfaces[1].host_dev_name = "vm1";
	expect(uplink_open(&uplink, interfaces, 1, &reason) == -ENODEV);
	expect(netns_now() == home);
}

static void test_elsewhere(void **state)
{
	(void)state;
	in_child(elsewhere);
}

static void handed_over(void)
{
	struct ifreq device = {.ifr_name = "vm0", .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

	enter_netns();
	expect(dup2(open("/dev/net/tun", O_RDWR), FD_NUMBER) == FD_NUMBER);
	expect(ioctl(FD_NUMBER, TUNSETIFF, &device) == 0);
	interfaces[1].host_dev_name = "/dev/fd/200";
	expect(uplink_open(&uplink, interfaces, 1, &reason) == 0);
	expect(uplink.kind == NET_PORT_TAP && strcmp(uplink.tap.name, "vm0") == 0);
	expect(uplink.fd != FD_NUMBER && uplink.tap.fd == uplink.fd);
}

static void test_tap_handed_over(void **state)
{
	(void)state;
	in_child(handed_over);
}

/* --- Warnings --- */

static void expect_warnings(const char *text)
{
	static char lines[LINE_BYTES];
	int ends[2];
	struct log_settings log = {.level = LOG_LEVEL_WARNING};

	assert_int_equal(pipe(ends), 0);
	log.fd = ends[1];
	log_configure(&log);
	uplink_warn(&uplink, interfaces, 1);
	log.fd = STDERR_FILENO;
	log_configure(&log);
	close(ends[1]);
	memset(lines, 0, sizeof(lines));
	assert_true(read(ends[0], lines, sizeof(lines) - 1) >= 0);
	assert_string_equal(lines, text);
	close(ends[0]);
}

static void test_warnings(void **state)
{
	(void)state;
	uplink = (struct uplink){.kind = NET_PORT_TAP, .tap = {.name = "vm0", .mtu_bytes = 1500}};
	interfaces[1].mtu = 1500;
	expect_warnings("");
	interfaces[1].mtu = 1501;
	expect_warnings("mote: warning: network-interfaces[1].mtu: 1501 is more than the 1500 of "
			"vm0: the host will not send frames that long\n");
	uplink.tap.mtu_bytes = 0;
	expect_warnings("");
	uplink.tap.is_down = true;
	expect_warnings("mote: warning: network-interfaces[1].host_dev_name: vm0 is down, so no "
			"frame will pass: sudo ip link set vm0 up\n");
	interfaces[1].uplink.bridge = "br0";
	expect_warnings("mote: warning: mote.network.eth0.bridge: br0 is down, so no frame will "
			"pass: sudo ip link set br0 up\n");
}

#define ROW(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_socket),
		ROW(test_long_path),
		ROW(test_exact_path),
		ROW(test_nobody_listens),
		ROW(test_wrong_listener),
		ROW(test_no_permission),
		ROW(test_socket_handed_over),
		ROW(test_descriptors_of_no_use),
		ROW(test_addresses),
		ROW(test_blame),
		ROW(test_elsewhere),
		ROW(test_tap_handed_over),
		ROW(test_warnings),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
