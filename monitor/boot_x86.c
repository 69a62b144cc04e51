/* SPDX-License-Identifier: MIT */
/* monitor/boot_x86.c - see boot_x86.h. */
#include "monitor/boot_x86.h"

#include <asm/bootparam.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "monitor/boot_gdt.h"
#include "monitor/layout.h"

/* The setup header in the zero page, and how far one may reach there. */
enum {
	HEADER_OFFSET = offsetof(struct boot_params, hdr),
	HEADER_END_MAX = offsetof(struct boot_params, edd_mbr_sig_buffer),
	/* Protocol 2.12, the first with XLF_KERNEL_64, has all fields up to init_size. */
	HEADER_BYTES_MIN = offsetof(struct setup_header, init_size) +
			   sizeof(((struct setup_header *)0)->init_size),
	HEADER_BYTES_MAX = HEADER_END_MAX - HEADER_OFFSET,

	HEADER_BOOT_FLAG = 0xaa55,
	HEADER_MAGIC = 0x53726448, /* "HdrS" */
	HEADER_VERSION = 0x020c,
	HEADER_ALIGNMENT_BYTES = 0x1000000, /* as Firecracker has it for ELF images */
	HEADER_LOADER_OTHER = 0xff,
};

enum {
	E820_TYPE_RAM = 1,
};

static_assert(sizeof(struct boot_params) == 4096, "zero page");
static_assert(HEADER_OFFSET == 0x1f1 && HEADER_END_MAX == 0x290, "setup header in the zero page");
static_assert(HEADER_BYTES_MIN == 0x264 - 0x1f1, "header of protocol 2.12");
static_assert(offsetof(struct boot_params, acpi_rsdp_addr) == 0x70, "acpi_rsdp_addr");
static_assert(offsetof(struct boot_params, e820_entries) == 0x1e8, "e820_entries");
static_assert(offsetof(struct boot_params, e820_table) == 0x2d0, "e820_table");
static_assert(sizeof(struct boot_e820_entry) == 20, "e820 entry");

/* Xen's public/arch-x86/hvm/start_info.h, version 1. */
struct pvh_start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modlist_paddr;
	uint64_t cmdline_paddr;
	uint64_t rsdp_paddr;
	uint64_t memmap_paddr;
	uint32_t memmap_entries;
	uint32_t reserved;
};

struct pvh_module {
	uint64_t paddr;
	uint64_t size;
	uint64_t cmdline_paddr;
	uint64_t reserved;
};

struct pvh_memmap_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type; /* as in e820 */
	uint32_t reserved;
};

enum {
	PVH_MAGIC = 0x336ec578,
	PVH_VERSION = 1,
};

static_assert(sizeof(struct pvh_start_info) == 56, "hvm_start_info");
static_assert(sizeof(struct pvh_module) == 32, "hvm_modlist_entry");
static_assert(sizeof(struct pvh_memmap_entry) == 24, "hvm_memmap_table_entry");
static_assert(LAYOUT_PVH_START_INFO_GPA + sizeof(struct pvh_start_info) <= LAYOUT_PVH_MODLIST_GPA,
	      "start_info runs into the module list");

enum {
	PTE_PRESENT = 1 << 0,
	PTE_WRITABLE = 1 << 1,
	PTE_LARGE = 1 << 7,
	PTE_PER_TABLE = 512,
	LARGE_PAGE_SHIFT = 21,
};

static_assert((uint64_t)PTE_PER_TABLE << LARGE_PAGE_SHIFT == LAYOUT_IDENTITY_MAP_BYTES,
	      "one page directory maps what the layout promises");

static_assert(LAYOUT_GDT_GPA + BOOT_GDT_BYTES <= LAYOUT_IDT_GPA, "the GDT runs into the IDT");

enum {
	RAM_RANGES_MAX = 3,
};

struct ram_range {
	uint64_t base_gpa;
	uint64_t size_bytes;
};

/* What the memory map calls RAM, in ascending order.  Returns how many ranges there are. */
static unsigned int ram_ranges(uint64_t ram_bytes, struct ram_range ranges[RAM_RANGES_MAX])
{
	uint64_t low = layout_low_ram_bytes(ram_bytes);
	uint64_t high = layout_high_ram_bytes(ram_bytes);
	uint64_t conventional = low < LAYOUT_LOW_RAM_END_GPA ? low : LAYOUT_LOW_RAM_END_GPA;
	unsigned int count = 0;

	ranges[count++] = (struct ram_range){0, conventional};
	if (low > LAYOUT_KERNEL_GPA)
		ranges[count++] = (struct ram_range){LAYOUT_KERNEL_GPA, low - LAYOUT_KERNEL_GPA};
	if (high)
		ranges[count++] = (struct ram_range){LAYOUT_HOLE_END_GPA, high};
	return count;
}

static int write_cmdline(const struct guest_memory *memory,
			 const struct boot_parameters *parameters)
{
	static const char nul;
	int error;

	if (parameters->cmdline_bytes >= LAYOUT_CMDLINE_MAX_BYTES)
		return -E2BIG;
	error = guest_memory_write(memory, LAYOUT_CMDLINE_GPA + parameters->cmdline_bytes, &nul, 1);
	if (error || parameters->cmdline_bytes == 0)
		return error;
	return guest_memory_write(memory, LAYOUT_CMDLINE_GPA, parameters->cmdline,
				  parameters->cmdline_bytes);
}

static int write_descriptor_tables(const struct guest_memory *memory,
				   const uint64_t gdt[BOOT_GDT_ENTRIES])
{
	static const uint8_t idt[BOOT_IDT_BYTES];
	int error = guest_memory_write(memory, LAYOUT_GDT_GPA, gdt, BOOT_GDT_BYTES);

	return error ? error : guest_memory_write(memory, LAYOUT_IDT_GPA, idt, BOOT_IDT_BYTES);
}

static int write_page_tables(const struct guest_memory *memory)
{
	uint64_t table[PTE_PER_TABLE] = {LAYOUT_PDPT_GPA | PTE_PRESENT | PTE_WRITABLE};
	int error = guest_memory_write(memory, LAYOUT_PML4_GPA, table, sizeof(table));

	if (error)
		return error;
	table[0] = LAYOUT_PD_GPA | PTE_PRESENT | PTE_WRITABLE;
	error = guest_memory_write(memory, LAYOUT_PDPT_GPA, table, sizeof(table));
	if (error)
		return error;
	for (uint64_t i = 0; i < PTE_PER_TABLE; i++)
		table[i] = i << LARGE_PAGE_SHIFT | PTE_PRESENT | PTE_WRITABLE | PTE_LARGE;
	return guest_memory_write(memory, LAYOUT_PD_GPA, table, sizeof(table));
}

/* The header an image brought, or for an ELF image the fields that kernels look at. */
static void start_header(struct boot_params *zero_page, const struct boot_parameters *parameters)
{
	struct setup_header *header = &zero_page->hdr;

	if (parameters->setup_header) {
		/* A newer image's header is longer than the struct; the zero page has room for it.
		 */
		memcpy((uint8_t *)zero_page + HEADER_OFFSET, parameters->setup_header,
		       parameters->setup_header_bytes);
		return;
	}
	header->boot_flag = HEADER_BOOT_FLAG;
	header->header = HEADER_MAGIC;
	header->version = HEADER_VERSION;
	header->kernel_alignment = HEADER_ALIGNMENT_BYTES;
}

/*
 * What boot.rst has the loader write.  cmdline_size is the maximum in an image and the actual
 * length here, because Unikraft and Nanos read that many bytes; Linux does not look at it again.
 * Whatever the image held in the fields that point elsewhere must not be followed.
 */
static void patch_header(struct setup_header *header, const struct boot_parameters *parameters)
{
	header->type_of_loader = HEADER_LOADER_OTHER;
	header->ext_loader_ver = 0;
	header->ext_loader_type = 0;
	header->loadflags = (uint8_t)((header->loadflags | LOADED_HIGH) & ~CAN_USE_HEAP);
	header->heap_end_ptr = 0;
	header->setup_data = 0;
	header->cmd_line_ptr = (uint32_t)LAYOUT_CMDLINE_GPA;
	header->cmdline_size = (uint32_t)parameters->cmdline_bytes;
	header->ramdisk_image = parameters->initrd_bytes ? (uint32_t)parameters->initrd_gpa : 0;
	header->ramdisk_size = (uint32_t)parameters->initrd_bytes;
}

static void fill_e820(struct boot_params *zero_page, uint64_t ram_bytes)
{
	struct ram_range ranges[RAM_RANGES_MAX];
	unsigned int count = ram_ranges(ram_bytes, ranges);

	for (unsigned int i = 0; i < count; i++)
		zero_page->e820_table[i] = (struct boot_e820_entry){
			.addr = ranges[i].base_gpa,
			.size = ranges[i].size_bytes,
			.type = E820_TYPE_RAM,
		};
	zero_page->e820_entries = (uint8_t)count;
}

static int write_zero_page(const struct guest_memory *memory,
			   const struct boot_parameters *parameters)
{
	struct boot_params zero_page = {0};

	start_header(&zero_page, parameters);
	patch_header(&zero_page.hdr, parameters);
	fill_e820(&zero_page, parameters->ram_bytes);
	zero_page.acpi_rsdp_addr = parameters->rsdp_gpa;
	return guest_memory_write(memory, LAYOUT_ZERO_PAGE_GPA, &zero_page, sizeof(zero_page));
}

/* Neither protocol's kernels are told of an initrd above 4 GiB in a way that all of them read. */
static int check_parameters(const struct boot_parameters *parameters)
{
	uint64_t initrd_end_gpa;

	if (__builtin_add_overflow(parameters->initrd_gpa, parameters->initrd_bytes,
				   &initrd_end_gpa) ||
	    initrd_end_gpa > UINT32_MAX)
		return -EINVAL;
	if (parameters->setup_header && (parameters->setup_header_bytes < HEADER_BYTES_MIN ||
					 parameters->setup_header_bytes > HEADER_BYTES_MAX))
		return -EINVAL;
	return 0;
}

int boot_write_linux64(const struct guest_memory *memory, const struct boot_parameters *parameters)
{
	int error = check_parameters(parameters);

	if (!error)
		error = write_cmdline(memory, parameters);
	if (!error)
		error = write_descriptor_tables(memory, boot_gdt_linux64);
	if (!error)
		error = write_page_tables(memory);
	if (!error)
		error = write_zero_page(memory, parameters);
	return error;
}

/* Returns how many entries there are, or a negative errno. */
static int write_pvh_memmap(const struct guest_memory *memory, uint64_t ram_bytes)
{
	struct pvh_memmap_entry entries[RAM_RANGES_MAX];
	struct ram_range ranges[RAM_RANGES_MAX];
	unsigned int count = ram_ranges(ram_bytes, ranges);
	int error;

	for (unsigned int i = 0; i < count; i++)
		entries[i] = (struct pvh_memmap_entry){
			.addr = ranges[i].base_gpa,
			.size = ranges[i].size_bytes,
			.type = E820_TYPE_RAM,
		};
	error = guest_memory_write(memory, LAYOUT_PVH_MEMMAP_GPA, entries,
				   count * sizeof(entries[0]));
	return error ? error : (int)count;
}

static int write_pvh_info(const struct guest_memory *memory,
			  const struct boot_parameters *parameters, uint32_t memmap_entries)
{
	struct pvh_module initrd = {
		.paddr = parameters->initrd_gpa,
		.size = parameters->initrd_bytes,
	};
	struct pvh_start_info info = {
		.magic = PVH_MAGIC,
		.version = PVH_VERSION,
		.cmdline_paddr = LAYOUT_CMDLINE_GPA,
		.rsdp_paddr = parameters->rsdp_gpa,
		.memmap_paddr = LAYOUT_PVH_MEMMAP_GPA,
		.memmap_entries = memmap_entries,
	};

	if (parameters->initrd_bytes) {
		int error =
			guest_memory_write(memory, LAYOUT_PVH_MODLIST_GPA, &initrd, sizeof(initrd));

		if (error)
			return error;
		info.nr_modules = 1;
		info.modlist_paddr = LAYOUT_PVH_MODLIST_GPA;
	}
	return guest_memory_write(memory, LAYOUT_PVH_START_INFO_GPA, &info, sizeof(info));
}

int boot_write_pvh(const struct guest_memory *memory, const struct boot_parameters *parameters)
{
	int entries;
	int error = check_parameters(parameters);

	if (!error)
		error = write_cmdline(memory, parameters);
	if (!error)
		error = write_descriptor_tables(memory, boot_gdt_pvh);
	if (error)
		return error;
	entries = write_pvh_memmap(memory, parameters->ram_bytes);
	if (entries < 0)
		return entries;
	return write_pvh_info(memory, parameters, (uint32_t)entries);
}
