/* SPDX-License-Identifier: MIT */
/* monitor/acpi.c - see acpi.h. */
#include "monitor/acpi.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "monitor/aml.h"
#include "monitor/checksum.h"
#include "monitor/mptable.h"

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum; /* of the first 20 bytes */
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt_gpa; /* none: the XSDT takes precedence */
	uint32_t length_bytes;
	uint64_t xsdt_gpa;
	uint8_t extended_checksum; /* of all */
	uint8_t reserved[3];
} __attribute__((packed));

struct acpi_header {
	char signature[4];
	uint32_t length_bytes;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));

/* Generic address structure. */
struct acpi_register {
	uint8_t space;
	uint8_t width_bits;
	uint8_t offset_bits;
	uint8_t access_size;
	uint64_t address;
} __attribute__((packed));

struct acpi_xsdt {
	struct acpi_header header;
	uint64_t fadt_gpa;
	uint64_t madt_gpa;
} __attribute__((packed));

/* Fields that hardware-reduced ACPI has the guest ignore are left out by name. */
struct acpi_fadt {
	struct acpi_header header;
	uint32_t facs_gpa;
	uint32_t dsdt_gpa;
	uint8_t fixed_hardware[65]; /* preferred profile to century */
	uint16_t boot_arch;
	uint8_t reserved;
	uint32_t flags;
	struct acpi_register reset;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor_revision;
	uint64_t x_facs_gpa;
	uint64_t x_dsdt_gpa;
	struct acpi_register x_fixed_hardware[8]; /* PM1a event to GPE1 */
	struct acpi_register sleep_control;
	struct acpi_register sleep_status;
	char hypervisor_vendor[8];
} __attribute__((packed));

struct acpi_madt_lapic {
	uint8_t type;
	uint8_t length_bytes;
	uint8_t processor_uid;
	uint8_t apic_id;
	uint32_t flags;
} __attribute__((packed));

struct acpi_madt_ioapic {
	uint8_t type;
	uint8_t length_bytes;
	uint8_t id;
	uint8_t reserved;
	uint32_t gpa;
	uint32_t gsi_base;
} __attribute__((packed));

struct acpi_madt_lapic_nmi {
	uint8_t type;
	uint8_t length_bytes;
	uint8_t processor_uid;
	uint16_t flags; /* 0: polarity and trigger mode conform to the bus */
	uint8_t lint;
} __attribute__((packed));

/* The largest form: the local APICs come last, so that it can be cut after them. */
struct acpi_madt {
	struct acpi_header header;
	uint32_t lapic_gpa;
	uint32_t flags; /* PCAT_COMPAT clear: no PIC to mask */
	struct acpi_madt_ioapic ioapic;
	struct acpi_madt_lapic_nmi nmi;
	struct acpi_madt_lapic lapics[LAYOUT_VCPUS_MAX];
} __attribute__((packed));

static_assert(sizeof(struct acpi_rsdp) == 36, "RSDP");
static_assert(sizeof(struct acpi_header) == 36, "system description table header");
static_assert(sizeof(struct acpi_register) == 12, "generic address structure");
static_assert(sizeof(struct acpi_fadt) == 276, "FADT of revision 6");
static_assert(offsetof(struct acpi_fadt, boot_arch) == 109, "IAPC_BOOT_ARCH");
static_assert(offsetof(struct acpi_fadt, flags) == 112, "FADT flags");
static_assert(offsetof(struct acpi_fadt, x_dsdt_gpa) == 140, "X_DSDT");
static_assert(offsetof(struct acpi_fadt, sleep_control) == 244, "SLEEP_CONTROL_REG");
static_assert(sizeof(struct acpi_madt_lapic) == 8, "local APIC structure");
static_assert(sizeof(struct acpi_madt_ioapic) == 12, "I/O APIC structure");
static_assert(sizeof(struct acpi_madt_lapic_nmi) == 6, "local APIC NMI structure");

enum {
	RSDP_REVISION = 2,
	RSDP_FIRST_BYTES = 20,
	XSDT_REVISION = 1,
	FADT_REVISION = 6,
	FADT_MINOR_REVISION = 4,
	MADT_REVISION = 5,
	DSDT_REVISION = 2, /* integers of 64 bits */
	OEM_REVISION = 1,

	FADT_WBINVD = 1 << 0,
	FADT_PWR_BUTTON = 1 << 4, /* no fixed power button */
	FADT_SLP_BUTTON = 1 << 5, /* no fixed sleep button */
	FADT_RESET_REG_SUP = 1 << 10,
	FADT_HW_REDUCED_ACPI = 1 << 20,

	/*
	 * No 8042 keyboard controller, and no legacy devices: the one serial port is in the
	 * DSDT.  The CMOS clock is there, so "not present" stays clear.
	 */
	BOOT_ARCH_NO_VGA = 1 << 2,

	SPACE_SYSTEM_IO = 1,
	ACCESS_BYTE = 1,
	RESET_VALUE = 0xfe,

	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_LAPIC_NMI = 4,
	MADT_LAPIC_ENABLED = 1 << 0,
	MADT_ALL_PROCESSORS = 0xff,
	MADT_LINT_NMI = 1,
};

/* EISAID("PNP0501"), a 16550-compatible serial port. */
#define EISAID_PNP0501 UINT32_C(0x0105d041)

enum {
	SERIAL_PORTS = 8,
	DSDT_MAX_BYTES = 1024,
};

/* All tables, one behind the other as they lie in guest memory. */
struct acpi_tables {
	struct acpi_rsdp rsdp __attribute__((aligned(16)));
	struct acpi_xsdt xsdt __attribute__((aligned(8)));
	struct acpi_fadt fadt __attribute__((aligned(8)));
	struct acpi_madt madt __attribute__((aligned(8)));
	struct acpi_header dsdt __attribute__((aligned(8)));
	uint8_t definition[DSDT_MAX_BYTES - sizeof(struct acpi_header)];
};

static_assert(sizeof(struct acpi_tables) <= LAYOUT_PAGE_BYTES &&
		      sizeof(struct acpi_tables) <= LAYOUT_ACPI_BYTES,
	      "the ACPI tables touch more than one page");
static_assert(offsetof(struct acpi_tables, definition) ==
		      offsetof(struct acpi_tables, dsdt) + sizeof(struct acpi_header),
	      "the DSDT's body does not follow its header");

#define TABLE_GPA(table) (LAYOUT_ACPI_GPA + offsetof(struct acpi_tables, table))

static struct acpi_register io_register(uint16_t port)
{
	return (struct acpi_register){
		.space = SPACE_SYSTEM_IO,
		.width_bits = 8,
		.access_size = ACCESS_BYTE,
		.address = port,
	};
}

/* Fill the header; the table's other bytes are complete, as the checksum counts them. */
static void seal(struct acpi_header *header, const char signature[4], uint8_t revision,
		 size_t length_bytes)
{
	*header = (struct acpi_header){
		.length_bytes = (uint32_t)length_bytes,
		.revision = revision,
		.oem_id = {'M', 'O', 'T', 'E', ' ', ' '},
		.oem_table_id = {'M', 'I', 'C', 'R', 'O', 'V', 'M', ' '},
		.oem_revision = OEM_REVISION,
		.creator_id = {'M', 'O', 'T', 'E'},
		.creator_revision = OEM_REVISION,
	};
	memcpy(header->signature, signature, sizeof(header->signature));
	header->checksum = checksum_of(header, length_bytes);
}

static void fill_roots(struct acpi_tables *tables)
{
	struct acpi_rsdp *rsdp = &tables->rsdp;

	tables->xsdt.fadt_gpa = TABLE_GPA(fadt);
	tables->xsdt.madt_gpa = TABLE_GPA(madt);
	seal(&tables->xsdt.header, "XSDT", XSDT_REVISION, sizeof(tables->xsdt));

	*rsdp = (struct acpi_rsdp){
		.signature = {'R', 'S', 'D', ' ', 'P', 'T', 'R', ' '},
		.oem_id = {'M', 'O', 'T', 'E', ' ', ' '},
		.revision = RSDP_REVISION,
		.length_bytes = sizeof(*rsdp),
		.xsdt_gpa = TABLE_GPA(xsdt),
	};
	rsdp->checksum = checksum_of(rsdp, RSDP_FIRST_BYTES);
	rsdp->extended_checksum = checksum_of(rsdp, sizeof(*rsdp));
}

static void fill_fadt(struct acpi_fadt *fadt)
{
	fadt->dsdt_gpa = (uint32_t)TABLE_GPA(dsdt);
	fadt->x_dsdt_gpa = TABLE_GPA(dsdt);
	fadt->boot_arch = BOOT_ARCH_NO_VGA;
	fadt->flags = FADT_WBINVD | FADT_PWR_BUTTON | FADT_SLP_BUTTON | FADT_RESET_REG_SUP |
		      FADT_HW_REDUCED_ACPI;
	fadt->reset = io_register(LAYOUT_PORT_I8042);
	fadt->reset_value = RESET_VALUE;
	fadt->minor_revision = FADT_MINOR_REVISION;
	fadt->sleep_control = io_register(LAYOUT_PORT_POWER);
	fadt->sleep_status = io_register(LAYOUT_PORT_SLEEP_STATUS);
	memcpy(fadt->hypervisor_vendor, "MOTE", 4);
	seal(&fadt->header, "FACP", FADT_REVISION, sizeof(*fadt));
}

static void fill_madt(struct acpi_madt *madt, unsigned int vcpu_count)
{
	madt->lapic_gpa = (uint32_t)LAYOUT_LAPIC_GPA;
	madt->ioapic = (struct acpi_madt_ioapic){
		.type = MADT_IOAPIC,
		.length_bytes = sizeof(madt->ioapic),
		.id = mptable_ioapic_id(vcpu_count),
		.gpa = (uint32_t)LAYOUT_IOAPIC_GPA,
	};
	madt->nmi = (struct acpi_madt_lapic_nmi){
		.type = MADT_LAPIC_NMI,
		.length_bytes = sizeof(madt->nmi),
		.processor_uid = MADT_ALL_PROCESSORS,
		.lint = MADT_LINT_NMI,
	};
	for (unsigned int i = 0; i < vcpu_count; i++)
		madt->lapics[i] = (struct acpi_madt_lapic){
			.type = MADT_LAPIC,
			.length_bytes = sizeof(madt->lapics[i]),
			.processor_uid = (uint8_t)i,
			.apic_id = (uint8_t)i,
			.flags = MADT_LAPIC_ENABLED,
		};
	seal(&madt->header, "APIC", MADT_REVISION,
	     offsetof(struct acpi_madt, lapics) + vcpu_count * sizeof(madt->lapics[0]));
}

/* \_S5: the two sleep types, of which hardware-reduced ACPI uses the first, and two reserved. */
static void describe_power_off(struct aml *aml)
{
	size_t package;

	aml_name(aml, "_S5_");
	package = aml_package(aml, 4);
	aml_integer(aml, ACPI_SLEEP_TYPE_S5);
	aml_integer(aml, ACPI_SLEEP_TYPE_S5);
	aml_integer(aml, 0);
	aml_integer(aml, 0);
	aml_end(aml, package);
}

/* Without this Linux has no interrupt for COM1: hardware-reduced ACPI knows no legacy IRQs. */
static void describe_serial(struct aml *aml)
{
	struct aml_resources resources = {0};
	size_t device = aml_device(aml, "COM1");

	aml_name(aml, "_HID");
	aml_integer(aml, EISAID_PNP0501);
	aml_name(aml, "_UID");
	aml_integer(aml, 1);
	aml_name(aml, "_CRS");
	aml_add_ports(&resources, LAYOUT_PORT_SERIAL, SERIAL_PORTS);
	aml_add_interrupt(&resources, LAYOUT_SERIAL_GSI);
	aml_resources(aml, &resources);
	aml_end(aml, device);
}

/* The port a guest announces its panic at, found by QEMU's name for it (docs/specs/pvpanic). */
static void describe_pvpanic(struct aml *aml)
{
	struct aml_resources resources = {0};
	size_t device = aml_device(aml, "PEVT");

	aml_name(aml, "_HID");
	aml_string(aml, "QEMU0001");
	aml_name(aml, "_CRS");
	aml_add_ports(&resources, LAYOUT_PORT_PVPANIC, 1);
	aml_resources(aml, &resources);
	aml_end(aml, device);
}

static void describe_window(struct aml *aml, unsigned int index, const struct layout_window *window)
{
	static const char digits[] = "0123456789ABCDEF";
	const char name[AML_NAME_BYTES] = {'V', 'I', 'O', digits[index]};
	struct aml_resources resources = {0};
	size_t device = aml_device(aml, name);

	static_assert(LAYOUT_DEVICES_MAX < sizeof(digits), "one digit names a device");
	aml_name(aml, "_HID");
	aml_string(aml, "LNRO0005");
	aml_name(aml, "_UID");
	aml_integer(aml, index);
	aml_name(aml, "_CRS");
	aml_add_memory(&resources, (uint32_t)window->base_gpa, (uint32_t)LAYOUT_MMIO_BYTES);
	aml_add_interrupt(&resources, window->gsi);
	aml_resources(aml, &resources);
	aml_end(aml, device);
}

/* Returns 0, or -ENOSPC, which would be a mistake in DSDT_MAX_BYTES. */
static int fill_dsdt(struct acpi_tables *tables, const struct acpi_description *description)
{
	struct aml aml = {.bytes = tables->definition, .capacity = sizeof(tables->definition)};
	size_t scope;

	describe_power_off(&aml);
	scope = aml_scope(&aml, "_SB_");
	describe_serial(&aml);
	describe_pvpanic(&aml);
	for (unsigned int i = 0; i < description->window_count; i++)
		describe_window(&aml, i, &description->windows[i]);
	aml_end(&aml, scope);
	if (aml.overflow)
		return -ENOSPC;
	seal(&tables->dsdt, "DSDT", DSDT_REVISION, sizeof(tables->dsdt) + aml.length);
	return 0;
}

static bool description_is_sound(const struct acpi_description *description)
{
	if (description->vcpu_count < 1 || description->vcpu_count > LAYOUT_VCPUS_MAX ||
	    description->window_count > LAYOUT_DEVICES_MAX)
		return false;
	for (unsigned int i = 0; i < description->window_count; i++)
		if (description->windows[i].base_gpa > LAYOUT_HOLE_END_GPA - LAYOUT_MMIO_BYTES)
			return false;
	return true;
}

int acpi_write(const struct guest_memory *memory, const struct acpi_description *description,
	       uint64_t *rsdp_gpa)
{
	struct acpi_tables tables = {0};
	int error;

	if (!description_is_sound(description))
		return -EINVAL;
	error = fill_dsdt(&tables, description);
	if (error)
		return error;
	fill_madt(&tables.madt, description->vcpu_count);
	fill_fadt(&tables.fadt);
	fill_roots(&tables);
	error = guest_memory_write(memory, LAYOUT_ACPI_GPA, &tables,
				   offsetof(struct acpi_tables, dsdt) + tables.dsdt.length_bytes);
	if (error)
		return error;
	*rsdp_gpa = TABLE_GPA(rsdp);
	return 0;
}
