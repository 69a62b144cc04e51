/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_tap.c - taps that exist, that are made on a bridge, and that are handed over.
 *
 * Each test runs in a process with a network namespace and a /dev/net of its own, so it may leave
 * behind what it likes.  Only root has that, and only where there is /dev/net/tun.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "monitor/tap.h"
#include "tests/unit/jail_child.h"

enum {
	ALL_FLAGS = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
	TUN_MAJOR = 10,
	TUN_MINOR = 200,
	JUMBO_BYTES = 9000,
	GONE_ATTEMPTS = 500,
	GONE_PAUSE_US = 10000,
};

static const struct tap untouched = {.fd = -1, .mtu_bytes = 77};
static struct tap tap = {.fd = -1, .mtu_bytes = 77};
static struct tap_failure failure;
static int asking; /* a socket */

static void enter_room(void)
{
	need_root();
	if (access("/dev/net/tun", F_OK))
		skip_child("no /dev/net/tun");
	if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		skip_child("no namespaces");
	expect(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	expect(mount("tmpfs", "/dev/net", "tmpfs", 0, NULL) == 0);
	if (mknod("/dev/net/tun", S_IFCHR | 0666, makedev(TUN_MAJOR, TUN_MINOR)))
		skip_child("no mknod");
	expect(chmod("/dev/net/tun", 0666) == 0);
	asking = socket(AF_UNIX, SOCK_DGRAM, 0);
	expect(asking >= 0);
}

static struct ifreq named(const char *name)
{
	struct ifreq device = {.ifr_flags = 0};

	strncpy(device.ifr_name, name, IFNAMSIZ - 1);
	return device;
}

static int attach(const char *name, int flags)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq device = named(name);

	expect(fd >= 0);
	device.ifr_flags = (short)flags;
	expect(ioctl(fd, TUNSETIFF, &device) == 0);
	return fd;
}

/* A tap, or a tun, that stays without anybody at it. */
static void add(const char *name, int flags)
{
	int fd = attach(name, flags);

	expect(ioctl(fd, TUNSETPERSIST, 1) == 0);
	close(fd);
}

static void add_owned(const char *name, uid_t owner)
{
	int fd = attach(name, IFF_TAP | IFF_NO_PI);

	expect(ioctl(fd, TUNSETOWNER, owner) == 0);
	expect(ioctl(fd, TUNSETPERSIST, 1) == 0);
	close(fd);
}

static void add_bridge(const char *name)
{
	if (ioctl(asking, SIOCBRADDBR, name))
		skip_child("no bridges");
}

static bool exists(const char *name)
{
	struct ifreq device = named(name);

	return ioctl(asking, SIOCGIFINDEX, &device) == 0;
}

static int mtu_of(const char *name)
{
	struct ifreq device = named(name);

	expect(ioctl(asking, SIOCGIFMTU, &device) == 0);
	return device.ifr_mtu;
}

static int flags_of(const char *name)
{
	struct ifreq device = named(name);

	expect(ioctl(asking, SIOCGIFFLAGS, &device) == 0);
	return device.ifr_flags;
}

static void set_up(const char *name)
{
	struct ifreq device = named(name);

	device.ifr_flags = IFF_UP;
	expect(ioctl(asking, SIOCSIFFLAGS, &device) == 0);
}

static bool is_on_bridge(const char *name, const char *bridge)
{
	struct ifreq port = named(name);
	struct ifreq device = named(bridge);

	expect(ioctl(asking, SIOCGIFINDEX, &port) == 0);
	device.ifr_ifindex = port.ifr_ifindex;
	/* What is on it can be taken off it. */
	return ioctl(asking, SIOCBRDELIF, &device) == 0;
}

static void expect_usable(int fd)
{
	struct ifreq device = named("");
	int header_bytes = 0;

	expect(ioctl(fd, TUNGETIFF, &device) == 0);
	expect((device.ifr_flags & ALL_FLAGS) == ALL_FLAGS);
	expect(ioctl(fd, TUNGETVNETHDRSZ, &header_bytes) == 0 && header_bytes == 12);
	expect((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	expect((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static void expect_open(const struct tap_request *request)
{
	if (tap_open(&tap, request, &failure)) {
		dprintf(STDERR_FILENO, "# %s\n", failure.reason.text);
		_exit(CHILD_FAILED);
	}
	expect_usable(tap.fd);
}

static void expect_failure(int found, int error, enum tap_part part, const char *words)
{
	if (found != error || failure.part != part || strcmp(failure.reason.text, words) != 0)
		dprintf(STDERR_FILENO, "# %d, part %d: %s\n", found, (int)failure.part,
			failure.reason.text);
	expect(found == error && failure.part == part && strcmp(failure.reason.text, words) == 0);
	expect(memcmp(&tap, &untouched, sizeof(tap)) == 0);
}

static void expect_refusal(const struct tap_request *request, int error, enum tap_part part,
			   const char *words)
{
	int before = dup(asking);

	close(before);
	expect_failure(tap_open(&tap, request, &failure), error, part, words);
	/* Nothing is left open. */
	expect(dup(asking) == before && close(before) == 0);
}

#define EXPECT_REFUSED(error, part, words, ...) \
	expect_refusal(&(struct tap_request){__VA_ARGS__}, error, part, words)

/* --- By name --- */

static void by_name(void)
{
	enter_room();
	add("vm0", IFF_TAP | IFF_NO_PI);
	expect_open(&(struct tap_request){.name = "vm0", .wants_mtu = true});
	expect(strcmp(tap.name, "vm0") == 0 && tap.mtu_bytes == 1500 && tap.is_down);
	close(tap.fd);
	expect(exists("vm0"));

	set_up("vm0");
	expect_open(&(struct tap_request){.name = "vm0"});
	expect(!tap.is_down && tap.mtu_bytes == 0);
}

static void what_another_user_asked_for(void)
{
	int header_bytes = 20;
	int fd;

	enter_room();
	fd = attach("vm0", ALL_FLAGS);
	expect(ioctl(fd, TUNSETVNETHDRSZ, &header_bytes) == 0);
	expect(ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) == 0);
	expect(ioctl(fd, TUNSETPERSIST, 1) == 0);
	close(fd);
	expect_open(&(struct tap_request){.name = "vm0"});
}

static void absent(void)
{
	enter_room();
	EXPECT_REFUSED(-ENODEV, TAP_NAME,
		       "there is no vm0; make it: sudo ip tuntap add dev vm0 mode tap user "
		       "$(id -un)",
		       .name = "vm0");
	EXPECT_REFUSED(-ENODEV, TAP_NAME,
		       "there is no vm0 in the namespace; make it: sudo ip -n blue tuntap add dev "
		       "vm0 mode tap user $(id -un)",
		       .name = "vm0", .netns = "blue");
	EXPECT_REFUSED(-ENODEV, TAP_NAME,
		       "there is no vm%d; make it: sudo ip tuntap add dev vm%d mode tap user "
		       "$(id -un)",
		       .name = "vm%d");
	expect(!exists("vm0"));
	become_ordinary();
	EXPECT_REFUSED(-ENODEV, TAP_NAME,
		       "there is no vm0; make it: sudo ip tuntap add dev vm0 mode tap user "
		       "$(id -un)",
		       .name = "vm0");
}

static void in_use(void)
{
	enter_room();
	attach("vm0", ALL_FLAGS);
	EXPECT_REFUSED(-EBUSY, TAP_NAME,
		       "vm0 is in use by another process, which this finds: sudo grep -l "
		       "'iff:.*vm0$' /proc/[0-9]*/fdinfo/*",
		       .name = "vm0");
}

static void other_kinds(void)
{
	enter_room();
	add("tun0", IFF_TUN | IFF_NO_PI);
	EXPECT_REFUSED(-EINVAL, TAP_NAME,
		       "tun0 is a tun, which carries no Ethernet; make a tap: sudo ip tuntap add "
		       "dev NAME mode tap user $(id -un)",
		       .name = "tun0");
	EXPECT_REFUSED(-EINVAL, TAP_NAME, "lo is not a tap", .name = "lo");
	add_bridge("br0");
	EXPECT_REFUSED(-EINVAL, TAP_NAME,
		       "br0 is not a tap but a device of the driver bridge; make a tap, and join "
		       "both by a bridge",
		       .name = "br0");
}

static void several_queues(void)
{
	enter_room();
	expect(mount("sysfs", "/sys", "sysfs", 0, NULL) == 0);
	add("vm0", IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE);
	expect_open(&(struct tap_request){.name = "vm0"});
	tap = untouched;
	EXPECT_REFUSED(-EBUSY, TAP_NAME,
		       "vm0 has several queues, and another process has one of them",
		       .name = "vm0");
}

static void somebody_elses(void)
{
	enter_room();
	add_owned("vm0", 0);
	add_owned("vm1", NOBODY);
	become_ordinary();
	expect_open(&(struct tap_request){.name = "vm1"});
	tap = untouched;
	EXPECT_REFUSED(
		-EPERM, TAP_NAME,
		"vm0 belongs to another user; make it this one's: sudo ip tuntap add dev vm0 "
		"mode tap user $(id -un)",
		.name = "vm0");
}

static void without_tun(void)
{
	enter_room();
	add("vm0", IFF_TAP | IFF_NO_PI);
	expect(chmod("/dev/net/tun", 0600) == 0);
	if (fork() == 0) {
		become_ordinary();
		EXPECT_REFUSED(-EACCES, TAP_NAME,
			       "cannot open /dev/net/tun: Permission denied; allow this user to, "
			       "or pass an open tap as /dev/fd/N",
			       .name = "vm0");
		_exit(0);
	}
	expect(wait_for(-1) == 0);
	expect(unlink("/dev/net/tun") == 0);
	EXPECT_REFUSED(-ENOENT, TAP_NAME,
		       "cannot open /dev/net/tun: No such file or directory; modprobe tun, and "
		       "pass it into containers",
		       .name = "vm0");
}

/* --- On a bridge --- */

static const struct tap_request on_bridge = {
	.bridge = "br0",
	.guest_address = {0x02, 1, 2, 3, 4, 5},
};

static void on_a_bridge(void)
{
	static const uint8_t address[] = {0xfe, 1, 2, 3, 4, 5};
	struct ifreq device = named("mote0");

	enter_room();
	add_bridge("br0");
	expect_open(&on_bridge);
	expect(strcmp(tap.name, "mote0") == 0 && tap.mtu_bytes == 1500 && tap.is_down);
	expect((flags_of("mote0") & IFF_UP) != 0);
	expect(ioctl(asking, SIOCGIFHWADDR, &device) == 0);
	expect(memcmp(device.ifr_hwaddr.sa_data, address, sizeof(address)) == 0);
	expect(is_on_bridge("mote0", "br0"));
	close(tap.fd);
	expect(!exists("mote0"));

	set_up("br0");
	expect_open(&(struct tap_request){.bridge = "br0", .name = "vm%d"});
	expect(strcmp(tap.name, "vm0") == 0 && !tap.is_down);
	expect_open(
		&(struct tap_request){.bridge = "br0", .name = "vm1", .guest_address = {0xfe, 1}});
	expect(strcmp(tap.name, "vm1") == 0);
	device = named("vm1");
	expect(ioctl(asking, SIOCGIFHWADDR, &device) == 0);
	expect((uint8_t)device.ifr_hwaddr.sa_data[0] == 0xfa);
}

/* A bridge takes the lowest of its ports' MTUs, unless its own was set. */
static void the_mtu_of_the_bridge(void)
{
	struct ifreq device = named("port");

	enter_room();
	add_bridge("br0");
	add("port", IFF_TAP | IFF_NO_PI);
	device.ifr_mtu = JUMBO_BYTES;
	expect(ioctl(asking, SIOCSIFMTU, &device) == 0);
	expect(ioctl(asking, SIOCGIFINDEX, &device) == 0);
	memcpy(device.ifr_name, "br0", sizeof("br0"));
	expect(ioctl(asking, SIOCBRADDIF, &device) == 0);
	expect(mtu_of("br0") == JUMBO_BYTES);
	expect_open(&on_bridge);
	expect(tap.mtu_bytes == JUMBO_BYTES);
	expect(mtu_of("mote0") == JUMBO_BYTES && mtu_of("br0") == JUMBO_BYTES);
}

static void gone_after_a_crash(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	enter_room();
	add_bridge("br0");
	expect(pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		expect_open(&on_bridge);
		expect(write(ready[1], "", 1) == 1);
		pause();
	}
	expect(read(ready[0], &byte, 1) == 1 && exists("mote0"));
	kill(pid, SIGKILL);
	wait_for(pid);
	for (int attempt = 0; attempt < GONE_ATTEMPTS && exists("mote0"); attempt++)
		usleep(GONE_PAUSE_US);
	expect(!exists("mote0"));
}

static void no_place_on_a_bridge(void)
{
	enter_room();
	EXPECT_REFUSED(-ENODEV, TAP_BRIDGE,
		       "there is no bridge br0; make it: sudo ip link add br0 type bridge && "
		       "sudo ip link set br0 up",
		       .bridge = "br0");
	EXPECT_REFUSED(-EINVAL, TAP_BRIDGE,
		       "lo is not a bridge; make one, and put lo on it: sudo ip link set lo master "
		       "BRIDGE",
		       .bridge = "lo");
	expect(!exists("mote0"));
	add_bridge("br0");
	add("vm0", IFF_TAP | IFF_NO_PI);
	EXPECT_REFUSED(-EEXIST, TAP_NAME,
		       "vm0 exists already; without a bridge in mote.network it is used as it is, "
		       "on the bridge that it is on",
		       .bridge = "br0", .name = "vm0");
	EXPECT_REFUSED(-EINVAL, TAP_NAME, "cannot make the tap vm%s: Invalid argument",
		       .bridge = "br0", .name = "vm%s");
	become_ordinary();
	EXPECT_REFUSED(-EPERM, TAP_BRIDGE,
		       "to make a tap takes CAP_NET_ADMIN; or let root make one on it, and name "
		       "that as host_dev_name instead of the bridge",
		       .bridge = "br0");
	expect(!exists("mote0"));
}

/* --- Handed over --- */

static void handed_over(void)
{
	int fd;

	enter_room();
	fd = attach("vm0", ALL_FLAGS);
	expect(tap_adopt(&tap, fd, &failure) == 0);
	expect(tap.fd == fd && strcmp(tap.name, "vm0") == 0);
	expect(tap.mtu_bytes == 0 && tap.is_down);
	expect_usable(fd);
}

static void expect_useless(int fd, int error, const char *words)
{
	int flags = fcntl(fd, F_GETFL);

	expect_failure(tap_adopt(&tap, fd, &failure), error, TAP_NAME, words);
	expect(fcntl(fd, F_GETFL) == flags);
}

static void of_no_use(void)
{
	enter_room();
	expect_useless(attach("tun0", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR), -EINVAL,
		       "is the tun tun0, which carries no Ethernet; open it with IFF_TAP");
	expect_useless(attach("vm1", IFF_TAP | IFF_NO_PI), -EINVAL,
		       "is the tap vm1 without a vnet header; open it with IFF_TAP, IFF_NO_PI and "
		       "IFF_VNET_HDR");
	expect_useless(open("/dev/net/tun", O_RDWR), -EBADFD,
		       "is /dev/net/tun without a tap, which TUNSETIFF gives it");
	expect_useless(open("/dev/null", O_RDWR), -ENOTTY, "is neither a tap nor a stream socket");
}

#define ROW(body)                             \
	static void test_##body(void **state) \
	{                                     \
		(void)state;                  \
		in_child(body);               \
	}

ROW(by_name)
ROW(what_another_user_asked_for)
ROW(absent)
ROW(in_use)
ROW(other_kinds)
ROW(several_queues)
ROW(somebody_elses)
ROW(without_tun)
ROW(on_a_bridge)
ROW(the_mtu_of_the_bridge)
ROW(gone_after_a_crash)
ROW(no_place_on_a_bridge)
ROW(handed_over)
ROW(of_no_use)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_name),
		cmocka_unit_test(test_what_another_user_asked_for),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_other_kinds),
		cmocka_unit_test(test_several_queues),
		cmocka_unit_test(test_somebody_elses),
		cmocka_unit_test(test_without_tun),
		cmocka_unit_test(test_on_a_bridge),
		cmocka_unit_test(test_the_mtu_of_the_bridge),
		cmocka_unit_test(test_gone_after_a_crash),
		cmocka_unit_test(test_no_place_on_a_bridge),
		cmocka_unit_test(test_handed_over),
		cmocka_unit_test(test_of_no_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
