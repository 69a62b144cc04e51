/* SPDX-License-Identifier: MIT */
/* monitor/vsock_broker.c - see vsock_broker.h. */
#include "monitor/vsock_broker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	/*
	 * Room for about as many answers as may be asked for: descriptors on their way count for
	 * the user, all of whose VMs share one limit, and a VM process need not take them.
	 */
	ANSWERS_BYTES = VSOCK_BROKER_ASKED_MAX * 512,
};

static int make_pair(struct vsock_broker *opened)
{
	const int buffer_bytes = ANSWERS_BYTES;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		return -errno;
	opened->fd = ends[0];
	opened->vm_fd = ends[1];
	/* The owner before the flag: no signal goes nowhere. */
	if (fcntl(opened->fd, F_SETOWN, getpid()) ||
	    fcntl(opened->fd, F_SETFL, O_NONBLOCK | O_ASYNC) ||
	    setsockopt(opened->fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes)))
		return -errno;
	return 0;
}

int vsock_broker_open(struct vsock_broker *broker, int directory_fd, const char *name)
{
	struct vsock_broker opened = {
		.fd = VSOCK_BROKER_NONE,
		.vm_fd = VSOCK_BROKER_NONE,
		.directory_fd = directory_fd,
		.own_fds_fd = VSOCK_BROKER_NONE,
	};
	int error = strlen(name) < sizeof(opened.name) ? make_pair(&opened) : -ENAMETOOLONG;

	if (!error) {
		opened.own_fds_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
		error = opened.own_fds_fd < 0 ? -errno : 0;
	}
	if (error) {
		vsock_broker_close(&opened);
		return error;
	}
	memcpy(opened.name, name, strlen(name) + 1);
	*broker = opened;
	return 0;
}

void vsock_broker_hand_over(struct vsock_broker *broker)
{
	if (broker->vm_fd >= 0)
		close(broker->vm_fd);
	broker->vm_fd = VSOCK_BROKER_NONE;
}

int vsock_broker_enter(const struct vsock_broker *broker)
{
	/* The first only to see whether that is still possible. */
	return fchdir(broker->directory_fd) || fchdir(broker->own_fds_fd) ? -errno : 0;
}

/* Returns a connected socket or negative errno. */
static int connect_file(int file)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int error;
	int fd;

	snprintf(address.sun_path, sizeof(address.sun_path), "%d", file);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

/* The same. */
static int connect_port(const struct vsock_broker *broker, uint32_t port)
{
	char name[sizeof(broker->name) + sizeof("_4294967295")];
	int connected;
	int file;

	snprintf(name, sizeof(name), "%s_%" PRIu32, broker->name, port);
	/* Not openat(): C libraries add flags, and the filter wants to see just these. */
	file = (int)syscall(SYS_openat, broker->directory_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC,
			    0);
	if (file < 0)
		return -errno;
	connected = connect_file(file);
	close(file);
	return connected;
}

static void send_answer(const struct vsock_broker *broker, uint64_t token, int connected)
{
	struct vsock_broker_answer answer = {
		.token = token,
		.error = connected < 0 ? connected : 0,
	};
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(connected))];
	} control = {0};
	struct iovec piece = {.iov_base = &answer, .iov_len = sizeof(answer)};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};

	if (connected >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(connected));
		memcpy(CMSG_DATA(&control.header), &connected, sizeof(connected));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	if (sendmsg(broker->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || connected < 0)
		return;
	/* The user has too many descriptors on their way, say: an answer comes all the same. */
	answer.error = -errno;
	message.msg_control = NULL;
	message.msg_controllen = 0;
	(void)sendmsg(broker->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool vsock_broker_serve(const struct vsock_broker *broker)
{
	struct vsock_broker_request request;

	for (unsigned int i = 0; i < VSOCK_BROKER_ASKED_MAX; i++) {
		ssize_t got = recv(broker->fd, &request, sizeof(request), MSG_DONTWAIT);
		int connected;

		if (got <= 0)
			return false;
		if (got != sizeof(request))
			continue;
		connected = connect_port(broker, request.port);
		send_answer(broker, request.token, connected);
		if (connected >= 0)
			close(connected);
	}
	return true;
}

void vsock_broker_close(struct vsock_broker *broker)
{
	vsock_broker_hand_over(broker);
	if (broker->fd >= 0)
		close(broker->fd);
	if (broker->own_fds_fd >= 0)
		close(broker->own_fds_fd);
	broker->fd = VSOCK_BROKER_NONE;
	broker->own_fds_fd = VSOCK_BROKER_NONE;
}
