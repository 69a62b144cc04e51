/* SPDX-License-Identifier: MIT */
/* tests/unit/test_devices.c - the list of devices, and one device in its slot. */
#include "monitor/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/log.h"

enum {
	DISK_BYTES = 1 << 20,
	RAM_BYTES = 1 << 20,
	REGISTER_MAGIC = 0,
	REGISTER_DEVICE = 8,
	REGISTER_QUEUE_NUM = 0x38,
	REGISTER_QUEUE_READY = 0x44,
	REGISTER_INTERRUPT_STATUS = 0x60,
	REGISTER_INTERRUPT_ACK = 0x64,
	REGISTER_STATUS = 0x70,
	REGISTER_QUEUE_DESCRIPTORS = 0x80,
	CONFIG_CAPACITY = 0x100,
	CONFIG_ADDRESS = 0x100,
	CONFIG_MTU = 0x100 + 10,
	MAGIC = 0x74726976,
};

static struct vm_config config;
static struct resources resources;
static struct guest_memory memory;
static struct kvm kvm;
static struct loop loop;
static struct bus bus;
static struct devices devices;
static struct reason reason;
static int log_fds[2];

static void on_wake(void *owner, short events)
{
	(void)owner;
	(void)events;
}

static void add_drive(const char *id, bool is_root, bool is_read_only, uint64_t size_bytes)
{
	unsigned int i = config.drive_count++;
	int fd = memfd_create(id, MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size_bytes), 0);
	config.drives[i] = (struct config_drive){
		.drive_id = id, .is_root_device = is_root, .is_read_only = is_read_only};
	resources.drives[i] = (struct drive_file){
		.fd = fd,
		.size_bytes = size_bytes,
		.block_bytes = 512,
		.physical_block_bytes = 4096,
		.buffer_alignment_bytes = 1,
		.in_memory = true,
	};
}

/* Returns the other end. */
static int add_interface(const char *id, enum net_port_kind kind, const uint8_t address[6])
{
	unsigned int i = config.interface_count++;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	config.interfaces[i] = (struct config_interface){.iface_id = id};
	resources.uplinks[i] = (struct uplink){.fd = ends[0], .kind = kind};
	memcpy(resources.uplinks[i].address, address, UPLINK_ADDRESS_BYTES);
	return ends[1];
}

static int set_up(void **state)
{
	void *ram =
		mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct log_settings log = {.level = LOG_LEVEL_INFO};

	(void)state;
	memset(&config, 0, sizeof(config));
	memset(&resources, 0, sizeof(resources));
	memset(&memory, 0, sizeof(memory));
	memset(&bus, 0, sizeof(bus));
	memset(&devices, 0, sizeof(devices));
	kvm.vm_fd = -1; /* interrupts go nowhere, and are counted */
	if (ram == MAP_FAILED || guest_memory_add(&memory, 0, RAM_BYTES, ram) ||
	    pipe2(log_fds, O_CLOEXEC | O_NONBLOCK))
		return 1;
	log.fd = log_fds[1];
	log_configure(&log);
	loop_init(&loop, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), on_wake, NULL);
	devices.config = &config;
	devices.resources = &resources;
	devices.memory = &memory;
	devices.kvm = &kvm;
	devices.loop = &loop;
	return 0;
}

static int tear_down(void **state)
{
	const struct log_settings log = {.level = LOG_LEVEL_WARNING, .fd = STDERR_FILENO};

	(void)state;
	log_configure(&log);
	for (unsigned int i = 0; i < config.drive_count; i++) {
		if (devices.blocks[i].disk.has_ring)
			io_uring_queue_exit(&devices.blocks[i].disk.ring);
		close(resources.drives[i].fd);
	}
	for (unsigned int i = 0; i < config.interface_count; i++)
		close(resources.uplinks[i].fd);
	munmap(guest_memory_at(&memory, 0, RAM_BYTES), RAM_BYTES);
	close(log_fds[0]);
	close(log_fds[1]);
	close(loop.wake_fd);
	return 0;
}

static uint64_t window(unsigned int slot)
{
	return LAYOUT_MMIO_GPA + slot * LAYOUT_MMIO_BYTES;
}

static uint32_t read_register(unsigned int slot, uint64_t offset)
{
	uint32_t value = 0;

	assert_true(bus_access(&bus, window(slot) + offset, (uint8_t *)&value, 4, false));
	return value;
}

static void write_register(unsigned int slot, uint64_t offset, uint32_t value)
{
	assert_true(bus_access(&bus, window(slot) + offset, (uint8_t *)&value, 4, true));
}

static unsigned int log_lines(char *text, size_t size)
{
	ssize_t length = read(log_fds[0], text, size - 1);
	unsigned int lines = 0;

	text[length > 0 ? length : 0] = '\0';
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	return lines;
}

static void test_none(void **state)
{
	struct devices unbuilt = {0};
	struct run_counters counters = {0};
	struct cmdline cmdline;

	(void)state;
	assert_int_equal(devices_build(&devices, &bus, &reason), 0);
	assert_int_equal(cmdline_init(&cmdline, "quiet", &reason), 0);
	assert_int_equal(devices_announce(&devices, &cmdline, &reason), 0);
	assert_string_equal(cmdline.text, "quiet");
	assert_int_equal(devices_start(&devices, &loop, &reason), 0);
	assert_true(devices_due_ns(&devices) == VIRTIO_NEVER);
	assert_int_equal(bus.count, 0);
	devices_count(&unbuilt, &counters);
	assert_int_equal(counters.disk_reads, 0);
}

/* The root device comes first whatever its place in the configuration. */
static void test_order_and_announcement(void **state)
{
	struct cmdline cmdline;

	(void)state;
	add_drive("data", false, false, DISK_BYTES);
	add_drive("root", true, true, 2 * DISK_BYTES);
	add_drive("more", false, true, 3 * DISK_BYTES);
	assert_int_equal(devices_build(&devices, &bus, &reason), 0);
	assert_int_equal(devices.count, 3);
	for (unsigned int slot = 0; slot < 3; slot++) {
		assert_int_equal(devices.windows[slot].base_gpa, window(slot));
		assert_int_equal(devices.windows[slot].gsi, LAYOUT_FIRST_DEVICE_GSI + slot);
		assert_int_equal(read_register(slot, REGISTER_MAGIC), MAGIC);
		assert_int_equal(read_register(slot, REGISTER_DEVICE), VIRTIO_TYPE_BLOCK);
	}
	assert_int_equal(read_register(0, CONFIG_CAPACITY), 2 * DISK_BYTES / 512);
	assert_int_equal(read_register(1, CONFIG_CAPACITY), DISK_BYTES / 512);
	assert_int_equal(read_register(2, CONFIG_CAPACITY), 3 * DISK_BYTES / 512);

	assert_int_equal(cmdline_init(&cmdline, "quiet -- init=/x", &reason), 0);
	assert_int_equal(devices_announce(&devices, &cmdline, &reason), 0);
	assert_string_equal(cmdline.text,
			    "quiet root=/dev/vda ro virtio_mmio.device=4K@0xc0001000:5 "
			    "virtio_mmio.device=4K@0xc0002000:6 virtio_mmio.device=4K@0xc0003000:7 "
			    "-- init=/x");
}

static void test_root_by_partition(void **state)
{
	struct cmdline cmdline;

	(void)state;
	add_drive("root", true, false, DISK_BYTES);
	config.drives[0].partuuid = "0eaa91a0-01";
	assert_int_equal(devices_build(&devices, &bus, &reason), 0);
	assert_int_equal(cmdline_init(&cmdline, "", &reason), 0);
	assert_int_equal(devices_announce(&devices, &cmdline, &reason), 0);
	assert_string_equal(cmdline.text,
			    "root=PARTUUID=0eaa91a0-01 rw virtio_mmio.device=4K@0xc0001000:5");
}

static void test_no_root_named(void **state)
{
	struct cmdline cmdline;

	(void)state;
	add_drive("data", false, false, DISK_BYTES);
	assert_int_equal(devices_build(&devices, &bus, &reason), 0);
	assert_int_equal(cmdline_init(&cmdline, "root=/dev/ram0", &reason), 0);
	assert_int_equal(devices_announce(&devices, &cmdline, &reason), 0);
	assert_string_equal(cmdline.text, "root=/dev/ram0 virtio_mmio.device=4K@0xc0001000:5");
}

/* Interfaces come after all drives, each with its own settings. */
static void test_interfaces(void **state)
{
	static const uint8_t first[6] = {2, 1, 2, 3, 4, 5};
	static const uint8_t second[6] = {2, 6, 7, 8, 9, 10};
	struct run_counters counters = {0};
	int tap;
	int stream;

	(void)state;
	tap = add_interface("tap", NET_PORT_TAP, first);
	stream = add_interface("stream", NET_PORT_STREAM, second);
	add_drive("data", false, false, DISK_BYTES);
	config.interfaces[0].mtu = 1400;
	config.interfaces[0].uplink.anti_spoof = true;
	config.interfaces[1].rx_rate_limiter.ops = (struct config_bucket){.size = 5, 0, 1000};
	config.interfaces[1].tx_rate_limiter.bandwidth = (struct config_bucket){.size = 7, 0, 1000};
	assert_int_equal(devices_build(&devices, &bus, &reason), 0);
	assert_int_equal(devices.count, 3);
	assert_int_equal(read_register(0, REGISTER_DEVICE), VIRTIO_TYPE_BLOCK);
	assert_int_equal(read_register(1, REGISTER_DEVICE), VIRTIO_TYPE_NET);
	assert_int_equal(read_register(2, REGISTER_DEVICE), VIRTIO_TYPE_NET);
	assert_int_equal(read_register(1, CONFIG_ADDRESS), 0x03020102);
	assert_int_equal(read_register(2, CONFIG_ADDRESS), 0x08070602);
	assert_int_equal(read_register(1, CONFIG_MTU) & 0xffff, 1400);
	assert_string_equal(devices.slots[1].name, "network tap");
	assert_string_equal(devices.slots[2].name, "network stream");

	assert_true(devices.nets[0].settings.anti_spoof);
	assert_false(devices.nets[1].settings.anti_spoof);
	assert_null(devices.nets[0].port.buffers);
	assert_non_null(devices.nets[1].port.buffers);
	assert_false(rate_limiter_is_on(&devices.nets[0].receive_limiter));
	assert_int_equal(devices.nets[1].receive_limiter.operations.size_tokens, 5);
	assert_int_equal(devices.nets[1].transmit_limiter.bytes.size_tokens, 7);

	for (unsigned int i = 0; i < 2; i++)
		devices.nets[i].counters = (struct net_counters){1, 2, 3, 4, 5, 6, 7};
	devices_count(&devices, &counters);
	assert_int_equal(counters.net_received_frames, 2);
	assert_int_equal(counters.net_received_bytes, 4);
	assert_int_equal(counters.net_received_dropped, 6);
	assert_int_equal(counters.net_sent_frames, 8);
	assert_int_equal(counters.net_sent_bytes, 10);
	assert_int_equal(counters.net_sent_dropped, 12);
	assert_int_equal(counters.net_throttled, 14);
	close(tap);
	close(stream);
}

/* The loop waits for what the device says, and for nothing else. */
static void test_what_is_waited_for(void **state)
{
	static const uint8_t address[6] = {2};
	int end;

	(void)state;
	end = add_interface("eth0", NET_PORT_TAP, address);
	assert_int_equal(devices_build(&devices, &bus, &reason), 0);
	assert_int_equal(devices_start(&devices, &loop, &reason), 0);
	assert_int_equal(write(end, "x", 1), 1);
	devices_expect(&devices, &loop);
	assert_false(loop_turn(&loop, 0));
	devices.nets[0].device.service_events = POLLIN;
	devices_expect(&devices, &loop);
	assert_true(loop_turn(&loop, 0));
	/* No driver is there, so the device has no use for more. */
	assert_int_equal(devices.nets[0].device.service_events, 0);
	devices_expect(&devices, &loop);
	assert_false(loop_turn(&loop, 0));
	close(end);
}

static void break_device(void)
{
	write_register(0, REGISTER_STATUS, 0);
	write_register(0, REGISTER_STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	write_register(0, 0x24, 1); /* the upper half of the features: VERSION_1 */
	write_register(0, 0x20, 1);
	write_register(0, REGISTER_STATUS,
		       VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
			       VIRTIO_STATUS_FEATURES_OK);
	write_register(0, REGISTER_QUEUE_NUM, 16);
	write_register(0, REGISTER_QUEUE_DESCRIPTORS, 0xfffffff0);
	write_register(0, REGISTER_QUEUE_READY, 1);
	assert_true(read_register(0, REGISTER_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
}

/* A guest that breaks its device over and over fills no log. */
static void test_a_fault_is_told_once(void **state)
{
	struct run_counters counters = {0};
	char text[1024];

	(void)state;
	add_drive("data", false, false, DISK_BYTES);
	assert_int_equal(devices_build(&devices, &bus, &reason), 0);
	for (unsigned int i = 0; i < 100; i++)
		break_device();
	assert_int_equal(log_lines(text, sizeof(text)), 1);
	assert_non_null(strstr(text, "drive data: the guest broke queue 0"));
	devices_count(&devices, &counters);
	assert_int_equal(counters.device_faults, 100);
}

/* Edges that came while the line was masked are made up for, and only those. */
static void test_unmasked(void **state)
{
	struct device_slot *slot;

	(void)state;
	add_drive("data", false, false, DISK_BYTES);
	assert_int_equal(devices_build(&devices, &bus, &reason), 0);
	slot = &devices.slots[0];
	devices_unmasked(&devices, LAYOUT_FIRST_DEVICE_GSI);
	assert_int_equal(slot->interrupts, 0);
	slot->device->interrupt_status = VIRTIO_INTERRUPT_USED_BUFFER;
	devices_unmasked(&devices, LAYOUT_FIRST_DEVICE_GSI + 1);
	devices_unmasked(&devices, LAYOUT_FIRST_DEVICE_GSI - 1);
	assert_int_equal(slot->interrupts, 0);
	devices_unmasked(&devices, LAYOUT_FIRST_DEVICE_GSI);
	assert_int_equal(slot->interrupts, 1);
}

/* The registers of the interrupt are served while somebody holds the lock, all others wait for it.
 */
static void test_who_needs_the_lock(void **state)
{
	struct device_slot *slot;

	(void)state;
	add_drive("data", false, false, DISK_BYTES);
	assert_int_equal(devices_build(&devices, &bus, &reason), 0);
	slot = &devices.slots[0];
	slot->device->interrupt_status = VIRTIO_INTERRUPT_USED_BUFFER;
	pthread_mutex_lock(&slot->lock);
	assert_int_equal(read_register(0, REGISTER_INTERRUPT_STATUS), VIRTIO_INTERRUPT_USED_BUFFER);
	write_register(0, REGISTER_INTERRUPT_ACK, VIRTIO_INTERRUPT_USED_BUFFER);
	pthread_mutex_unlock(&slot->lock);
	assert_int_equal(read_register(0, REGISTER_INTERRUPT_STATUS), 0);
	for (uint64_t offset = 0; offset < LAYOUT_MMIO_BYTES; offset += 4)
		assert_int_equal(mmio_needs_lock(offset), offset != REGISTER_INTERRUPT_STATUS &&
								  offset != REGISTER_INTERRUPT_ACK);
}

/* What the guest sees of it differs: a disk has a status for each request. */
static void test_errors_of_the_host(void **state)
{
	static const uint8_t address[6] = {2};
	int end = add_interface("eth0", NET_PORT_TAP, address);
	char text[1024];

	(void)state;
	add_drive("data", false, false, DISK_BYTES);
	assert_int_equal(devices_build(&devices, &bus, &reason), 0);
	for (unsigned int i = 0; i < 2; i++)
		devices.slots[i].links.host_error(&devices.slots[i], "something", EIO);
	assert_int_equal(log_lines(text, sizeof(text)), 2);
	assert_non_null(strstr(text, "drive data: something failed: Input/output error; the guest "
				     "sees an I/O error\n"));
	assert_non_null(strstr(text, "network eth0: something failed: Input/output error\n"));
	close(end);
}

/* What comes due wakes the loop, and the earliest of all counts. */
static void test_due(void **state)
{
	uint64_t woken = 0;

	(void)state;
	add_drive("one", false, false, DISK_BYTES);
	add_drive("two", false, false, DISK_BYTES);
	assert_int_equal(devices_build(&devices, &bus, &reason), 0);
	virtio_device_set_due(devices.slots[1].device, 5000);
	virtio_device_set_due(devices.slots[0].device, 7000);
	assert_int_equal(devices_due_ns(&devices), 5000);
	assert_int_equal(read(loop.wake_fd, &woken, sizeof(woken)), sizeof(woken));
	assert_int_equal(woken, 2);
	devices_tick(&devices, 4999);
	assert_int_equal(devices_due_ns(&devices), 5000);
	devices_tick(&devices, 5000);
	assert_int_equal(devices_due_ns(&devices), 7000);
}

static void test_too_many(void **state)
{
	(void)state;
	add_drive("one", false, false, DISK_BYTES);
	devices.count = LAYOUT_DEVICES_MAX;
	assert_int_not_equal(devices_build(&devices, &bus, &reason), 0);
	assert_non_null(strstr(reason.text, "drive one"));
}

#define DEVICES_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* Behind the others; with its ends of connections to the host, and what it owes at the end. */
static void test_vsock(void **state)
{
	static const uint8_t address[6] = {2, 0, 0, 0, 0, 1};
	struct vsock_service *service = &devices.vsock;
	struct run_counters counters = {0};
	struct vsock_broker_request request;
	int peer = add_interface("eth0", NET_PORT_STREAM, address);
	int stdio[2];
	int broker[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, broker), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, stdio), 0);
	config.vsock = (struct config_vsock){.present = true, .guest_cid = 0x12345678};
	config.stdio = (struct config_stdio){.present = true, .guest_port = 1024};
	resources.vsock.fd = VSOCK_SOCKET_NONE;
	resources.broker.vm_fd = broker[0];
	resources.stdio = (struct stdio_stream){.read_fd = stdio[0], .write_fd = stdio[0]};
	assert_int_equal(devices_owed_bytes(&devices), 0);
	assert_int_equal(devices_build(&devices, &bus, &reason), 0);
	assert_int_equal(devices.count, 2);
	assert_int_equal(read_register(1, REGISTER_DEVICE), VIRTIO_TYPE_VSOCK);
	assert_int_equal(read_register(1, 0x100), 0x12345678);
	assert_int_equal(devices_start(&devices, &loop, &reason), 0);
	assert_int_equal(service->vsock.muxer.table.count, 1);

	/* What the guest asks for reaches the launcher, whose answer comes by the loop. */
	assert_int_equal(service->owner.connect(service, 7, 99), 0);
	assert_int_equal(read(broker[1], &request, sizeof(request)), sizeof(request));
	assert_int_equal(request.token, 7);
	assert_int_equal(request.port, 99);
	assert_int_equal(write(broker[1],
			       &(struct vsock_broker_answer){.token = 7, .error = -ENOENT},
			       sizeof(struct vsock_broker_answer)),
			 sizeof(struct vsock_broker_answer));
	assert_true(loop_turn(&loop, 0));
	assert_int_equal(service->client.asked, 0);

	/* A launcher that is gone keeps nobody awake, and is not asked any more. */
	close(broker[1]);
	assert_true(loop_turn(&loop, 0));
	assert_false(loop_turn(&loop, 0));
	assert_int_equal(service->owner.connect(service, 8, 99), -ECONNREFUSED);

	assert_int_equal(devices_owed_bytes(&devices), 0);
	devices_count(&devices, &counters);
	assert_int_equal(counters.vsock_guest_connections, 0);
	munmap(service->vsock.muxer.table.buffers, VSOCK_BUFFERS_BYTES);
	close(service->vsock.muxer.epoll_fd);
	close(broker[0]);
	close(stdio[0]);
	close(stdio[1]);
	close(peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICES_TEST(test_none),
		DEVICES_TEST(test_vsock),
		DEVICES_TEST(test_order_and_announcement),
		DEVICES_TEST(test_root_by_partition),
		DEVICES_TEST(test_no_root_named),
		DEVICES_TEST(test_interfaces),
		DEVICES_TEST(test_what_is_waited_for),
		DEVICES_TEST(test_a_fault_is_told_once),
		DEVICES_TEST(test_unmasked),
		DEVICES_TEST(test_who_needs_the_lock),
		DEVICES_TEST(test_errors_of_the_host),
		DEVICES_TEST(test_due),
		DEVICES_TEST(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
