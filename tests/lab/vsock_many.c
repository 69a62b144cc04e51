/* SPDX-License-Identifier: MIT */
/*
 * tests/lab/vsock_many.c - many streams at once to somebody who echoes, each with bytes of its own.
 *
 *	vsock_many vsock:CID:PORT COUNT BYTES   in a guest
 *	vsock_many PATH:PORT COUNT BYTES        on the host, through the socket of a VM
 *
 * All are open before the first sends.  Then all of them send and receive as they can, each so many
 * bytes and its end; what comes back must be the same, and its end too.
 *
 * Exit status: 0, 1 if it went wrong, 2 in trouble, 3 if one was refused.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	EXIT_WRONG = 1,
	EXIT_TROUBLE = 2,
	EXIT_REFUSED = 3,
	STREAMS_MAX = 1000,
	CHUNK_BYTES = 4096,
	PATIENCE_MS = 60000, /* for anything to happen on any of them */
};

struct stream {
	int fd; /* -1: over */
	uint32_t sent;
	uint32_t received;
};

static struct stream streams[STREAMS_MAX];
static uint32_t stream_bytes;

/* -- Opening -- */

static int connect_as(int family, const void *address, size_t size_bytes)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(EXIT_TROUBLE, "socket");
	if (connect(fd, address, (socklen_t)size_bytes))
		err(EXIT_REFUSED, "connect");
	return fd;
}

static int open_in_guest(unsigned int cid, unsigned int port)
{
	struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};

	return connect_as(AF_VSOCK, &address, sizeof(address));
}

/* Byte by byte, as what follows the newline belongs to the stream. */
static void greet(int fd, const char *port)
{
	char answer[32] = "";
	size_t length = 0;

	if (dprintf(fd, "CONNECT %s\n", port) < 0)
		err(EXIT_REFUSED, "CONNECT");
	while (length + 1 < sizeof(answer) && read(fd, answer + length, 1) == 1)
		if (answer[length++] == '\n')
			break;
	if (strncmp(answer, "OK ", 3) != 0)
		errx(EXIT_REFUSED, "answered '%s'", answer);
}

static int open_on_host(const char *path, size_t path_bytes, const char *port)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (path_bytes >= sizeof(address.sun_path))
		errx(EXIT_TROUBLE, "%s is too long", path);
	memcpy(address.sun_path, path, path_bytes);
	fd = connect_as(AF_UNIX, &address, sizeof(address));
	greet(fd, port);
	return fd;
}

static int open_stream(const char *address)
{
	const char *colon = strrchr(address, ':');
	unsigned int cid;
	unsigned int port;
	int fd;

	if (!colon)
		errx(EXIT_TROUBLE, "%s has no port", address);
	if (sscanf(address, "vsock:%u:%u", &cid, &port) == 2)
		fd = open_in_guest(cid, port);
	else
		fd = open_on_host(address, (size_t)(colon - address), colon + 1);
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		err(EXIT_TROUBLE, "fcntl");
	return fd;
}

/* -- Bytes -- */

/* No two streams have a word in common at the same place. */
static void fill(uint8_t *bytes, uint32_t stream, uint32_t offset, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = offset + i;
		uint32_t word = stream * UINT32_C(0x9e3779b1) + at / 4 * UINT32_C(0x85ebca6b);

		bytes[i] = (uint8_t)(word >> at % 4 * 8);
	}
}

static uint32_t at_most_a_chunk(uint32_t count)
{
	return count < CHUNK_BYTES ? count : CHUNK_BYTES;
}

static void do_send(uint32_t number)
{
	struct stream *stream = &streams[number];
	uint8_t chunk[CHUNK_BYTES];
	uint32_t count = at_most_a_chunk(stream_bytes - stream->sent);
	ssize_t sent;

	fill(chunk, number, stream->sent, count);
	sent = write(stream->fd, chunk, count);
	if (sent < 0 && errno != EAGAIN)
		err(EXIT_WRONG, "stream %u: sending after %u bytes", number, stream->sent);
	if (sent > 0)
		stream->sent += (uint32_t)sent;
	if (stream->sent == stream_bytes && shutdown(stream->fd, SHUT_WR))
		err(EXIT_WRONG, "stream %u: half-close", number);
}

static void do_receive(uint32_t number)
{
	struct stream *stream = &streams[number];
	uint8_t chunk[CHUNK_BYTES];
	uint8_t wanted[CHUNK_BYTES];
	ssize_t received = read(stream->fd, chunk, sizeof(chunk));

	if (received < 0 && errno == EAGAIN)
		return;
	if (received < 0)
		err(EXIT_WRONG, "stream %u: receiving after %u bytes", number, stream->received);
	if (received == 0 && stream->received != stream_bytes)
		errx(EXIT_WRONG, "stream %u ends after %u bytes", number, stream->received);
	if (received == 0) {
		close(stream->fd);
		stream->fd = -1;
		return;
	}
	fill(wanted, number, stream->received, (uint32_t)received);
	if (stream->received + (uint32_t)received > stream->sent ||
	    memcmp(chunk, wanted, (size_t)received) != 0)
		errx(EXIT_WRONG, "stream %u: others than were sent, after %u bytes", number,
		     stream->received);
	stream->received += (uint32_t)received;
}

/* -- All of them -- */

static void move(uint32_t count)
{
	static struct pollfd polls[STREAMS_MAX];
	uint32_t left = count;

	while (left > 0) {
		for (uint32_t number = 0; number < count; number++) {
			const struct stream *stream = &streams[number];
			short events = stream->sent < stream_bytes ? POLLIN | POLLOUT : POLLIN;

			polls[number] = (struct pollfd){.fd = stream->fd, .events = events};
		}
		if (poll(polls, count, PATIENCE_MS) <= 0)
			errx(EXIT_WRONG, "nothing happens, and %u streams are not over", left);
		for (uint32_t number = 0; number < count; number++) {
			if (polls[number].revents & POLLOUT)
				do_send(number);
			if (polls[number].revents & ~POLLOUT)
				do_receive(number);
			if (polls[number].fd >= 0 && streams[number].fd < 0)
				left--;
		}
	}
}

int main(int argc, char *argv[])
{
	uint32_t count = argc == 4 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;

	stream_bytes = argc == 4 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
	if (count < 1 || count > STREAMS_MAX || stream_bytes < 1)
		errx(EXIT_TROUBLE, "usage: vsock_many ADDRESS COUNT BYTES");
	signal(SIGPIPE, SIG_IGN);
	for (uint32_t number = 0; number < count; number++)
		streams[number].fd = open_stream(argv[1]);
	move(count);
	return 0;
}
