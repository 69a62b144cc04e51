/* SPDX-License-Identifier: MIT */
/*
 * benches/floor.c - the least that any monitor must do to run the hello guest.
 *
 *     floor [--stamps FD] [--mib N] [--command-line TEXT] [--cpuid FILE] GUEST.elf
 *
 * One process, one thread, no check of anything the guest does, no jail: only
 * the KVM calls without which the guest would not run, in the order that KVM
 * serves fastest (the memory slot before anything else).  What a real monitor
 * costs is measured against this.  The guest is entered by the Linux 64-bit
 * protocol; the serial port is written through, line by line; the exit code
 * is the exit status.  Any other port or address reads as zero.
 *
 * With --cpuid what KVM supports is not asked for but read from the file in which a first start of
 * mote has kept it, for a monitor that spares itself that question is not to be compared with one
 * that asks alone.
 */
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "monitor/cpuid_file.h"

enum {
	CPUID_ENTRIES = 128,
	IOAPIC_PINS = 16,
	PAGE_BYTES = 4096,
	MIB = 1 << 20,
	STAMPS_MAX = 16,

	STATUS_CRASH = 126, /* triple fault, or KVM cannot go on */

	PORT_SERIAL = 0x3f8,
	PORT_SERIAL_STATUS = 0x3fd,
	PORT_EXIT = 0xf4,
	SERIAL_READY = 0x60,
	BOOT_TIMER_BOOTED = 123,
};

/* Guest-physical addresses. */
enum {
	GDT_GPA = 0x500,
	ZERO_PAGE_GPA = 0x7000,
	STACK_GPA = 0x8ff0,
	PML4_GPA = 0x9000,
	PDPT_GPA = 0xa000,
	PD_GPA = 0xb000,
	COMMAND_LINE_GPA = 0x20000,
	LOW_END_GPA = 0x9fc00,
};

#define BOOT_TIMER_GPA UINT64_C(0xc0000000)

/* Offsets in the zero page (Documentation/arch/x86/zero-page.rst). */
enum {
	ZERO_E820_COUNT = 0x1e8,
	ZERO_BOOT_FLAG = 0x1fe,
	ZERO_HEADER = 0x202,
	ZERO_VERSION = 0x206,
	ZERO_LOADER = 0x210,
	ZERO_COMMAND_LINE = 0x228,
	ZERO_COMMAND_LINE_SIZE = 0x238,
	ZERO_E820 = 0x2d0,
};

struct e820_entry {
	uint64_t base;
	uint64_t size;
	uint32_t type;
} __attribute__((packed));

struct options {
	const char *guest_path;
	const char *command_line;
	const char *cpuid_path; /* NULL: KVM is asked */
	size_t ram_bytes;
	int stamps_fd; /* -1: none wanted */
};

/* What --stamps writes: names in order, each with the time at which it was reached. */
struct stamps {
	const char *names[STAMPS_MAX];
	uint64_t ns[STAMPS_MAX];
	unsigned int count;
};

struct floor_vm {
	uint8_t *ram;
	struct kvm_run *run;
	int vcpu_fd;
	uint64_t entry;
	char line[1024];
	size_t line_bytes;
	bool is_booted;
};

/* A count, then room for what it counts. */
static _Alignas(struct kvm_cpuid2)
	uint8_t cpuid[sizeof(struct kvm_cpuid2) + CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2)];
static struct floor_vm vm;
static struct stamps stamps;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void stamp(const char *name)
{
	stamps.names[stamps.count] = name;
	stamps.ns[stamps.count] = now_ns();
	stamps.count++;
}

static int kvm_call(int fd, unsigned long request, void *argument, const char *what)
{
	int result = ioctl(fd, request, argument);

	if (result < 0)
		err(STATUS_CRASH, "%s", what);
	return result;
}

static int kvm_call_number(int fd, unsigned long request, unsigned long argument, const char *what)
{
	int result = ioctl(fd, request, argument);

	if (result < 0)
		err(STATUS_CRASH, "%s", what);
	return result;
}

static void put(size_t gpa, const void *bytes, size_t size_bytes)
{
	memcpy(vm.ram + gpa, bytes, size_bytes);
}

static void put64(size_t gpa, uint64_t value)
{
	put(gpa, &value, sizeof(value));
}

/* Map whole pages of the file over guest memory; only a segment that is not made of them is copied.
 */
static void load_segment(int fd, const Elf64_Phdr *segment, size_t ram_bytes)
{
	uint8_t *to = vm.ram + segment->p_paddr;

	if (segment->p_paddr > ram_bytes || segment->p_memsz > ram_bytes - segment->p_paddr ||
	    segment->p_filesz > segment->p_memsz)
		errx(STATUS_CRASH, "guest does not fit");
	if ((segment->p_paddr | segment->p_offset | segment->p_filesz) % PAGE_BYTES == 0) {
		if (mmap(to, segment->p_filesz, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
			 (off_t)segment->p_offset) == MAP_FAILED)
			err(STATUS_CRASH, "map guest");
	} else if (pread(fd, to, segment->p_filesz, (off_t)segment->p_offset) !=
		   (ssize_t)segment->p_filesz) {
		err(STATUS_CRASH, "read guest");
	}
}

static void load_guest(const struct options *options)
{
	union {
		Elf64_Ehdr header;
		uint8_t bytes[1024];
	} head = {0};
	const Elf64_Phdr *segment;
	int fd = open(options->guest_path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, head.bytes, sizeof(head)) < (ssize_t)sizeof(head))
		err(STATUS_CRASH, "%s", options->guest_path);
	if (memcmp(head.header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    head.header.e_phoff + head.header.e_phnum * sizeof(*segment) > sizeof(head))
		errx(STATUS_CRASH, "%s: not a guest", options->guest_path);
	segment = (const Elf64_Phdr *)(const void *)(head.bytes + head.header.e_phoff);
	for (unsigned int left = head.header.e_phnum; left > 0; left--, segment++)
		if (segment->p_type == PT_LOAD)
			load_segment(fd, segment, options->ram_bytes);
	vm.entry = head.header.e_entry;
	close(fd);
}

static void write_zero_page(const struct options *options)
{
	const struct e820_entry map[] = {
		{0, LOW_END_GPA, 1},
		{MIB, options->ram_bytes - MIB, 1},
	};
	uint32_t line_bytes = (uint32_t)strlen(options->command_line);

	vm.ram[ZERO_PAGE_GPA + ZERO_E820_COUNT] = sizeof(map) / sizeof(map[0]);
	put(ZERO_PAGE_GPA + ZERO_BOOT_FLAG, (const uint16_t[]){0xaa55}, 2);
	put(ZERO_PAGE_GPA + ZERO_HEADER, "HdrS", 4);
	put(ZERO_PAGE_GPA + ZERO_VERSION, (const uint16_t[]){0x020c}, 2);
	vm.ram[ZERO_PAGE_GPA + ZERO_LOADER] = 0xff;
	put(ZERO_PAGE_GPA + ZERO_COMMAND_LINE, (const uint32_t[]){COMMAND_LINE_GPA}, 4);
	put(ZERO_PAGE_GPA + ZERO_COMMAND_LINE_SIZE, &line_bytes, 4);
	put(ZERO_PAGE_GPA + ZERO_E820, map, sizeof(map));
	if (line_bytes > 0)
		put(COMMAND_LINE_GPA, options->command_line, line_bytes);
}

/* The protocol promises the image's own gigabyte, one to one, and flat segments. */
static void write_tables(void)
{
	put64(GDT_GPA + 8, UINT64_C(0x00af9b000000ffff));
	put64(GDT_GPA + 16, UINT64_C(0x00cf93000000ffff));
	put64(PML4_GPA, PDPT_GPA | 3);
	put64(PDPT_GPA, PD_GPA | 3);
	for (uint64_t page = 0; page < 512; page++)
		put64(PD_GPA + page * 8, page << 21 | 0x83);
}

static struct kvm_segment flat_segment(uint16_t selector, uint8_t type)
{
	bool is_code = type & 8;

	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.l = is_code,
		.db = !is_code,
	};
}

static void set_registers(void)
{
	struct kvm_segment data = flat_segment(0x10, 3);
	struct kvm_sregs sregs;
	struct kvm_regs regs = {
		.rip = vm.entry, .rsi = ZERO_PAGE_GPA, .rsp = STACK_GPA, .rflags = 2};

	kvm_call(vm.vcpu_fd, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
	sregs.cs = flat_segment(0x08, 11);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.gdt.base = GDT_GPA;
	sregs.gdt.limit = 23;
	sregs.cr0 = 0x80000031;
	sregs.cr3 = PML4_GPA;
	sregs.cr4 = 0x20;
	sregs.efer = 0x500;
	kvm_call(vm.vcpu_fd, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");
	kvm_call(vm.vcpu_fd, KVM_SET_REGS, &regs, "KVM_SET_REGS");
}

static void read_cpuid(struct kvm_cpuid2 *table, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t bytes = pread(fd, table->entries, CPUID_ENTRIES * sizeof(*table->entries),
			      sizeof(struct cpuid_source));

	if (bytes <= 0)
		err(STATUS_CRASH, "%s", path);
	table->nent = (uint32_t)((size_t)bytes / sizeof(*table->entries));
	close(fd);
}

static void get_cpuid(struct kvm_cpuid2 *table, int kvm_fd, const char *path)
{
	if (path != NULL) {
		read_cpuid(table, path);
		return;
	}
	table->nent = CPUID_ENTRIES;
	kvm_call(kvm_fd, KVM_GET_SUPPORTED_CPUID, table, "KVM_GET_SUPPORTED_CPUID");
}

static void build(const struct options *options)
{
	struct kvm_enable_cap split = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {IOAPIC_PINS}};
	struct kvm_userspace_memory_region slot = {.memory_size = options->ram_bytes};
	int kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm_fd;
	int run_bytes;

	if (kvm_fd < 0)
		err(STATUS_CRASH, "/dev/kvm");
	vm.ram = mmap(NULL, options->ram_bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (vm.ram == MAP_FAILED)
		err(STATUS_CRASH, "guest memory");
	load_guest(options);
	write_zero_page(options);
	write_tables();
	stamp("memory");
	slot.userspace_addr = (uint64_t)vm.ram;
	vm_fd = kvm_call_number(kvm_fd, KVM_CREATE_VM, 0, "KVM_CREATE_VM");
	stamp("vm");
	kvm_call(vm_fd, KVM_SET_USER_MEMORY_REGION, &slot, "KVM_SET_USER_MEMORY_REGION");
	stamp("slot");
	kvm_call(vm_fd, KVM_ENABLE_CAP, &split, "KVM_CAP_SPLIT_IRQCHIP");
	vm.vcpu_fd = kvm_call_number(vm_fd, KVM_CREATE_VCPU, 0, "KVM_CREATE_VCPU");
	stamp("vcpu");
	run_bytes = kvm_call_number(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0, "KVM_GET_VCPU_MMAP_SIZE");
	vm.run = mmap(NULL, (size_t)run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vm.vcpu_fd, 0);
	if (vm.run == MAP_FAILED)
		err(STATUS_CRASH, "kvm_run");
	get_cpuid((struct kvm_cpuid2 *)(void *)cpuid, kvm_fd, options->cpuid_path);
	stamp("supported-cpuid");
	kvm_call(vm.vcpu_fd, KVM_SET_CPUID2, cpuid, "KVM_SET_CPUID2");
	stamp("cpuid");
	set_registers();
	stamp("registers");
}

static void flush_line(void)
{
	if (vm.line_bytes > 0 && write(STDOUT_FILENO, vm.line, vm.line_bytes) < 0)
		err(STATUS_CRASH, "write");
	vm.line_bytes = 0;
}

static void serial_out(const char *bytes, size_t count)
{
	for (; count > 0; count--, bytes++) {
		vm.line[vm.line_bytes++] = *bytes;
		if (*bytes == '\n' || vm.line_bytes == sizeof(vm.line))
			flush_line();
	}
}

/* Returns the guest's exit code, or -1 while it has not given any. */
static int serve_port(void)
{
	char *data = (char *)vm.run + vm.run->io.data_offset;
	size_t size_bytes = (size_t)vm.run->io.size * vm.run->io.count;

	if (vm.run->io.direction == KVM_EXIT_IO_IN)
		memset(data, vm.run->io.port == PORT_SERIAL_STATUS ? SERIAL_READY : 0, size_bytes);
	else if (vm.run->io.port == PORT_SERIAL)
		serial_out(data, size_bytes);
	else if (vm.run->io.port == PORT_EXIT)
		return (uint8_t)*data;
	return -1;
}

static void serve_memory(void)
{
	if (!vm.run->mmio.is_write)
		memset(vm.run->mmio.data, 0, sizeof(vm.run->mmio.data));
	else if (vm.run->mmio.phys_addr == BOOT_TIMER_GPA &&
		 vm.run->mmio.data[0] == BOOT_TIMER_BOOTED && !vm.is_booted) {
		vm.is_booted = true;
		stamp("guest-boot");
	}
}

static int serve_exit(void)
{
	switch (vm.run->exit_reason) {
	case KVM_EXIT_IO: return serve_port();
	case KVM_EXIT_MMIO: serve_memory(); return -1;
	default:
		flush_line();
		warnx("the guest ended with KVM exit %u", vm.run->exit_reason);
		return STATUS_CRASH;
	}
}

/* A guest that sleeps is woken by whatever the kernel wants of the thread, like a freezer. */
static void enter_guest(void)
{
	while (ioctl(vm.vcpu_fd, KVM_RUN, 0) < 0)
		if (errno != EINTR)
			err(STATUS_CRASH, "KVM_RUN");
}

static int run_guest(void)
{
	int code;

	enter_guest();
	stamp("first-exit");
	while ((code = serve_exit()) < 0)
		enter_guest();
	flush_line();
	return code;
}

static void write_stamps(int fd)
{
	for (unsigned int at = 0; at < stamps.count; at++)
		dprintf(fd, "%s %lu\n", stamps.names[at], stamps.ns[at]);
}

static struct options parse(int argc, char *argv[])
{
	struct options options = {
		.command_line = "", .ram_bytes = (size_t)128 * MIB, .stamps_fd = -1};
	int at = 1;

	for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
		if (strcmp(argv[at], "--stamps") == 0)
			options.stamps_fd = (int)strtol(argv[at + 1], NULL, 10);
		else if (strcmp(argv[at], "--mib") == 0)
			options.ram_bytes = strtoul(argv[at + 1], NULL, 10) * MIB;
		else if (strcmp(argv[at], "--command-line") == 0)
			options.command_line = argv[at + 1];
		else if (strcmp(argv[at], "--cpuid") == 0)
			options.cpuid_path = argv[at + 1];
		else
			errx(STATUS_CRASH, "unknown option %s", argv[at]);
	}
	if (at + 1 != argc || options.ram_bytes <= MIB)
		errx(STATUS_CRASH, "usage: floor [--stamps FD] [--mib N] [--command-line TEXT] "
				   "[--cpuid FILE] GUEST");
	options.guest_path = argv[at];
	return options;
}

int main(int argc, char *argv[])
{
	struct options options;
	int code;

	stamp("main");
	options = parse(argc, argv);
	build(&options);
	code = run_guest();
	stamp("end");
	if (options.stamps_fd >= 0)
		write_stamps(options.stamps_fd);
	return code;
}
