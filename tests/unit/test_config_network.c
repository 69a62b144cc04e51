/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_config_network.c - what comes out of network-interfaces and mote.network.
 *
 * What is wrong with them is in the golden files, see test_config.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/config_load.h"

#define BOOT "{\"boot-source\": {\"kernel_image_path\": \"vmlinux\"}, "

static struct vm_config config;
static struct config_errors errors;

static void parse(const char *text)
{
	if (config_parse(&config, text, strlen(text), &errors))
		fail_msg("%s", errors.lines[0]);
}

static int tear_down(void **state)
{
	(void)state;
	config_release(&config);
	return 0;
}

static void test_every_key(void **state)
{
	static const uint8_t mac[] = {6, 0, 0xac, 0x10, 0, 2};
	const struct config_interface *interface = &config.interfaces[0];

	(void)state;
	parse(BOOT "\"network-interfaces\": [{\"iface_id\": \"eth0\", \"host_dev_name\": \"tap0\","
		   "\"guest_mac\": \"06:00:AC:10:00:02\", \"mtu\": 1400,"
		   "\"rx_rate_limiter\": {\"ops\": {\"size\": 1, \"refill_time\": 2}},"
		   "\"tx_rate_limiter\": {\"bandwidth\": {\"size\": 3, \"refill_time\": 4}}}],"
		   "\"mote\": {\"network\": {\"eth0\": {\"bridge\": \"br0\", \"netns\": \"blue\","
		   "\"anti_spoof\": true}}}}");
	assert_int_equal(config.interface_count, 1);
	assert_string_equal(interface->iface_id, "eth0");
	assert_string_equal(interface->host_dev_name, "tap0");
	assert_true(interface->has_guest_mac);
	assert_memory_equal(interface->guest_mac, mac, sizeof(mac));
	assert_int_equal(interface->mtu, 1400);
	assert_int_equal(interface->rx_rate_limiter.ops.size, 1);
	assert_int_equal(interface->rx_rate_limiter.ops.refill_time_ms, 2);
	assert_int_equal(interface->tx_rate_limiter.bandwidth.size, 3);
	assert_int_equal(interface->tx_rate_limiter.bandwidth.refill_time_ms, 4);
	assert_string_equal(interface->uplink.bridge, "br0");
	assert_string_equal(interface->uplink.netns, "blue");
	assert_null(interface->uplink.socket);
	assert_true(interface->uplink.anti_spoof);
}

static void test_defaults(void **state)
{
	static const struct config_uplink none;
	const struct config_interface *interface = &config.interfaces[0];

	(void)state;
	parse(BOOT
	      "\"network-interfaces\": [{\"iface_id\": \"eth0\", \"host_dev_name\": \"tap0\"}]}");
	assert_false(interface->has_guest_mac);
	assert_int_equal(interface->mtu, 0);
	assert_memory_equal(&interface->uplink, &none, sizeof(none));
}

/* mote may come first, and its entries in another order. */
static void test_each_gets_its_own(void **state)
{
	(void)state;
	parse(BOOT "\"mote\": {\"network\": {\"c\": {\"socket\": \"c.sock\"},"
		   "\"a\": {\"bridge\": \"br0\"}}},"
		   "\"network-interfaces\": [{\"iface_id\": \"a\"},"
		   "{\"iface_id\": \"b\", \"host_dev_name\": \"/dev/fd/7\"},"
		   "{\"iface_id\": \"c\", \"host_dev_name\": null}]}");
	assert_int_equal(config.interface_count, 3);
	assert_string_equal(config.interfaces[0].uplink.bridge, "br0");
	assert_null(config.interfaces[0].host_dev_name);
	assert_null(config.interfaces[1].uplink.bridge);
	assert_null(config.interfaces[1].uplink.socket);
	assert_string_equal(config.interfaces[1].host_dev_name, "/dev/fd/7");
	assert_string_equal(config.interfaces[2].uplink.socket, "c.sock");
}

/* The same name is another tap in another network namespace, and with %d it is none yet. */
static void test_names_that_are_not_taken(void **state)
{
	(void)state;
	parse(BOOT "\"network-interfaces\": [{\"iface_id\": \"a\", \"host_dev_name\": \"tap0\"},"
		   "{\"iface_id\": \"b\", \"host_dev_name\": \"tap0\"},"
		   "{\"iface_id\": \"c\", \"host_dev_name\": \"vm%d\"},"
		   "{\"iface_id\": \"d\", \"host_dev_name\": \"vm%d\"}],"
		   "\"mote\": {\"network\": {\"b\": {\"netns\": \"blue\"},"
		   "\"c\": {\"bridge\": \"br0\"}, \"d\": {\"bridge\": \"br0\"}}}}");
	assert_int_equal(config.interface_count, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_every_key, tear_down),
		cmocka_unit_test_teardown(test_defaults, tear_down),
		cmocka_unit_test_teardown(test_each_gets_its_own, tear_down),
		cmocka_unit_test_teardown(test_names_that_are_not_taken, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
