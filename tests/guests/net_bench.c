/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/net_bench.c - how fast a NIC is, seen from inside.
 *
 *	runs=MODE:SIZE,...      or one run by mode= size=
 *	    round-trip          a datagram in a frame of SIZE bytes, answered by the peer
 *	    send                UDP frames of SIZE bytes, as many as can be
 *	    send-tso            TCP frames of SIZE bytes, for the other side to divide (mss=1448)
 *	    receive             count what comes behind a first datagram, until one to port 4001
 *	seconds=S run_ms=MS     how long each run is at most (2 s)
 *	warmup_ms=MS            what each run does beforehand, uncounted (0)
 *	frames=N                or until so many were sent, answered or received
 *	depth=N                 frames for each notification (64)
 *	peer=IP port=N          to whom (port 7); without a peer, send to an address nobody has
 *	ip= mask= gw=           see lib/net_stack.h; mrg= wait=poll ...: see lib/virtio_net.h
 *
 * Prints "ready MODE" when a run begins and a line of JSON when it ends.  In a round trip nothing
 * may be lost, as nobody sends it again.  Exit code 1: no NIC, 2: a wrong argument, 3: no answer
 * from the peer's address.
 */
#include "tests/guests/lib/clock.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/histogram.h"
#include "tests/guests/lib/net_stack.h"
#include "tests/guests/lib/string.h"

enum {
	FRAME_MIN_BYTES = 60, /* on a wire there are four more for a checksum */
	TSO_FRAME_BYTES = NET_ETHERNET_BYTES + 65535,
	TSO_SLOTS = 64, /* that are so large */
	TCP_CHECKSUM_AT = 16,
	PORT_ECHO = 7,
	PORT_OWN = 4000,
	PORT_END = 4001,
	UDP_PORT_AT = NET_ETHERNET_BYTES + NET_IPV4_BYTES + 2,
	FAIL_NIC = 1,
	FAIL_ARGUMENT = 2,
	FAIL_PEER = 3,
};

#define NS_PER_SECOND UINT64_C(1000000000)

struct run {
	const char *mode;
	uint32_t frame_bytes;
	int (*work)(const struct run *run);
};

struct tally {
	uint64_t frames;
	uint64_t bytes;
	uint64_t begin_tsc;
	uint64_t warm_tsc; /* when the count begins; 0: it has */
	uint64_t elapsed_ticks;
	struct histogram latency;
};

static struct net_nic nic;
static struct net_stack stack;
static struct tally tally;
static uint8_t payload[NET_FRAME_MAX_BYTES]; /* zeroes */
static uint64_t run_ticks;
static uint64_t warmup_ticks;
static uint64_t frames_max;
static uint32_t depth;

static void begin(void)
{
	tally.begin_tsc = tsc_read();
	tally.warm_tsc = tally.begin_tsc + warmup_ticks;
}

/* What was counted during the warm-up is forgotten when it is over. */
static void note_time(uint64_t now)
{
	if (tally.warm_tsc != 0 && now >= tally.warm_tsc) {
		memset(&tally, 0, sizeof(tally));
		tally.begin_tsc = now;
	}
	tally.elapsed_ticks = now - tally.begin_tsc;
}

static bool is_over(void)
{
	return tally.warm_tsc == 0 &&
	       (tally.frames >= frames_max || tally.elapsed_ticks >= run_ticks);
}

/* Where a run's frames go.  What was sent before them, such as ARP, is not in flight any more. */
static bool find_peer(struct net_datagram *to)
{
	static const uint8_t nobody[NET_ADDRESS_BYTES] = {2, 0, 0, 0, 0, 0xfe};
	const char *peer = boot_option("peer=");

	to->ip = peer == NULL ? stack.gateway : net_parse_ip(peer);
	to->port = (uint16_t)boot_number("port=", PORT_ECHO);
	to->own_port = PORT_OWN;
	memcpy(to->address, nobody, NET_ADDRESS_BYTES);
	if (peer != NULL && !net_stack_resolve(&stack, to->ip, to->address))
		return false;
	net_flush(&nic);
	return true;
}

static void wait_for_datagram(struct net_datagram *datagram)
{
	while (!net_stack_receive(&stack, datagram)) {
		net_publish(&nic);
		net_wait(&nic);
	}
}

/* The one with that number; older ones may still be on their way. */
static void wait_for_answer(uint64_t wanted)
{
	struct net_datagram datagram;
	uint64_t found = ~wanted;

	do {
		wait_for_datagram(&datagram);
		if (datagram.own_port == PORT_OWN && datagram.size_bytes >= sizeof(found))
			memcpy(&found, datagram.payload, sizeof(found));
		net_release(&nic);
	} while (found != wanted);
}

static int round_trip(const struct run *run)
{
	struct net_datagram to;
	uint64_t now;

	if (!find_peer(&to))
		return FAIL_PEER;
	to.payload = payload;
	to.size_bytes = run->frame_bytes - NET_PAYLOAD_AT;
	begin();
	for (now = tally.begin_tsc; !is_over(); note_time(now)) {
		uint64_t sent = now;

		memcpy(payload, &sent, sizeof(sent));
		net_stack_send(&stack, &to);
		net_publish(&nic);
		wait_for_answer(sent);
		now = tsc_read();
		histogram_add(&tally.latency, now - sent);
		tally.frames++;
	}
	tally.bytes = tally.frames * run->frame_bytes;
	return 0;
}

/*
 * A ring full of frames goes round and round: what the device returns is offered again as it is,
 * so that the driver does next to nothing.
 */
static void send_over_and_over(const struct run *run, uint32_t in_flight)
{
	struct virtqueue *queue = &nic.transmit;
	uint64_t offered = in_flight;
	uint32_t fresh = 0;
	uint32_t written_bytes;
	int head;

	begin();
	net_publish(&nic);
	while (in_flight > 0) {
		virtqueue_wait(queue);
		note_time(tsc_read());
		while ((head = virtqueue_take(queue, &written_bytes)) >= 0) {
			tally.frames++;
			if (offered >= frames_max || is_over()) {
				virtqueue_free(queue, (uint16_t)head);
				nic.free_slots[nic.free_count++] = nic.slot_of[head];
				in_flight--;
				continue;
			}
			virtqueue_offer(queue, (uint16_t)head);
			offered++;
			if (++fresh % depth == 0)
				net_publish(&nic);
		}
		net_publish(&nic);
	}
	tally.bytes = tally.frames * run->frame_bytes;
}

/* As many frames as are under way at a time. */
static uint32_t frames_in_ring(void)
{
	uint32_t count = depth < nic.slot_max ? depth : nic.slot_max;

	return count < frames_max ? count : (uint32_t)frames_max;
}

static int send(const struct run *run)
{
	uint32_t count = frames_in_ring();
	struct net_datagram to;

	if (!find_peer(&to))
		return FAIL_PEER;
	to.payload = payload;
	to.size_bytes = run->frame_bytes - NET_PAYLOAD_AT;
	for (uint32_t at = 0; at < count; at++)
		if (!net_stack_send(&stack, &to))
			return FAIL_ARGUMENT;
	send_over_and_over(run, count);
	return 0;
}

/* Section 5.1.6.2: the device completes the sum of each segment from that of the pseudo-header. */
static void make_tso(struct net_slot *slot, const struct net_datagram *to, uint32_t frame_bytes)
{
	uint32_t tcp_bytes = frame_bytes - NET_ETHERNET_BYTES - NET_IPV4_BYTES;
	uint8_t *tcp = slot->frame + NET_ETHERNET_BYTES + NET_IPV4_BYTES;

	net_write_headers(&stack, slot->frame, to->address, to->ip, NET_PROTOCOL_TCP, tcp_bytes);
	memset(tcp, 0, tcp_bytes);
	net_store16(tcp, to->own_port);
	net_store16(tcp + 2, to->port);
	tcp[12] = NET_TCP_BYTES / 4 << 4;
	tcp[13] = 0x10; /* ACK */
	net_store16(tcp + TCP_CHECKSUM_AT,
		    net_pseudo_sum(stack.ip, to->ip, NET_PROTOCOL_TCP, tcp_bytes));
	slot->header.flags = NET_HEADER_NEEDS_CHECKSUM;
	slot->header.gso_type = NET_GSO_TCPV4;
	slot->header.header_bytes = NET_ETHERNET_BYTES + NET_IPV4_BYTES + NET_TCP_BYTES;
	slot->header.gso_bytes = (uint16_t)boot_number("mss=", 1448);
	slot->header.checksum_start = NET_ETHERNET_BYTES + NET_IPV4_BYTES;
	slot->header.checksum_offset = TCP_CHECKSUM_AT;
}

static int send_tso(const struct run *run)
{
	uint32_t count = frames_in_ring();
	struct net_datagram to;

	if (!net_has(&nic, NET_F_HOST_TSO4))
		return FAIL_ARGUMENT;
	if (!find_peer(&to))
		return FAIL_PEER;
	for (uint32_t at = 0; at < count; at++) {
		struct net_slot *slot = net_slot(&nic);

		make_tso(slot, &to, run->frame_bytes);
		net_submit(&nic, slot, run->frame_bytes);
	}
	send_over_and_over(run, count);
	return 0;
}

static bool is_end(const struct net_frame *frame)
{
	return frame->size_bytes >= NET_PAYLOAD_AT &&
	       frame->bytes[NET_ETHERNET_BYTES + 9] == NET_PROTOCOL_UDP &&
	       net_load16(frame->bytes + UDP_PORT_AT) == PORT_END;
}

/* All there is, so that the buffers go back together.  Returns whether the end was among it. */
static bool count_frames(void)
{
	struct net_frame frame;
	bool is_over = false;

	while (net_receive(&nic, &frame)) {
		if (is_end(&frame))
			is_over = true;
		tally.frames += !is_over;
		tally.bytes += is_over ? 0 : frame.size_bytes;
		net_return(&nic);
	}
	net_release(&nic);
	return is_over;
}

/* The first datagram is not counted: before it, ARP is answered, and behind it no more. */
static int receive(const struct run *run)
{
	struct net_datagram datagram;

	(void)run;
	wait_for_datagram(&datagram);
	net_release(&nic);
	begin();
	nic.joins_nothing = true;
	do {
		net_wait(&nic);
		note_time(tsc_read());
	} while (!count_frames() && !is_over());
	nic.joins_nothing = false;
	return 0;
}

static void report(const struct run *run, uint64_t notifications, uint64_t interrupts)
{
	const struct histogram *latency = &tally.latency;
	uint64_t elapsed_ns = clock_ticks_to_ns(tally.elapsed_ticks);
	uint64_t elapsed_us = elapsed_ns / 1000 | 1;

	print("{\"mode\":\"%s\",\"size\":%u,\"frames\":%lu,\"bytes\":%lu,\"elapsed_ns\":%lu,",
	      run->mode, run->frame_bytes, tally.frames, tally.bytes, elapsed_ns);
	print("\"frames_per_s\":%lu,\"mbit_per_s\":%lu,", tally.frames * 1000000 / elapsed_us,
	      tally.bytes * 8 / elapsed_us);
	if (latency->count > 0)
		print("\"mean_ns\":%lu,\"p50_ns\":%lu,\"p90_ns\":%lu,\"p99_ns\":%lu,\"max_ns\":%"
		      "lu,",
		      histogram_mean_ns(latency), histogram_percentile_ns(latency, 50),
		      histogram_percentile_ns(latency, 90), histogram_percentile_ns(latency, 99),
		      clock_ticks_to_ns(latency->longest_ticks));
	print("\"notifications\":%lu,\"interrupts\":%lu}\n",
	      nic.device.notifications - notifications, nic.device.interrupts - interrupts);
}

static const struct run modes[] = {
	{"round-trip", FRAME_MIN_BYTES, round_trip},
	{"send-tso", TSO_FRAME_BYTES, send_tso},
	{"send", FRAME_MIN_BYTES, send},
	{"receive", FRAME_MIN_BYTES, receive},
};

/* Behind the mode there may be a colon and a size. */
static bool parse_run(struct run *run, const char *text)
{
	for (uint32_t at = 0; at < sizeof(modes) / sizeof(modes[0]); at++) {
		size_t length = strlen(modes[at].mode);

		if (!string_starts_with(text, modes[at].mode))
			continue;
		*run = modes[at];
		if (text[length] == ':')
			run->frame_bytes = (uint32_t)string_to_number(text + length + 1);
		else
			run->frame_bytes = (uint32_t)boot_number("size=", run->frame_bytes);
		return run->frame_bytes >= NET_PAYLOAD_AT + NET_TCP_BYTES - NET_UDP_BYTES &&
		       run->frame_bytes <= nic.frame_max_bytes;
	}
	return false;
}

static int run_once(const struct run *run)
{
	uint64_t notifications = nic.device.notifications;
	uint64_t interrupts = nic.device.interrupts;
	int result;

	memset(&tally, 0, sizeof(tally));
	print("ready %s\n", run->mode);
	result = run->work(run);
	if (result == 0)
		report(run, notifications, interrupts);
	return result;
}

static int run_list(const char *text)
{
	struct run run;
	int result;

	for (;;) {
		result = parse_run(&run, text) ? run_once(&run) : FAIL_ARGUMENT;
		while (*text != '\0' && *text != ' ' && *text != ',')
			text++;
		if (result != 0 || *text++ != ',')
			return result;
	}
}

/* A few large slots where large frames are to be sent, a ring full of small ones elsewhere. */
static void choose_slots(const char *runs)
{
	for (; *runs != '\0' && *runs != ' '; runs++)
		if (string_starts_with(runs, "send-tso")) {
			nic.frame_max_bytes = TSO_FRAME_BYTES;
			nic.slot_max = TSO_SLOTS;
		}
}

int guest_main(void)
{
	const char *runs = boot_option("runs=");
	int result;

	if (runs == NULL)
		runs = boot_option("mode=");
	if (runs == NULL)
		runs = "send";
	clock_start();
	choose_slots(runs);
	if (!net_open(&nic))
		return FAIL_NIC;
	net_stack_start(&stack, &nic);
	run_ticks = clock_ns_to_ticks(boot_number("run_ms=", boot_number("seconds=", 2) * 1000) *
				      1000000);
	warmup_ticks = clock_ns_to_ticks(boot_number("warmup_ms=", 0) * 1000000);
	frames_max = boot_number("frames=", UINT64_MAX);
	depth = (uint32_t)boot_number("depth=", 64);
	result = depth == 0 ? FAIL_ARGUMENT : run_list(runs);
	if (result == FAIL_ARGUMENT)
		print("a wrong argument\n");
	if (result == FAIL_PEER)
		print("nobody has the peer's address\n");
	return result;
}
