/* SPDX-License-Identifier: MIT */
/* tests/guests/probe_tables.c - the tables that describe the machine. */
#include <stddef.h>
#include <stdint.h>

#include "tests/guests/lib/boot.h"
#include "tests/guests/lib/layout.h"
#include "tests/guests/lib/mptable.h"
#include "tests/guests/lib/string.h"
#include "tests/guests/probe.h"

/* ACPI specification 6.4, 5.2.5.3 and 5.2.6. */
struct acpi_root {
	char signature[8]; /* "RSD PTR " */
	uint8_t sum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length_bytes;
	uint64_t xsdt;
	uint8_t extended_sum;
	uint8_t reserved[3];
} __attribute__((packed));

struct acpi_header {
	char signature[4];
	uint32_t length_bytes;
	uint8_t revision;
	uint8_t sum;
	char names[26];
} __attribute__((packed));

_Static_assert(sizeof(struct acpi_root) == 36, "ACPI root pointer");
_Static_assert(sizeof(struct acpi_header) == 36, "ACPI table header");

enum {
	ROOT_SUM_BYTES = 20, /* what the first checksum covers */
	FADT_DSDT = 140,     /* offset of the 64-bit pointer to the DSDT */
};

#define BIOS_AREA     UINT64_C(0xe0000)
#define BIOS_AREA_END UINT64_C(0x100000)

static void probe_mptable(void)
{
	uint64_t vcpus = boot_number("vcpus=", 1);
	struct mptable table;
	bool is_there = mptable_read(&table);

	probe_check(is_there, "MPTable: there");
	if (!is_there)
		return;
	probe_check(table.pointer == 0x9fc00, "MPTable: at 0x9fc00");
	probe_check(table.pointer_sum_is_zero, "MPTable: checksum of the pointer");
	probe_check(table.table_sum_is_zero, "MPTable: checksum of the table");
	probe_check(table.lapic_address == LAPIC_ADDRESS, "MPTable: local APIC");
	probe_check(table.cpu_count == vcpus, "MPTable: as many processors as configured");
	probe_check(table.boot_cpu_count == 1, "MPTable: one boot processor");
	probe_check(table.ioapic_count == 1 && table.ioapic_address == IOAPIC_ADDRESS,
		    "MPTable: IOAPIC");
	probe_check(table.interrupt_count >= 16, "MPTable: interrupt assignments");
}

static const struct acpi_root *find_root(void)
{
	for (uint64_t at = BIOS_AREA; at < BIOS_AREA_END; at += 16)
		if (memcmp((const void *)at, "RSD PTR ", 8) == 0)
			return (const struct acpi_root *)at;
	return NULL;
}

static bool table_is_whole(const struct acpi_header *table, const char *signature)
{
	return table != NULL && memcmp(table->signature, signature, 4) == 0 &&
	       bytes_sum(table, table->length_bytes) == 0;
}

static const struct acpi_header *find_table(const struct acpi_header *xsdt, const char *signature)
{
	const uint8_t *at = (const uint8_t *)(xsdt + 1);
	const uint8_t *end = (const uint8_t *)xsdt + xsdt->length_bytes;
	uint64_t address;

	for (; at + sizeof(address) <= end; at += sizeof(address)) {
		memcpy(&address, at, sizeof(address));
		if (memcmp((const void *)address, signature, 4) == 0)
			return (const struct acpi_header *)address;
	}
	return NULL;
}

static void probe_acpi_tables(const struct acpi_root *root)
{
	const struct acpi_header *xsdt = (const struct acpi_header *)root->xsdt;
	const struct acpi_header *fadt;
	uint64_t dsdt = 0;

	probe_check(bytes_sum(root, ROOT_SUM_BYTES) == 0, "ACPI: checksum of the root pointer");
	probe_check(root->revision >= 2, "ACPI: root pointer of version 2 or later");
	if (root->revision < 2)
		return;
	probe_check(table_is_whole(xsdt, "XSDT"), "ACPI: XSDT");
	probe_check(bytes_sum(root, sizeof(*root)) == 0, "ACPI: its extended checksum");
	if (!table_is_whole(xsdt, "XSDT"))
		return;
	fadt = find_table(xsdt, "FACP");
	probe_check(table_is_whole(fadt, "FACP"), "ACPI: FADT");
	probe_check(table_is_whole(find_table(xsdt, "APIC"), "APIC"), "ACPI: MADT");
	if (fadt != NULL)
		memcpy(&dsdt, (const uint8_t *)fadt + FADT_DSDT, sizeof(dsdt));
	probe_check(table_is_whole((const struct acpi_header *)dsdt, "DSDT"), "ACPI: DSDT");
}

static void probe_acpi(void)
{
	const char *wanted = boot_option("acpi=");
	const struct acpi_root *root = find_root();

	if (wanted != NULL && string_starts_with(wanted, "on"))
		probe_check(root != NULL, "ACPI: there, as configured");
	if (wanted != NULL && string_starts_with(wanted, "off"))
		probe_check(root == NULL, "ACPI: not there, as configured");
	probe_check(boot_rsdp() == (uint64_t)root,
		    "ACPI: root pointer handed over if there is one");
	if (root != NULL)
		probe_acpi_tables(root);
}

void probe_tables(void)
{
	probe_mptable();
	probe_acpi();
}
