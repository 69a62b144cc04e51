/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/net_echo.c - a host on the network: answers ARP, pings, and UDP echo on port 7.
 *
 *	ip=10.0.0.2 mask=24 gw=10.0.0.1    see lib/net_stack.h
 *	mrg=0 offloads=0 ...               see lib/virtio_net.h
 *	count=N                            end after so many echoes
 *	spoof=1                            send as if the NIC had another MAC address
 *
 * A datagram "exit N" to port 9 ends it with that exit code, "counters" is answered with what
 * happened so far.  Prints a line with its addresses when it is up, and the counters when it ends.
 * Exit code 1: no NIC, 2: no address.
 */
#include "tests/guests/lib/clock.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/net_stack.h"
#include "tests/guests/lib/string.h"

enum {
	PORT_ECHO = 7,
	PORT_CONTROL = 9,
	COMMAND_MAX_BYTES = 32,
};

static struct net_nic nic;
static struct net_stack stack;
static uint64_t echoes;
static int code = -1; /* of the end, once it is known */

static void print_identity(void)
{
	const uint8_t *mac = nic.address;

	print("up: %02x:%02x:%02x:%02x:%02x:%02x, ", mac[0], mac[1], mac[2], mac[3], mac[4],
	      mac[5]);
	print("%u.%u.%u.%u, MTU %u, link %u, features 0x%lx\n", stack.ip >> 24,
	      stack.ip >> 16 & 255, stack.ip >> 8 & 255, stack.ip & 255, nic.mtu_bytes, nic.status,
	      nic.device.features);
}

static void print_counters(void)
{
	print("echoes %lu, pings %lu, arp %lu, foreign %lu, wrong %lu, ", echoes,
	      stack.pings_answered, stack.arp_answered, stack.foreign, stack.wrong);
	print("parts %lu, torn %lu, notifications %lu, interrupts %lu\n", nic.frames_of_parts,
	      nic.frames_torn, nic.device.notifications, nic.device.interrupts);
}

/* Back where it came from, with whatever payload. */
static void answer(struct net_datagram *datagram)
{
	net_stack_send(&stack, datagram);
}

static void obey(struct net_datagram *datagram)
{
	char command[COMMAND_MAX_BYTES + 1] = "";
	uint32_t size_bytes = datagram->size_bytes;

	memcpy(command, datagram->payload,
	       size_bytes < COMMAND_MAX_BYTES ? size_bytes : COMMAND_MAX_BYTES);
	if (string_starts_with(command, "exit ")) {
		code = (int)(string_to_number(command + 5) & 255);
		answer(datagram);
	} else if (string_starts_with(command, "counters")) {
		print_counters();
		answer(datagram);
	}
}

static void take_all(uint64_t echoes_max)
{
	struct net_datagram datagram;

	while (code < 0 && net_stack_receive(&stack, &datagram)) {
		if (datagram.own_port == PORT_ECHO) {
			answer(&datagram);
			if (++echoes == echoes_max)
				code = 0;
		} else if (datagram.own_port == PORT_CONTROL) {
			obey(&datagram);
		}
		net_release(&nic);
	}
}

int guest_main(void)
{
	uint64_t echoes_max = boot_number("count=", UINT64_MAX);

	clock_start();
	if (!net_open(&nic))
		return 1;
	if (boot_number("spoof=", 0) != 0)
		nic.address[NET_ADDRESS_BYTES - 1] ^= 1;
	net_stack_start(&stack, &nic);
	if (stack.ip == 0) {
		print("ip=ADDRESS is missing\n");
		return 2;
	}
	print_identity();
	while (code < 0) {
		net_wait(&nic);
		take_all(echoes_max);
		net_publish(&nic);
	}
	net_flush(&nic);
	print_counters();
	return code;
}
