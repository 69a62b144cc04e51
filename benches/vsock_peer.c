/* SPDX-License-Identifier: MIT */
/* benches/vsock_peer.c - see vsock_peer.h. */
#include "benches/vsock_peer.h"

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	BACKLOG = 128,
};

static char chunk[VSOCK_PEER_CHUNK_BYTES];

static void on_term(int signal_number)
{
	(void)signal_number;
	_exit(EXIT_SUCCESS);
}

static void echo(int fd)
{
	ssize_t got;

	while ((got = read(fd, chunk, sizeof(chunk))) > 0)
		if (write(fd, chunk, (size_t)got) != got)
			return;
}

static void discard(int fd)
{
	while (read(fd, chunk, sizeof(chunk)) > 0)
		;
}

static void source(int fd)
{
	while (write(fd, chunk, sizeof(chunk)) > 0)
		;
}

static void leave(int fd)
{
	(void)fd;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		errx(EXIT_FAILURE, "%s is too long", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, BACKLOG) != 0)
		err(EXIT_FAILURE, "%s", path);
	return fd;
}

_Noreturn void vsock_peer_serve(enum vsock_cell cell, const char *path)
{
	static void (*const services[VSOCK_CELLS])(int) = {
		[VSOCK_ROUND_TRIP] = echo,      [VSOCK_LONE_ROUND_TRIP] = echo,
		[VSOCK_CONNECT] = leave,        [VSOCK_HOST_TO_GUEST] = discard,
		[VSOCK_GUEST_TO_HOST] = source,
	};
	int listener = listen_at(path);

	signal(SIGTERM, on_term);
	signal(SIGPIPE, SIG_IGN);
	puts("ready serve");
	fflush(stdout);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			err(EXIT_FAILURE, "accept");
		services[cell](fd);
		close(fd);
	}
}
