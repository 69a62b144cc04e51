/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/vsock_endless.c - one processor ends the run while another goes on sending.
 *
 * Connects to port 5000 of the host, where all that the second processor sends is to be read,
 * though not as fast as it comes.  Exit code 7 after half a second of that, when the host is
 * behind.  1: no vsock, or nobody on port 5000, 2: no second processor.
 */
#include "tests/guests/lib/clock.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/disturber.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/virtio_vsock.h"

enum {
	PORT = 5000,
	CHUNK_BYTES = 16 * 1024,
	LEAD_MS = 500,
	ENDED = 7,
};

static struct vsock vsock;
static struct vsock_stream *stream;
static uint8_t chunk[CHUNK_BYTES];

static void send_more(struct random *random)
{
	(void)random;
	vsock_poll(&vsock);
	vsock_send(stream, chunk, CHUNK_BYTES);
	vsock_publish(&vsock);
}

static bool connect_out(void)
{
	stream = vsock_connect(&vsock, PORT);
	while (stream->state == VSOCK_CONNECTING) {
		vsock_wait(&vsock);
		vsock_poll(&vsock);
	}
	return stream->state == VSOCK_ESTABLISHED;
}

int guest_main(void)
{
	uint64_t end_tsc;

	clock_start();
	if (!vsock_open(&vsock) || !connect_out())
		return 1;
	if (!disturber_start())
		return 2;
	disturber_begin(send_more);
	end_tsc = tsc_read() + clock_ns_to_ticks(LEAD_MS * UINT64_C(1000000));
	while (tsc_read() < end_tsc)
		cpu_relax();
	return ENDED;
}
