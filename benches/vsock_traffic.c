/* SPDX-License-Identifier: MIT */
/* benches/vsock_traffic.c - see vsock_traffic.h. */
#include "benches/vsock_traffic.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "benches/clock.h"
#include "benches/stats.h"
#include "benches/vsock_peer.h"

enum {
	LINE_BYTES = 32,
	LATENCIES_MAX = 1 << 20, /* a run ends early with those */
	PAUSE_NS = 1000 * 1000,  /* of lone round trips */
	WAIT_MAX_S = 5,
};

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US 1e3

static double latencies_us[LATENCIES_MAX];
static char chunk[VSOCK_PEER_CHUNK_BYTES];

/* -- Connections -- */

static int read_all(int fd, char *bytes, size_t size_bytes)
{
	while (size_bytes > 0) {
		ssize_t got = read(fd, bytes, size_bytes);

		if (got <= 0)
			return got == 0 ? -ECONNRESET : -errno;
		bytes += got;
		size_bytes -= (size_t)got;
	}
	return 0;
}

static int write_all(int fd, const char *bytes, size_t size_bytes)
{
	while (size_bytes > 0) {
		ssize_t written = send(fd, bytes, size_bytes, MSG_NOSIGNAL);

		if (written < 0)
			return -errno;
		bytes += written;
		size_bytes -= (size_t)written;
	}
	return 0;
}

/* Firecracker's greeting.  Nothing comes behind the answer before something was sent, but from a
 * source: that is read byte by byte. */
static int greet(int fd, uint32_t port)
{
	char line[LINE_BYTES];
	size_t length = (size_t)snprintf(line, sizeof(line), "CONNECT %u\n", port);
	int error = write_all(fd, line, length);

	length = 0;
	while (error == 0 && (length == 0 || line[length - 1] != '\n')) {
		if (length == sizeof(line))
			return -EPROTO;
		error = read_all(fd, line + length++, 1);
	}
	return error == 0 && memcmp(line, "OK ", strlen("OK ")) != 0 ? -EPROTO : error;
}

/* Returns a descriptor or negative errno. */
static int open_stream(const struct vsock_traffic_plan *plan, uint32_t port)
{
	const struct timeval limit = {.tv_sec = WAIT_MAX_S};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", plan->socket_path);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		error = -errno;
	if (error == 0 && plan->is_vm)
		error = greet(fd, port);
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

/* -- Loads: each works until `until_ns` -- */

/* Returns when it ended, in `*end_ns`. */
static int make_round_trip(struct vsock_run *run, int fd, uint64_t *end_ns)
{
	uint64_t begin_ns = clock_now_ns();
	int error = write_all(fd, chunk, VSOCK_PEER_ROUND_TRIP_BYTES);

	if (error == 0)
		error = read_all(fd, chunk, VSOCK_PEER_ROUND_TRIP_BYTES);
	*end_ns = clock_now_ns();
	latencies_us[run->count++] = (double)(*end_ns - begin_ns) / NS_PER_US;
	return error;
}

static int make_round_trips(struct vsock_traffic *traffic, int fd, uint64_t until_ns)
{
	struct vsock_run *run = &traffic->run;
	uint64_t now_ns = clock_now_ns();
	int error = 0;

	while (error == 0 && now_ns < until_ns && run->count < LATENCIES_MAX)
		error = make_round_trip(run, fd, &now_ns);
	return error;
}

static int make_lone_round_trips(struct vsock_traffic *traffic, int fd, uint64_t until_ns)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct vsock_run *run = &traffic->run;
	uint64_t now_ns = clock_now_ns();
	int error = 0;

	while (error == 0 && now_ns < until_ns && run->count < LATENCIES_MAX) {
		nanosleep(&pause, NULL);
		error = make_round_trip(run, fd, &now_ns);
	}
	return error;
}

/* A VM has answered when it is open; of a process the client sees that it was accepted and closed.
 */
static int connect_once(const struct vsock_traffic_plan *plan)
{
	int fd = open_stream(plan, vsock_cells[plan->cell].port);
	int error = fd < 0 ? fd : 0;

	if (fd < 0)
		return error;
	if (!plan->is_vm && read(fd, chunk, 1) != 0)
		error = -EPROTO;
	close(fd);
	return error;
}

static int make_connections(struct vsock_traffic *traffic, int fd, uint64_t until_ns)
{
	int error = 0;

	(void)fd; /* each has its own */
	while (error == 0 && clock_now_ns() < until_ns) {
		error = connect_once(&traffic->plan);
		traffic->run.count++;
	}
	return error;
}

static int send_chunks(struct vsock_traffic *traffic, int fd, uint64_t until_ns)
{
	int error = 0;

	while (error == 0 && clock_now_ns() < until_ns) {
		error = write_all(fd, chunk, sizeof(chunk));
		traffic->run.bytes += sizeof(chunk);
	}
	return error;
}

static int receive_chunks(struct vsock_traffic *traffic, int fd, uint64_t until_ns)
{
	while (clock_now_ns() < until_ns) {
		ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got <= 0)
			return got == 0 ? -ECONNRESET : -errno;
		traffic->run.bytes += (uint64_t)got;
	}
	return 0;
}

static int work(struct vsock_traffic *traffic, int fd, unsigned int ms)
{
	static int (*const loads[VSOCK_CELLS])(struct vsock_traffic *, int, uint64_t) = {
		[VSOCK_ROUND_TRIP] = make_round_trips,
		[VSOCK_LONE_ROUND_TRIP] = make_lone_round_trips,
		[VSOCK_CONNECT] = make_connections,
		[VSOCK_HOST_TO_GUEST] = send_chunks,
		[VSOCK_GUEST_TO_HOST] = receive_chunks,
	};

	traffic->run.count = 0;
	traffic->run.bytes = 0;
	return loads[traffic->plan.cell](traffic, fd, clock_now_ns() + ms * NS_PER_MS);
}

/* -- Runs -- */

/* What was sent counts when it was taken: who has all of it closes the stream. */
static int finish(const struct vsock_traffic *traffic, int fd)
{
	if (traffic->plan.cell != VSOCK_HOST_TO_GUEST)
		return 0;
	if (shutdown(fd, SHUT_WR) != 0)
		return -errno;
	return read(fd, chunk, 1) == 0 ? 0 : -EPROTO;
}

static int run_with(struct vsock_traffic *traffic, int fd)
{
	struct vsock_run *run = &traffic->run;
	int error = work(traffic, fd, traffic->plan.warmup_ms);
	uint64_t warmup_count = run->count;
	uint64_t begin_ns = clock_now_ns();

	if (error == 0)
		error = work(traffic, fd, traffic->plan.run_ms);
	if (error == 0)
		error = finish(traffic, fd);
	traffic->ended_ns = clock_now_ns();
	run->elapsed_ns = traffic->ended_ns - begin_ns;
	run->whole_count = run->count + warmup_count;
	return error;
}

static void summarize(struct vsock_traffic *traffic)
{
	bool has_latencies = traffic->plan.cell == VSOCK_ROUND_TRIP ||
			     traffic->plan.cell == VSOCK_LONE_ROUND_TRIP;
	struct stats_summary summary =
		stats_summarize(latencies_us, has_latencies ? traffic->run.count : 0);

	traffic->run.p50_us = summary.median;
	traffic->run.p99_us = summary.p99;
}

static int run(struct vsock_traffic *traffic)
{
	const struct vsock_traffic_plan *plan = &traffic->plan;
	int error;
	int fd;

	if (plan->cell == VSOCK_CONNECT)
		return run_with(traffic, -1);
	fd = open_stream(plan, vsock_cells[plan->cell].port);
	if (fd < 0)
		return fd;
	error = run_with(traffic, fd);
	close(fd);
	return error;
}

static void end_guest(const struct vsock_traffic_plan *plan)
{
	int fd = open_stream(plan, VSOCK_PORT_END);

	if (fd >= 0)
		close(fd);
}

static void *follow(void *argument)
{
	struct vsock_traffic *traffic = argument;

	traffic->error = run(traffic);
	if (traffic->plan.is_vm)
		end_guest(&traffic->plan);
	traffic->plan.ended(traffic->plan.context);
	if (traffic->error == 0)
		summarize(traffic);
	return NULL;
}

int vsock_traffic_start(struct vsock_traffic *traffic, const struct vsock_traffic_plan *plan)
{
	*traffic = (struct vsock_traffic){.plan = *plan};
	return -pthread_create(&traffic->thread, NULL, follow, traffic);
}

void vsock_traffic_join(struct vsock_traffic *traffic)
{
	pthread_join(traffic->thread, NULL);
}
