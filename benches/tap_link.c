/* SPDX-License-Identifier: MIT */
/* benches/tap_link.c - see tap_link.h. */
#include "benches/tap_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benches/clock.h"

static const char measured_name[] = "measured";

/* Neighbour discovery and the like would be among the frames that guests count. */
static void silence_ipv6(void)
{
	static const char *const settings[] = {
		"/proc/sys/net/ipv6/conf/all/disable_ipv6",
		"/proc/sys/net/ipv6/conf/default/disable_ipv6",
	};

	for (size_t at = 0; at < sizeof(settings) / sizeof(settings[0]); at++) {
		FILE *file = fopen(settings[at], "we");

		if (file == NULL)
			continue;
		fputs("1\n", file);
		fclose(file);
	}
}

int tap_link_enter(void)
{
	if (unshare(CLONE_NEWNET) != 0)
		return -errno;
	silence_ipv6();
	return 0;
}

static struct ifreq request_for(const char *name)
{
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return request;
}

/* Returns the tap's descriptor or negative errno.  As monitors open it: one queue, vnet headers. */
static int open_tap(const char *name)
{
	struct ifreq request = request_for(name);
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	int error;

	if (fd < 0)
		return -errno;
	request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, &request) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static int bring_up(const char *name)
{
	struct ifreq request = request_for(name);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	request.ifr_flags = IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
		error = -errno;
	close(fd);
	return error;
}

static int set_address(const char *name, unsigned long what, const char *address)
{
	struct ifreq request = request_for(name);
	struct sockaddr_in value = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	inet_pton(AF_INET, address, &value.sin_addr);
	memcpy(&request.ifr_addr, &value, sizeof(value));
	if (ioctl(fd, what, &request) != 0)
		error = -errno;
	close(fd);
	return error;
}

int tap_link_make(const struct tap_link *link)
{
	char address[TAP_LINK_TEXT_BYTES];
	int fd = open_tap(link->name);
	int error = 0;

	if (fd < 0)
		return fd;
	if (ioctl(fd, TUNSETPERSIST, 1) != 0)
		error = -errno;
	close(fd);
	tap_link_host_ip(link, address);
	if (error == 0)
		error = set_address(link->name, SIOCSIFADDR, address);
	if (error == 0)
		error = set_address(link->name, SIOCSIFNETMASK, "255.255.255.0");
	if (error == 0)
		error = bring_up(link->name);
	return error;
}

int tap_link_measure(struct tap_link_cost *cost)
{
	uint64_t began_ns = clock_now_ns();
	uint64_t up_ns;
	int fd = open_tap(measured_name);
	int error;

	if (fd < 0)
		return fd;
	error = bring_up(measured_name);
	up_ns = clock_now_ns();
	close(fd);
	if (error != 0)
		return error;
	cost->created_ns = up_ns - began_ns;
	cost->removed_ns = clock_now_ns() - up_ns;
	return 0;
}

void tap_link_host_ip(const struct tap_link *link, char text[TAP_LINK_TEXT_BYTES])
{
	snprintf(text, TAP_LINK_TEXT_BYTES, "10.77.%u.1", link->number);
}

void tap_link_guest_ip(const struct tap_link *link, char text[TAP_LINK_TEXT_BYTES])
{
	snprintf(text, TAP_LINK_TEXT_BYTES, "10.77.%u.2", link->number);
}

void tap_link_guest_mac(const struct tap_link *link, char text[TAP_LINK_TEXT_BYTES])
{
	snprintf(text, TAP_LINK_TEXT_BYTES, "06:00:0a:4d:%02x:02", link->number);
}

/* "NAME: BYTES FRAMES ...", where received is what the guest sent. */
int tap_link_count(const struct tap_link *link, uint64_t *frames)
{
	FILE *file = fopen("/proc/self/net/dev", "re");
	char line[512];
	char *after_bytes;
	int error = -ENODEV;

	if (file == NULL)
		return -errno;
	while (error != 0 && fgets(line, sizeof(line), file) != NULL) {
		const char *name = line + strspn(line, " ");
		size_t length = strlen(link->name);

		if (strncmp(name, link->name, length) != 0 || name[length] != ':')
			continue;
		strtoull(name + length + 1, &after_bytes, 10);
		*frames = strtoull(after_bytes, NULL, 10);
		error = 0;
	}
	fclose(file);
	return error;
}
