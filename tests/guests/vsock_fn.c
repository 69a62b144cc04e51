/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/vsock_fn.c - a function: one request on port 1024, read to its end, and its answer.
 *
 *	cgi=1          the answer begins with a CGI header
 *	limit=BYTES    the longest request, 8 MiB where it is not said
 *	credit=BYTES ...    see lib/virtio_vsock.h
 *
 * The answer is the request with its small letters made large.  A request that begins with a number
 * has it as its exit code, any other 0.  1: no vsock, 2: too long, 3: the stream broke off.
 */
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/string.h"
#include "tests/guests/lib/virtio_vsock.h"

enum {
	PORT = 1024,
	LIMIT_BYTES = 8 * 1024 * 1024,
	EXIT_NO_VSOCK = 1,
	EXIT_TOO_LONG = 2,
	EXIT_BROKEN = 3,
};

#define CGI_HEADER "Content-Type: text/plain\r\n\r\n"

static struct vsock vsock;

static struct vsock_stream *accept_one(void)
{
	struct vsock_stream *stream;

	while ((stream = vsock_accept(&vsock)) == NULL) {
		vsock_wait(&vsock);
		vsock_poll(&vsock);
	}
	return stream;
}

/* Returns its length; `limit` if it is at least as long. */
static uint32_t read_request(struct vsock_stream *stream, uint8_t *request, uint32_t limit)
{
	uint32_t length = 0;
	uint32_t count;

	while (length < limit &&
	       (count = vsock_receive_some(stream, request + length, limit - length)) > 0)
		length += count;
	return length;
}

static void answer(struct vsock_stream *stream, uint8_t *request, uint32_t length)
{
	for (uint32_t at = 0; at < length; at++)
		if (request[at] >= 'a' && request[at] <= 'z')
			request[at] = (uint8_t)(request[at] - 'a' + 'A');
	if (boot_number("cgi=", 0) != 0)
		vsock_send_all(stream, CGI_HEADER, sizeof(CGI_HEADER) - 1);
	vsock_send_all(stream, request, length);
	vsock_shut_down(stream, VSOCK_SHUTDOWN_SEND);
}

/* Until the host has taken all of it. */
static void wait_for_end(struct vsock_stream *stream)
{
	while (stream->state == VSOCK_ESTABLISHED) {
		vsock_wait(&vsock);
		vsock_poll(&vsock);
	}
	vsock_publish(&vsock);
}

int guest_main(void)
{
	uint32_t limit = (uint32_t)boot_number("limit=", LIMIT_BYTES);
	uint8_t *request = heap_take((size_t)limit + 1, 1);
	struct vsock_stream *stream;
	uint32_t length;

	if (!vsock_open(&vsock))
		return EXIT_NO_VSOCK;
	vsock_listen(&vsock, PORT);
	stream = accept_one();
	length = read_request(stream, request, limit);
	print("a request of %u bytes\n", length);
	if (length == limit)
		return EXIT_TOO_LONG;
	if (stream->was_reset)
		return EXIT_BROKEN;
	request[length] = '\0';
	answer(stream, request, length);
	wait_for_end(stream);
	return (int)(string_to_number((const char *)request) & 255);
}
