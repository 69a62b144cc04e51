/* SPDX-License-Identifier: MIT */
/*
 * tests/vm/with_fd.c - run a command with a tap or a stream socket as a descriptor.
 *
 *	with_fd tap NAME N COMMAND...       the tap NAME, as mote opens one itself
 *	with_fd socket PATH N COMMAND...    connected to who listens at PATH
 *	with_fd listen PATH N COMMAND...    listens at PATH, which it makes
 *
 * Exit status: the command's; 2 if the descriptor cannot be had.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	EXIT_TROUBLE = 2,
	BACKLOG = 16,
};

static int open_tap(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(EXIT_TROUBLE, "/dev/net/tun");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		err(EXIT_TROUBLE, "tap %s", name);
	return fd;
}

static int open_socket(const char *path, bool listens)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (listens)
		result = bind(fd, (struct sockaddr *)&address, sizeof(address));
	else
		result = connect(fd, (struct sockaddr *)&address, sizeof(address));
	if (result < 0 || (listens && listen(fd, BACKLOG) < 0))
		err(EXIT_TROUBLE, "%s", path);
	return fd;
}

static int open_named(const char *kind, const char *name)
{
	if (strcmp(kind, "tap") == 0)
		return open_tap(name);
	return open_socket(name, strcmp(kind, "listen") == 0);
}

int main(int argc, char *argv[])
{
	int fd;
	int wanted;

	if (argc < 5)
		errx(EXIT_TROUBLE, "usage: with_fd tap|socket|listen NAME N COMMAND...");
	fd = open_named(argv[1], argv[2]);
	wanted = atoi(argv[3]);
	if (fd == wanted ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, wanted) < 0)
		err(EXIT_TROUBLE, "descriptor %d", wanted);
	execvp(argv[4], argv + 4);
	err(EXIT_TROUBLE, "%s", argv[4]);
}
