/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/vsock_bench.c - how fast vsock is, seen from inside.
 *
 *	runs=MODE:SIZE,...
 *	    round-trip          SIZE bytes there and back, by what listens on port 5007 of the host
 *	    send                SIZE bytes at a time, to port 5009, as many as can be
 *	    receive             the same from port 5019
 *	    connect             a connection to port 5009, and its end
 *	    serve               what comes in, for ever: 7 echo, 9 discard, 19 source; 5 ends the
 *run run_ms=MS               how long each run is (2 s) credit= packet= rx_buffer= ...    see
 *lib/virtio_vsock.h
 *
 * Prints "ready MODE" when a run begins and a line of JSON when it ends.  Exit code 1: no vsock,
 * 2: a wrong argument, 3: a connection was refused, or ended before the run did.
 */
#include "tests/guests/lib/clock.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/histogram.h"
#include "tests/guests/lib/memory.h"
#include "tests/guests/lib/string.h"
#include "tests/guests/lib/virtio_vsock.h"

enum {
	PORT_ECHO = 5007, /* of the host */
	PORT_DISCARD = 5009,
	PORT_SOURCE = 5019,
	SERVICE_END = 5, /* of the guest */
	SERVICE_ECHO = 7,
	SERVICE_DISCARD = 9,
	SERVICE_SOURCE = 19,
	SIZE_BYTES = 64,
	SIZE_MAX_BYTES = 1 << 20,
	SOURCE_BYTES = 64 * 1024,
	RUN_MS = 2000,
	FAIL_VSOCK = 1,
	FAIL_ARGUMENT = 2,
	FAIL_PEER = 3,
};

struct run {
	const char *mode;
	uint32_t port;
	bool (*step)(struct vsock_stream *stream, uint32_t size_bytes);
};

static struct vsock vsock;
static uint8_t *data;   /* SIZE_MAX_BYTES */
static uint8_t *zeroes; /* SOURCE_BYTES, for good */
static struct histogram latency;
static uint64_t count;
static uint64_t bytes;

/* Returns NULL if the host refuses. */
static struct vsock_stream *open_stream(uint32_t port)
{
	struct vsock_stream *stream = vsock_connect(&vsock, port);

	while (stream != NULL && stream->state == VSOCK_CONNECTING) {
		vsock_wait(&vsock);
		vsock_poll(&vsock);
	}
	return stream != NULL && stream->state == VSOCK_ESTABLISHED ? stream : NULL;
}

/* -- One step of a run; false: the host has ended it -- */

static bool round_trip(struct vsock_stream *stream, uint32_t size_bytes)
{
	uint64_t begin_tsc = tsc_read();
	uint32_t came = 0;
	uint32_t part = 1;

	if (!vsock_send_all(stream, data, size_bytes))
		return false;
	while (came < size_bytes && part > 0) {
		part = vsock_receive_some(stream, data, size_bytes - came);
		came += part;
	}
	histogram_add(&latency, tsc_read() - begin_tsc);
	bytes += came;
	return part > 0;
}

static bool send_some(struct vsock_stream *stream, uint32_t size_bytes)
{
	bytes += size_bytes;
	return vsock_send_all(stream, data, size_bytes);
}

static bool receive_some(struct vsock_stream *stream, uint32_t size_bytes)
{
	uint32_t part = vsock_receive_some(stream, data, size_bytes);

	bytes += part;
	return part > 0;
}

/* Besides the stream that the run has already. */
static bool connect_once(struct vsock_stream *stream, uint32_t size_bytes)
{
	uint64_t begin_tsc = tsc_read();
	struct vsock_stream *other = open_stream(stream->host_port);

	(void)size_bytes;
	if (other == NULL)
		return false;
	vsock_close(other);
	while (other->state == VSOCK_CLOSING) {
		vsock_wait(&vsock);
		vsock_poll(&vsock);
	}
	histogram_add(&latency, tsc_read() - begin_tsc);
	return true;
}

static const struct run modes[] = {
	{"round-trip", PORT_ECHO, round_trip},
	{"send", PORT_DISCARD, send_some},
	{"receive", PORT_SOURCE, receive_some},
	{"connect", PORT_DISCARD, connect_once},
};

/* -- Runs -- */

static void report(const struct run *run, uint32_t size_bytes, uint64_t ticks,
		   uint64_t notifications, uint64_t interrupts)
{
	uint64_t elapsed_us = clock_ticks_to_ns(ticks) / 1000 | 1;

	print("{\"mode\":\"%s\",\"size\":%u,\"count\":%lu,\"bytes\":%lu,\"elapsed_ns\":%lu,",
	      run->mode, size_bytes, count, bytes, clock_ticks_to_ns(ticks));
	print("\"count_per_s\":%lu,\"mbit_per_s\":%lu,", count * 1000000 / elapsed_us,
	      bytes * 8 / elapsed_us);
	if (latency.count > 0)
		print("\"mean_ns\":%lu,\"p50_ns\":%lu,\"p90_ns\":%lu,\"p99_ns\":%lu,\"max_ns\":%"
		      "lu,",
		      histogram_mean_ns(&latency), histogram_percentile_ns(&latency, 50),
		      histogram_percentile_ns(&latency, 90), histogram_percentile_ns(&latency, 99),
		      clock_ticks_to_ns(latency.longest_ticks));
	print("\"notifications\":%lu,\"interrupts\":%lu}\n",
	      vsock.device.notifications - notifications, vsock.device.interrupts - interrupts);
}

static int run_once(const struct run *run, uint32_t size_bytes)
{
	struct vsock_stream *stream = open_stream(run->port);
	uint64_t notifications = vsock.device.notifications;
	uint64_t interrupts = vsock.device.interrupts;
	uint64_t run_ticks = clock_ns_to_ticks(boot_number("run_ms=", RUN_MS) * 1000000);
	uint64_t begin_tsc = tsc_read();

	if (stream == NULL)
		return FAIL_PEER;
	memset(&latency, 0, sizeof(latency));
	count = 0;
	bytes = 0;
	print("ready %s\n", run->mode);
	while (tsc_read() - begin_tsc < run_ticks) {
		if (!run->step(stream, size_bytes))
			return FAIL_PEER;
		count++;
	}
	report(run, size_bytes, tsc_read() - begin_tsc, notifications, interrupts);
	vsock_close(stream);
	vsock_publish(&vsock);
	return 0;
}

/* -- Services -- */

static void echo(struct vsock_stream *stream)
{
	uint32_t room;
	uint32_t part;

	do {
		room = vsock_is_writable(stream) ? vsock_credit(stream) : SIZE_MAX_BYTES;
		part = vsock_receive(stream, data, room < SIZE_MAX_BYTES ? room : SIZE_MAX_BYTES);
		bytes += vsock_send(stream, data, part);
		count += part > 0;
	} while (part > 0);
}

/* What comes for it lies in the guest's memory, which is where a program wants it. */
static bool discard(struct vsock_stream *stream, const uint8_t *came, uint32_t size_bytes)
{
	(void)came;
	if (stream->own_port != SERVICE_DISCARD)
		return false;
	bytes += size_bytes;
	return true;
}

static void source(struct vsock_stream *stream)
{
	uint32_t part;

	while ((part = vsock_send_in_place(stream, zeroes, SOURCE_BYTES)) > 0)
		bytes += part;
}

/* Returns false once the run is over. */
static bool serve(struct vsock_stream *stream)
{
	switch (stream->own_port) {
	case SERVICE_END: return false;
	case SERVICE_ECHO: echo(stream); break;
	case SERVICE_SOURCE: source(stream); break;
	default: break; /* discard() has it */
	}
	/* Either the host has had enough, or all that it sent was taken. */
	if (stream->state == VSOCK_OVER || vsock_is_at_end(stream))
		vsock_close(stream);
	return true;
}

static bool serve_all(void)
{
	while (vsock_accept(&vsock) != NULL)
		count++;
	for (uint32_t at = 0; at < vsock.touched; at++) {
		struct vsock_stream *stream = &vsock.streams[at];

		if ((stream->state == VSOCK_ESTABLISHED || stream->state == VSOCK_OVER) &&
		    !serve(stream))
			return false;
	}
	return true;
}

static int serve_for_ever(void)
{
	static const uint32_t ports[] = {SERVICE_END, SERVICE_ECHO, SERVICE_DISCARD,
					 SERVICE_SOURCE};
	static const struct run run = {.mode = "serve"};
	uint64_t begin_tsc = tsc_read();

	for (uint32_t at = 0; at < sizeof(ports) / sizeof(ports[0]); at++)
		vsock_listen(&vsock, ports[at]);
	vsock.taker = discard;
	print("ready serve\n");
	do {
		vsock_wait(&vsock);
		vsock_poll(&vsock);
	} while (serve_all());
	report(&run, 0, tsc_read() - begin_tsc, 0, 0);
	return 0;
}

/* Behind the mode there may be a colon and a size. */
static int run_named(const char *text)
{
	if (string_starts_with(text, "serve"))
		return serve_for_ever();
	for (uint32_t at = 0; at < sizeof(modes) / sizeof(modes[0]); at++) {
		size_t length = strlen(modes[at].mode);
		uint64_t size_bytes = SIZE_BYTES;

		if (!string_starts_with(text, modes[at].mode))
			continue;
		if (text[length] == ':')
			size_bytes = string_to_number(text + length + 1);
		if (size_bytes == 0 || size_bytes > SIZE_MAX_BYTES)
			return FAIL_ARGUMENT;
		return run_once(&modes[at], (uint32_t)size_bytes);
	}
	return FAIL_ARGUMENT;
}

int guest_main(void)
{
	const char *text = boot_option("runs=");
	int result = text == NULL ? FAIL_ARGUMENT : 0;

	clock_start();
	if (!vsock_open(&vsock))
		return FAIL_VSOCK;
	data = heap_take(SIZE_MAX_BYTES, MEMORY_PAGE_BYTES);
	zeroes = heap_take(SOURCE_BYTES, MEMORY_PAGE_BYTES);
	while (result == 0 && *text != '\0' && *text != ' ') {
		result = run_named(text);
		while (*text != '\0' && *text != ' ' && *text++ != ',')
			;
	}
	if (result == FAIL_ARGUMENT)
		print("a wrong argument\n");
	if (result == FAIL_PEER)
		print("the host has refused or ended a connection\n");
	return result;
}
