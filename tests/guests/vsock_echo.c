/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/vsock_echo.c - services on ports of vsock, as many streams at once as there are.
 *
 *	 4  reset    1000 bytes, then the stream breaks off
 *	 5  exit     the number sent here is the exit code
 *	 7  echo     what comes goes back; the end, too
 *	 9  discard  "hello" and the end at once, then the console tells what came
 *	19  source   bytes=N bytes, and both ways are closed; the console tells which
 *
 *	connect=P      connect to port P of the host, and echo there
 *	connections=N  so many of them
 *	count=N        end, with exit code 0, after so many streams, wherever they began
 *	credit=BYTES ...    see lib/virtio_vsock.h
 *
 * Prints a line when it is up, and the counters when it ends.  Exit code 1: no vsock.
 */
#include "tests/guests/lib/cksum.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/random.h"
#include "tests/guests/lib/string.h"
#include "tests/guests/lib/virtio_vsock.h"

enum {
	PORT_RESET = 4,
	PORT_EXIT = 5,
	PORT_ECHO = 7,
	PORT_DISCARD = 9,
	PORT_SOURCE = 19,
	CHUNK_BYTES = 16 * 1024,
	RESET_BYTES = 1000,
	SOURCE_BYTES = 1000 * 1000,
};

/* Of a stream, by its place among the others. */
struct work {
	struct cksum sum;
	struct random random;
	uint64_t left_bytes;
};

static struct vsock vsock;
static struct work works[VSOCK_STREAMS_MAX];
static uint8_t chunk[CHUNK_BYTES];
static uint64_t streams;
static uint64_t refused;
static int code = -1; /* of the end, once it is known */

static struct work *work_of(const struct vsock_stream *stream)
{
	return &works[stream - vsock.streams];
}

static void begin(struct vsock_stream *stream)
{
	struct work *work = work_of(stream);

	stream->user = 1;
	cksum_start(&work->sum);
	random_seed(&work->random, 1);
	work->left_bytes = boot_number("bytes=", SOURCE_BYTES);
	if (stream->own_port == PORT_DISCARD) {
		vsock_send(stream, "hello\n", 6);
		vsock_shut_down(stream, VSOCK_SHUTDOWN_SEND);
	}
}

static void finish(struct vsock_stream *stream)
{
	streams++;
	vsock_close(stream);
}

static void finish_with_sum(struct vsock_stream *stream, const char *name)
{
	struct cksum *sum = &work_of(stream)->sum;

	cksum_end(sum);
	print("%s %u %lu\n", name, sum->crc, sum->size_bytes);
	finish(stream);
}

/* No more than can be sent is read, so that nothing has to be kept. */
static void echo(struct vsock_stream *stream)
{
	uint32_t count;

	do {
		uint32_t room = vsock_is_writable(stream) ? vsock_credit(stream) : CHUNK_BYTES;

		count = vsock_receive(stream, chunk, room < CHUNK_BYTES ? room : CHUNK_BYTES);
		vsock_send(stream, chunk, count);
	} while (count > 0);
	if (!vsock_is_at_end(stream))
		return;
	if (stream->state == VSOCK_OVER)
		finish(stream);
	else if (!stream->sends_no_more)
		vsock_shut_down(stream, VSOCK_SHUTDOWN_SEND);
}

static void discard(struct vsock_stream *stream)
{
	uint32_t count;

	while ((count = vsock_receive(stream, chunk, CHUNK_BYTES)) > 0)
		cksum_add(&work_of(stream)->sum, chunk, count);
	if (stream->state == VSOCK_OVER)
		finish_with_sum(stream, "discarded");
}

static void make_bytes(struct work *work, uint32_t count)
{
	for (uint32_t at = 0; at < count; at++)
		chunk[at] = (uint8_t)(random_next(&work->random) >> 56);
}

static void source(struct vsock_stream *stream)
{
	struct work *work = work_of(stream);

	while (work->left_bytes > 0 && vsock_is_writable(stream) && vsock_credit(stream) > 0) {
		uint32_t count = vsock_credit(stream);

		count = count < CHUNK_BYTES ? count : CHUNK_BYTES;
		count = count < work->left_bytes ? count : (uint32_t)work->left_bytes;
		make_bytes(work, count);
		cksum_add(&work->sum, chunk, count);
		work->left_bytes -= vsock_send(stream, chunk, count);
	}
	if (work->left_bytes == 0)
		finish_with_sum(stream, "sent");
	else if (!vsock_is_writable(stream))
		finish(stream);
}

static void break_off(struct vsock_stream *stream)
{
	memset(chunk, 'x', RESET_BYTES);
	vsock_send(stream, chunk, RESET_BYTES);
	vsock_reset(stream);
	streams++;
}

static void obey(struct vsock_stream *stream)
{
	uint32_t count = vsock_receive(stream, chunk, CHUNK_BYTES - 1);

	if (count > 0) {
		chunk[count] = '\0';
		code = (int)(string_to_number((const char *)chunk) & 255);
	} else if (vsock_is_at_end(stream)) {
		finish(stream);
	}
}

static void serve(struct vsock_stream *stream)
{
	if (stream->state == VSOCK_OVER && stream->was_reset) {
		refused += stream->user == 0;
		finish(stream);
		return;
	}
	if (stream->user == 0)
		begin(stream);
	switch (stream->own_port) {
	case PORT_RESET: break_off(stream); break;
	case PORT_EXIT: obey(stream); break;
	case PORT_DISCARD: discard(stream); break;
	case PORT_SOURCE: source(stream); break;
	default: echo(stream); break;
	}
}

static void serve_all(uint64_t streams_max)
{
	while (vsock_accept(&vsock) != NULL)
		;
	for (uint32_t at = 0; at < vsock.touched && code < 0; at++) {
		struct vsock_stream *stream = &vsock.streams[at];

		if (stream->state == VSOCK_ESTABLISHED || stream->state == VSOCK_OVER)
			serve(stream);
	}
	if (code < 0 && streams >= streams_max && vsock_live_count(&vsock) == 0)
		code = 0;
}

static void connect_out(void)
{
	uint32_t port = (uint32_t)boot_number("connect=", 0);
	uint64_t count = boot_number("connections=", 1);

	while (port != 0 && count-- > 0)
		if (vsock_connect(&vsock, port) == NULL)
			print("too many connections\n");
}

int guest_main(void)
{
	static const uint32_t ports[] = {PORT_RESET, PORT_EXIT, PORT_ECHO, PORT_DISCARD,
					 PORT_SOURCE};
	uint64_t streams_max = boot_number("count=", UINT64_MAX);

	if (!vsock_open(&vsock))
		return 1;
	for (uint32_t at = 0; at < sizeof(ports) / sizeof(ports[0]); at++)
		vsock_listen(&vsock, ports[at]);
	connect_out();
	print("up: CID %lu, features 0x%lx\n", vsock.cid, vsock.device.features);
	while (code < 0) {
		vsock_wait(&vsock);
		vsock_poll(&vsock);
		serve_all(streams_max);
	}
	vsock_publish(&vsock);
	print("streams %lu, refused %lu, resets %lu, wrong %lu, ", streams, refused, vsock.resets,
	      vsock.packets_wrong);
	print("packets %lu and %lu, notifications %lu, interrupts %lu\n", vsock.packets_sent,
	      vsock.packets_received, vsock.device.notifications, vsock.device.interrupts);
	return code;
}
