/* SPDX-License-Identifier: MIT */
/*
 * tests/vm/with_fd.c - run a command with a tap or a connected stream socket as a descriptor.
 *
 *	with_fd tap NAME N COMMAND...       the tap NAME, as mote opens one itself
 *	with_fd socket PATH N COMMAND...    connected to who listens at PATH
 *
 * Exit status: the command's; 2 if the descriptor cannot be had.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	EXIT_TROUBLE = 2
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

static int open_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(EXIT_TROUBLE, "%s", path);
	return fd;
}

int main(int argc, char *argv[])
{
	int fd;
	int wanted;

	if (argc < 5)
		errx(EXIT_TROUBLE, "usage: with_fd tap|socket NAME N COMMAND...");
	fd = strcmp(argv[1], "tap") == 0 ? open_tap(argv[2]) : open_socket(argv[2]);
	wanted = atoi(argv[3]);
	if (fd == wanted ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, wanted) < 0)
		err(EXIT_TROUBLE, "descriptor %d", wanted);
	execvp(argv[4], argv + 4);
	err(EXIT_TROUBLE, "%s", argv[4]);
}
