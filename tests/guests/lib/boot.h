/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/boot.h - what the monitor handed over, by either protocol.
 *
 * The structures are Linux's zero page (Documentation/arch/x86/boot.rst and
 * zero-page.rst) and PVH's start info (xen/include/public/arch-x86/hvm/start_info.h).
 */
#ifndef GUEST_BOOT_H
#define GUEST_BOOT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BOOT_RANGES_MAX = 128,
	BOOT_RANGE_RAM = 1,
};

struct boot_range {
	uint64_t base;
	uint64_t size;
	uint32_t type;
};

/* Fields of a zero page that guests read. */
struct boot_zero_page {
	uint8_t before_rsdp[0x70];
	uint64_t acpi_rsdp;
	uint8_t before_e820_count[0x1e8 - 0x78];
	uint8_t e820_count;
	uint8_t before_boot_flag[0x1fe - 0x1e9];
	uint16_t boot_flag;
	uint16_t jump;
	uint32_t header;
	uint16_t version;
	uint8_t before_loader[0x210 - 0x208];
	uint8_t loader_type;
	uint8_t load_flags;
	uint8_t before_ramdisk[0x218 - 0x212];
	uint32_t ramdisk_image;
	uint32_t ramdisk_size;
	uint8_t before_command_line[0x228 - 0x220];
	uint32_t command_line;
	uint8_t before_command_line_size[0x238 - 0x22c];
	uint32_t command_line_size;
	uint8_t before_e820[0x2d0 - 0x23c];
	uint8_t e820[BOOT_RANGES_MAX][20]; /* base, size, type: 8, 8 and 4 bytes */
} __attribute__((packed));

_Static_assert(__builtin_offsetof(struct boot_zero_page, boot_flag) == 0x1fe, "zero page");
_Static_assert(__builtin_offsetof(struct boot_zero_page, loader_type) == 0x210, "zero page");
_Static_assert(__builtin_offsetof(struct boot_zero_page, command_line_size) == 0x238, "zero page");
_Static_assert(__builtin_offsetof(struct boot_zero_page, e820) == 0x2d0, "zero page");

struct boot_start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t module_count;
	uint64_t modules;
	uint64_t command_line;
	uint64_t rsdp;
	uint64_t memory_map;
	uint32_t memory_map_count;
	uint32_t reserved;
};

_Static_assert(sizeof(struct boot_start_info) == 56, "start info");

#define BOOT_START_INFO_MAGIC 0x336ec578

/* The time stamp counter right after the stamp on the boot timer page, as level 0 reads it. */
uint64_t boot_entry_tsc(void);

/* ENTRY_LINUX64 or ENTRY_PVH. */
uint32_t boot_protocol(void);

/* The one that belongs to the protocol; NULL for the other. */
const struct boot_zero_page *boot_zero_page(void);
const struct boot_start_info *boot_start_info(void);

/* Never NULL; empty where there is none. */
const char *boot_command_line(void);

/* The value of `name` ("code="), or NULL.  The value goes on to the next blank. */
const char *boot_option(const char *name);

/* A number after `name`, or `otherwise` where the option is absent. */
uint64_t boot_number(const char *name, uint64_t otherwise);

/* Address of the ACPI root pointer as handed over; 0: none. */
uint64_t boot_rsdp(void);

/* The memory map.  boot_range() returns false from the end on. */
bool boot_range(uint32_t index, struct boot_range *range);

#endif
