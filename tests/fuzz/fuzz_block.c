/* SPDX-License-Identifier: MIT */
/*
 * tests/fuzz/fuzz_block.c - a driver that does anything to a block device over virtio-mmio.
 *
 * The input begins with a byte that chooses the disk (see DISKS; bits 4 and 5 features that the
 * driver declines, bit 6 a rate limiter); then it is a list of steps, each a byte that says what to
 * do (modulo the number of kinds) and its operands.  Some steps are an honest driver's, so that the
 * others find something that runs: it would take the fuzzer long to negotiate by itself.
 *
 * Disks and rings are made once and serve all inputs.  Besides what the sanitizers see, the claims
 * of the headers are checked: what is popped is pushed once, nothing is in flight after a reset,
 * a stopped device stays stopped, the host never fails, a read-only file and a file's size
 * never change.
 */
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/input.h"
#include "virtio/block.h"
#include "virtio/mmio.h"

#define BASE_GPA UINT64_C(0x10000)

enum {
	PAGE = 4096,
	DESCRIPTORS = 0, /* offsets from the base */
	AVAIL = 0x1000,
	USED = 0x1400,
	TABLE = 0x2000,
	DATA = 0x3000,
	FIRST_BYTES = 0x6000,
	SECOND_BYTES = 0x1000, /* right behind the first for the guest, elsewhere for the host */
	ALL_BYTES = FIRST_BYTES + SECOND_BYTES,

	DISK_SECTORS = 128,
	DISK_BYTES = DISK_SECTORS * BLOCK_SECTOR_BYTES,
	DISK_BYTE = 0x5a,

	STATUS = 0x070,
	ALL_STATUS = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK |
		     VIRTIO_STATUS_DRIVER_OK,

	DISKS = 16, /* bits 0-1 the engine, and DIRECT; bit 2 read-only; bit 3 short queue */
	DIRECT = 3,
};

struct subject {
	struct block block;
	struct mmio mmio;
	int file;
	uint8_t *content; /* the file's */
	unsigned int failures;
	uint16_t failed_at; /* how many chains had been taken by then */
};

static struct subject subjects[DISKS];
static struct guest_memory memory;
static uint8_t *ranges[2];
static uint8_t bounce[DISK_BOUNCE_BYTES] __attribute__((aligned(PAGE)));

/* In or a little outside of memory; the top bits bring what is far away. */
static uint64_t take_gpa(struct input *input)
{
	uint16_t value = take_u16(input);
	uint64_t offset = value & 0x7fff;

	if (value < 0x8000)
		return BASE_GPA + offset;
	if (value < 0xc000)
		return BASE_GPA + FIRST_BYTES - 512 + offset % 1024;
	return offset & 1 ? offset - 8 : offset << 49;
}

/* Mostly small or whole sectors. */
static uint32_t take_length(struct input *input)
{
	uint16_t value = take_u16(input);

	if (value < 0x4000)
		return value & 31;
	if (value < 0xc000)
		return (value & 31U) * BLOCK_SECTOR_BYTES;
	return value < 0xf000 ? value & 0xfff : (uint32_t)(value & 0xfff) << 20;
}

static void poke(uint64_t gpa, const void *source, size_t bytes)
{
	(void)guest_memory_write(&memory, gpa, source, bytes);
}

/* -- The links -- */

static void on_interrupt(void *owner)
{
	const struct subject *subject = owner;

	require(subject->block.device.status & VIRTIO_STATUS_DRIVER_OK);
	require(subject->block.device.interrupt_status);
}

static void on_wake(void *owner)
{
	(void)owner;
}

static void on_failed(void *owner, unsigned int queue, enum virtio_fault fault)
{
	struct subject *subject = owner;

	require(queue == 0 && fault > VIRTIO_FAULT_NONE && fault < VIRTIO_FAULTS);
	subject->failures++;
	subject->failed_at = subject->block.device.queues[0].next_avail;
}

static void on_refused(void *owner, const char *why)
{
	(void)owner;
	require(strlen(why) > 0);
}

/* Nothing that a guest does makes a file in memory fail. */
static void on_host_error(void *owner, const char *what, int error)
{
	(void)owner;
	(void)what;
	(void)error;
	abort();
}

/* -- The disks -- */

static uint8_t *map_guarded(size_t bytes)
{
	uint8_t *mapping = mmap(NULL, bytes + PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(mapping != MAP_FAILED && !mprotect(mapping + bytes, PAGE, PROT_NONE));
	return mapping;
}

static void make_file(struct subject *subject)
{
	subject->file = memfd_create("disk", MFD_CLOEXEC);
	require(subject->file >= 0 && ftruncate(subject->file, DISK_BYTES) == 0);
	subject->content =
		mmap(NULL, DISK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, subject->file, 0);
	require(subject->content != MAP_FAILED);
	memset(subject->content, DISK_BYTE, DISK_BYTES);
}

static void make_subject(struct subject *subject, unsigned int choice)
{
	static struct virtio_device_links links[DISKS];
	static const enum disk_engine engines[] = {DISK_ENGINE_AUTO, DISK_ENGINE_SYNC,
						   DISK_ENGINE_ASYNC, DISK_ENGINE_AUTO};
	struct block *block = &subject->block;

	make_file(subject);
	links[choice] = (struct virtio_device_links){
		.interrupt = on_interrupt,
		.wake = on_wake,
		.failed = on_failed,
		.refused = on_refused,
		.host_error = on_host_error,
		.owner = subject,
	};
	block->device.memory = &memory;
	block->device.links = &links[choice];
	block->settings = (struct block_settings){
		.id = "fuzz",
		.size_bytes = DISK_BYTES,
		.block_bytes = 512,
		.physical_block_bytes = 4096,
		.is_read_only = choice & 4,
		.has_flush = true,
	};
	block->disk.fd = subject->file;
	block->disk.engine = engines[choice & 3];
	if ((choice & 3) == DIRECT) {
		block->disk.is_direct = true;
		block->disk.alignment_bytes = 512;
		block->disk.block_bytes = 512;
		block->disk.bounce = bounce;
	}
	block_init(block);
	if (choice & 8)
		block->device.queue_size_max = 16;
	/* Where the host has no io_uring, everything is done at once. */
	if (block->disk.engine != DISK_ENGINE_SYNC)
		(void)block_open_ring(block);
	mmio_init(&subject->mmio, &block->device);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	ranges[0] = map_guarded(FIRST_BYTES);
	ranges[1] = map_guarded(SECOND_BYTES);
	require(!guest_memory_add(&memory, BASE_GPA, FIRST_BYTES, ranges[0]));
	require(!guest_memory_add(&memory, BASE_GPA + FIRST_BYTES, SECOND_BYTES, ranges[1]));
	for (unsigned int choice = 0; choice < DISKS; choice++)
		make_subject(&subjects[choice], choice);
	return 0;
}

/* -- The registers -- */

static void require_new(const struct subject *subject)
{
	const struct virtio_device *device = &subject->block.device;

	require(device->interrupt_status == 0 && device->driver_features == 0);
	require(device->due_ns == VIRTIO_NEVER);
	require(subject->block.disk.in_flight == 0);
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		require(!device->queues[i].ready && !device->queues[i].used);
}

static void write_bytes(struct subject *subject, uint64_t offset, const void *data,
			uint32_t size_bytes)
{
	mmio_write(&subject->mmio, offset, data, size_bytes);
	if (subject->block.device.status == 0) {
		require_new(subject);
		subject->failures = 0;
	}
}

static void put(struct subject *subject, uint64_t offset, uint32_t value)
{
	write_bytes(subject, offset, &value, sizeof(value));
}

static void reset(struct subject *subject)
{
	put(subject, STATUS, 0);
	require(subject->block.device.status == 0);
}

static void bring_up(struct subject *subject, uint8_t how)
{
	const struct virtio_device *device = &subject->block.device;
	uint64_t features = device->features;

	if (how & 1)
		features &= ~VIRTIO_F_EVENT_IDX;
	if (how & 2)
		features &= ~(VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_DISCARD);
	reset(subject);
	memset(ranges[0] + AVAIL, 0, TABLE - AVAIL);
	put(subject, STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	for (uint32_t half = 0; half < 2; half++) {
		put(subject, 0x024, half);
		put(subject, 0x020, (uint32_t)(features >> half * 32));
	}
	put(subject, STATUS, ALL_STATUS & ~VIRTIO_STATUS_DRIVER_OK);
	put(subject, 0x030, 0);
	put(subject, 0x038, device->queue_size_max);
	put(subject, 0x080, BASE_GPA + DESCRIPTORS);
	put(subject, 0x090, BASE_GPA + AVAIL);
	put(subject, 0x0a0, BASE_GPA + USED);
	put(subject, 0x044, 1);
	put(subject, STATUS, ALL_STATUS);
	require(virtio_device_is_live(device) && device->queues[0].ready);
}

/* Most registers, by the number that a step brings. */
static void step_write(struct subject *subject, struct input *input)
{
	static const uint16_t registers[] = {
		0x014, 0x020, 0x024, 0x030, 0x038, 0x044, 0x050, 0x064, 0x070, 0x080,
		0x084, 0x090, 0x094, 0x0a0, 0x0a4, 0x0ac, 0x0c0, 0x000, 0x034, 0x0fc,
	};
	uint64_t offset = registers[take(input) % (sizeof(registers) / sizeof(registers[0]))];
	uint16_t value = take_u16(input);

	if (offset >= 0x080 && offset <= 0x0a4 && value < 0x8000)
		put(subject, offset, (uint32_t)BASE_GPA + value);
	else
		put(subject, offset, value < 0xc000 ? value & 0xff : (uint32_t)value << 18);
}

/* Any offset, any size, also in the configuration space. */
static void step_access(struct subject *subject, struct input *input)
{
	uint64_t offset = take_u16(input) & 0xfff;
	uint32_t size_bytes = 1U << (take(input) & 3);
	uint8_t *data = calloc(1, size_bytes); /* so that one byte too many is seen */

	require(data != NULL);
	mmio_read(&subject->mmio, offset, data, size_bytes);
	for (uint32_t i = 0; i < size_bytes; i++)
		data[i] = take(input);
	write_bytes(subject, offset, data, size_bytes);
	free(data);
}

/* -- What the driver writes into memory -- */

static void step_descriptor(struct input *input, uint64_t table)
{
	uint8_t index = take(input) & 31;
	struct queue_descriptor descriptor = {
		.gpa = take_gpa(input),
		.length = take_length(input),
	};
	uint8_t flags = take(input);

	descriptor.flags = flags & 7;
	descriptor.next = (flags & 0xf8) == 0xf8 ? take_u16(input)
						 : (uint16_t)(index + (flags >> 3) - 3);
	poke(BASE_GPA + table + index * sizeof(descriptor), &descriptor, sizeof(descriptor));
}

static void offer(const struct subject *subject, uint16_t head)
{
	uint16_t size = subject->block.device.queues[0].size;
	uint16_t index;

	memcpy(&index, ranges[0] + AVAIL + 2, sizeof(index));
	memcpy(ranges[0] + AVAIL + 4 + (size ? index % size : 0) * sizeof(head), &head,
	       sizeof(head));
	index++;
	memcpy(ranges[0] + AVAIL + 2, &index, sizeof(index));
}

/* More at once than the device may have in flight. */
static void step_flood(const struct subject *subject, struct input *input)
{
	uint16_t head = take(input) & 31;

	for (unsigned int count = take(input) + 1U; count > 0; count--)
		offer(subject, head);
}

static void put_header(struct input *input, uint64_t gpa)
{
	static const uint32_t types[] = {
		BLOCK_REQUEST_IN,      BLOCK_REQUEST_OUT,          BLOCK_REQUEST_FLUSH,
		BLOCK_REQUEST_GET_ID,  BLOCK_REQUEST_DISCARD,      BLOCK_REQUEST_WRITE_ZEROES,
		BLOCK_REQUEST_OUT | 2, BLOCK_REQUEST_WRITE_ZEROES,
	};
	uint8_t what = take(input);
	struct {
		uint32_t type;
		uint32_t reserved;
		uint64_t sector;
	} header = {.type = types[what & 7], .sector = take(input)};

	if (what & 0x80)
		header.sector <<= 56;
	else if (what & 0x40)
		header.sector = DISK_SECTORS - header.sector % 4;
	poke(gpa, &header, sizeof(header));
}

/* A range of a discard, where a request's data begins. */
static void put_range(struct input *input, uint64_t gpa)
{
	struct {
		uint64_t sector;
		uint32_t sector_count;
		uint32_t flags;
	} range = {take(input), take(input), take(input) & 3};

	if (range.sector_count > 250)
		range.sector_count <<= 24;
	poke(gpa, &range, sizeof(range));
}

/* A request as it should be but for what the input does to it: header, data, status. */
static void step_request(const struct subject *subject, struct input *input)
{
	uint8_t how = take(input);
	uint16_t place = how & 1 ? 3 : 0; /* there is room for two */
	uint64_t header_gpa = BASE_GPA + DATA + place * 32;
	struct queue_descriptor chain[3] = {
		{.gpa = header_gpa, .length = 16, .flags = 1, .next = 1},
		{.gpa = BASE_GPA + DATA + 0x200, .flags = 1, .next = 2},
		{.gpa = header_gpa + 24, .length = 1, .flags = QUEUE_DESCRIPTOR_WRITE},
	};
	struct queue_descriptor outer = {
		.gpa = BASE_GPA + TABLE + place * 16,
		.length = sizeof(chain),
		.flags = QUEUE_DESCRIPTOR_INDIRECT,
	};

	put_header(input, header_gpa);
	chain[1].length = how & 2 ? 16 : take_length(input);
	if (how & 2)
		put_range(input, chain[1].gpa);
	if (how & 4)
		chain[1].flags |= QUEUE_DESCRIPTOR_WRITE;
	if (how & 8)
		chain[1].gpa = take_gpa(input);
	if (how & 16) {
		poke(outer.gpa, chain, sizeof(chain));
		poke(BASE_GPA + DESCRIPTORS + place * 16, &outer, sizeof(outer));
	} else {
		chain[0].next = (uint16_t)(place + 1);
		chain[1].next = (uint16_t)(place + 2);
		poke(BASE_GPA + DESCRIPTORS + place * 16, chain, sizeof(chain));
	}
	offer(subject, place);
}

/* -- The device's turn -- */

static void check(const struct subject *subject)
{
	const struct block *block = &subject->block;
	const struct virtio_device *device = &block->device;
	const struct queue *queue = &device->queues[0];
	bool needs_reset = device->status & VIRTIO_STATUS_NEEDS_RESET;

	require(subject->failures == needs_reset);
	if (needs_reset && queue->ready)
		require(queue->next_avail == subject->failed_at);
	require(block->disk.in_flight <= DISK_IN_FLIGHT_MAX);
	/* Exactly once, and only what was popped. */
	if (virtio_device_is_live(device) && queue->ready)
		require((uint16_t)(queue->next_avail - queue->next_used) == block->disk.in_flight);
	if (!queue->ready)
		require(block->disk.in_flight == 0);
	if (!(device->status & VIRTIO_STATUS_FEATURES_OK))
		require(!queue->ready);
	require(!(device->status & VIRTIO_STATUS_DRIVER_OK) ||
		(device->status & VIRTIO_STATUS_FEATURES_OK));
}

static void serve(struct subject *subject, uint64_t now_ns)
{
	struct virtio_device *device = &subject->block.device;

	device->ops->service(device, now_ns);
	check(subject);
}

/* As the I/O thread does, until nothing is in flight or nothing more comes. */
static void settle(struct subject *subject)
{
	struct block *block = &subject->block;
	struct pollfd ready = {.fd = block->device.service_fd, .events = POLLIN};

	while (block->disk.in_flight > 0) {
		int count;

		/* The fuzzer's own alarm may come in between. */
		do
			count = poll(&ready, 1, 10000);
		while (count < 0 && errno == EINTR);
		require(count == 1);
		serve(subject, 0);
	}
}

static void step(struct subject *subject, struct input *input)
{
	uint16_t value;

	switch (take(input) % 14) {
	case 0: bring_up(subject, take(input)); break;
	case 1: step_write(subject, input); break;
	case 2: step_access(subject, input); break;
	case 3: step_descriptor(input, DESCRIPTORS); break;
	case 4: step_descriptor(input, TABLE); break;
	case 5: offer(subject, take(input)); break;
	case 6: put_header(input, take_gpa(input)); break;
	case 7: put(subject, 0x050, 0); break;
	case 8: serve(subject, take(input) & 1 ? VIRTIO_NEVER - 1 : 0); break;
	case 9: settle(subject); break;
	case 10:
		value = take_u16(input);
		poke(take_gpa(input), &value, sizeof(value));
		break;
	case 11: step_flood(subject, input); break;
	default: step_request(subject, input); break;
	}
	check(subject);
}

static void limit(struct rate_limiter *limiter, bool is_on)
{
	const uint64_t never_ns = UINT64_C(1) << 60;

	*limiter = (struct rate_limiter){0};
	if (!is_on)
		return;
	/* Held until the end by the sixth request: what counts is how the device waits. */
	token_bucket_init(&limiter->operations, 3, 2, never_ns, 0);
	token_bucket_init(&limiter->bytes, UINT64_C(1) << 20, 0, never_ns, 0);
}

static void check_file(const struct subject *subject)
{
	struct stat status;

	require(fstat(subject->file, &status) == 0 && status.st_size == DISK_BYTES);
	if (subject->block.settings.is_read_only)
		for (size_t i = 0; i < DISK_BYTES; i += 64)
			require(subject->content[i] == DISK_BYTE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	uint8_t choice = take(&input);
	struct subject *subject = &subjects[choice % DISKS];
	unsigned int steps = 0;

	memset(ranges[0], 0, FIRST_BYTES);
	memset(ranges[1], 0, SECOND_BYTES);
	limit(&subject->block.limiter, choice & 0x40);
	bring_up(subject, choice >> 4 & 3);
	while (input.size && steps++ < 300)
		step(subject, &input);
	reset(subject);
	check_file(subject);
	return 0;
}
