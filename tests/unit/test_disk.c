/* SPDX-License-Identifier: MIT */
/* tests/unit/test_disk.c - transfers at once and through the ring, on real files. */
#include "virtio/disk.h"

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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	BLOCK = 4096,
	BLOCKS = 64,
	FILE_BYTES = BLOCK * BLOCKS,
	TIMEOUT_MS = 10000,
};

static struct disk disk;
static uint8_t *buffer; /* FILE_BYTES, page-aligned */
static bool ring_possible;

static void fill(uint8_t *bytes, size_t count, unsigned int seed)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256 + seed);
}

static int open_file(void)
{
	char path[] = "/tmp/mote-disk-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	fill(buffer, FILE_BYTES, 1);
	assert_int_equal(pwrite(fd, buffer, FILE_BYTES, 0), FILE_BYTES);
	assert_int_equal(fsync(fd), 0);
	memset(buffer, 0, FILE_BYTES);
	return fd;
}

static void begin(int fd, enum disk_engine engine)
{
	memset(&disk, 0, sizeof(disk));
	disk.fd = fd;
	disk.engine = engine;
	disk_init(&disk);
	if (engine != DISK_ENGINE_SYNC && ring_possible)
		assert_int_equal(disk_open_ring(&disk), 0);
}

static void end(void)
{
	if (disk.has_ring)
		io_uring_queue_exit(&disk.ring);
	close(disk.fd);
}

/* The result of a transfer, whichever way it goes. */
static int run(const struct disk_transfer *transfer)
{
	struct disk_done done;
	struct pollfd ready;
	int result = disk_start(&disk, transfer, 3);

	if (result != DISK_PENDING)
		return result;
	assert_int_equal(disk.in_flight, 1);
	assert_int_equal(disk_submit(&disk), 0);
	ready = (struct pollfd){.fd = disk.ring.ring_fd, .events = POLLIN};
	assert_int_equal(poll(&ready, 1, TIMEOUT_MS), 1);
	assert_int_equal(disk_reap(&disk, &done, 1), 1);
	assert_int_equal(done.tag, 3);
	assert_int_equal(disk.in_flight, 0);
	return done.result;
}

static int run_data(enum disk_operation operation, uint64_t offset, struct iovec *segments,
		    unsigned int count)
{
	struct disk_transfer transfer = {
		.operation = operation,
		.offset_bytes = offset,
		.segments = segments,
		.segment_count = count,
	};

	for (unsigned int i = 0; i < count; i++)
		transfer.length_bytes += segments[i].iov_len;
	return run(&transfer);
}

static int run_range(enum disk_operation operation, uint64_t offset, uint64_t length)
{
	const struct disk_transfer transfer = {
		.operation = operation, .offset_bytes = offset, .length_bytes = length};

	return run(&transfer);
}

static void expect_file(uint64_t offset, size_t length, unsigned int seed)
{
	uint8_t *wanted = malloc(FILE_BYTES);
	uint8_t *got = malloc(length);

	assert_non_null(wanted);
	assert_non_null(got);
	fill(wanted, FILE_BYTES, seed);
	assert_int_equal(pread(disk.fd, got, length, (off_t)offset), length);
	assert_memory_equal(got, wanted + offset, length);
	free(wanted);
	free(got);
}

static void expect_zeros(uint64_t offset, size_t length)
{
	uint8_t *got = malloc(length);

	assert_non_null(got);
	assert_int_equal(pread(disk.fd, got, length, (off_t)offset), length);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(got[i], 0);
	free(got);
}

static const enum disk_engine engines[] = {DISK_ENGINE_AUTO, DISK_ENGINE_SYNC, DISK_ENGINE_ASYNC};

/* Each engine; odd segment sizes, so that they end within and beyond blocks. */
static void test_read_write(void **state)
{
	(void)state;
	for (size_t e = 0; e < 3; e++) {
		struct iovec in[] = {
			{buffer, 100}, {buffer + 100, 3 * BLOCK}, {buffer + 12388, 1436}};
		struct iovec out[] = {{buffer + 13, 512}, {buffer + 525, 1024}};
		uint8_t wanted[1536];

		begin(open_file(), engines[e]);
		assert_int_equal(run_data(DISK_READ, 0, in, 3), 0);
		{
			uint8_t *pattern = malloc(FILE_BYTES);

			assert_non_null(pattern);
			fill(pattern, FILE_BYTES, 1);
			assert_memory_equal(buffer, pattern, 100 + 3 * BLOCK + 1436);
			free(pattern);
		}
		fill(buffer, FILE_BYTES, 9);
		memcpy(wanted, buffer + 13, sizeof(wanted));
		assert_int_equal(run_data(DISK_WRITE, BLOCK + 512, out, 2), 0);
		assert_int_equal(run_range(DISK_FLUSH, 0, 0), 0);
		assert_int_equal(pread(disk.fd, buffer, sizeof(wanted), BLOCK + 512),
				 sizeof(wanted));
		assert_memory_equal(buffer, wanted, sizeof(wanted));
		expect_file(0, BLOCK + 512, 1);
		expect_file(2 * BLOCK, FILE_BYTES - 2 * BLOCK, 1);
		end();
	}
}

/* What the page cache holds of a read comes at once, the rest through the ring. */
static void test_partly_cached(void **state)
{
	struct iovec segments[] = {{buffer, 5 * BLOCK + 100},
				   {buffer + 5 * BLOCK + 100, 8 * BLOCK}};
	uint8_t *pattern;

	(void)state;
	begin(open_file(), DISK_ENGINE_AUTO);
	assert_int_equal(posix_fadvise(disk.fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	assert_int_equal(pread(disk.fd, buffer, BLOCK, 0), BLOCK);
	memset(buffer, 0, FILE_BYTES);
	assert_int_equal(run_data(DISK_READ, 0, segments, 2), 0);
	pattern = malloc(FILE_BYTES);
	assert_non_null(pattern);
	fill(pattern, FILE_BYTES, 1);
	assert_memory_equal(buffer, pattern, 13 * BLOCK + 100);
	free(pattern);
	end();
}

/* A lone read of what is not cached is waited for, until that once took too long. */
static void test_lone_transfer(void **state)
{
	struct iovec segment;
	struct disk_transfer transfer = {
		.operation = DISK_READ,
		.length_bytes = BLOCK,
		.segments = &segment,
		.segment_count = 1,
		.is_alone = true,
	};
	struct disk_done done;
	struct pollfd ready;

	(void)state;
	if (!ring_possible)
		skip();
	begin(open_file(), DISK_ENGINE_AUTO);
	disk.read_nowait_works = false; /* as if nothing were cached */
	for (unsigned int round = 0; round < 100; round++) {
		segment = (struct iovec){buffer, BLOCK};
		disk.impatient = 0;
		assert_int_equal(disk_start(&disk, &transfer, 0), 0);
		assert_true(disk.impatient == 0 || disk.impatient == DISK_PATIENCE_AGAIN);
	}
	disk.impatient = 1;
	segment = (struct iovec){buffer, BLOCK};
	assert_int_equal(disk_start(&disk, &transfer, 0), DISK_PENDING);
	assert_int_equal(disk.impatient, 0);
	/* Not alone any more. */
	segment = (struct iovec){buffer, BLOCK};
	assert_int_equal(disk_start(&disk, &transfer, 1), DISK_PENDING);
	assert_int_equal(disk_submit(&disk), 0);
	for (unsigned int left = 2; left > 0;) {
		ready = (struct pollfd){.fd = disk.ring.ring_fd, .events = POLLIN};
		assert_int_equal(poll(&ready, 1, TIMEOUT_MS), 1);
		while (disk_reap(&disk, &done, 1) == 1) {
			assert_int_equal(done.result, 0);
			left--;
		}
	}
	end();
}

/* The file shrank below the size that the device has. */
static void test_short_file(void **state)
{
	(void)state;
	for (size_t e = 0; e < 3; e++) {
		struct iovec segment = {buffer, 4 * BLOCK};

		begin(open_file(), engines[e]);
		assert_int_equal(ftruncate(disk.fd, 2 * BLOCK), 0);
		assert_int_equal(run_data(DISK_READ, BLOCK, &segment, 1), -EIO);
		segment = (struct iovec){buffer, BLOCK};
		assert_int_equal(run_data(DISK_READ, 0, &segment, 1), 0);
		segment = (struct iovec){buffer, BLOCK};
		assert_int_equal(run_data(DISK_READ, 8 * BLOCK, &segment, 1), -EIO);
		end();
	}
}

static void test_errors_of_the_host(void **state)
{
	(void)state;
	for (size_t e = 0; e < 3; e++) {
		struct iovec segment = {buffer, BLOCK};
		int read_only = open("/proc/self/exe", O_RDONLY);

		begin(read_only, engines[e]);
		assert_int_equal(run_data(DISK_WRITE, 0, &segment, 1), -EBADF);
		assert_int_equal(run_range(DISK_ZERO, 0, BLOCK), -EBADF);
		end();
	}
}

static void test_discard_and_zero(void **state)
{
	(void)state;
	for (size_t e = 0; e < 3; e++) {
		struct stat before;
		struct stat after;

		begin(open_file(), engines[e]);
		assert_int_equal(fstat(disk.fd, &before), 0);
		assert_int_equal(run_range(DISK_DISCARD, 4 * BLOCK, 8 * BLOCK), 0);
		assert_int_equal(run_range(DISK_FLUSH, 0, 0), 0);
		assert_int_equal(fstat(disk.fd, &after), 0);
		assert_true(after.st_blocks < before.st_blocks);
		assert_int_equal(after.st_size, before.st_size);
		expect_zeros(4 * BLOCK, 8 * BLOCK);
		assert_int_equal(run_range(DISK_ZERO, 20 * BLOCK + 512, 1024), 0);
		assert_int_equal(run_range(DISK_ZERO_UNMAP, 30 * BLOCK, 2 * BLOCK), 0);
		expect_zeros(20 * BLOCK + 512, 1024);
		expect_zeros(30 * BLOCK, 2 * BLOCK);
		expect_file(0, 4 * BLOCK, 1);
		expect_file(12 * BLOCK, 8 * BLOCK + 512, 1);
		expect_file(32 * BLOCK, FILE_BYTES - 32 * BLOCK, 1);
		end();
	}
}

/* A file in memory knows no ZERO_RANGE: the zeros are written. */
static void test_zero_without_help(void **state)
{
	(void)state;
	for (size_t e = 0; e < 3; e++) {
		int fd = memfd_create("disk", MFD_CLOEXEC);

		fill(buffer, FILE_BYTES, 1);
		assert_int_equal(pwrite(fd, buffer, FILE_BYTES, 0), FILE_BYTES);
		begin(fd, engines[e]);
		disk.in_memory = true;
		assert_int_equal(run_range(DISK_ZERO, BLOCK + 512, 40 * BLOCK), 0);
		expect_zeros(BLOCK + 512, 40 * BLOCK);
		expect_file(0, BLOCK + 512, 1);
		expect_file(41 * BLOCK + 512, BLOCK, 1);
		end();
	}
}

/* As with O_DIRECT: buffers of any alignment, larger than the bounce buffer. */
static void test_bounce(void **state)
{
	static _Alignas(BLOCK) uint8_t bounce[DISK_BOUNCE_BYTES];
	struct iovec segments[] = {{buffer + 1, 3}, {buffer + 4, 20 * BLOCK - 3}};
	struct iovec back[] = {{buffer + 1, 70}, {buffer + 71, 20 * BLOCK - 70}};

	(void)state;
	begin(open_file(), DISK_ENGINE_AUTO);
	disk.bounce = bounce;
	disk.alignment_bytes = 512;
	disk.block_bytes = 512;
	fill(buffer + 1, 20 * BLOCK, 5);
	assert_int_equal(run_data(DISK_WRITE, 0, segments, 2), 0);
	expect_file(0, 20 * BLOCK, 5);
	memset(buffer, 0, FILE_BYTES);
	assert_int_equal(run_data(DISK_READ, 0, back, 2), 0);
	fill(buffer + 30 * BLOCK, 20 * BLOCK, 5);
	assert_memory_equal(buffer + 1, buffer + 30 * BLOCK, 20 * BLOCK);
	end();
}

/*
 * More than the kernel moves in one go: holes of a file in memory, which cost none, into the same
 * buffer again and again, and the last block somewhere else.
 */
static void test_two_gigabytes(void **state)
{
	enum {
		PIECE = 16 * 1024 * 1024,
		PIECES = 128
	};
	struct iovec segments[PIECES + 1];
	uint8_t *piece =
		mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(piece != MAP_FAILED);
	for (size_t e = 0; e < 3; e++) {
		const off_t last = (off_t)PIECE * PIECES;
		int fd = memfd_create("disk", MFD_CLOEXEC);

		for (unsigned int i = 0; i < PIECES; i++)
			segments[i] = (struct iovec){piece, PIECE};
		segments[PIECES] = (struct iovec){buffer, BLOCK};
		assert_int_equal(ftruncate(fd, last + 2 * BLOCK), 0);
		fill(buffer, BLOCK, 3);
		assert_int_equal(pwrite(fd, buffer, BLOCK, last), BLOCK);
		memset(buffer, 0, FILE_BYTES);
		begin(fd, engines[e]);
		assert_int_equal(run_data(DISK_READ, 0, segments, PIECES + 1), 0);
		fill(buffer + BLOCK, BLOCK, 3);
		assert_memory_equal(buffer, buffer + BLOCK, BLOCK);
		end();
	}
	munmap(piece, PIECE);
}

static int raw(struct io_uring *ring, void (*prepare)(struct io_uring_sqe *entry))
{
	struct io_uring_sqe *entry = io_uring_get_sqe(ring);
	struct io_uring_cqe *completion;
	int result;

	assert_non_null(entry);
	prepare(entry);
	assert_int_equal(io_uring_submit_and_wait(ring, 1), 1);
	assert_int_equal(io_uring_peek_cqe(ring, &completion), 0);
	result = completion->res;
	io_uring_cqe_seen(ring, completion);
	return result;
}

static void prepare_nop(struct io_uring_sqe *entry)
{
	io_uring_prep_nop(entry);
	entry->flags |= IOSQE_FIXED_FILE;
}

static void prepare_open(struct io_uring_sqe *entry)
{
	io_uring_prep_openat(entry, AT_FDCWD, "/dev/null", O_RDONLY, 0);
}

static void prepare_foreign_descriptor(struct io_uring_sqe *entry)
{
	static struct iovec segment;

	segment = (struct iovec){buffer, BLOCK};
	io_uring_prep_readv(entry, disk.fd, &segment, 1, 0);
}

static void prepare_linked(struct io_uring_sqe *entry)
{
	io_uring_prep_fsync(entry, 0, 0);
	entry->flags |= IOSQE_FIXED_FILE | IOSQE_ASYNC;
}

static void test_ring_is_restricted(void **state)
{
	(void)state;
	if (!ring_possible)
		skip();
	begin(open_file(), DISK_ENGINE_ASYNC);
	assert_int_equal(raw(&disk.ring, prepare_nop), -EACCES);
	assert_int_equal(raw(&disk.ring, prepare_open), -EACCES);
	assert_int_equal(raw(&disk.ring, prepare_foreign_descriptor), -EACCES);
	assert_int_equal(raw(&disk.ring, prepare_linked), -EACCES);
	assert_true(io_uring_register_files_update(&disk.ring, 0, &disk.fd, 1) < 0);
	assert_true(io_uring_unregister_files(&disk.ring) < 0);
	end();
}

/* More segments and more entries than one submission holds; all tags come back. */
static void test_many_in_flight(void **state)
{
	static struct iovec segments[DISK_IN_FLIGHT_MAX][16];
	bool seen[DISK_IN_FLIGHT_MAX] = {false};
	unsigned int left = DISK_IN_FLIGHT_MAX;

	(void)state;
	if (!ring_possible)
		skip();
	begin(open_file(), DISK_ENGINE_ASYNC);
	for (uint32_t tag = 0; tag < DISK_IN_FLIGHT_MAX; tag++) {
		struct disk_transfer transfer = {
			.operation = DISK_READ,
			.offset_bytes = (tag % BLOCKS) * BLOCK,
			.length_bytes = BLOCK,
			.segments = segments[tag],
			.segment_count = 16,
		};

		for (unsigned int i = 0; i < 16; i++)
			segments[tag][i] = (struct iovec){
				buffer + (tag % BLOCKS) * BLOCK + i * (BLOCK / 16), BLOCK / 16};
		assert_int_equal(disk_start(&disk, &transfer, tag), DISK_PENDING);
		memset(segments[tag], 0, sizeof(segments[tag]));
	}
	assert_int_equal(disk_submit(&disk), 0);
	while (left > 0) {
		struct pollfd ready = {.fd = disk.ring.ring_fd, .events = POLLIN};
		struct disk_done done[7];
		unsigned int count;

		assert_int_equal(poll(&ready, 1, TIMEOUT_MS), 1);
		count = disk_reap(&disk, done, 7);
		for (unsigned int i = 0; i < count; i++) {
			assert_int_equal(done[i].result, 0);
			assert_false(seen[done[i].tag]);
			seen[done[i].tag] = true;
		}
		left -= count;
	}
	for (size_t i = 0; i < FILE_BYTES; i++)
		assert_int_equal(buffer[i], (uint8_t)(i * 7 + i / 256 + 1));
	end();
}

static void test_drain(void **state)
{
	struct iovec segment = {buffer, FILE_BYTES};
	struct disk_transfer transfer = {
		.operation = DISK_READ,
		.length_bytes = FILE_BYTES,
		.segments = &segment,
		.segment_count = 1,
	};
	struct disk_done done;

	(void)state;
	if (!ring_possible)
		skip();
	begin(open_file(), DISK_ENGINE_ASYNC);
	for (uint32_t tag = 0; tag < 100; tag++) {
		assert_int_equal(disk_start(&disk, &transfer, tag), DISK_PENDING);
		if (tag == 50)
			assert_int_equal(disk_submit(&disk), 0);
	}
	disk_drain(&disk);
	assert_int_equal(disk.in_flight, 0);
	assert_int_equal(disk_reap(&disk, &done, 1), 0);
	segment = (struct iovec){buffer, FILE_BYTES};
	assert_int_equal(run(&transfer), 0);
	end();
}

/* Before the ring is there, and where it cannot be, everything is done at once. */
static void test_without_ring(void **state)
{
	struct iovec segment = {buffer, BLOCK};

	(void)state;
	memset(&disk, 0, sizeof(disk));
	disk.fd = open_file();
	disk.engine = DISK_ENGINE_ASYNC;
	disk_init(&disk);
	assert_int_equal(run_data(DISK_READ, 0, &segment, 1), 0);
	assert_int_equal(run_range(DISK_FLUSH, 0, 0), 0);
	assert_int_equal(disk_submit(&disk), 0);
	disk_drain(&disk);
	end();
}

static int set_up(void **state)
{
	struct io_uring ring;

	(void)state;
	buffer = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (io_uring_queue_init(4, &ring, 0) == 0) {
		ring_possible = true;
		io_uring_queue_exit(&ring);
	}
	return buffer == MAP_FAILED;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_write),
		cmocka_unit_test(test_partly_cached),
		cmocka_unit_test(test_lone_transfer),
		cmocka_unit_test(test_short_file),
		cmocka_unit_test(test_errors_of_the_host),
		cmocka_unit_test(test_discard_and_zero),
		cmocka_unit_test(test_zero_without_help),
		cmocka_unit_test(test_bounce),
		cmocka_unit_test(test_two_gigabytes),
		cmocka_unit_test(test_ring_is_restricted),
		cmocka_unit_test(test_many_in_flight),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_without_ring),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
