/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/boot.c - see boot.h. */
#include "tests/guests/lib/boot.h"

#include <stddef.h>

#include "tests/guests/lib/exit.h"
#include "tests/guests/lib/guest.h"
#include "tests/guests/lib/layout.h"
#include "tests/guests/lib/string.h"

enum {
	PVH_MAP_ENTRY_BYTES = 24,
};

static uint32_t protocol;
static uint64_t handed_over;
static uint64_t entered_at;

/* Entered by iretq from start.S. */
_Noreturn void guest_start(uint32_t entry_protocol, uint64_t structure, uint64_t entry_tsc);

_Noreturn void guest_start(uint32_t entry_protocol, uint64_t structure, uint64_t entry_tsc)
{
	protocol = entry_protocol;
	handed_over = structure;
	entered_at = entry_tsc;
	exit_code((uint8_t)guest_main());
}

uint64_t boot_entry_tsc(void)
{
	return entered_at;
}

uint32_t boot_protocol(void)
{
	return protocol;
}

const struct boot_zero_page *boot_zero_page(void)
{
	return protocol == ENTRY_LINUX64 ? (const struct boot_zero_page *)handed_over : NULL;
}

const struct boot_start_info *boot_start_info(void)
{
	return protocol == ENTRY_PVH ? (const struct boot_start_info *)handed_over : NULL;
}

const char *boot_command_line(void)
{
	uint64_t address = protocol == ENTRY_PVH ? boot_start_info()->command_line
						 : boot_zero_page()->command_line;

	return address == 0 ? "" : (const char *)address;
}

const char *boot_option(const char *name)
{
	const char *at = boot_command_line();

	while (*at != '\0') {
		if (string_starts_with(at, name))
			return at + strlen(name);
		while (*at != '\0' && *at != ' ')
			at++;
		while (*at == ' ')
			at++;
	}
	return NULL;
}

uint64_t boot_number(const char *name, uint64_t otherwise)
{
	const char *value = boot_option(name);

	return value == NULL ? otherwise : string_to_number(value);
}

uint64_t boot_rsdp(void)
{
	return protocol == ENTRY_PVH ? boot_start_info()->rsdp : boot_zero_page()->acpi_rsdp;
}

bool boot_range(uint32_t index, struct boot_range *range)
{
	const uint8_t *entry;

	if (protocol == ENTRY_PVH) {
		if (index >= boot_start_info()->memory_map_count)
			return false;
		entry = (const uint8_t *)boot_start_info()->memory_map +
			(uint64_t)index * PVH_MAP_ENTRY_BYTES;
	} else {
		if (index >= boot_zero_page()->e820_count || index >= BOOT_RANGES_MAX)
			return false;
		entry = boot_zero_page()->e820[index];
	}
	memcpy(&range->base, entry, 8);
	memcpy(&range->size, entry + 8, 8);
	memcpy(&range->type, entry + 16, 4);
	return true;
}
