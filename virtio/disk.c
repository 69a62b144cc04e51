/* SPDX-License-Identifier: MIT */
/* virtio/disk.c - see disk.h. */
#include "virtio/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <string.h>
#include <unistd.h>

#include "virtio/clock.h"

enum {
	ZERO_PAGE_BYTES = 4096,
	ZERO_SEGMENTS = 64,
	THE_FILE = 0, /* index of the only registered descriptor */
	/* The kernel cuts a read or write to MAX_RW_COUNT bytes. */
	RING_BYTES_MAX = 0x7ffff000,
};

/* Never written to.  Not const, because then it would be 4 KiB of the binary. */
static alignas(ZERO_PAGE_BYTES) uint8_t zero_page[ZERO_PAGE_BYTES];

void disk_init(struct disk *disk)
{
	disk->has_ring = false;
	disk->in_flight = 0;
	disk->segment_count = 0;
	/* With O_DIRECT even RWF_NOWAIT waits for the medium. */
	disk->read_nowait_works = !disk->is_direct;
	disk->write_nowait_works = !disk->is_direct;
}

static int restrict_ring(struct disk *disk)
{
	struct io_uring_restriction restrictions[] = {
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READV},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_WRITEV},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FSYNC},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FALLOCATE},
		{.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_FIXED_FILE},
		{.opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE},
	};
	int error = io_uring_register_files(&disk->ring, &disk->fd, 1);

	/* No register operation is on the list, so none works once the ring is enabled. */
	if (!error)
		error = io_uring_register_restrictions(
			&disk->ring, restrictions, sizeof(restrictions) / sizeof(*restrictions));
	if (!error)
		error = io_uring_enable_rings(&disk->ring);
	return error;
}

int disk_open_ring(struct disk *disk)
{
	struct io_uring_params parameters = {
		.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE,
		.cq_entries = DISK_IN_FLIGHT_MAX,
	};
	int error = io_uring_queue_init_params(DISK_RING_ENTRIES, &disk->ring, &parameters);

	if (error)
		return error;
	error = restrict_ring(disk);
	if (error) {
		io_uring_queue_exit(&disk->ring);
		return error;
	}
	disk->has_ring = true;
	return 0;
}

/* Step over the first `bytes` of a transfer, which are done. */
static void advance(struct disk_transfer *transfer, uint64_t bytes)
{
	transfer->offset_bytes += bytes;
	transfer->length_bytes -= bytes;
	while (bytes > 0 && bytes >= transfer->segments->iov_len) {
		bytes -= transfer->segments->iov_len;
		transfer->segments++;
		transfer->segment_count--;
	}
	if (bytes > 0) {
		transfer->segments->iov_base = (uint8_t *)transfer->segments->iov_base + bytes;
		transfer->segments->iov_len -= bytes;
	}
}

/* One read or write of what is left.  Returns the bytes moved or negative errno. */
static int64_t move(const struct disk *disk, const struct disk_transfer *transfer, int flags)
{
	int count = (int)transfer->segment_count;
	int64_t offset = (int64_t)transfer->offset_bytes;
	ssize_t moved;

	do {
		moved = transfer->operation == DISK_READ
				? preadv2(disk->fd, transfer->segments, count, offset, flags)
				: pwritev2(disk->fd, transfer->segments, count, offset, flags);
	} while (moved < 0 && errno == EINTR);
	return moved < 0 ? -errno : moved;
}

static int move_all(const struct disk *disk, struct disk_transfer *transfer)
{
	while (transfer->length_bytes > 0) {
		int64_t moved = move(disk, transfer, 0);

		if (moved < 0)
			return (int)moved;
		if (moved == 0)
			return -EIO; /* the file ends here, though the device does not */
		advance(transfer, (uint64_t)moved);
	}
	return 0;
}

/*
 * Copy between the bounce buffer and the front of a transfer, in the direction of its
 * operation; the transfer does not advance.
 */
static void copy_bounced(const struct disk *disk, const struct disk_transfer *transfer,
			 uint64_t bytes)
{
	const struct iovec *segment = transfer->segments;

	for (uint64_t done = 0; done < bytes; segment++) {
		uint64_t part = segment->iov_len < bytes - done ? segment->iov_len : bytes - done;

		if (transfer->operation == DISK_READ)
			memcpy(segment->iov_base, disk->bounce + done, part);
		else
			memcpy(disk->bounce + done, segment->iov_base, part);
		done += part;
	}
}

/* O_DIRECT wants aligned buffers, which a driver need not have. */
static int move_bounced(const struct disk *disk, struct disk_transfer *transfer)
{
	while (transfer->length_bytes > 0) {
		struct iovec buffer = {
			.iov_base = disk->bounce,
			.iov_len = transfer->length_bytes < DISK_BOUNCE_BYTES
					   ? transfer->length_bytes
					   : DISK_BOUNCE_BYTES,
		};
		struct disk_transfer part = {
			.operation = transfer->operation,
			.offset_bytes = transfer->offset_bytes,
			.length_bytes = buffer.iov_len,
			.segments = &buffer,
			.segment_count = 1,
		};
		uint64_t bytes = buffer.iov_len;
		int error;

		if (transfer->operation == DISK_WRITE)
			copy_bounced(disk, transfer, bytes);
		error = move_all(disk, &part);
		if (error)
			return error;
		if (transfer->operation == DISK_READ)
			copy_bounced(disk, transfer, bytes);
		advance(transfer, bytes);
	}
	return 0;
}

static bool needs_bounce(const struct disk *disk, const struct disk_transfer *transfer)
{
	if (!disk->bounce || transfer->operation > DISK_WRITE)
		return false;
	for (unsigned int i = 0; i < transfer->segment_count; i++) {
		const struct iovec *segment = &transfer->segments[i];

		if ((uintptr_t)segment->iov_base & (disk->alignment_bytes - 1) ||
		    segment->iov_len & (disk->block_bytes - 1))
			return true;
	}
	return false;
}

static int write_zeros(const struct disk *disk, uint64_t offset_bytes, uint64_t length_bytes)
{
	struct iovec segments[ZERO_SEGMENTS];
	struct disk_transfer part = {.operation = DISK_WRITE, .offset_bytes = offset_bytes};

	while (length_bytes > 0) {
		int error;

		part.segments = segments;
		part.segment_count = 0;
		part.length_bytes = 0;
		while (length_bytes > 0 && part.segment_count < ZERO_SEGMENTS) {
			uint64_t bytes = length_bytes < ZERO_PAGE_BYTES ? length_bytes
									: ZERO_PAGE_BYTES;

			segments[part.segment_count++] = (struct iovec){zero_page, bytes};
			part.length_bytes += bytes;
			length_bytes -= bytes;
		}
		error = move_all(disk, &part);
		if (error)
			return error;
	}
	return 0;
}

static int allocation_mode(enum disk_operation operation)
{
	return FALLOC_FL_KEEP_SIZE |
	       (operation == DISK_ZERO ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE);
}

/* What becomes of a discard or zero request that the file system answered like this. */
static int settle_allocation(const struct disk *disk, const struct disk_pending *pending,
			     int result)
{
	if (result != -EOPNOTSUPP && result != -ENOSYS)
		return result;
	if (pending->operation == DISK_DISCARD)
		return 0; /* a hint; not taking it is no error */
	return write_zeros(disk, pending->offset_bytes, pending->length_bytes);
}

static int allocate_now(const struct disk *disk, const struct disk_transfer *transfer)
{
	const struct disk_pending pending = {
		.operation = transfer->operation,
		.offset_bytes = transfer->offset_bytes,
		.length_bytes = transfer->length_bytes,
	};
	int result;

	do {
		result = fallocate(disk->fd, allocation_mode(transfer->operation),
				   (off_t)transfer->offset_bytes, (off_t)transfer->length_bytes);
	} while (result < 0 && errno == EINTR);
	return settle_allocation(disk, &pending, result < 0 ? -errno : 0);
}

/* All of it on this thread, however long it takes. */
static int run_now(const struct disk *disk, struct disk_transfer *transfer)
{
	switch (transfer->operation) {
	case DISK_READ:
	case DISK_WRITE: return move_all(disk, transfer);
	case DISK_FLUSH: return fdatasync(disk->fd) ? -errno : 0;
	case DISK_DISCARD:
	case DISK_ZERO:
	case DISK_ZERO_UNMAP: return allocate_now(disk, transfer);
	default: return -EINVAL;
	}
}

/*
 * As much as can be had without waiting.  Returns the result if that was all, or -EAGAIN
 * with the transfer advanced over what was done.
 */
static int try_now(struct disk *disk, struct disk_transfer *transfer)
{
	bool is_read = transfer->operation == DISK_READ;
	bool *works = is_read ? &disk->read_nowait_works : &disk->write_nowait_works;
	int64_t moved;

	if (transfer->operation > DISK_WRITE || disk->is_direct)
		return -EAGAIN;
	if (*works) {
		moved = move(disk, transfer, RWF_NOWAIT);
		if (moved >= 0) {
			advance(transfer, (uint64_t)moved);
			return transfer->length_bytes == 0 ? 0 : -EAGAIN;
		}
		if (moved != -EOPNOTSUPP)
			return (int)moved;
		*works = false;
	}
	/* A plain write only fills the page cache, as a plain read of a file in memory reads it. */
	if (!is_read || disk->in_memory)
		return move_all(disk, transfer);
	return -EAGAIN;
}

static bool is_worth_waiting(struct disk *disk, const struct disk_transfer *transfer)
{
	if (!transfer->is_alone || disk->in_flight > 0 || transfer->operation > DISK_WRITE)
		return false;
	if (disk->impatient == 0)
		return true;
	disk->impatient--;
	return false;
}

static int wait_for(struct disk *disk, struct disk_transfer *transfer)
{
	uint64_t begin_ns = virtio_now_ns();
	int result = move_all(disk, transfer);

	if (virtio_now_ns() - begin_ns > DISK_PATIENCE_NS)
		disk->impatient = DISK_PATIENCE_AGAIN;
	return result;
}

static struct io_uring_sqe *next_entry(struct disk *disk, unsigned int segment_count)
{
	struct io_uring_sqe *entry = NULL;

	if (disk->segment_count + segment_count <= DISK_SEGMENTS_MAX)
		entry = io_uring_get_sqe(&disk->ring);
	if (entry || disk_submit(disk))
		return entry;
	return io_uring_get_sqe(&disk->ring);
}

/* The kernel reads segments at submission, when the caller's are gone. */
static struct iovec *keep_segments(struct disk *disk, const struct disk_transfer *transfer)
{
	struct iovec *kept = &disk->segments[disk->segment_count];

	memcpy(kept, transfer->segments, transfer->segment_count * sizeof(*kept));
	disk->segment_count += transfer->segment_count;
	return kept;
}

static int run_later(struct disk *disk, const struct disk_transfer *transfer, uint32_t tag)
{
	struct io_uring_sqe *entry = next_entry(disk, transfer->segment_count);

	if (!entry)
		return -ENOMEM;
	switch (transfer->operation) {
	case DISK_READ:
		io_uring_prep_readv(entry, THE_FILE, keep_segments(disk, transfer),
				    transfer->segment_count, transfer->offset_bytes);
		break;
	case DISK_WRITE:
		io_uring_prep_writev(entry, THE_FILE, keep_segments(disk, transfer),
				     transfer->segment_count, transfer->offset_bytes);
		break;
	case DISK_FLUSH: io_uring_prep_fsync(entry, THE_FILE, IORING_FSYNC_DATASYNC); break;
	default:
		io_uring_prep_fallocate(entry, THE_FILE, allocation_mode(transfer->operation),
					(off_t)transfer->offset_bytes,
					(off_t)transfer->length_bytes);
		break;
	}
	entry->flags |= IOSQE_FIXED_FILE;
	entry->user_data = tag;
	disk->pending[tag] = (struct disk_pending){
		.operation = transfer->operation,
		.offset_bytes = transfer->offset_bytes,
		.length_bytes = transfer->length_bytes,
	};
	disk->in_flight++;
	return DISK_PENDING;
}

int disk_start(struct disk *disk, const struct disk_transfer *asked, uint32_t tag)
{
	struct disk_transfer transfer = *asked;

	if (needs_bounce(disk, &transfer))
		return move_bounced(disk, &transfer);
	if (disk->engine == DISK_ENGINE_SYNC || !disk->has_ring)
		return run_now(disk, &transfer);
	if (disk->engine == DISK_ENGINE_AUTO) {
		int result = try_now(disk, &transfer);

		if (result != -EAGAIN)
			return result;
		if (is_worth_waiting(disk, &transfer))
			return wait_for(disk, &transfer);
	}
	/* The ring would move a part, and who is to ask for the rest has no segments any more. */
	if (transfer.operation <= DISK_WRITE && transfer.length_bytes > RING_BYTES_MAX)
		return move_all(disk, &transfer);
	return run_later(disk, &transfer, tag);
}

int disk_submit(struct disk *disk)
{
	int submitted;

	if (!disk->has_ring)
		return 0;
	while (io_uring_sq_ready(&disk->ring) > 0) {
		submitted = io_uring_submit(&disk->ring);
		if (submitted < 0 && submitted != -EINTR)
			return submitted;
	}
	disk->segment_count = 0;
	return 0;
}

static int judge(const struct disk *disk, const struct disk_pending *pending, int result)
{
	switch (pending->operation) {
	case DISK_READ:
	case DISK_WRITE:
		/* Nothing was too long, and the kernel goes on by itself: less is the end. */
		if (result >= 0)
			return (uint64_t)result == pending->length_bytes ? 0 : -EIO;
		return result;
	case DISK_FLUSH: return result;
	default: return settle_allocation(disk, pending, result);
	}
}

unsigned int disk_reap(struct disk *disk, struct disk_done *done, unsigned int max)
{
	struct io_uring_cqe *entry;
	unsigned int count = 0;

	if (!disk->has_ring)
		return 0;
	while (count < max && io_uring_peek_cqe(&disk->ring, &entry) == 0) {
		uint32_t tag = (uint32_t)entry->user_data;

		done[count++] = (struct disk_done){
			.tag = tag,
			.result = judge(disk, &disk->pending[tag], entry->res),
		};
		io_uring_cqe_seen(&disk->ring, entry);
		disk->in_flight--;
	}
	return count;
}

void disk_drain(struct disk *disk)
{
	struct io_uring_cqe *entry;

	while (disk->in_flight > 0) {
		/* Whatever it says: what is in flight ends, and then there is memory again. */
		(void)io_uring_submit_and_wait(&disk->ring, 1);
		while (io_uring_peek_cqe(&disk->ring, &entry) == 0) {
			io_uring_cqe_seen(&disk->ring, entry);
			disk->in_flight--;
		}
	}
	disk->segment_count = 0;
}
