/* SPDX-License-Identifier: MIT */
/* monitor/vsock_client.c - see vsock_client.h. */
#include "monitor/vsock_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static_assert((VSOCK_CLIENT_WAITING_MAX & (VSOCK_CLIENT_WAITING_MAX - 1)) == 0,
	      "indices are masked");

void vsock_client_init(struct vsock_client *client, int fd)
{
	client->fd = fd;
}

/* Send what may be on its way.  Stops at the first that cannot be sent. */
static int send_waiting(struct vsock_client *client)
{
	while (client->asked < VSOCK_BROKER_ASKED_MAX &&
	       client->waiting_out != client->waiting_in) {
		const struct vsock_broker_request *request =
			&client->waiting[client->waiting_out & (VSOCK_CLIENT_WAITING_MAX - 1)];

		if (write(client->fd, request, sizeof(*request)) < 0)
			return -errno;
		client->waiting_out++;
		client->asked++;
	}
	return 0;
}

int vsock_client_ask(struct vsock_client *client, uint64_t token, uint32_t port)
{
	int error;

	if (client->fd < 0)
		return -ECONNREFUSED;
	if (client->waiting_in - client->waiting_out == VSOCK_CLIENT_WAITING_MAX)
		return -EAGAIN;
	client->waiting[client->waiting_in++ & (VSOCK_CLIENT_WAITING_MAX - 1)] =
		(struct vsock_broker_request){.token = token, .port = port};
	error = send_waiting(client);
	/* The next answer makes room, if one is still to come. */
	if (!error || (error == -EAGAIN && client->asked))
		return 0;
	client->waiting_in--;
	return error;
}

/* The descriptor that came along, or negative errno. */
static int take_descriptor(struct msghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd;

	/* There was no room for it in this process's table. */
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -EMFILE;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

int vsock_client_take(struct vsock_client *client, uint64_t *token, int *connected)
{
	struct vsock_broker_answer answer;
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_LEN(sizeof(int))];
	} control;
	struct iovec piece = {.iov_base = &answer, .iov_len = sizeof(answer)};
	struct msghdr message = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		/* Exactly one, not what alignment would leave room for. */
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	ssize_t got = recvmsg(client->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (got < 0)
		return -errno;
	if (got != sizeof(answer))
		return -EPIPE;
	*token = answer.token;
	*connected = answer.error < 0 ? answer.error : take_descriptor(&message);
	if (client->asked)
		client->asked--;
	(void)send_waiting(client);
	return 0;
}
