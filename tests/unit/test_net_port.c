/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_net_port.c - frames over a stream in any division, and over what is like a tap.
 *
 * A SOCK_SEQPACKET socket takes and gives one frame with each call, as a tap does.
 */
#include "virtio/net_port.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	HEADER_BYTES = sizeof(struct net_header),
	ROOM_BYTES = HEADER_BYTES + NET_FRAME_MAX_BYTES,
};

static struct net_port port;
static struct net_port_buffers buffers;
static int peer;
static uint8_t room[ROOM_BYTES];
static uint8_t content[NET_FRAME_MAX_BYTES];

static void begin(enum net_port_kind kind)
{
	int ends[2];
	int type = kind == NET_PORT_TAP ? SOCK_SEQPACKET : SOCK_STREAM;

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends), 0);
	port = (struct net_port){.kind = kind, .fd = ends[0]};
	if (kind == NET_PORT_STREAM)
		port.buffers = &buffers;
	peer = ends[1];
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 7 + i / 256);
}

static int begin_stream(void **state)
{
	(void)state;
	begin(NET_PORT_STREAM);
	return 0;
}

static int begin_tap(void **state)
{
	(void)state;
	begin(NET_PORT_TAP);
	return 0;
}

static int end(void **state)
{
	(void)state;
	close(port.fd);
	if (peer >= 0)
		close(peer);
	return 0;
}

static void hang_up(void)
{
	close(peer);
	peer = -1;
}

/* Send the first bytes of the content as a frame, in three pieces. */
static int send_frame(size_t bytes)
{
	struct net_header header = {0};
	struct iovec segments[] = {
		{&header, sizeof(header)},
		{content, bytes / 3},
		{content + bytes / 3, bytes / 3},
		{content + bytes / 3 * 2, bytes - bytes / 3 * 2},
	};

	return net_port_send(&port, segments, 4);
}

static ssize_t receive(void)
{
	struct iovec segments[] = {
		{room, 5},
		{room + 5, 20},
		{room + 25, sizeof(room) - 25},
	};

	memset(room, 0xee, HEADER_BYTES);
	return net_port_receive(&port, segments, 3);
}

static void expect_received(size_t bytes)
{
	static const uint8_t zeros[HEADER_BYTES];

	assert_int_equal(receive(), HEADER_BYTES + bytes);
	assert_memory_equal(room, zeros, HEADER_BYTES);
	assert_memory_equal(room + HEADER_BYTES, content, bytes);
}

static void peer_write(const void *bytes, size_t length)
{
	assert_int_equal(write(peer, bytes, length), length);
}

static void peer_send(size_t bytes)
{
	uint32_t length = htobe32((uint32_t)bytes);

	peer_write(&length, sizeof(length));
	peer_write(content, bytes);
}

/* Read all of a frame from the other end, and let the port go on whenever nothing is there. */
static void peer_expect(size_t bytes)
{
	uint8_t *frame = malloc(bytes + 4);
	size_t done = 0;

	assert_non_null(frame);
	while (done < bytes + 4) {
		ssize_t got = read(peer, frame + done, bytes + 4 - done);

		if (got > 0) {
			done += (size_t)got;
		} else {
			assert_int_equal(errno, EAGAIN);
			assert_true(net_port_has_rest(&port));
			net_port_flush(&port);
		}
	}
	assert_int_equal(be32toh(*(const uint32_t *)frame), bytes);
	assert_memory_equal(frame + 4, content, bytes);
	free(frame);
}

/* -- Stream, sending -- */

static void a_frame_goes_behind_its_length(void **state)
{
	(void)state;
	for (size_t bytes = 1; bytes < 100; bytes += 7) {
		assert_int_equal(send_frame(bytes), 0);
		assert_false(net_port_has_rest(&port));
		peer_expect(bytes);
	}
}

static void the_largest_frame_goes_and_none_beyond(void **state)
{
	(void)state;
	assert_int_equal(send_frame(NET_FRAME_MAX_BYTES), 0);
	peer_expect(NET_FRAME_MAX_BYTES);
	assert_int_equal(send_frame(0), -EMSGSIZE);
}

/* Fill the socket until something does not fit.  Returns how many frames were taken. */
static unsigned int fill(size_t bytes)
{
	unsigned int taken = 0;
	int error;

	while ((error = send_frame(bytes)) == 0)
		taken++;
	assert_int_equal(error, -EAGAIN);
	return taken;
}

/* The same with a socket that cannot hold a whole frame. */
static unsigned int fill_in_parts(void)
{
	const int small = 4096;
	unsigned int taken;

	assert_int_equal(setsockopt(port.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	taken = fill(NET_FRAME_MAX_BYTES);
	assert_true(net_port_has_rest(&port));
	return taken;
}

static void a_full_socket_takes_frames_whole_or_not_at_all(void **state)
{
	(void)state;
	for (size_t bytes = 60; bytes <= NET_FRAME_MAX_BYTES; bytes = bytes * 3 + 1) {
		unsigned int taken = fill(bytes);

		assert_true(taken > 0);
		assert_int_equal(send_frame(bytes), -EAGAIN);
		for (unsigned int i = 0; i < taken; i++)
			peer_expect(bytes);
		assert_int_equal(net_port_flush(&port), 0);
		assert_false(net_port_has_rest(&port));
		assert_int_equal(recv(peer, room, 1, 0), -1);
	}
}

static void the_rest_of_a_frame_goes_before_the_next(void **state)
{
	unsigned int taken = fill_in_parts();

	(void)state;
	assert_int_equal(net_port_flush(&port), -EAGAIN);
	for (unsigned int i = 0; i < taken; i++)
		peer_expect(NET_FRAME_MAX_BYTES);
	assert_int_equal(send_frame(77), 0);
	peer_expect(77);
}

static void sending_to_nobody_breaks_the_port(void **state)
{
	(void)state;
	hang_up();
	assert_int_equal(send_frame(60), -EPIPE);
	assert_true(port.is_broken);
	assert_int_equal(send_frame(60), -EPIPE);
	assert_int_equal(net_port_flush(&port), -EPIPE);
	assert_int_equal(receive(), -EPIPE);
}

static void a_rest_for_nobody_breaks_the_port(void **state)
{
	(void)state;
	fill_in_parts();
	hang_up();
	assert_int_equal(net_port_flush(&port), -EPIPE);
	assert_false(net_port_has_rest(&port));
	assert_true(port.is_broken);
}

/* Whatever the reason is: the frame is in the stream by a half. */
static void a_rest_that_cannot_go_breaks_the_port(void **state)
{
	int fd = port.fd;

	(void)state;
	fill_in_parts();
	port.fd = -1;
	assert_int_equal(net_port_flush(&port), -EPIPE);
	assert_true(port.is_broken);
	port.fd = fd;
}

/* -- Stream, receiving -- */

static void frames_come_in_order_and_without_a_header(void **state)
{
	static const size_t sizes[] = {60, 1, 14, 1514, NET_FRAME_MAX_BYTES, 61};

	(void)state;
	assert_int_equal(receive(), -EAGAIN);
	for (size_t i = 0; i < 6; i++)
		peer_send(sizes[i]);
	for (size_t i = 0; i < 6; i++)
		expect_received(sizes[i]);
	assert_int_equal(receive(), -EAGAIN);
}

static void frames_come_in_any_division(void **state)
{
	uint8_t bytes[3 * (4 + 20)];
	const uint32_t length = htobe32(20);

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		memcpy(bytes + i * 24, &length, 4);
		memcpy(bytes + i * 24 + 4, content, 20);
	}
	for (size_t step = 1; step <= sizeof(bytes); step++) {
		unsigned int frames = 0;

		for (size_t at = 0; at < sizeof(bytes); at += step) {
			size_t left = sizeof(bytes) - at;

			peer_write(bytes + at, left < step ? left : step);
			while (frames < 3 && at + step >= (frames + 1) * 24) {
				expect_received(20);
				frames++;
			}
			assert_int_equal(receive(), -EAGAIN);
		}
		assert_int_equal(frames, 3);
	}
}

static void what_was_read_ahead_is_known(void **state)
{
	(void)state;
	assert_false(net_port_has_frame(&port));
	peer_send(60);
	assert_false(net_port_has_frame(&port)); /* the descriptor tells of it */
	peer_send(60);
	peer_write("\0\0", 2);
	expect_received(60);
	assert_true(net_port_has_frame(&port));
	expect_received(60);
	assert_false(net_port_has_frame(&port)); /* only a part of one */
}

static void broken_framing_breaks_the_port(void **state)
{
	static const uint32_t lengths[] = {0, NET_FRAME_MAX_BYTES + 1, 0x80000000, UINT32_MAX};

	for (size_t i = 0; i < 4; i++) {
		uint32_t length = htobe32(lengths[i]);

		peer_send(60);
		peer_write(&length, sizeof(length));
		expect_received(60);
		assert_true(net_port_has_frame(&port));
		assert_int_equal(receive(), -EPIPE);
		assert_true(port.is_broken);
		assert_false(net_port_has_frame(&port));
		peer_send(60);
		assert_int_equal(receive(), -EPIPE);
		assert_int_equal(send_frame(60), -EPIPE);
		end(state);
		begin(NET_PORT_STREAM);
	}
}

static void what_came_before_the_end_is_received(void **state)
{
	(void)state;
	peer_send(60);
	peer_send(61);
	peer_write("\0\0\0\5xx", 6);
	hang_up();
	expect_received(60);
	expect_received(61);
	assert_int_equal(receive(), -EPIPE);
	assert_true(port.is_broken);
}

static void a_frame_longer_than_the_room_is_cut(void **state)
{
	struct iovec small = {room, 30};

	(void)state;
	peer_send(100);
	peer_send(60);
	room[30] = 0x77;
	assert_int_equal(net_port_receive(&port, &small, 1), 30);
	assert_memory_equal(room + HEADER_BYTES, content, 30 - HEADER_BYTES);
	assert_int_equal(room[30], 0x77);
	expect_received(60);
}

static void a_stream_has_no_offloads_to_set(void **state)
{
	const struct net_offloads offloads = {.checksum = true, .tso4 = true, .tso6 = true};

	(void)state;
	assert_int_equal(net_port_set_offloads(&port, &offloads), 0);
}

/* -- Tap -- */

static void header_and_frame_pass_through(void **state)
{
	struct net_header header = {.flags = 1, .checksum_start = 34};
	struct iovec segments[] = {{&header, sizeof(header)}, {content, 10}, {content + 10, 50}};

	(void)state;
	assert_int_equal(receive(), -EAGAIN);
	assert_int_equal(net_port_send(&port, segments, 3), 0);
	assert_int_equal(read(peer, room, sizeof(room)), HEADER_BYTES + 60);
	assert_memory_equal(room, &header, sizeof(header));
	assert_memory_equal(room + HEADER_BYTES, content, 60);
	peer_write(room, HEADER_BYTES + 60);
	assert_int_equal(receive(), HEADER_BYTES + 60);
	assert_memory_equal(room, &header, sizeof(header));
	assert_memory_equal(room + HEADER_BYTES, content, 60);
	assert_false(net_port_has_frame(&port));
}

static void a_tap_that_is_full(void **state)
{
	(void)state;
	assert_true(fill(1000) > 0);
	assert_false(net_port_has_rest(&port));
	assert_int_equal(net_port_flush(&port), 0);
	assert_false(port.is_broken);
}

static void a_tap_that_is_gone(void **state)
{
	(void)state;
	hang_up();
	assert_int_equal(send_frame(60), -EPIPE);
	assert_true(port.is_broken);
	assert_int_equal(receive(), -EPIPE);
}

static void other_errors_break_nothing(void **state)
{
	const struct net_offloads offloads = {.checksum = true};

	(void)state;
	assert_int_equal(net_port_set_offloads(&port, &offloads), -ENOTTY);
	assert_false(port.is_broken);
	assert_int_equal(send_frame(60), 0);
}

/* -- A real one -- */

static int open_tap(struct ifreq *request)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	const int header_bytes = HEADER_BYTES;

	*request = (struct ifreq){0};
	strcpy(request->ifr_name, "mtest%d");
	request->ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (fd >= 0 &&
	    (ioctl(fd, TUNSETIFF, request) || ioctl(fd, TUNSETVNETHDRSZ, &header_bytes))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void set_up_link(const struct ifreq *request)
{
	struct ifreq flags = *request;
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(control >= 0);
	flags.ifr_flags = IFF_UP;
	assert_int_equal(ioctl(control, SIOCSIFFLAGS, &flags), 0);
	close(control);
}

/* Something of the host's own goes out on the interface, and so comes in here. */
static void host_sends(const struct ifreq *request, const uint8_t *frame, size_t bytes)
{
	struct ifreq index = *request;
	struct sockaddr_ll address = {.sll_family = AF_PACKET};
	int sender = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(sender >= 0);
	assert_int_equal(ioctl(sender, SIOCGIFINDEX, &index), 0);
	address.sll_ifindex = index.ifr_ifindex;
	assert_int_equal(
		sendto(sender, frame, bytes, 0, (const struct sockaddr *)&address, sizeof(address)),
		bytes);
	close(sender);
}

/* Between frames of its own, with which a host greets a new interface. */
static void a_real_tap_receives(const struct ifreq *request)
{
	static const uint8_t none[HEADER_BYTES - 2];
	uint8_t frame[100];
	ssize_t got;

	memcpy(frame, content, sizeof(frame));
	memcpy(frame + 12, "\x88\xb5", 2); /* an EtherType for experiments */
	host_sends(request, frame, sizeof(frame));
	do {
		got = receive();
		assert_true(got > 0);
	} while (got != HEADER_BYTES + (ssize_t)sizeof(frame) ||
		 memcmp(room + HEADER_BYTES, frame, sizeof(frame)) != 0);
	assert_memory_equal(room, none, sizeof(none));
}

static void a_real_tap(void **state)
{
	const struct net_offloads all = {.checksum = true, .tso4 = true, .tso6 = true};
	const struct net_offloads none = {0};
	const struct net_offloads strange = {.tso4 = true};
	struct net_header wrong = {.gso_type = 77};
	struct iovec segments[] = {{&wrong, sizeof(wrong)}, {content, 60}};
	struct ifreq request;

	(void)state;
	port = (struct net_port){.kind = NET_PORT_TAP, .fd = open_tap(&request)};
	if (port.fd < 0) {
		print_message("# no tap could be made: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(send_frame(60), -EIO); /* it is down */
	set_up_link(&request);
	assert_int_equal(net_port_set_offloads(&port, &all), 0);
	assert_int_equal(net_port_set_offloads(&port, &strange), 0);
	assert_int_equal(net_port_set_offloads(&port, &none), 0);
	assert_int_equal(send_frame(60), 0);
	assert_int_equal(net_port_send(&port, segments, 2), -EINVAL);
	assert_false(port.is_broken);
	a_real_tap_receives(&request);
	close(port.fd);
}

#define ON_STREAM(function) cmocka_unit_test_setup_teardown(function, begin_stream, end)
#define ON_TAP(function)    cmocka_unit_test_setup_teardown(function, begin_tap, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STREAM(a_frame_goes_behind_its_length),
		ON_STREAM(the_largest_frame_goes_and_none_beyond),
		ON_STREAM(a_full_socket_takes_frames_whole_or_not_at_all),
		ON_STREAM(the_rest_of_a_frame_goes_before_the_next),
		ON_STREAM(sending_to_nobody_breaks_the_port),
		ON_STREAM(a_rest_for_nobody_breaks_the_port),
		ON_STREAM(a_rest_that_cannot_go_breaks_the_port),
		ON_STREAM(frames_come_in_order_and_without_a_header),
		ON_STREAM(frames_come_in_any_division),
		ON_STREAM(what_was_read_ahead_is_known),
		ON_STREAM(broken_framing_breaks_the_port),
		ON_STREAM(what_came_before_the_end_is_received),
		ON_STREAM(a_frame_longer_than_the_room_is_cut),
		ON_STREAM(a_stream_has_no_offloads_to_set),
		ON_TAP(header_and_frame_pass_through),
		ON_TAP(a_tap_that_is_full),
		ON_TAP(a_tap_that_is_gone),
		ON_TAP(other_errors_break_nothing),
		cmocka_unit_test(a_real_tap),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
