/* SPDX-License-Identifier: MIT */
/* monitor/kernel_guess.c - see kernel_guess.h. */
#include "monitor/kernel_guess.h"

#include <ctype.h>

enum {
	TEXT_PROBE_BYTES = 64,
};

/* The first row that fits counts: an ARM64 Image starts like an EFI program. */
static const struct {
	uint16_t offset;
	uint8_t magic_bytes;
	const char *magic;
	const char *name;
} known[] = {
	{0x38, 4, "ARM\x64", "an ARM64 Image"},
	{0x38, 4, "RSC\x05", "a RISC-V Image"},
	{0, 2, "MZ", "an EFI or Windows program without a Linux setup header"},
	{0, 2, "\x1f\x8b", "a gzip file; decompress it first"},
	{0, 6,
	 "\xfd"
	 "7zXZ\0",
	 "an xz file; decompress it first"},
	{0, 4, "\x28\xb5\x2f\xfd", "a zstd file; decompress it first"},
	{0, 3, "BZh", "a bzip2 file; decompress it first"},
	{0, 3, "\x5d\0\0", "an lzma file; decompress it first"},
	{0, 4, "\x02\x21\x4c\x18", "an lz4 file; decompress it first"},
	{0, 4, "\x04\x22\x4d\x18", "an lz4 file; decompress it first"},
	{0, 4, "\x89LZO", "an lzop file; decompress it first"},
	{0, 5, "07070", "a cpio archive: is it the initrd?"},
	{0, 4, "\x27\x05\x19\x56", "a U-Boot image"},
	{0, 4, "QFI\xfb", "a qcow2 disk image"},
	{0, 4, "hsqs", "a squashfs file system"},
	{0x438, 2, "\x53\xef", "an ext2, ext3 or ext4 file system"},
	{0, 2, "\x07\x01", "an a.out program"},
	{0, 2, "\x08\x01", "an a.out program"},
	{0, 2, "\x0b\x01", "an a.out program"},
	{0x1fe, 2, "\x55\xaa", "a boot sector or disk image"},
};

static bool is_text(const struct file_view *file)
{
	size_t probe = file->length_bytes < TEXT_PROBE_BYTES ? file->length_bytes
							     : TEXT_PROBE_BYTES;

	for (size_t i = 0; i < probe; i++)
		if (!isprint(file->bytes[i]) && !isspace(file->bytes[i]))
			return false;
	return true;
}

const char *kernel_guess(const struct file_view *file)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (file_view_has(file, known[i].offset, known[i].magic, known[i].magic_bytes))
			return known[i].name;
	return is_text(file) ? "a text file" : NULL;
}
