/* SPDX-License-Identifier: MIT */
/* monitor/mptable.c - see mptable.h. */
#include "monitor/mptable.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "monitor/checksum.h"
#include "monitor/layout.h"

struct mp_pointer {
	char signature[4];
	uint32_t table_gpa;
	uint8_t length_paragraphs; /* of 16 bytes */
	uint8_t revision;
	uint8_t checksum;
	uint8_t features[5]; /* all zero: a table is there, virtual wire mode */
};

struct mp_header {
	char signature[4];
	uint16_t length_bytes; /* entries included */
	uint8_t revision;
	uint8_t checksum;
	char oem[8];
	char product[12];
	uint32_t oem_table_gpa;
	uint16_t oem_table_bytes;
	uint16_t entry_count;
	uint32_t lapic_gpa;
	uint16_t extended_bytes;
	uint8_t extended_checksum;
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

struct mp_bus {
	uint8_t type;
	uint8_t id;
	char name[6];
};

struct mp_ioapic {
	uint8_t type;
	uint8_t id;
	uint8_t version;
	uint8_t flags;
	uint32_t gpa;
};

/* An I/O interrupt or a local one: the same fields. */
struct mp_interrupt {
	uint8_t type;
	uint8_t kind;
	uint16_t flags; /* 0: polarity and trigger mode conform to the bus */
	uint8_t source_bus;
	uint8_t source_irq;
	uint8_t target_apic;
	uint8_t target_pin;
};

static_assert(sizeof(struct mp_pointer) == 16, "MP floating pointer structure");
static_assert(sizeof(struct mp_header) == 44, "MP configuration table header");
static_assert(sizeof(struct mp_processor) == 20, "MP processor entry");
static_assert(sizeof(struct mp_bus) == 8, "MP bus entry");
static_assert(sizeof(struct mp_ioapic) == 8, "MP I/O APIC entry");
static_assert(sizeof(struct mp_interrupt) == 8, "MP interrupt entry");

enum {
	MP_REVISION = 4, /* of specification 1.4 */

	MP_PROCESSOR = 0,
	MP_BUS = 1,
	MP_IOAPIC = 2,
	MP_IO_INTERRUPT = 3,
	MP_LOCAL_INTERRUPT = 4,

	MP_PROCESSOR_ENABLED = 1 << 0,
	MP_PROCESSOR_BOOT = 1 << 1,
	MP_IOAPIC_ENABLED = 1 << 0,

	MP_INT = 0,
	MP_NMI = 1,
	MP_EXTINT = 3,

	MP_BUS_ISA = 0,
	MP_ALL_LAPICS = 0xff,
	MP_LOCAL_INTERRUPTS = 2,

	/* Integrated APIC; 82093AA; family 6 with FPU and APIC: guests ask CPUID for more. */
	MP_LAPIC_VERSION = 0x14,
	MP_IOAPIC_VERSION = 0x11,
	MP_PROCESSOR_SIGNATURE = 0x600,
	MP_PROCESSOR_FEATURES = 0x201,
};

/* The largest form; what is written is cut after the processors there are. */
struct mp_tables {
	struct mp_pointer pointer;
	struct mp_header header;
	uint8_t entries[LAYOUT_VCPUS_MAX * sizeof(struct mp_processor) + sizeof(struct mp_bus) +
			sizeof(struct mp_ioapic) +
			(LAYOUT_IOAPIC_PINS + MP_LOCAL_INTERRUPTS) * sizeof(struct mp_interrupt)];
};

static_assert(sizeof(struct mp_tables) <= LAYOUT_MPTABLE_BYTES, "the MPTable has too little room");

static void append(struct mp_tables *tables, const void *entry, size_t size)
{
	memcpy((uint8_t *)tables + sizeof(tables->pointer) + tables->header.length_bytes, entry,
	       size);
	tables->header.length_bytes = (uint16_t)(tables->header.length_bytes + size);
	tables->header.entry_count++;
}

static void append_processors(struct mp_tables *tables, unsigned int vcpu_count)
{
	for (unsigned int i = 0; i < vcpu_count; i++) {
		struct mp_processor processor = {
			.type = MP_PROCESSOR,
			.apic_id = (uint8_t)i,
			.apic_version = MP_LAPIC_VERSION,
			.flags = MP_PROCESSOR_ENABLED | (i == 0 ? MP_PROCESSOR_BOOT : 0),
			.signature = MP_PROCESSOR_SIGNATURE,
			.features = MP_PROCESSOR_FEATURES,
		};

		append(tables, &processor, sizeof(processor));
	}
}

static void append_bus_and_ioapic(struct mp_tables *tables, unsigned int vcpu_count)
{
	struct mp_bus bus = {
		.type = MP_BUS,
		.id = MP_BUS_ISA,
		.name = {'I', 'S', 'A', ' ', ' ', ' '},
	};
	struct mp_ioapic ioapic = {
		.type = MP_IOAPIC,
		.id = mptable_ioapic_id(vcpu_count),
		.version = MP_IOAPIC_VERSION,
		.flags = MP_IOAPIC_ENABLED,
		.gpa = (uint32_t)LAYOUT_IOAPIC_GPA,
	};

	append(tables, &bus, sizeof(bus));
	append(tables, &ioapic, sizeof(ioapic));
}

static void append_interrupts(struct mp_tables *tables, unsigned int vcpu_count)
{
	struct mp_interrupt local[MP_LOCAL_INTERRUPTS] = {
		{.type = MP_LOCAL_INTERRUPT, .kind = MP_EXTINT, .target_apic = 0, .target_pin = 0},
		{.type = MP_LOCAL_INTERRUPT,
		 .kind = MP_NMI,
		 .target_apic = MP_ALL_LAPICS,
		 .target_pin = 1},
	};

	for (unsigned int gsi = 0; gsi < LAYOUT_IOAPIC_PINS; gsi++) {
		struct mp_interrupt interrupt = {
			.type = MP_IO_INTERRUPT,
			.kind = MP_INT,
			.source_bus = MP_BUS_ISA,
			.source_irq = (uint8_t)gsi,
			.target_apic = mptable_ioapic_id(vcpu_count),
			.target_pin = (uint8_t)gsi,
		};

		append(tables, &interrupt, sizeof(interrupt));
	}
	for (unsigned int i = 0; i < MP_LOCAL_INTERRUPTS; i++)
		append(tables, &local[i], sizeof(local[i]));
}

int mptable_write(const struct guest_memory *memory, unsigned int vcpu_count)
{
	struct mp_tables tables = {
		.pointer =
			{
				.signature = {'_', 'M', 'P', '_'},
				.table_gpa =
					(uint32_t)(LAYOUT_MPTABLE_GPA + sizeof(struct mp_pointer)),
				.length_paragraphs = sizeof(struct mp_pointer) / 16,
				.revision = MP_REVISION,
			},
		.header =
			{
				.signature = {'P', 'C', 'M', 'P'},
				.length_bytes = sizeof(struct mp_header),
				.revision = MP_REVISION,
				.oem = {'M', 'O', 'T', 'E', ' ', ' ', ' ', ' '},
				.product = {'M', 'I', 'C', 'R', 'O', 'V', 'M', ' ', ' ', ' ', ' ',
					    ' '},
				.lapic_gpa = (uint32_t)LAYOUT_LAPIC_GPA,
			},
	};

	if (vcpu_count < 1 || vcpu_count > LAYOUT_VCPUS_MAX)
		return -EINVAL;
	append_processors(&tables, vcpu_count);
	append_bus_and_ioapic(&tables, vcpu_count);
	append_interrupts(&tables, vcpu_count);
	tables.pointer.checksum = checksum_of(&tables.pointer, sizeof(tables.pointer));
	tables.header.checksum = checksum_of(&tables.header, tables.header.length_bytes);
	return guest_memory_write(memory, LAYOUT_MPTABLE_GPA, &tables,
				  sizeof(tables.pointer) + tables.header.length_bytes);
}
