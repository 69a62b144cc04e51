/* SPDX-License-Identifier: MIT */
/*
 * tests/vm/udp_peer.c - the other end of a guest's NIC: pings, UDP echoes, and datagrams en masse.
 *
 *	udp_peer ping ADDRESS COUNT SIZE          ICMP echo, SIZE bytes of payload; needs root
 *	udp_peer await ADDRESS                    pings until one is answered; for how many ms that
 *was udp_peer echo ADDRESS PORT FROM TO STEP   each size is sent and has to come back as it was
 *	udp_peer say ADDRESS PORT TEXT            send until something comes back, print that
 *	udp_peer blast ADDRESS PORT SIZE RATE MS  RATE datagrams a second (0: all it can), one way
 *	udp_peer burst ADDRESS PORT SIZE COUNT    all at once; wait until that many came back
 *	udp_peer serve ADDRESS PORT               be the one that echoes, until killed
 *
 * Prints one line.  Exit status: 0 all came back, 1 something did not, 2 it could not be tried.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	EXIT_TROUBLE = 2,
	DATAGRAM_MAX_BYTES = 65507,
	ANSWER_MS = 500,
	AWAIT_MS = 20000,
	AWAIT_EACH_US = 5000,
	AWAIT_BYTES = 56,
	TRIES = 20,
	LOST_MAX = 3, /* then it is no use to go on */
	SLICE_US = 1000,
	SOCKET_BUFFER_BYTES = 8 << 20, /* for what comes while nobody reads */
	UNPACED_AT_ONCE = 64,
};

static uint8_t sent[DATAGRAM_MAX_BYTES];
static uint8_t received[DATAGRAM_MAX_BYTES + 60];

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static unsigned int number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || value > UINT32_MAX)
		errx(EXIT_TROUBLE, "not a number: %s", text);
	return (unsigned int)value;
}

static unsigned int size(const char *text)
{
	unsigned int value = number(text);

	if (value > DATAGRAM_MAX_BYTES)
		errx(EXIT_TROUBLE, "more than %d bytes: %s", DATAGRAM_MAX_BYTES, text);
	return value;
}

static int open_to(const char *address, const char *port, int type, int protocol)
{
	const int buffer_bytes = SOCKET_BUFFER_BYTES;
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		errx(EXIT_TROUBLE, "not an address: %s", address);
	if (port)
		to.sin_port = htons((uint16_t)number(port));
	fd = socket(AF_INET, type | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		err(EXIT_TROUBLE, "socket");
	/* Only root gets more than the host's usual; others get that. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof(buffer_bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		err(EXIT_TROUBLE, "connect to %s", address);
	return fd;
}

/* What arrives until then; -1 if nothing does.  A refusal is silence: the guest may come up yet. */
static ssize_t wait_for(int fd, uint64_t deadline_us)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	uint64_t now = now_us();

	for (; now < deadline_us; now = now_us()) {
		int wait_ms = (int)((deadline_us - now + 999) / 1000);
		ssize_t bytes;

		if (poll(&poll_fd, 1, wait_ms) <= 0)
			continue;
		bytes = recv(fd, received, sizeof(received), MSG_DONTWAIT);
		if (bytes >= 0)
			return bytes;
	}
	return -1;
}

static uint64_t answer_deadline(void)
{
	return now_us() + ANSWER_MS * 1000;
}

static void fill(unsigned int seed, size_t bytes)
{
	uint32_t state = seed * 2654435761U + 1;

	for (size_t at = 0; at < bytes; at++) {
		state = state * 1664525U + 1013904223U;
		sent[at] = (uint8_t)(state >> 24);
	}
}

static uint16_t checksum(const uint8_t *bytes, size_t count)
{
	uint32_t sum = 0;

	for (size_t at = 0; at < count; at++)
		sum += at % 2 == 0 ? (uint32_t)bytes[at] << 8 : bytes[at];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* An echo request of that number with `bytes` of payload; returns its whole length. */
static size_t make_ping(unsigned int sequence, unsigned int bytes)
{
	struct icmphdr header = {.type = ICMP_ECHO};
	size_t all_bytes = sizeof(header) + bytes;

	header.un.echo.id = htons((uint16_t)getpid());
	header.un.echo.sequence = htons((uint16_t)sequence);
	fill(sequence, all_bytes);
	memcpy(sent, &header, sizeof(header));
	header.checksum = checksum(sent, all_bytes);
	memcpy(sent, &header, sizeof(header));
	return all_bytes;
}

/* A raw socket shows every ICMP message of that host, behind its IP header. */
static bool is_pong(size_t bytes, size_t sent_bytes)
{
	const uint8_t *icmp = received + (received[0] & 15) * 4;

	return bytes == (size_t)(icmp - received) + sent_bytes && icmp[0] == ICMP_ECHOREPLY &&
	       checksum(icmp, sent_bytes) == 0 && memcmp(icmp + 4, sent + 4, sent_bytes - 4) == 0;
}

static bool ping_once(int fd, unsigned int sequence, unsigned int bytes)
{
	size_t sent_bytes = make_ping(sequence, bytes);
	uint64_t deadline = answer_deadline();
	ssize_t got;

	if (send(fd, sent, sent_bytes, 0) < 0)
		return false;
	while ((got = wait_for(fd, deadline)) >= 0)
		if (is_pong((size_t)got, sent_bytes))
			return true;
	return false;
}

static int do_ping(char *argv[])
{
	int fd = open_to(argv[2], NULL, SOCK_RAW, IPPROTO_ICMP);
	unsigned int count = number(argv[3]);
	unsigned int bytes = size(argv[4]);
	unsigned int answered = 0;

	if (bytes > DATAGRAM_MAX_BYTES - sizeof(struct icmphdr))
		errx(EXIT_TROUBLE, "too large for a ping: %s", argv[4]);
	for (unsigned int at = 0; at < count; at++)
		answered += ping_once(fd, at, bytes);
	printf("%u of %u pings of %u bytes answered\n", answered, count, bytes);
	return answered == count ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* One after the other, without waiting for the answer to each. */
static int do_await(char *argv[])
{
	int fd = open_to(argv[2], NULL, SOCK_RAW, IPPROTO_ICMP);
	size_t sent_bytes = make_ping(0, AWAIT_BYTES);
	uint64_t begin = now_us();
	uint64_t past = 0;

	for (; past < AWAIT_MS * UINT64_C(1000); past = now_us() - begin) {
		ssize_t got;

		send(fd, sent, sent_bytes, 0);
		while ((got = wait_for(fd, begin + past + AWAIT_EACH_US)) >= 0) {
			if (!is_pong((size_t)got, sent_bytes))
				continue;
			printf("%llu\n", (unsigned long long)(now_us() - begin) / 1000);
			return EXIT_SUCCESS;
		}
	}
	printf("no answer\n");
	return EXIT_FAILURE;
}

static bool echo_once(int fd, unsigned int bytes)
{
	uint64_t deadline = answer_deadline();
	ssize_t got;

	fill(bytes, bytes);
	if (send(fd, sent, bytes, 0) < 0)
		return false;
	while ((got = wait_for(fd, deadline)) >= 0)
		if ((size_t)got == bytes && memcmp(sent, received, bytes) == 0)
			return true;
	return false;
}

static int do_echo(char *argv[])
{
	int fd = open_to(argv[2], argv[3], SOCK_DGRAM, 0);
	unsigned int to = size(argv[5]);
	unsigned int step = number(argv[6]);
	unsigned int tried = 0;
	unsigned int lost = 0;

	for (unsigned int bytes = size(argv[4]); bytes <= to && lost < LOST_MAX;
	     bytes += step ? step : 1) {
		tried++;
		if (echo_once(fd, bytes))
			continue;
		lost++;
		printf("no echo of %u bytes; ", bytes);
	}
	printf("%u of %u echoes\n", tried - lost, tried);
	return tried > 0 && lost == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int do_say(char *argv[])
{
	int fd = open_to(argv[2], argv[3], SOCK_DGRAM, 0);

	for (unsigned int try = 0; try < TRIES; try++) {
		ssize_t got;

		send(fd, argv[4], strlen(argv[4]), 0);
		got = wait_for(fd, answer_deadline());
		if (got < 0)
			continue;
		printf("%.*s\n", (int)got, (const char *)received);
		return EXIT_SUCCESS;
	}
	printf("no answer\n");
	return EXIT_FAILURE;
}

/* At a rate, in slices of a millisecond; what the socket does not take is not tried again. */
static int do_blast(char *argv[])
{
	int fd = open_to(argv[2], argv[3], SOCK_DGRAM, 0);
	unsigned int bytes = size(argv[4]);
	unsigned int rate = number(argv[5]);
	uint64_t length_us = (uint64_t)number(argv[6]) * 1000;
	uint64_t begin = now_us();
	uint64_t past = 0;
	uint64_t done = 0;

	for (; past < length_us; past = now_us() - begin) {
		uint64_t wanted = rate ? past * rate / 1000000 : done + UNPACED_AT_ONCE;

		for (; done < wanted; done++)
			send(fd, sent, bytes, 0);
		if (rate)
			usleep(SLICE_US);
	}
	printf("%llu datagrams of %u bytes in %llu us\n", (unsigned long long)done, bytes,
	       (unsigned long long)past);
	return EXIT_SUCCESS;
}

static int do_burst(char *argv[])
{
	int fd = open_to(argv[2], argv[3], SOCK_DGRAM, 0);
	unsigned int bytes = size(argv[4]);
	unsigned int count = number(argv[5]);
	unsigned int back = 0;
	uint64_t begin = now_us();

	fill(bytes, bytes);
	for (unsigned int at = 0; at < count; at++)
		send(fd, sent, bytes, 0);
	while (back < count && wait_for(fd, answer_deadline()) >= 0)
		back++;
	printf("%u of %u datagrams back in %llu us\n", back, count,
	       (unsigned long long)(now_us() - begin));
	return back == count ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Says so when it listens. */
static int do_serve(char *argv[])
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct sockaddr_in from;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, argv[2], &at.sin_addr) != 1)
		errx(EXIT_TROUBLE, "not an address: %s", argv[2]);
	at.sin_port = htons((uint16_t)number(argv[3]));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		err(EXIT_TROUBLE, "bind to %s", argv[2]);
	printf("serving\n");
	fflush(stdout);
	for (;;) {
		socklen_t from_bytes = sizeof(from);
		ssize_t got = recvfrom(fd, received, sizeof(received), 0, (struct sockaddr *)&from,
				       &from_bytes);

		if (got >= 0)
			sendto(fd, received, (size_t)got, 0, (struct sockaddr *)&from, from_bytes);
	}
}

static const struct {
	const char *name;
	int arguments;
	int (*run)(char *argv[]);
} commands[] = {
	{"ping", 5, do_ping},   {"await", 3, do_await}, {"echo", 7, do_echo},   {"say", 5, do_say},
	{"blast", 7, do_blast}, {"burst", 6, do_burst}, {"serve", 4, do_serve},
};

int main(int argc, char *argv[])
{
	for (unsigned int at = 0; at < sizeof(commands) / sizeof(commands[0]); at++)
		if (argc == commands[at].arguments && strcmp(argv[1], commands[at].name) == 0)
			return commands[at].run(argv);
	errx(EXIT_TROUBLE, "usage: udp_peer ping|await|echo|say|blast|burst|serve ADDRESS ...");
}
