/* SPDX-License-Identifier: MIT */
/* monitor/tap.c - see tap.h. */
#include "monitor/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	NONE = -1,
	HEADER_BYTES = 12, /* struct virtio_net_hdr with num_buffers */
	FLAGS = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
	SYSFS_PATH_MAX_BYTES = 64,
	/* First bytes of an address that is higher than those of a bridge's other ports. */
	HIGH_ADDRESS = 0xfe,
	OTHER_HIGH_ADDRESS = 0xfa,
};

/* One call of tap_open(). */
struct opening {
	const struct tap_request *request;
	struct tap_failure *failure;
	int socket; /* to ask for devices by name; NONE until somebody does */
};

__attribute__((format(printf, 4, 5))) static int
refuse(struct tap_failure *failure, enum tap_part part, int error, const char *format, ...)
{
	va_list arguments;

	failure->part = part;
	va_start(arguments, format);
	reason_vset(&failure->reason, error, format, arguments);
	va_end(arguments);
	return error;
}

/* Ask for, or set, something of a device by its name.  Returns 0 or negative errno. */
static int ask(struct opening *opening, unsigned long command, const char *name,
	       struct ifreq *device)
{
	if (opening->socket == NONE)
		opening->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (opening->socket < 0)
		return -errno;
	memset(device->ifr_name, 0, IFNAMSIZ);
	memcpy(device->ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	return ioctl(opening->socket, command, device) ? -errno : 0;
}

/* --- The descriptor --- */

static int open_tun(const struct opening *opening)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	const char *hint = "modprobe tun, and pass it into containers";

	if (fd >= 0)
		return fd;
	if (errno == EACCES || errno == EPERM)
		hint = "allow this user to, or pass an open tap as /dev/fd/N";
	return refuse(opening->failure, TAP_NAME, -errno, "cannot open /dev/net/tun: %s; %s",
		      strerror(errno), hint);
}

/* A tap that had another user before may still do what that one asked for. */
static int prepare(int fd, struct tap_failure *failure)
{
	int header_bytes = HEADER_BYTES;

	if (ioctl(fd, TUNSETVNETHDRSZ, &header_bytes) || ioctl(fd, TUNSETOFFLOAD, 0))
		return refuse(failure, TAP_NAME, -errno, "cannot be set up: %s", strerror(errno));
	return 0;
}

/* A tap that is down takes no frame, and says so to poll(2). */
static bool is_down(int fd)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};

	return poll(&writable, 1, 0) == 0;
}

static bool is_persistent(int fd)
{
	struct ifreq device = {.ifr_flags = 0};

	return ioctl(fd, TUNGETIFF, &device) == 0 && (device.ifr_flags & IFF_PERSIST);
}

/* `name` may become another: the one that the kernel chose. */
static int attach_as(int fd, char name[IFNAMSIZ], short flags)
{
	struct ifreq device = {.ifr_flags = flags};

	memcpy(device.ifr_name, name, IFNAMSIZ);
	if (ioctl(fd, TUNSETIFF, &device))
		return -errno;
	memcpy(name, device.ifr_name, IFNAMSIZ);
	return 0;
}

/* --- A tap that exists --- */

/* What a device is; all zero if it does not tell. */
static struct ethtool_drvinfo driver_of(struct opening *opening, const char *name)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq device = {.ifr_data = (void *)&driver};

	(void)ask(opening, SIOCETHTOOL, name, &device);
	return driver;
}

/* A device that TUNSETIFF does not take: what is it then? */
static int explain_kind(struct opening *opening, const char *name)
{
	const struct ethtool_drvinfo driver = driver_of(opening, name);

	if (!driver.driver[0])
		return refuse(opening->failure, TAP_NAME, -EINVAL, "%s is not a tap", name);
	if (strcmp(driver.driver, "tun") == 0)
		return refuse(opening->failure, TAP_NAME, -EINVAL,
			      "%s is a tun, which carries no Ethernet; make a tap: sudo ip tuntap "
			      "add dev NAME mode tap user $(id -un)",
			      name);
	return refuse(opening->failure, TAP_NAME, -EINVAL,
		      "%s is not a tap but a device of the driver %.16s; make a tap, and join both "
		      "by a bridge",
		      name, driver.driver);
}

static int explain_absence(const struct opening *opening, const char *name)
{
	const char *netns = opening->request->netns;

	return refuse(opening->failure, TAP_NAME, -ENODEV,
		      "there is no %s%s; make it: sudo ip %s%.64s%stuntap add dev %s mode tap user "
		      "$(id -un)",
		      name, netns ? " in the namespace" : "", netns ? "-n " : "",
		      netns ? netns : "", netns ? " " : "", name);
}

static int explain_attach(struct opening *opening, const char *name, int error)
{
	struct ifreq device = {.ifr_flags = 0};

	switch (error) {
	case -EBUSY:
		return refuse(opening->failure, TAP_NAME, error,
			      "%s is in use by another process, which this finds: "
			      "sudo grep -l 'iff:.*%s$' /proc/[0-9]*/fdinfo/*",
			      name, name);
	case -EPERM:
		/* As is who may not make one, either. */
		if (ask(opening, SIOCGIFFLAGS, name, &device) == -ENODEV)
			return explain_absence(opening, name);
		return refuse(opening->failure, TAP_NAME, error,
			      "%s belongs to another user; make it this one's: sudo ip tuntap add "
			      "dev %s mode tap user $(id -un)",
			      name, name);
	case -EINVAL: return explain_kind(opening, name);
	default:
		return refuse(opening->failure, TAP_NAME, error, "cannot use %s: %s", name,
			      strerror(-error));
	}
}

/* Frames would be dealt out over all queues, so another process must not have one. */
static int check_only_queue(const struct opening *opening, const char *name)
{
	char second[SYSFS_PATH_MAX_BYTES];

	snprintf(second, sizeof(second), "/sys/class/net/%s/queues/tx-1", name);
	if (opening->request->netns || access(second, F_OK))
		return 0;
	return refuse(opening->failure, TAP_NAME, -EBUSY,
		      "%s has several queues, and another process has one of them", name);
}

/*
 * To attach to a tap that is not there makes one, which is gone again when it is closed: one that
 * was there, and that nobody had, is persistent.  Whether a tap has several queues is only told
 * by refusing who asks for it the wrong way.
 */
static int attach(struct opening *opening, struct tap *tap)
{
	int error = attach_as(tap->fd, tap->name, FLAGS);

	if (!error)
		return is_persistent(tap->fd) ? 0
					      : explain_absence(opening, opening->request->name);
	if (error == -EINVAL && attach_as(tap->fd, tap->name, FLAGS | IFF_MULTI_QUEUE) == 0)
		return check_only_queue(opening, tap->name);
	return explain_attach(opening, tap->name, error);
}

static int use_existing(struct opening *opening, struct tap *tap)
{
	const char *name = opening->request->name;
	struct ifreq device = {.ifr_flags = 0};
	int error;

	memcpy(tap->name, name, strnlen(name, IFNAMSIZ - 1));
	error = attach(opening, tap);
	if (error)
		return error;
	tap->is_down = is_down(tap->fd);
	if (opening->request->wants_mtu && ask(opening, SIOCGIFMTU, name, &device) == 0)
		tap->mtu_bytes = (uint32_t)device.ifr_mtu;
	return prepare(tap->fd, opening->failure);
}

/* --- A tap on a bridge --- */

static int look_at_bridge(struct opening *opening, struct tap *tap)
{
	const char *bridge = opening->request->bridge;
	struct ethtool_drvinfo driver;
	struct ifreq device = {.ifr_flags = 0};
	int error = ask(opening, SIOCGIFFLAGS, bridge, &device);

	if (error == -ENODEV)
		return refuse(
			opening->failure, TAP_BRIDGE, error,
			"there is no bridge %s%s; make it: sudo ip link add %s type bridge && "
			"sudo ip link set %s up",
			bridge, opening->request->netns ? " in the namespace" : "", bridge, bridge);
	if (!error) {
		tap->is_down = !(device.ifr_flags & IFF_UP);
		error = ask(opening, SIOCGIFMTU, bridge, &device);
	}
	if (error)
		return refuse(opening->failure, TAP_BRIDGE, error, "%s: %s", bridge,
			      strerror(-error));
	tap->mtu_bytes = (uint32_t)device.ifr_mtu;
	driver = driver_of(opening, bridge);
	if (strcmp(driver.driver, "bridge") == 0)
		return 0;
	return refuse(opening->failure, TAP_BRIDGE, -EINVAL,
		      "%s is not a bridge; make one, and put %s on it: sudo ip link set %s master "
		      "BRIDGE",
		      bridge, bridge, bridge);
}

static int make(struct opening *opening, struct tap *tap)
{
	const char *name = opening->request->name ? opening->request->name : "mote%d";
	struct ifreq device = {.ifr_flags = 0};
	int error;

	if (opening->request->name && ask(opening, SIOCGIFFLAGS, name, &device) != -ENODEV)
		return refuse(opening->failure, TAP_NAME, -EEXIST,
			      "%s exists already; without a bridge in mote.network it is used as "
			      "it is, on the bridge that it is on",
			      name);
	memcpy(tap->name, name, strnlen(name, IFNAMSIZ - 1));
	error = attach_as(tap->fd, tap->name, FLAGS);
	if (error == -EPERM)
		return refuse(opening->failure, TAP_BRIDGE, error,
			      "to make a tap takes CAP_NET_ADMIN; or let root make one on it, and "
			      "name that as host_dev_name instead of the bridge");
	if (error)
		return refuse(opening->failure, TAP_NAME, error, "cannot make the tap %s: %s", name,
			      strerror(-error));
	return 0;
}

/*
 * Before it is on the bridge, which takes the lowest of its ports' addresses and of their MTUs for
 * its own.
 */
static int dress(struct opening *opening, const struct tap *tap)
{
	struct ifreq device = {.ifr_hwaddr.sa_family = ARPHRD_ETHER};
	unsigned char *address = (unsigned char *)device.ifr_hwaddr.sa_data;
	int error;

	memcpy(address, opening->request->guest_address, ETH_ALEN);
	address[0] = address[0] == HIGH_ADDRESS ? OTHER_HIGH_ADDRESS : HIGH_ADDRESS;
	error = ask(opening, SIOCSIFHWADDR, tap->name, &device);
	if (!error && tap->mtu_bytes != ETH_DATA_LEN) {
		device.ifr_mtu = (int)tap->mtu_bytes;
		error = ask(opening, SIOCSIFMTU, tap->name, &device);
	}
	if (error)
		return refuse(opening->failure, TAP_BRIDGE, error,
			      "cannot give the tap %s the MTU of %s: %s", tap->name,
			      opening->request->bridge, strerror(-error));
	return 0;
}

static int join_bridge(struct opening *opening, const struct tap *tap)
{
	const char *bridge = opening->request->bridge;
	struct ifreq device = {.ifr_flags = 0};
	int error = ask(opening, SIOCGIFINDEX, tap->name, &device);

	if (!error)
		error = ask(opening, SIOCBRADDIF, bridge, &device);
	device.ifr_flags = IFF_UP;
	if (!error)
		error = ask(opening, SIOCSIFFLAGS, tap->name, &device);
	if (error)
		return refuse(opening->failure, TAP_BRIDGE, error, "cannot put a tap on %s: %s",
			      bridge, strerror(-error));
	return 0;
}

static int make_on_bridge(struct opening *opening, struct tap *tap)
{
	int error = look_at_bridge(opening, tap);

	if (!error)
		error = make(opening, tap);
	if (!error)
		error = dress(opening, tap);
	if (!error)
		error = prepare(tap->fd, opening->failure);
	return error ? error : join_bridge(opening, tap);
}

/* --- */

int tap_open(struct tap *tap, const struct tap_request *request, struct tap_failure *failure)
{
	struct opening opening = {request, failure, NONE};
	struct tap opened = {.name = ""};
	int error;

	opened.fd = open_tun(&opening);
	if (opened.fd < 0)
		return opened.fd;
	error = request->bridge ? make_on_bridge(&opening, &opened)
				: use_existing(&opening, &opened);
	if (opening.socket >= 0)
		close(opening.socket);
	if (error)
		close(opened.fd);
	else
		*tap = opened;
	return error;
}

/* IFF_NO_PI is not told: IFF_NOFILTER, which has the same bit, is or'ed to it. */
static int check_flags(const char *name, short flags, struct tap_failure *failure)
{
	if (!(flags & IFF_TAP))
		return refuse(failure, TAP_NAME, -EINVAL,
			      "is the tun %s, which carries no Ethernet; open it with IFF_TAP",
			      name);
	if (!(flags & IFF_VNET_HDR))
		return refuse(
			failure, TAP_NAME, -EINVAL,
			"is the tap %s without a vnet header; open it with IFF_TAP, IFF_NO_PI "
			"and IFF_VNET_HDR",
			name);
	return 0;
}

int tap_adopt(struct tap *tap, int fd, struct tap_failure *failure)
{
	struct ifreq device = {.ifr_flags = 0};
	struct tap adopted = {.fd = fd};
	int flags;
	int error;

	if (ioctl(fd, TUNGETIFF, &device)) {
		if (errno == EBADFD)
			return refuse(failure, TAP_NAME, -errno,
				      "is /dev/net/tun without a tap, which TUNSETIFF gives it");
		return refuse(failure, TAP_NAME, -ENOTTY, "is neither a tap nor a stream socket");
	}
	memcpy(adopted.name, device.ifr_name, IFNAMSIZ - 1);
	error = check_flags(adopted.name, device.ifr_flags, failure);
	if (error)
		return error;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return refuse(failure, TAP_NAME, -errno, "fcntl: %s", strerror(errno));
	error = prepare(fd, failure);
	if (error)
		return error;
	adopted.is_down = is_down(fd);
	*tap = adopted;
	return 0;
}
