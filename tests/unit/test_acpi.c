/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_acpi.c - the ACPI tables, read back the way a guest reads them; and, where iasl
 * is installed, taken apart and put together again by the reference compiler.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/acpi.h"
#include "monitor/aml.h"
#include "monitor/layout.h"
#include "monitor/mptable.h"
#include "tests/unit/guard.h"

enum {
	FILL = 0xcc, /* what memory holds before */
	HEADER_BYTES = 36,
};

static uint8_t ram[LAYOUT_MIB];
static struct layout_window windows[LAYOUT_DEVICES_MAX + 1];

static struct guest_memory fresh_memory(void)
{
	struct guest_memory memory = {0};

	memset(ram, FILL, sizeof(ram));
	assert_int_equal(guest_memory_add(&memory, 0, sizeof(ram), ram), 0);
	return memory;
}

static struct acpi_description machine(unsigned int vcpu_count, unsigned int window_count)
{
	for (uint32_t i = 0; i <= LAYOUT_DEVICES_MAX; i++) {
		windows[i].base_gpa = LAYOUT_MMIO_GPA + i * LAYOUT_MMIO_BYTES;
		windows[i].gsi = LAYOUT_FIRST_DEVICE_GSI + i;
	}
	return (struct acpi_description){vcpu_count, windows, window_count};
}

static uint64_t load(const uint8_t *at, unsigned int bytes)
{
	uint64_t value = 0;

	memcpy(&value, at, bytes);
	return value;
}

static uint8_t sum(const uint8_t *bytes, size_t length)
{
	uint8_t total = 0;

	for (size_t i = 0; i < length; i++)
		total = (uint8_t)(total + bytes[i]);
	return total;
}

/* The table at an address, its header checked. */
static const uint8_t *table_at(uint64_t gpa, const char *signature)
{
	const uint8_t *table = ram + gpa;

	assert_in_range(gpa, LAYOUT_ACPI_GPA, LAYOUT_ACPI_GPA + LAYOUT_ACPI_BYTES - HEADER_BYTES);
	assert_memory_equal(table, signature, 4);
	assert_in_range(load(table + 4, 4), HEADER_BYTES,
			LAYOUT_ACPI_GPA + LAYOUT_ACPI_BYTES - gpa);
	assert_int_equal(sum(table, load(table + 4, 4)), 0);
	return table;
}

static const uint8_t *find_xsdt(void)
{
	const uint8_t *rsdp = ram + 0xe0000;

	assert_memory_equal(rsdp, "RSD PTR ", 8);
	assert_int_equal(sum(rsdp, 20), 0);
	assert_int_equal(rsdp[15], 2);
	assert_int_equal(load(rsdp + 20, 4), 36);
	assert_int_equal(sum(rsdp, 36), 0);
	return table_at(load(rsdp + 24, 8), "XSDT");
}

static const uint8_t *find_fadt(void)
{
	return table_at(load(find_xsdt() + 36, 8), "FACP");
}

static const uint8_t *find_madt(void)
{
	return table_at(load(find_xsdt() + 44, 8), "APIC");
}

static const uint8_t *find_dsdt(void)
{
	return table_at(load(find_fadt() + 140, 8), "DSDT");
}

static void write_tables(unsigned int vcpu_count, unsigned int window_count)
{
	struct guest_memory memory = fresh_memory();
	struct acpi_description description = machine(vcpu_count, window_count);
	uint64_t rsdp_gpa = 0;

	assert_int_equal(acpi_write(&memory, &description, &rsdp_gpa), 0);
	assert_int_equal(rsdp_gpa, 0xe0000);
}

static void roots_lead_to_all_tables(void **state)
{
	(void)state;
	write_tables(1, 0);
	assert_int_equal(load(find_xsdt() + 4, 4), 36 + 2 * 8);
	assert_int_equal(load(find_dsdt() + 8, 1), 2);
	find_madt();
	assert_int_equal(ram[0xdffff], FILL);
}

static void assert_io_register(const uint8_t *at, uint16_t port)
{
	assert_int_equal(at[0], 1); /* SystemIO */
	assert_int_equal(at[1], 8); /* bits */
	assert_int_equal(at[2], 0);
	assert_int_equal(at[3], 1); /* byte access */
	assert_int_equal(load(at + 4, 8), port);
}

static void fadt_is_hardware_reduced(void **state)
{
	const uint8_t *fadt;

	(void)state;
	write_tables(1, 0);
	fadt = find_fadt();
	assert_int_equal(load(fadt + 4, 4), 276);
	assert_int_equal(fadt[8], 6);
	assert_int_equal(load(fadt + 40, 4), load(fadt + 140, 8)); /* DSDT twice */
	assert_int_equal(load(fadt + 109, 2), 1 << 2);             /* IAPC_BOOT_ARCH */
	assert_int_equal(load(fadt + 112, 4), 1 << 20 | 1 << 10 | 1 << 5 | 1 << 4 | 1);
	assert_io_register(fadt + 116, 0x64);
	assert_int_equal(fadt[128], 0xfe);
	assert_io_register(fadt + 244, 0x604);
	assert_io_register(fadt + 256, 0x606);
	for (unsigned int i = 44; i < 109; i++) /* what hardware-reduced ACPI lacks */
		assert_int_equal(fadt[i], 0);
	for (unsigned int i = 148; i < 244; i++)
		assert_int_equal(fadt[i], 0);
}

static void check_madt(unsigned int vcpu_count)
{
	const uint8_t *madt = find_madt();
	size_t length = load(madt + 4, 4);
	unsigned int lapics = 0;
	unsigned int ioapics = 0;
	unsigned int nmis = 0;
	size_t at = 44;

	assert_int_equal(load(madt + 36, 4), 0xfee00000);
	assert_int_equal(load(madt + 40, 4), 0);
	for (; at < length; at += madt[at + 1]) {
		const uint8_t *entry = madt + at;

		assert_true(entry[1] >= 2);
		if (entry[0] == 0) {
			assert_int_equal(entry[1], 8);
			assert_int_equal(entry[2], lapics);
			assert_int_equal(entry[3], lapics++);
			assert_int_equal(load(entry + 4, 4), 1);
		} else if (entry[0] == 1) {
			assert_int_equal(entry[1], 12);
			assert_int_equal(entry[2], mptable_ioapic_id(vcpu_count));
			assert_int_equal(load(entry + 4, 4), 0xfec00000);
			assert_int_equal(load(entry + 8, 4), 0);
			ioapics++;
		} else {
			assert_memory_equal(entry, "\x04\x06\xff\x00\x00\x01", 6);
			nmis++;
		}
	}
	assert_int_equal(at, length);
	assert_int_equal(lapics, vcpu_count);
	assert_int_equal(ioapics, 1);
	assert_int_equal(nmis, 1);
}

static void madt_lists_processors_and_ioapic(void **state)
{
	(void)state;
	for (unsigned int vcpu_count = 1; vcpu_count <= LAYOUT_VCPUS_MAX; vcpu_count++) {
		write_tables(vcpu_count, 0);
		check_madt(vcpu_count);
	}
}

static const char fixed_devices[] =
	"\x08_S5_\x12\x08\x04\x0a\x05\x0a\x05\x00\x00" /* Name (_S5, Package {5, 5, 0, 0}) */
	"\x10\x43\x06\\_SB_"                           /* Scope (\_SB), of 99 bytes */
	"\x5b\x82\x31\x43OM1"                          /* Device (COM1) */
	"\x08_HID\x0c\x41\xd0\x05\x01"                 /* Name (_HID, EisaId ("PNP0501")) */
	"\x08_UID\x01"                                 /* Name (_UID, One) */
	"\x08_CRS\x11\x16\x0a\x13"                     /* Name (_CRS, ResourceTemplate {}) */
	"\x47\x01\xf8\x03\xf8\x03\x01\x08"             /* IO (Decode16, 0x3f8, 0x3f8, 1, 8) */
	"\x89\x06\x00\x03\x01\x04\x00\x00\x00"         /* Interrupt (Consumer, Edge) {4} */
	"\x79\x00"                                     /* end */
	"\x5b\x82\x27PEVT"                             /* Device (PEVT) */
	"\x08_HID\x0dQEMU0001\x00"                     /* Name (_HID, "QEMU0001") */
	"\x08_CRS\x11\x0d\x0a\x0a"                     /* Name (_CRS, ResourceTemplate {}) */
	"\x47\x01\x05\x05\x05\x05\x01\x01"             /* IO (Decode16, 0x505, 0x505, 1, 1) */
	"\x79\x00";                                    /* end */

static void dsdt_has_power_off_serial_and_pvpanic(void **state)
{
	const uint8_t *dsdt;
	size_t length = HEADER_BYTES + sizeof(fixed_devices) - 1;

	(void)state;
	write_tables(2, 0);
	dsdt = find_dsdt();
	assert_int_equal(load(dsdt + 4, 4), length);
	assert_memory_equal(dsdt + HEADER_BYTES, fixed_devices, sizeof(fixed_devices) - 1);
	assert_int_equal(dsdt[length], FILL);
}

static const char window_3[] =
	"\x5b\x82\x3bVIO3"                                 /* Device (VIO3) */
	"\x08_HID\x0dLNRO0005\x00"                         /* Name (_HID, "LNRO0005") */
	"\x08_UID\x0a\x03"                                 /* Name (_UID, 3) */
	"\x08_CRS\x11\x1a\x0a\x17"                         /* Name (_CRS, ResourceTemplate {}) */
	"\x86\x09\x00\x01\x00\x40\x00\xc0\x00\x10\x00\x00" /* Memory32Fixed (0xc0004000, 4K) */
	"\x89\x06\x00\x03\x01\x08\x00\x00\x00"             /* Interrupt (Consumer, Edge) {8} */
	"\x79\x00";                                        /* end */

static void dsdt_has_a_device_per_window(void **state)
{
	static const unsigned int counts[] = {4, 9, LAYOUT_DEVICES_MAX};

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		const uint8_t *dsdt;
		const uint8_t *found;
		size_t length;

		write_tables(LAYOUT_VCPUS_MAX, counts[i]);
		dsdt = find_dsdt();
		length = load(dsdt + 4, 4);
		found = memmem(dsdt, length, window_3, sizeof(window_3) - 1);
		assert_non_null(found);
		assert_int_equal(memmem(dsdt, length, "VIOA", 4) != NULL, counts[i] == 11);
		assert_null(memmem(dsdt, length, "VIOB", 4));
		/* The scope's length, of two bytes now, reaches the end of the table. */
		assert_int_equal(dsdt[50], 0x10);
		assert_int_equal(dsdt[51] >> 6, 1);
		assert_int_equal((dsdt[51] & 0xf) | dsdt[52] << 4, length - 51);
		assert_true((size_t)(dsdt + length - (ram + 0xe0000)) <= LAYOUT_PAGE_BYTES);
	}
}

static void refuses(const struct guest_memory *memory, const struct acpi_description *description,
		    int error)
{
	uint64_t rsdp_gpa = 7;

	assert_int_equal(acpi_write(memory, description, &rsdp_gpa), error);
	assert_int_equal(rsdp_gpa, 7);
	assert_int_equal(ram[0xe0000], FILL);
}

static void refuses_what_no_machine_has(void **state)
{
	struct guest_memory memory = fresh_memory();
	struct acpi_description description = machine(0, 0);

	(void)state;
	refuses(&memory, &description, -EINVAL);
	description = machine(LAYOUT_VCPUS_MAX + 1, 0);
	refuses(&memory, &description, -EINVAL);
	description = machine(1, LAYOUT_DEVICES_MAX + 1);
	refuses(&memory, &description, -EINVAL);
	description = machine(1, 2);
	windows[1].base_gpa = LAYOUT_HOLE_END_GPA - LAYOUT_MMIO_BYTES + 1;
	refuses(&memory, &description, -EINVAL);
}

static void refuses_memory_that_ends_below(void **state)
{
	struct guest_memory memory = {0};
	struct acpi_description description = machine(1, 1);
	struct guard guard = guard_copy(ram, 0xe0000 + 500);

	(void)state;
	fresh_memory();
	assert_int_equal(guest_memory_add(&memory, 0, 0xe0000 + 500, guard.bytes), 0);
	refuses(&memory, &description, -EFAULT);
	guard_release(&guard);
}

/* Every capacity that is too small is noticed, and none is exceeded. */
static void aml_stays_in_its_buffer(void **state)
{
	static const char whole[] = "\x10\x12\\_SB_\x08NAME\x0d"
				    "abcde"; /* its NUL included */
	uint8_t blank[sizeof(whole)] = {0};

	(void)state;
	for (size_t capacity = 0; capacity <= sizeof(whole); capacity++) {
		struct guard guard = guard_copy(blank, capacity);
		struct aml aml = {.bytes = guard.bytes, .capacity = capacity};
		size_t scope = aml_scope(&aml, "_SB_");

		aml_name(&aml, "NAME");
		aml_string(&aml, "abcde");
		aml_end(&aml, scope);
		assert_int_equal(aml.overflow, capacity < sizeof(whole));
		assert_true(aml.length <= capacity);
		if (!aml.overflow)
			assert_memory_equal(guard.bytes, whole, sizeof(whole));
		guard_release(&guard);
	}
}

static void aml_picks_the_shortest_integer(void **state)
{
	static const struct {
		uint64_t value;
		uint8_t bytes[9];
		size_t length;
	} cases[] = {
		{0, {0x00}, 1},
		{1, {0x01}, 1},
		{2, {0x0a, 2}, 2},
		{0xff, {0x0a, 0xff}, 2},
		{0x100, {0x0b, 0x00, 0x01}, 3},
		{0xffff, {0x0b, 0xff, 0xff}, 3},
		{0x10000, {0x0c, 0, 0, 1, 0}, 5},
		{0x123456789a, {0x0e, 0x9a, 0x78, 0x56, 0x34, 0x12, 0, 0, 0}, 9},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[9];
		struct aml aml = {.bytes = bytes, .capacity = sizeof(bytes)};

		aml_integer(&aml, cases[i].value);
		assert_int_equal(aml.length, cases[i].length);
		assert_memory_equal(bytes, cases[i].bytes, cases[i].length);
	}
}

/* The lengths at which PkgLength grows by a byte. */
static void aml_lengths_of_all_sizes(void **state)
{
	static uint8_t bytes[5000];
	static char text[4999];
	static const size_t bodies[] = {0, 55, 56, 57, 4086, 4087, 4088, 4900};

	(void)state;
	for (unsigned int i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct aml aml = {.bytes = bytes, .capacity = sizeof(bytes)};
		size_t scope = aml_scope(&aml, "_SB_");
		size_t more;
		size_t length;

		memset(text, 'x', sizeof(text));
		text[bodies[i]] = '\0';
		aml_string(&aml, text);
		aml_end(&aml, scope);
		assert_false(aml.overflow);
		more = bytes[1] >> 6;
		length = more == 0 ? bytes[1] & 0x3fu : bytes[1] & 0xfu;
		for (size_t j = 1; j <= more; j++)
			length |= (size_t)bytes[1 + j] << (8 * j - 4);
		assert_int_equal(length, aml.length - 1);
		assert_int_equal(bytes[2 + more], '\\');
		assert_int_equal(more, length <= 63 ? 0 : length <= 4095 ? 1 : 2);
	}
}

static void save(const char *path, const uint8_t *table)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(table, load(table + 4, 4), 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

/*
 * Compare with what iasl made of its own disassembly; it puts in its own creator and checksum.
 */
static void assert_same_table(const char *path, const uint8_t *table)
{
	static uint8_t compiled[4096];
	size_t length = load(table + 4, 4);
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	assert_int_equal(fread(compiled, 1, sizeof(compiled), file), length);
	fclose(file);
	assert_memory_equal(compiled, table, 9);
	assert_memory_equal(compiled + 10, table + 10, 18);
	assert_memory_equal(compiled + HEADER_BYTES, table + HEADER_BYTES, length - HEADER_BYTES);
}

static void recompile(const char *name, const uint8_t *table)
{
	char command[256];
	char path[64];

	snprintf(path, sizeof(path), "%s.dat", name);
	save(path, table);
	snprintf(command, sizeof(command),
		 "iasl -d %s.dat >%s.log 2>&1 && iasl -we -on -p %s-new %s.dsl >>%s.log 2>&1 || "
		 "{ cat %s.log >&2; false; }",
		 name, name, name, name, name, name);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s-new.aml", name);
	assert_same_table(path, table);
}

static void iasl_understands_all_tables(void **state)
{
	char directory[] = "/tmp/mote-acpi-XXXXXX";
	char command[64];

	(void)state;
	if (system("command -v iasl >/dev/null 2>&1") != 0) {
		print_message("iasl is not installed (Debian: acpica-tools)\n");
		skip();
	}
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chdir(directory), 0);
	write_tables(LAYOUT_VCPUS_MAX, LAYOUT_DEVICES_MAX);
	recompile("dsdt", find_dsdt());
	recompile("facp", find_fadt());
	recompile("apic", find_madt());
	recompile("xsdt", find_xsdt());
	write_tables(1, 0);
	recompile("small", find_dsdt());
	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_lead_to_all_tables),
		cmocka_unit_test(fadt_is_hardware_reduced),
		cmocka_unit_test(madt_lists_processors_and_ioapic),
		cmocka_unit_test(dsdt_has_power_off_serial_and_pvpanic),
		cmocka_unit_test(dsdt_has_a_device_per_window),
		cmocka_unit_test(refuses_what_no_machine_has),
		cmocka_unit_test(refuses_memory_that_ends_below),
		cmocka_unit_test(aml_stays_in_its_buffer),
		cmocka_unit_test(aml_picks_the_shortest_integer),
		cmocka_unit_test(aml_lengths_of_all_sizes),
		cmocka_unit_test(iasl_understands_all_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
