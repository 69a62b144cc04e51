/* SPDX-License-Identifier: MIT */
/*
 * tests/vm/uds_peer.c - the host's side of a VM's streams: a client of its socket, and a server.
 *
 *	uds_peer copy SOCKET PORT             stdin there, and what comes to stdout, to both ends
 *	uds_peer take SOCKET PORT BYTES       read so much, write nothing, and leave
 *	uds_peer give SOCKET PORT BYTES       write so much, read nothing, and leave
 *	uds_peer slow SOCKET PORT SECONDS     leave it alone for so long, then read all to stdout
 *	uds_peer many SOCKET PORT COUNT       so many at once, which are echoed; each in its turn
 *	uds_peer fill SOCKET PORT COUNT       the same, and one more is refused
 *	uds_peer cycles SOCKET PORT COUNT     so many one after the other, which are echoed
 *	uds_peer say SOCKET TEXT              TEXT as it is, and what is answered to stdout
 *	uds_peer serve SOCKET                 copy, with the first who connects to that socket
 *	uds_peer sink SOCKET                  read all that all who connect have to say
 *	uds_peer echo SOCKET                  send it back to them
 *	uds_peer source SOCKET                write to all who connect as much as they take
 *	uds_peer hold SOCKET                  listen, and accept nobody
 *
 * PORT "-" leaves the greeting out.  Exit status: 0, 1 if it went wrong, 2 in trouble, 3 if the VM
 * refused.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	EXIT_WRONG = 1,
	EXIT_TROUBLE = 2,
	EXIT_REFUSED = 3,
	CHUNK_BYTES = 64 * 1024,
	MANY_MAX = 2048,
	ECHO_BYTES = 64,
	BACKLOG = 4096, /* what the VM connects in a burst need not be accepted at once */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		errx(EXIT_TROUBLE, "%s is too long", path);
	strcpy(address.sun_path, path);
	return address;
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(EXIT_TROUBLE, "socket");
	return fd;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int fd = new_socket();

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		err(EXIT_TROUBLE, "%s", path);
	return fd;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int fd = new_socket();

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, BACKLOG))
		err(EXIT_TROUBLE, "%s", path);
	return fd;
}

/* Returns whether all of it was written. */
static bool write_all(int fd, const void *bytes, size_t size_bytes)
{
	const char *at = bytes;

	while (size_bytes > 0) {
		ssize_t written = write(fd, at, size_bytes);

		if (written < 0)
			return false;
		at += written;
		size_bytes -= (size_t)written;
	}
	return true;
}

/* Returns how much came before the end. */
static size_t read_all(int fd, void *bytes, size_t size_bytes)
{
	size_t count = 0;
	ssize_t got;

	while (count < size_bytes &&
	       (got = read(fd, (char *)bytes + count, size_bytes - count)) > 0)
		count += (size_t)got;
	return count;
}

/* Returns whether there is still somebody to ask. */
static bool is_asked(int fd, const char *port)
{
	char line[32];
	int length = snprintf(line, sizeof(line), "CONNECT %s\n", port);

	return write_all(fd, line, (size_t)length);
}

/* Byte by byte, as what follows the newline belongs to the stream. */
static void await_ok(int fd, uint64_t begin_ms)
{
	char line[32] = "";
	size_t length = 0;

	while (length + 1 < sizeof(line) && read_all(fd, line + length, 1) == 1)
		if (line[length++] == '\n')
			break;
	if (length == 0)
		errx(EXIT_REFUSED, "refused after %" PRIu64 " ms", now_ms() - begin_ms);
	if (strncmp(line, "OK ", 3) != 0 || line[length - 1] != '\n' || atoi(line + 3) <= 0)
		errx(EXIT_WRONG, "answered '%s'", line);
}

static int open_stream(const char *path, const char *port)
{
	int fd = connect_to(path);

	if (strcmp(port, "-") != 0) {
		uint64_t begin_ms = now_ms();

		if (!is_asked(fd, port))
			err(EXIT_REFUSED, "CONNECT");
		await_ok(fd, begin_ms);
	}
	return fd;
}

/* -- Commands -- */

struct way {
	int from;
	int to;
	bool is_over;
	size_t held;
	size_t at;
	char chunk[CHUNK_BYTES];
};

/* Fill the chunk, or empty it.  Returns whether the stream is whole. */
static bool step(struct way *way, bool is_socket)
{
	ssize_t got;

	if (way->held > way->at) {
		got = is_socket ? send(way->to, way->chunk + way->at, way->held - way->at,
				       MSG_DONTWAIT)
				: write(way->to, way->chunk + way->at, way->held - way->at);
		if (got < 0 && errno != EAGAIN)
			return false;
		way->at += got > 0 ? (size_t)got : 0;
		return true;
	}
	got = read(way->from, way->chunk, sizeof(way->chunk));
	if (got < 0)
		return false;
	way->at = 0;
	way->held = (size_t)got;
	way->is_over = got == 0;
	return true;
}

static int copy(int fd)
{
	static struct way in = {.from = STDIN_FILENO};
	static struct way out = {.to = STDOUT_FILENO};

	in.to = fd;
	out.from = fd;
	while (!in.is_over || !out.is_over) {
		bool in_is_full = in.held > in.at;
		bool out_is_full = out.held > out.at;
		struct pollfd polls[] = {
			{.fd = in.is_over   ? -1
			       : in_is_full ? in.to
					    : in.from,
			 .events = in_is_full ? POLLOUT : POLLIN},
			{.fd = out.is_over   ? -1
			       : out_is_full ? out.to
					     : out.from,
			 .events = out_is_full ? POLLOUT : POLLIN},
		};

		if (poll(polls, 2, -1) < 0)
			err(EXIT_TROUBLE, "poll");
		if (polls[0].revents) {
			/* Who takes no more may still send. */
			if (!step(&in, true))
				in.is_over = true;
			if (in.is_over)
				shutdown(fd, SHUT_WR);
		}
		if (polls[1].revents && !step(&out, false)) {
			warn("reading");
			return EXIT_WRONG;
		}
	}
	return 0;
}

static int take(int fd, size_t wanted)
{
	static char chunk[CHUNK_BYTES];
	size_t got = 1;

	while (wanted > 0 && got > 0) {
		got = read_all(fd, chunk, wanted < sizeof(chunk) ? wanted : sizeof(chunk));
		wanted -= got;
	}
	return wanted > 0 ? EXIT_WRONG : 0;
}

static int give(int fd, size_t left)
{
	static char chunk[CHUNK_BYTES];

	while (left > 0) {
		size_t count = left < sizeof(chunk) ? left : sizeof(chunk);

		if (!write_all(fd, chunk, count))
			return EXIT_WRONG;
		left -= count;
	}
	return 0;
}

static int slow(int fd, unsigned int seconds)
{
	sleep(seconds);
	shutdown(fd, SHUT_WR);
	return copy(fd);
}

/* Returns whether what was sent comes back, and nothing else. */
static bool is_echoed(int fd, unsigned int number)
{
	char sent[ECHO_BYTES];
	char came[ECHO_BYTES];

	memset(sent, 0, sizeof(sent));
	snprintf(sent, sizeof(sent), "stream %u", number);
	return write_all(fd, sent, sizeof(sent)) &&
	       read_all(fd, came, sizeof(came)) == sizeof(came) &&
	       memcmp(sent, came, sizeof(sent)) == 0;
}

static bool is_closed_by(int fd)
{
	char byte;

	shutdown(fd, SHUT_WR);
	if (read_all(fd, &byte, 1) != 0)
		return false;
	close(fd);
	return true;
}

/* Returns whether the VM hangs up instead of an answer, maybe before it was asked for one. */
static bool is_refused(const char *path, const char *port)
{
	int fd = connect_to(path);
	bool is_answered;
	char byte;

	is_answered = is_asked(fd, port) && read_all(fd, &byte, 1) == 1;
	close(fd);
	return !is_answered;
}

static int many(const char *path, const char *port, unsigned int count, bool fills)
{
	static int fds[MANY_MAX];
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	for (unsigned int at = 0; at < count && at < MANY_MAX; at++)
		fds[at] = open_stream(path, port);
	if (fills && !is_refused(path, port))
		errx(EXIT_WRONG, "one more is not refused");
	for (unsigned int at = 0; at < count && at < MANY_MAX; at++)
		if (!is_echoed(fds[at], at))
			errx(EXIT_WRONG, "stream %u is not echoed", at);
	for (unsigned int at = 0; at < count && at < MANY_MAX; at++)
		if (!is_closed_by(fds[at]))
			errx(EXIT_WRONG, "stream %u does not end", at);
	return 0;
}

static int cycles(const char *path, const char *port, unsigned int count)
{
	for (unsigned int at = 0; at < count; at++) {
		int fd = open_stream(path, port);

		if (!is_echoed(fd, at) || !is_closed_by(fd))
			errx(EXIT_WRONG, "stream %u", at);
	}
	return 0;
}

static int say(const char *path, const char *text)
{
	int fd = connect_to(path);

	write_all(fd, text, strlen(text));
	shutdown(fd, SHUT_WR);
	return copy(fd);
}

static int serve(const char *path)
{
	int listener = listen_at(path);
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		err(EXIT_TROUBLE, "accept");
	close(listener);
	return copy(fd);
}

static int read_for_ever(int fd)
{
	return take(fd, SIZE_MAX);
}

static int write_for_ever(int fd)
{
	return give(fd, SIZE_MAX);
}

static int echo(int fd)
{
	static char chunk[CHUNK_BYTES];
	ssize_t got;

	while ((got = read(fd, chunk, sizeof(chunk))) > 0)
		if (!write_all(fd, chunk, (size_t)got))
			return EXIT_WRONG;
	return 0;
}

/* A process for each who connects, so that none waits. */
static _Noreturn void serve_all(const char *path, int (*work)(int fd))
{
	int listener = listen_at(path);

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0 && fork() == 0)
			exit(work(fd));
		close(fd);
	}
}

static _Noreturn void hold(const char *path)
{
	listen_at(path);
	for (;;)
		pause();
}

static int with_stream(const char *command, int fd, const char *number)
{
	unsigned long long value = strtoull(number, NULL, 10);

	if (strcmp(command, "take") == 0)
		return take(fd, value);
	if (strcmp(command, "give") == 0)
		return give(fd, value);
	if (strcmp(command, "slow") == 0)
		return slow(fd, (unsigned int)value);
	return EXIT_TROUBLE;
}

int main(int argc, char *argv[])
{
	const char *command = argc > 2 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && strcmp(command, "serve") == 0)
		return serve(argv[2]);
	if (argc == 3 && strcmp(command, "sink") == 0)
		serve_all(argv[2], read_for_ever);
	if (argc == 3 && strcmp(command, "echo") == 0)
		serve_all(argv[2], echo);
	if (argc == 3 && strcmp(command, "source") == 0)
		serve_all(argv[2], write_for_ever);
	if (argc == 3 && strcmp(command, "hold") == 0)
		hold(argv[2]);
	if (argc == 4 && strcmp(command, "say") == 0)
		return say(argv[2], argv[3]);
	if (argc == 4 && strcmp(command, "copy") == 0)
		return copy(open_stream(argv[2], argv[3]));
	if (argc == 5 && strcmp(command, "many") == 0)
		return many(argv[2], argv[3], (unsigned int)atoi(argv[4]), false);
	if (argc == 5 && strcmp(command, "fill") == 0)
		return many(argv[2], argv[3], (unsigned int)atoi(argv[4]), true);
	if (argc == 5 && strcmp(command, "cycles") == 0)
		return cycles(argv[2], argv[3], (unsigned int)atoi(argv[4]));
	if (argc == 5)
		return with_stream(command, open_stream(argv[2], argv[3]), argv[4]);
	errx(EXIT_TROUBLE, "usage: uds_peer COMMAND SOCKET ...");
}
