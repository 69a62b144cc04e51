/* SPDX-License-Identifier: MIT */
/* tests/guests/block_hostile_requests.c - whole chains with requests in them that make no sense. */
#include "tests/guests/block_hostile.h"

static void twist_read_into_readable(void)
{
	hostile.ring[1].flags = VIRTQUEUE_NEXT;
}

static void twist_write_from_writable(void)
{
	hostile.ring[1].flags |= VIRTQUEUE_WRITE;
}

static void twist_read_nothing(void)
{
	hostile.ring[0].next = 2;
}

static void twist_write_nothing(void)
{
	hostile.ring[0].next = 2;
}

static void twist_read_one_byte(void)
{
	hostile.ring[1].length = 1;
}

static void twist_read_511(void)
{
	hostile.ring[1].length = 511;
}

static void twist_write_513(void)
{
	hostile.ring[1].length = 513;
}

static void twist_read_at_the_end(void)
{
	hostile.header->sector = hostile.disk.config.sectors;
}

static void twist_write_at_the_end(void)
{
	hostile.header->sector = hostile.disk.config.sectors;
}

static void twist_write_across_the_end(void)
{
	hostile.ring[1].length = 1024;
	hostile.header->sector = hostile.disk.config.sectors - 1;
}

static void twist_read_across_the_end(void)
{
	hostile.ring[1].length = 1024;
	hostile.header->sector = hostile.disk.config.sectors - 1;
}

static void twist_last_sector(void)
{
	hostile.header->sector = hostile.disk.config.sectors - 1;
}

/* In bytes, this is 0 modulo 2^64. */
static void twist_sector_2_to_55(void)
{
	hostile.header->sector = UINT64_C(1) << 55;
}

static void twist_sector_2_to_63(void)
{
	hostile.header->sector = UINT64_C(1) << 63;
}

static void twist_sector_all_ones(void)
{
	hostile.header->sector = UINT64_MAX;
}

static void twist_type_scsi(void)
{
	hostile.header->type = 2;
}

static void twist_type_10(void)
{
	hostile.header->type = 10;
}

static void twist_type_secure_erase(void)
{
	hostile.header->type = 14;
}

static void twist_type_barrier(void)
{
	hostile.header->type |= UINT32_C(1) << 31;
}

static void twist_type_all_ones(void)
{
	hostile.header->type = UINT32_MAX;
}

static void twist_flush_with_sector_and_data(void)
{
	hostile.header->type = BLOCK_FLUSH;
	hostile.header->sector = UINT64_MAX;
}

static void twist_get_id_short(void)
{
	hostile.ring[1].length = 4;
}

static void twist_get_id_long(void)
{
	hostile.ring[1].length = 4096;
}

static void twist_discard_with_unmap(void)
{
	hostile.ranges[0].flags = BLOCK_RANGE_UNMAP;
}

static void twist_discard_unknown_flags(void)
{
	hostile.ranges[0].flags = UINT32_C(1) << 31;
}

static void twist_discard_short_range(void)
{
	hostile.ring[1].length = 8;
}

static void twist_discard_without_range(void)
{
	hostile.ring[0].next = 2;
}

static void twist_discard_two_ranges(void)
{
	hostile.ring[1].length *= 2;
}

static void twist_discard_no_sectors(void)
{
	hostile.ranges[0].sectors = 0;
}

static void twist_discard_across_the_end(void)
{
	hostile.ranges[0].sector = hostile.disk.config.sectors - 7;
}

static void twist_discard_overflow(void)
{
	hostile.ranges[0].sector = UINT64_MAX - 3;
}

static void twist_zeroes_unknown_flags(void)
{
	hostile.ranges[0].flags = 2;
}

static void twist_zeroes_short_range(void)
{
	hostile.ring[1].length = 15;
}

static void twist_zeroes_across_the_end(void)
{
	hostile.ranges[0].sector = hostile.disk.config.sectors - 7;
}

static void twist_zeroes_overflow(void)
{
	hostile.ranges[0].sector = UINT64_C(1) << 55;
}

const struct hostile_case hostile_request_cases[] = {
	{"read-into-readable", VERDICT_IO_ERROR, BLOCK_IN, twist_read_into_readable, NULL},
	{"write-from-writable", VERDICT_IO_ERROR, BLOCK_OUT, twist_write_from_writable, NULL},
	{"read-nothing", VERDICT_IO_ERROR, BLOCK_IN, twist_read_nothing, NULL},
	{"write-nothing", VERDICT_IO_ERROR, BLOCK_OUT, twist_write_nothing, NULL},
	{"read-one-byte", VERDICT_IO_ERROR, BLOCK_IN, twist_read_one_byte, NULL},
	{"read-511", VERDICT_IO_ERROR, BLOCK_IN, twist_read_511, NULL},
	{"write-513", VERDICT_IO_ERROR, BLOCK_OUT, twist_write_513, NULL},
	{"read-at-the-end", VERDICT_IO_ERROR, BLOCK_IN, twist_read_at_the_end, NULL},
	{"write-at-the-end", VERDICT_IO_ERROR, BLOCK_OUT, twist_write_at_the_end, NULL},
	{"write-across-the-end", VERDICT_IO_ERROR, BLOCK_OUT, twist_write_across_the_end, NULL},
	{"read-across-the-end", VERDICT_IO_ERROR, BLOCK_IN, twist_read_across_the_end, NULL},
	{"last-sector", VERDICT_DONE, BLOCK_IN, twist_last_sector, NULL},
	{"sector-2-to-55", VERDICT_IO_ERROR, BLOCK_OUT, twist_sector_2_to_55, NULL},
	{"sector-2-to-63", VERDICT_IO_ERROR, BLOCK_OUT, twist_sector_2_to_63, NULL},
	{"sector-all-ones", VERDICT_IO_ERROR, BLOCK_OUT, twist_sector_all_ones, NULL},
	{"type-scsi", VERDICT_UNSUPPORTED, BLOCK_IN, twist_type_scsi, NULL},
	{"type-10", VERDICT_UNSUPPORTED, BLOCK_IN, twist_type_10, NULL},
	{"type-secure-erase", VERDICT_UNSUPPORTED, BLOCK_OUT, twist_type_secure_erase, NULL},
	{"type-barrier", VERDICT_UNSUPPORTED, BLOCK_OUT, twist_type_barrier, NULL},
	{"type-all-ones", VERDICT_UNSUPPORTED, BLOCK_IN, twist_type_all_ones, NULL},
	{"flush-with-sector-and-data", VERDICT_DONE, BLOCK_OUT, twist_flush_with_sector_and_data,
	 NULL},
	{"get-id-short", VERDICT_DONE, BLOCK_GET_ID, twist_get_id_short, NULL},
	{"get-id-long", VERDICT_DONE, BLOCK_GET_ID, twist_get_id_long, NULL},
	{"discard-with-unmap", VERDICT_UNSUPPORTED, BLOCK_DISCARD, twist_discard_with_unmap, NULL},
	{"discard-unknown-flags", VERDICT_UNSUPPORTED, BLOCK_DISCARD, twist_discard_unknown_flags,
	 NULL},
	{"discard-short-range", VERDICT_IO_ERROR, BLOCK_DISCARD, twist_discard_short_range, NULL},
	{"discard-without-range", VERDICT_IO_ERROR, BLOCK_DISCARD, twist_discard_without_range,
	 NULL},
	{"discard-two-ranges", VERDICT_IO_ERROR, BLOCK_DISCARD, twist_discard_two_ranges, NULL},
	{"discard-no-sectors", VERDICT_IO_ERROR, BLOCK_DISCARD, twist_discard_no_sectors, NULL},
	{"discard-across-the-end", VERDICT_IO_ERROR, BLOCK_DISCARD, twist_discard_across_the_end,
	 NULL},
	{"discard-overflow", VERDICT_IO_ERROR, BLOCK_DISCARD, twist_discard_overflow, NULL},
	{"zeroes-unknown-flags", VERDICT_UNSUPPORTED, BLOCK_WRITE_ZEROES,
	 twist_zeroes_unknown_flags, NULL},
	{"zeroes-short-range", VERDICT_IO_ERROR, BLOCK_WRITE_ZEROES, twist_zeroes_short_range,
	 NULL},
	{"zeroes-across-the-end", VERDICT_IO_ERROR, BLOCK_WRITE_ZEROES, twist_zeroes_across_the_end,
	 NULL},
	{"zeroes-overflow", VERDICT_IO_ERROR, BLOCK_WRITE_ZEROES, twist_zeroes_overflow, NULL},
	{NULL, VERDICT_ANY, 0, NULL, NULL},
};

/* On a disk that is read-only. */
static void twist_write_to_read_only(void)
{
	hostile.data[0] ^= 1;
}

static void twist_discard_on_read_only(void)
{
	hostile.ranges[0].flags = 0;
}

static void twist_zeroes_on_read_only(void)
{
	hostile.ranges[0].flags = 0;
}

const struct hostile_case hostile_read_only_cases[] = {
	{"write-to-read-only", VERDICT_IO_ERROR, BLOCK_OUT, twist_write_to_read_only, NULL},
	{"discard-on-read-only", VERDICT_UNSUPPORTED, BLOCK_DISCARD, twist_discard_on_read_only,
	 NULL},
	{"zeroes-on-read-only", VERDICT_UNSUPPORTED, BLOCK_WRITE_ZEROES, twist_zeroes_on_read_only,
	 NULL},
	{NULL, VERDICT_ANY, 0, NULL, NULL},
};
