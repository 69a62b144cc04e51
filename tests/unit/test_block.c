/* SPDX-License-Identifier: MIT */
/* tests/unit/test_block.c - requests of a fake driver on a block device over a real file. */
#include "virtio/block.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/fake_driver.h"

enum {
	SECTORS = 1024,
	FILE_BYTES = SECTORS * BLOCK_SECTOR_BYTES,
	TIMEOUT_MS = 10000,
	ALL_STATUS = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK |
		     VIRTIO_STATUS_DRIVER_OK,
	NO_STATUS = 0x5a, /* in the status byte before the device writes it */
};

/* Where the parts of a request lie; the data comes right behind a guard of its own. */
#define HEADER_GPA FAKE_DATA_GPA
#define STATUS_GPA (FAKE_DATA_GPA + 64)
#define DATA_GPA   (FAKE_DATA_GPA + 4096)

/* What the device said to its links. */
static struct {
	unsigned int interrupts;
	unsigned int wakes;
	unsigned int failures;
	unsigned int refusals;
	unsigned int host_errors;
	enum virtio_fault fault;
	int error;
} heard;

static struct fake_driver driver;
static struct block block;
static int file;

static void on_interrupt(void *owner)
{
	(void)owner;
	heard.interrupts++;
}

static void on_wake(void *owner)
{
	(void)owner;
	heard.wakes++;
}

static void on_failed(void *owner, unsigned int queue, enum virtio_fault fault)
{
	(void)owner;
	(void)queue;
	heard.failures++;
	heard.fault = fault;
}

static void on_refused(void *owner, const char *why)
{
	(void)owner;
	assert_non_null(why);
	heard.refusals++;
}

static void on_host_error(void *owner, const char *what, int error)
{
	(void)owner;
	assert_non_null(what);
	heard.host_errors++;
	heard.error = error;
}

static const struct virtio_device_links links = {
	.interrupt = on_interrupt,
	.wake = on_wake,
	.failed = on_failed,
	.refused = on_refused,
	.host_error = on_host_error,
};

static uint8_t pattern(uint64_t place)
{
	return (uint8_t)(place * 31 + place / 512);
}

static void make_file(void)
{
	uint8_t *bytes = malloc(FILE_BYTES);
	char path[] = "/tmp/mote-block-XXXXXX";

	assert_non_null(bytes);
	for (size_t i = 0; i < FILE_BYTES; i++)
		bytes[i] = pattern(i);
	file = mkstemp(path);
	assert_true(file >= 0);
	unlink(path);
	assert_int_equal(pwrite(file, bytes, FILE_BYTES, 0), FILE_BYTES);
	free(bytes);
}

/* The driver is through with its set-up, with all features that were offered. */
static void go_live(void)
{
	enum virtio_fault fault;
	struct queue *queue = &block.device.queues[0];

	memset(queue, 0, sizeof(*queue));
	fake_driver_place(&driver, queue);
	queue->has_indirect = true;
	assert_int_equal(queue_start(queue, &driver.memory, &fault), 0);
	queue->ready = true;
	block.device.driver_features = block.device.features & ~VIRTIO_F_EVENT_IDX;
	block.device.status = ALL_STATUS;
}

/* The settings stay as they are; `prepare` may change them first. */
static void begin(enum disk_engine engine, void (*prepare)(void))
{
	memset(&heard, 0, sizeof(heard));
	memset(&block, 0, sizeof(block));
	fake_driver_init(&driver, 256);
	make_file();
	block.device.memory = &driver.memory;
	block.device.links = &links;
	block.settings = (struct block_settings){
		.id = "twenty-bytes-of-name",
		.size_bytes = FILE_BYTES + 100,
		.block_bytes = 512,
		.physical_block_bytes = 4096,
		.has_flush = true,
	};
	block.disk.fd = file;
	block.disk.engine = engine;
	if (prepare)
		prepare();
	block_init(&block);
	if (engine != DISK_ENGINE_SYNC && block_open_ring(&block))
		block.device.service_fd = -1;
	go_live();
}

static void end(void)
{
	block.device.ops->reset(&block.device);
	if (block.disk.has_ring)
		io_uring_queue_exit(&block.disk.ring);
	close(file);
	fake_driver_release(&driver);
}

static uint8_t *status(void)
{
	return fake_at(&driver, STATUS_GPA);
}

static void put_header(uint32_t type, uint64_t sector)
{
	const struct {
		uint32_t type;
		uint32_t reserved;
		uint64_t sector;
	} header = {type, 0, sector};

	memcpy(fake_at(&driver, HEADER_GPA), &header, sizeof(header));
	*status() = NO_STATUS;
}

static void notify(void)
{
	block.device.ops->notify(&block.device, 0);
}

/* Wait for the ring as the I/O thread would. */
static void await(void)
{
	struct pollfd ready = {.fd = block.device.service_fd,
			       .events = block.device.service_events};

	assert_int_equal(poll(&ready, 1, TIMEOUT_MS), 1);
	block.device.ops->service(&block.device, 0);
}

static uint32_t take_answer(void)
{
	struct fake_used used;

	while (!fake_driver_take_used(&driver, &used))
		await();
	return used.written_bytes;
}

/* One request of header, data in one buffer, and status.  Returns what the device says it wrote. */
static uint32_t request(uint32_t type, uint64_t sector, uint32_t data_bytes, bool data_is_writable)
{
	const struct fake_buffer buffers[] = {
		{HEADER_GPA, 16, false},
		{DATA_GPA, data_bytes, data_is_writable},
		{STATUS_GPA, 1, true},
	};
	const struct fake_buffer short_ones[] = {buffers[0], buffers[2]};

	put_header(type, sector);
	if (data_bytes)
		fake_driver_add(&driver, buffers, 3);
	else
		fake_driver_add(&driver, short_ones, 2);
	notify();
	return take_answer();
}

static void expect(uint8_t wanted, uint32_t written_bytes, uint32_t type, uint64_t sector,
		   uint32_t data_bytes, bool data_is_writable)
{
	assert_int_equal(request(type, sector, data_bytes, data_is_writable), written_bytes);
	assert_int_equal(*status(), wanted);
}

static const enum disk_engine engines[] = {DISK_ENGINE_AUTO, DISK_ENGINE_SYNC, DISK_ENGINE_ASYNC};

static void test_read_write_flush(void **state)
{
	(void)state;
	for (size_t e = 0; e < 3; e++) {
		uint8_t *data;
		uint8_t back[1024];

		begin(engines[e], NULL);
		data = fake_at(&driver, DATA_GPA);
		expect(BLOCK_STATUS_OK, 1025, BLOCK_REQUEST_IN, 3, 1024, true);
		for (size_t i = 0; i < 1024; i++)
			assert_int_equal(data[i], pattern(3 * 512 + i));
		memset(data, 0x77, 1024);
		expect(BLOCK_STATUS_OK, 1, BLOCK_REQUEST_OUT, SECTORS - 2, 1024, false);
		expect(BLOCK_STATUS_OK, 1, BLOCK_REQUEST_FLUSH, 0, 0, false);
		assert_int_equal(pread(file, back, 1024, FILE_BYTES - 1024), 1024);
		assert_memory_equal(back, data, 1024);
		assert_int_equal(heard.interrupts, 3);
		assert_int_equal(heard.refusals + heard.failures + heard.host_errors, 0);
		end();
	}
}

/* Header and status in as many pieces as a driver likes, and data in odd ones. */
static void test_any_framing(void **state)
{
	const struct fake_buffer in[] = {
		{HEADER_GPA, 1, false},      {HEADER_GPA + 1, 14, false},
		{HEADER_GPA + 15, 1, false}, {DATA_GPA, 1, true},
		{DATA_GPA + 1, 0, true},     {DATA_GPA + 1, 510, true},
		{DATA_GPA + 511, 514, true},
	};
	const struct fake_buffer out[] = {
		{HEADER_GPA, 0, false},
		{DATA_GPA, 16 + 512, false}, /* the header, then data */
		{STATUS_GPA, 1, true},
	};
	uint8_t *data;
	uint8_t back[512];

	(void)state;
	begin(DISK_ENGINE_AUTO, NULL);
	data = fake_at(&driver, DATA_GPA);
	/* The last data buffer is one byte longer than two sectors: there goes the status. */
	put_header(BLOCK_REQUEST_IN, 8);
	data[1024] = NO_STATUS;
	fake_driver_add(&driver, in, 7);
	notify();
	assert_int_equal(take_answer(), 1025);
	assert_int_equal(data[1024], BLOCK_STATUS_OK);
	for (size_t i = 0; i < 1024; i++)
		assert_int_equal(data[i], pattern(8 * 512 + i));

	put_header(BLOCK_REQUEST_OUT, 9);
	memcpy(data, fake_at(&driver, HEADER_GPA), 16);
	memset(data + 16, 0x11, 512);
	fake_driver_add_indirect(&driver, out, 3);
	notify();
	take_answer();
	assert_int_equal(*status(), BLOCK_STATUS_OK);
	assert_int_equal(pread(file, back, 512, 9 * 512), 512);
	assert_memory_equal(back, data + 16, 512);
	end();
}

static void test_refused(void **state)
{
	static const struct {
		uint32_t type;
		uint64_t sector;
		uint32_t bytes;
		bool is_writable;
		uint8_t status;
	} cases[] = {
		{BLOCK_REQUEST_IN, SECTORS, 512, true, BLOCK_STATUS_IOERR},
		{BLOCK_REQUEST_IN, SECTORS - 1, 1024, true, BLOCK_STATUS_IOERR},
		{BLOCK_REQUEST_IN, UINT64_MAX, 512, true, BLOCK_STATUS_IOERR},
		{BLOCK_REQUEST_IN, UINT64_MAX / 512, 512, true, BLOCK_STATUS_IOERR},
		{BLOCK_REQUEST_IN, UINT64_MAX / 512 + 1, 512, true, BLOCK_STATUS_IOERR},
		{BLOCK_REQUEST_IN, 0, 0, true, BLOCK_STATUS_IOERR},
		{BLOCK_REQUEST_IN, 0, 511, true, BLOCK_STATUS_IOERR},
		{BLOCK_REQUEST_IN, 0, 513, true, BLOCK_STATUS_IOERR},
		{BLOCK_REQUEST_IN, 0, 512, false, BLOCK_STATUS_IOERR},
		{BLOCK_REQUEST_OUT, 0, 512, true, BLOCK_STATUS_IOERR},
		{BLOCK_REQUEST_OUT, 0, 0, false, BLOCK_STATUS_IOERR},
		{BLOCK_REQUEST_OUT, SECTORS, 512, false, BLOCK_STATUS_IOERR},
		{BLOCK_REQUEST_DISCARD, 0, 15, false, BLOCK_STATUS_IOERR},
		{BLOCK_REQUEST_DISCARD, 0, 32, false, BLOCK_STATUS_IOERR},
		{BLOCK_REQUEST_WRITE_ZEROES, 0, 0, false, BLOCK_STATUS_IOERR},
		{2, 0, 512, true, BLOCK_STATUS_UNSUPP},
		{14, 0, 512, false, BLOCK_STATUS_UNSUPP},
		{UINT32_MAX, 0, 512, true, BLOCK_STATUS_UNSUPP},
	};

	(void)state;
	begin(DISK_ENGINE_AUTO, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		expect(cases[i].status, 1, cases[i].type, cases[i].sector, cases[i].bytes,
		       cases[i].is_writable);
		assert_int_equal(heard.refusals, i + 1);
	}
	assert_int_equal(heard.failures, 0);
	end();
}

struct range {
	uint64_t sector;
	uint32_t sector_count;
	uint32_t flags;
};

static void expect_range(uint8_t wanted, uint32_t type, struct range range)
{
	memcpy(fake_at(&driver, DATA_GPA), &range, sizeof(range));
	expect(wanted, 1, type, 0, sizeof(range), false);
}

static void expect_zero_sectors(unsigned int first, unsigned int count)
{
	for (size_t i = first * 512; i < (first + count) * 512; i++) {
		uint8_t byte = 1;

		assert_int_equal(pread(file, &byte, 1, (off_t)i), 1);
		assert_int_equal(byte, 0);
	}
}

static void test_discard_and_zeroes(void **state)
{
	(void)state;
	for (size_t e = 0; e < 3; e++) {
		uint8_t byte;

		begin(engines[e], NULL);
		expect_range(BLOCK_STATUS_OK, BLOCK_REQUEST_DISCARD, (struct range){8, 8, 0});
		expect_range(BLOCK_STATUS_OK, BLOCK_REQUEST_WRITE_ZEROES, (struct range){33, 3, 0});
		expect_range(BLOCK_STATUS_OK, BLOCK_REQUEST_WRITE_ZEROES, (struct range){64, 8, 1});
		expect_zero_sectors(8, 8);
		expect_zero_sectors(33, 3);
		expect_zero_sectors(64, 8);
		assert_int_equal(pread(file, &byte, 1, 36 * 512), 1);
		assert_int_equal(byte, pattern(36 * 512));
		expect_range(BLOCK_STATUS_UNSUPP, BLOCK_REQUEST_DISCARD, (struct range){0, 8, 1});
		expect_range(BLOCK_STATUS_UNSUPP, BLOCK_REQUEST_WRITE_ZEROES,
			     (struct range){0, 8, 2});
		expect_range(BLOCK_STATUS_IOERR, BLOCK_REQUEST_DISCARD, (struct range){0, 0, 0});
		expect_range(BLOCK_STATUS_IOERR, BLOCK_REQUEST_DISCARD,
			     (struct range){SECTORS - 1, 2, 0});
		expect_range(BLOCK_STATUS_IOERR, BLOCK_REQUEST_DISCARD,
			     (struct range){UINT64_MAX, 2, 0});
		end();
	}
}

static void make_large(void)
{
	assert_int_equal(ftruncate(file, 64 << 20), 0);
	block.settings.size_bytes = 64 << 20;
}

static void test_zeroes_are_bounded(void **state)
{
	(void)state;
	begin(DISK_ENGINE_SYNC, make_large);
	expect_range(BLOCK_STATUS_OK, BLOCK_REQUEST_WRITE_ZEROES,
		     (struct range){0, BLOCK_ZERO_SECTORS_MAX, 0});
	expect_range(BLOCK_STATUS_IOERR, BLOCK_REQUEST_WRITE_ZEROES,
		     (struct range){0, BLOCK_ZERO_SECTORS_MAX + 1, 0});
	end();
}

static void make_read_only(void)
{
	block.settings.is_read_only = true;
	block.settings.has_flush = false;
}

static void test_read_only(void **state)
{
	uint8_t byte;

	(void)state;
	begin(DISK_ENGINE_AUTO, make_read_only);
	assert_true(block.device.features & VIRTIO_BLK_F_RO);
	assert_false(block.device.features & (VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES));
	expect(BLOCK_STATUS_OK, 513, BLOCK_REQUEST_IN, 0, 512, true);
	memset(fake_at(&driver, DATA_GPA), 0xee, 512);
	expect(BLOCK_STATUS_IOERR, 1, BLOCK_REQUEST_OUT, 0, 512, false);
	expect_range(BLOCK_STATUS_UNSUPP, BLOCK_REQUEST_DISCARD, (struct range){0, 8, 0});
	expect_range(BLOCK_STATUS_UNSUPP, BLOCK_REQUEST_WRITE_ZEROES, (struct range){0, 8, 0});
	expect(BLOCK_STATUS_UNSUPP, 1, BLOCK_REQUEST_FLUSH, 0, 0, false);
	assert_int_equal(pread(file, &byte, 1, 0), 1);
	assert_int_equal(byte, pattern(0));
	end();
}

static void test_get_id(void **state)
{
	(void)state;
	begin(DISK_ENGINE_AUTO, NULL);
	memset(fake_at(&driver, DATA_GPA), 0xee, 64);
	expect(BLOCK_STATUS_OK, 21, BLOCK_REQUEST_GET_ID, 0, 20, true);
	assert_memory_equal(fake_at(&driver, DATA_GPA), "twenty-bytes-of-name", 20);
	expect(BLOCK_STATUS_OK, 21, BLOCK_REQUEST_GET_ID, 0, 64, true);
	memset(fake_at(&driver, DATA_GPA), 0xee, 64);
	expect(BLOCK_STATUS_OK, 7, BLOCK_REQUEST_GET_ID, 0, 6, true);
	assert_memory_equal(fake_at(&driver, DATA_GPA), "twenty\xee", 7);
	expect(BLOCK_STATUS_OK, 1, BLOCK_REQUEST_GET_ID, 0, 0, true);
	end();
}

/* Chains that cannot hold a request stop the device, and nothing is answered. */
static void test_broken_chains(void **state)
{
	static const struct fake_buffer short_header[] = {{HEADER_GPA, 15, false},
							  {STATUS_GPA, 1, true}};
	static const struct fake_buffer no_status[] = {{HEADER_GPA, 16, false}};
	static const struct fake_buffer empty_status[] = {{HEADER_GPA, 16, false},
							  {STATUS_GPA, 0, true}};
	static const struct fake_buffer only_writable[] = {{STATUS_GPA, 64, true}};
	static const struct {
		const struct fake_buffer *buffers;
		unsigned int count;
	} cases[] = {{short_header, 2}, {no_status, 1}, {empty_status, 2}, {only_writable, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fake_used used;

		begin(DISK_ENGINE_AUTO, NULL);
		put_header(BLOCK_REQUEST_IN, 0);
		fake_driver_add(&driver, cases[i].buffers, cases[i].count);
		notify();
		assert_int_equal(heard.failures, 1);
		assert_int_equal(heard.fault, VIRTIO_FAULT_REQUEST);
		assert_true(block.device.status & VIRTIO_STATUS_NEEDS_RESET);
		assert_int_equal(block.device.interrupt_status, VIRTIO_INTERRUPT_CONFIG_CHANGE);
		assert_false(fake_driver_take_used(&driver, &used));
		assert_int_equal(*status(), NO_STATUS);
		end();
	}
}

static void make_unreadable(void)
{
	close(file);
	file = open("/dev/null", O_WRONLY);
	block.disk.fd = file;
}

static void test_host_error(void **state)
{
	(void)state;
	for (size_t e = 0; e < 3; e++) {
		begin(engines[e], make_unreadable);
		expect(BLOCK_STATUS_IOERR, 1, BLOCK_REQUEST_IN, 0, 512, true);
		assert_int_equal(heard.host_errors, 1);
		assert_int_equal(heard.error, EBADF);
		assert_int_equal(heard.refusals + heard.failures, 0);
		end();
	}
}

static void test_config_space(void **state)
{
	uint64_t capacity = 0;
	uint32_t word = 0;
	uint8_t bytes[64] = {0};

	(void)state;
	begin(DISK_ENGINE_AUTO, NULL);
	block.device.ops->config_read(&block.device, 0, (uint8_t *)&capacity, 8);
	assert_int_equal(capacity, SECTORS);
	block.device.ops->config_read(&block.device, 12, (uint8_t *)&word, 4);
	assert_int_equal(word, BLOCK_SEGMENTS_MAX);
	block.device.ops->config_read(&block.device, 20, (uint8_t *)&word, 4);
	assert_int_equal(word, 512);
	block.device.ops->config_read(&block.device, 24, bytes, 1);
	assert_int_equal(bytes[0], 3); /* 4096 is 512 << 3 */
	word = 0xdeadbeef;
	block.device.ops->config_read(&block.device, 60, (uint8_t *)&word, 4);
	assert_int_equal(word, 0xdeadbeef);
	end();
}

/* Operations beyond the limit wait for the I/O thread, and none is lost. */
static void limit_operations(void)
{
	token_bucket_init(&block.limiter.operations, 2, 0, UINT64_C(1000000000), 0);
}

static void test_rate_limit(void **state)
{
	const struct fake_buffer buffers[] = {
		{HEADER_GPA, 16, false}, {DATA_GPA, 512, true}, {STATUS_GPA, 1, true}};
	struct fake_used used;
	uint64_t due_ns;

	(void)state;
	begin(DISK_ENGINE_SYNC, limit_operations);
	put_header(BLOCK_REQUEST_IN, 0);
	for (unsigned int i = 0; i < 3; i++)
		fake_driver_add(&driver, buffers, 3);
	notify();
	assert_true(fake_driver_take_used(&driver, &used));
	assert_true(fake_driver_take_used(&driver, &used));
	assert_false(fake_driver_take_used(&driver, &used));
	assert_int_equal(heard.wakes, 1);
	assert_int_equal(heard.interrupts, 1);
	due_ns = block.device.due_ns;
	assert_true(due_ns != VIRTIO_NEVER);
	notify(); /* changes nothing */
	assert_false(fake_driver_take_used(&driver, &used));
	/* The bucket's clock is the real one: wait for it. */
	assert_int_equal(poll(NULL, 0, 600), 0);
	block.device.ops->service(&block.device, due_ns);
	assert_true(fake_driver_take_used(&driver, &used));
	assert_int_equal(block.device.due_ns, VIRTIO_NEVER);
	assert_int_equal(heard.interrupts, 2);
	end();
}

/* The longest refill that a configuration can ask for. */
static void limit_for_centuries(void)
{
	token_bucket_init(&block.limiter.operations, 1, 0, UINT64_C(18446744073709) * 1000000,
			  UINT64_MAX);
}

/* The point of time lies beyond what 64 bits hold: it must come late, not at once. */
static void test_endless_wait(void **state)
{
	const struct fake_buffer buffers[] = {
		{HEADER_GPA, 16, false}, {DATA_GPA, 512, true}, {STATUS_GPA, 1, true}};
	struct fake_used used;

	(void)state;
	begin(DISK_ENGINE_SYNC, limit_for_centuries);
	put_header(BLOCK_REQUEST_IN, 0);
	fake_driver_add(&driver, buffers, 3);
	fake_driver_add(&driver, buffers, 3);
	notify();
	assert_true(fake_driver_take_used(&driver, &used));
	assert_false(fake_driver_take_used(&driver, &used));
	assert_true(block.device.due_ns > UINT64_MAX / 2);
	assert_true(block.device.due_ns != VIRTIO_NEVER);
	end();
}

/* Stopped with requests in flight: nothing is written any more, and a late event is harmless. */
static void test_stop_in_flight(void **state)
{
	const struct fake_buffer buffers[] = {
		{HEADER_GPA, 16, false}, {DATA_GPA, 64 * 1024, true}, {STATUS_GPA, 1, true}};
	struct fake_used used;
	uint8_t *data;

	(void)state;
	begin(DISK_ENGINE_ASYNC, NULL);
	if (!block.disk.has_ring) {
		end();
		skip();
	}
	put_header(BLOCK_REQUEST_IN, 0);
	for (unsigned int i = 0; i < 64; i++)
		fake_driver_add(&driver, buffers, 3);
	notify();
	block.device.ops->queue_stopped(&block.device, 0);
	queue_stop(&block.device.queues[0]);
	block.device.queues[0].ready = false;
	assert_int_equal(block.disk.in_flight, 0);
	data = fake_at(&driver, DATA_GPA);
	memset(data, 0, 64 * 1024);
	block.device.ops->service(&block.device, UINT64_MAX - 1);
	assert_int_equal(data[0], 0);

	/* Set up anew, it works. */
	driver.added = driver.taken = driver.kicked = 0;
	driver.avail[1] = driver.used[1] = 0;
	driver.next_descriptor = 0;
	go_live();
	expect(BLOCK_STATUS_OK, 513, BLOCK_REQUEST_IN, 5, 512, true);
	assert_int_equal(data[1], pattern(5 * 512 + 1));
	assert_false(fake_driver_take_used(&driver, &used));
	end();
}

/* More requests than tags: the rest comes once there is room. */
static void test_more_than_in_flight_max(void **state)
{
	const struct fake_buffer buffers[] = {
		{HEADER_GPA, 16, false}, {DATA_GPA, 512, true}, {STATUS_GPA, 1, true}};
	uint16_t head;

	(void)state;
	begin(DISK_ENGINE_ASYNC, NULL);
	put_header(BLOCK_REQUEST_IN, 0);
	head = fake_driver_chain(&driver, buffers, 3);
	for (unsigned int round = 0; round < 3; round++) {
		/* A driver that offers the same head over and over gets as many answers. */
		for (unsigned int i = 0; i < 256; i++)
			fake_driver_offer(&driver, head);
		notify();
		for (unsigned int i = 0; i < 256; i++)
			assert_int_equal(take_answer(), 513);
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_write_flush),
		cmocka_unit_test(test_any_framing),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_discard_and_zeroes),
		cmocka_unit_test(test_zeroes_are_bounded),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_get_id),
		cmocka_unit_test(test_broken_chains),
		cmocka_unit_test(test_host_error),
		cmocka_unit_test(test_config_space),
		cmocka_unit_test(test_rate_limit),
		cmocka_unit_test(test_endless_wait),
		cmocka_unit_test(test_stop_in_flight),
		cmocka_unit_test(test_more_than_in_flight_max),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
