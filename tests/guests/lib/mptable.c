/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/mptable.c - see mptable.h. */
#include "tests/guests/lib/mptable.h"

#include <stddef.h>

#include "tests/guests/lib/string.h"

struct mp_pointer {
	char signature[4]; /* "_MP_" */
	uint32_t table;
	uint8_t length_paragraphs;
	uint8_t revision;
	uint8_t sum;
	uint8_t features[5];
};

struct mp_header {
	char signature[4]; /* "PCMP" */
	uint16_t length_bytes;
	uint8_t revision;
	uint8_t sum;
	char oem[8];
	char product[12];
	uint32_t oem_table;
	uint16_t oem_table_bytes;
	uint16_t entry_count;
	uint32_t lapic_address;
	uint16_t extended_bytes;
	uint8_t extended_sum;
	uint8_t reserved;
};

struct mp_processor {
	uint8_t type;
	uint8_t apic_id;
	uint8_t apic_version;
	uint8_t flags;
	uint32_t signature;
	uint32_t features;
	uint32_t reserved[2];
};

struct mp_ioapic {
	uint8_t type;
	uint8_t apic_id;
	uint8_t apic_version;
	uint8_t flags;
	uint32_t address;
};

_Static_assert(sizeof(struct mp_pointer) == 16, "MP floating pointer");
_Static_assert(sizeof(struct mp_header) == 44, "MP configuration table header");
_Static_assert(sizeof(struct mp_processor) == 20, "MP processor entry");
_Static_assert(sizeof(struct mp_ioapic) == 8, "MP I/O APIC entry");

enum {
	ENTRY_PROCESSOR = 0,
	ENTRY_IOAPIC = 2,
	ENTRY_INTERRUPT = 3,
	ENTRY_BYTES = 8, /* all but a processor's */
	FLAG_ENABLED = 1 << 0,
	FLAG_BOOT = 1 << 1,
};

static const struct mp_pointer *find_pointer(uint64_t from, uint64_t end)
{
	for (; from < end; from += sizeof(struct mp_pointer))
		if (memcmp((const void *)from, "_MP_", 4) == 0)
			return (const struct mp_pointer *)from;
	return NULL;
}

static void add_processor(struct mptable *table, const struct mp_processor *processor)
{
	if ((processor->flags & FLAG_ENABLED) == 0 || table->cpu_count == CPUS_MAX)
		return;
	if (processor->flags & FLAG_BOOT)
		table->boot_cpu_count++;
	table->cpu_ids[table->cpu_count++] = processor->apic_id;
}

static void add_ioapic(struct mptable *table, const struct mp_ioapic *ioapic)
{
	if ((ioapic->flags & FLAG_ENABLED) == 0)
		return;
	table->ioapic_count++;
	table->ioapic_address = ioapic->address;
}

static void read_entries(struct mptable *table, const struct mp_header *header)
{
	const uint8_t *at = (const uint8_t *)(header + 1);
	const uint8_t *end = (const uint8_t *)header + header->length_bytes;

	for (uint32_t left = header->entry_count; left > 0 && at < end; left--) {
		if (*at == ENTRY_PROCESSOR)
			add_processor(table, (const void *)at);
		else if (*at == ENTRY_IOAPIC)
			add_ioapic(table, (const void *)at);
		else if (*at == ENTRY_INTERRUPT)
			table->interrupt_count++;
		at += *at == ENTRY_PROCESSOR ? sizeof(struct mp_processor) : ENTRY_BYTES;
	}
}

bool mptable_read(struct mptable *table)
{
	const struct mp_pointer *pointer = find_pointer(0x9fc00, 0xa0000);
	const struct mp_header *header;

	memset(table, 0, sizeof(*table));
	if (pointer == NULL)
		pointer = find_pointer(0xf0000, 0x100000);
	if (pointer == NULL || pointer->table == 0)
		return false;
	header = (const struct mp_header *)(uint64_t)pointer->table;
	if (memcmp(header->signature, "PCMP", 4) != 0)
		return false;
	table->pointer = (uint64_t)pointer;
	table->pointer_sum_is_zero = bytes_sum(pointer, sizeof(*pointer)) == 0;
	table->table_sum_is_zero = bytes_sum(header, header->length_bytes) == 0;
	table->lapic_address = header->lapic_address;
	read_entries(table, header);
	return true;
}
