/* SPDX-License-Identifier: MIT */
/* monitor/machine.c - see machine.h.  Read machine_build() first. */
#include "monitor/machine.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/mman.h>

#include "monitor/acpi.h"
#include "monitor/boot_x86.h"
#include "monitor/kernel_load.h"
#include "monitor/log.h"
#include "monitor/mptable.h"

enum {
	HUGE_PAGE_SHIFT = 21,
	HUGE_PAGE_BYTES = 1 << HUGE_PAGE_SHIFT,
	/* The host's default may be another size. */
	MAP_HUGE_2M = MAP_HUGETLB | HUGE_PAGE_SHIFT << MAP_HUGE_SHIFT,
};

/* The kernel takes huge pages for what lies on their boundaries; before 6.7 it put it anywhere. */
static void *map_on_boundary(size_t bytes, size_t boundary_bytes, int flags)
{
	uint8_t *mapping = mmap(NULL, bytes + boundary_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
	size_t before_bytes;

	if (mapping == MAP_FAILED)
		return MAP_FAILED;
	before_bytes = -(uintptr_t)mapping % boundary_bytes;
	if (before_bytes > 0)
		munmap(mapping, before_bytes);
	munmap(mapping + before_bytes + bytes, boundary_bytes - before_bytes);
	return mapping + before_bytes;
}

/*
 * Map guest memory; pages come when they are touched.  Those of the host's pool are all reserved
 * here: a touch for which the pool has none left would be SIGBUS.
 */
static int map_ram(const struct config_machine *config, uint8_t **ram, struct reason *reason)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *mapping;

	flags |= config->huge_pages == CONFIG_HUGE_PAGES_2M ? MAP_HUGE_2M : MAP_NORESERVE;
	if (config->huge_pages == CONFIG_HUGE_PAGES_TRANSPARENT)
		mapping = map_on_boundary(config->ram_bytes, HUGE_PAGE_BYTES, flags);
	else
		mapping = mmap(NULL, config->ram_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (mapping == MAP_FAILED)
		return reason_set(reason, -errno,
				  "machine-config.mem_size_mib: cannot reserve %llu MiB of guest "
				  "memory%s: %s",
				  (unsigned long long)(config->ram_bytes / LAYOUT_MIB),
				  config->huge_pages == CONFIG_HUGE_PAGES_2M ? " in 2 MiB pages"
									     : "",
				  strerror(errno));
	/* Zeroing 2 MiB at the first touch is time that a short-lived guest never earns back. */
	if (config->huge_pages != CONFIG_HUGE_PAGES_2M)
		madvise(mapping, config->ram_bytes,
			config->huge_pages == CONFIG_HUGE_PAGES_NONE ? MADV_NOHUGEPAGE
								     : MADV_HUGEPAGE);
	*ram = mapping;
	return 0;
}

static int add_range(struct machine *machine, uint64_t gpa, uint64_t size_bytes, void *host,
		     struct reason *reason)
{
	uint32_t slot = machine->memory.count;
	int error = guest_memory_add(&machine->memory, gpa, size_bytes, host);

	if (error)
		return reason_set(reason, error, "guest memory at %#llx: %s",
				  (unsigned long long)gpa, strerror(-error));
	return kvm_add_memory(&machine->kvm, slot, gpa, size_bytes, host, reason);
}

static int build_memory(struct machine *machine, struct reason *reason)
{
	uint64_t ram_bytes = machine->config->machine.ram_bytes;
	uint64_t low_bytes = layout_low_ram_bytes(ram_bytes);
	uint64_t high_bytes = layout_high_ram_bytes(ram_bytes);
	uint8_t *ram = NULL;
	int error = map_ram(&machine->config->machine, &ram, reason);

	if (!error)
		error = add_range(machine, 0, low_bytes, ram, reason);
	if (!error && high_bytes)
		error = add_range(machine, LAYOUT_HOLE_END_GPA, high_bytes, ram + low_bytes,
				  reason);
	return error;
}

static int parse_kernel(struct machine *machine, struct reason *reason)
{
	const struct resources *resources = machine->resources;
	void *file = mmap(NULL, resources->kernel_bytes, PROT_READ, MAP_PRIVATE,
			  resources->kernel_fd, 0);
	int error;

	if (file == MAP_FAILED)
		return reason_set(reason, -errno, "cannot map it: %s", strerror(errno));
	error = kernel_parse(&machine->kernel, file, resources->kernel_bytes,
			     machine->config->machine.ram_bytes,
			     machine->config->mote.boot_protocol, reason);
	munmap(file, resources->kernel_bytes);
	return error;
}

static int load_initrd(struct machine *machine, struct reason *reason)
{
	const struct resources *resources = machine->resources;
	int error;

	if (resources->initrd_fd == RESOURCES_NONE)
		return 0;
	error = initrd_place(&machine->initrd_gpa, &machine->kernel, resources->initrd_bytes,
			     machine->config->machine.ram_bytes, reason);
	if (error)
		return error;
	return initrd_load(resources->initrd_fd, resources->initrd_bytes, machine->initrd_gpa,
			   &machine->memory, reason);
}

/* Name the file in a reason that the loader, which knows no paths, filled. */
static int name_file(struct reason *reason, int error, const char *key, const char *path)
{
	struct reason inner = *reason;

	return reason_set(reason, error, "%s: %s: %s", key, path, inner.text);
}

static int build_kernel(struct machine *machine, struct reason *reason)
{
	const struct config_boot_source *source = &machine->config->boot_source;
	int error = parse_kernel(machine, reason);

	if (!error)
		error = kernel_load(&machine->kernel, machine->resources->kernel_fd,
				    &machine->memory, reason);
	if (error)
		return name_file(reason, error, "boot-source.kernel_image_path",
				 source->kernel_image_path);
	error = load_initrd(machine, reason);
	if (error)
		return name_file(reason, error, "boot-source.initrd_path", source->initrd_path);
	return 0;
}

/* Guests of a known kind get along without PIC and PIT; any other may need both. */
static struct machine_choices choose(const struct config_mote *mote,
				     const struct kernel_image *kernel)
{
	bool known = kernel->is_linux || kernel->has_pvh_note || kernel->has_mote_note;
	struct machine_choices choices = {
		.split_irqchip =
			mote->irqchip == CONFIG_IRQCHIP_SPLIT ||
			(mote->irqchip == CONFIG_IRQCHIP_AUTO && known && mote->pit != CONFIG_ON),
		.acpi = mote->acpi == CONFIG_ON || (mote->acpi == CONFIG_AUTO && kernel->is_linux),
	};

	choices.pit = !choices.split_irqchip &&
		      (mote->pit == CONFIG_ON || (mote->pit == CONFIG_AUTO && !known));
	return choices;
}

static int build_devices(struct machine *machine, struct reason *reason)
{
	struct devices *devices = &machine->devices;

	devices->config = machine->config;
	devices->resources = machine->resources;
	devices->memory = &machine->memory;
	devices->kvm = &machine->kvm;
	devices->loop = machine->loop;
	return devices_build(devices, &machine->platform.mmio, reason);
}

static int build_platform(struct machine *machine, struct reason *reason)
{
	const struct machine_choices *choices = &machine->choices;
	int error = choices->split_irqchip
			    ? kvm_split_irqchip(&machine->kvm, reason)
			    : kvm_kernel_irqchip(&machine->kvm, choices->pit, reason);

	if (error)
		return error;
	platform_init(&machine->platform, &machine->links);
	error = platform_build(&machine->platform, machine->vcpu_count, choices->split_irqchip);
	if (error)
		return reason_set(reason, error, "cannot place the chips: %s", strerror(-error));
	return build_devices(machine, reason);
}

/* KVM's answer, from an earlier time if it was kept. */
static int supported_cpuid(struct machine *machine, struct reason *reason)
{
	const struct cpuid_table *kept = &machine->prepared->cpuid;

	if (kept->nent == 0)
		return kvm_supported_cpuid(&machine->kvm, &machine->cpuid, reason);
	machine->cpuid.nent = kept->nent;
	memcpy(machine->cpuid.entries, kept->entries, kept->nent * sizeof(*kept->entries));
	return 0;
}

static int prepare_cpuid(struct machine *machine, struct reason *reason)
{
	const struct config_machine *config = &machine->config->machine;
	struct cpuid_topology topology = {
		.vcpu_count = config->vcpu_count,
		.smt = config->smt,
		.tsc_khz = vcpu_tsc_khz(&machine->vcpus[0], &machine->kvm),
		.tsc_deadline = kvm_extension(&machine->kvm, KVM_CAP_TSC_DEADLINE_TIMER) > 0,
	};
	int error = supported_cpuid(machine, reason);

	if (error)
		return error;
	error = cpuid_prepare(&machine->cpuid, &topology);
	if (error)
		return reason_set(reason, error, "KVM's CPUID table has no room left");
	return 0;
}

static int build_vcpu(struct machine *machine, struct vcpu *vcpu, struct reason *reason)
{
	int error;

	cpuid_set_vcpu(&machine->cpuid, vcpu->id);
	error = vcpu_set_cpuid(vcpu, &machine->cpuid, reason);
	if (!error)
		error = vcpu_set_msrs(vcpu, reason);
	if (!error && vcpu->id == 0 && !machine->choices.split_irqchip)
		error = vcpu_set_local_interrupts(vcpu, reason);
	return error;
}

static int build_vcpus(struct machine *machine, struct reason *reason)
{
	int error = 0;

	machine->services = (struct vcpu_services){
		.ports = &machine->platform.ports,
		.mmio = &machine->platform.mmio,
		.console = machine->console,
		.trace = &machine->state->trace,
		.stopped = platform_stopped,
		.owner = &machine->platform,
	};
	for (unsigned int id = 0; id < machine->vcpu_count && !error; id++)
		error = vcpu_create(&machine->vcpus[id], id, &machine->kvm, &machine->services,
				    reason);
	if (!error)
		error = prepare_cpuid(machine, reason);
	for (unsigned int id = 0; id < machine->vcpu_count && !error; id++)
		error = build_vcpu(machine, &machine->vcpus[id], reason);
	return error;
}

/* The appended words go before any " -- ", where only the kernel reads them. */
static int compose_cmdline(struct machine *machine, struct reason *reason)
{
	struct reason inner;
	int error = cmdline_init(&machine->cmdline, machine->config->boot_source.boot_args, &inner);

	/* There is no PCI bus; Linux would probe for one all the same. */
	if (!error && machine->kernel.is_linux)
		error = cmdline_append(&machine->cmdline, "pci=off", &inner);
	if (!error)
		error = devices_announce(&machine->devices, &machine->cmdline, &inner);
	if (error)
		return reason_set(reason, error, "boot-source.boot_args: %s", inner.text);
	return 0;
}

static int write_firmware_tables(struct machine *machine, uint64_t *rsdp_gpa)
{
	struct acpi_description description = {
		.vcpu_count = machine->vcpu_count,
		.windows = machine->devices.windows,
		.window_count = machine->devices.count,
	};
	int error = mptable_write(&machine->memory, machine->vcpu_count);

	if (error || !machine->choices.acpi)
		return error;
	return acpi_write(&machine->memory, &description, rsdp_gpa);
}

static int set_boot_registers(struct machine *machine, const struct boot_parameters *parameters,
			      struct reason *reason)
{
	struct vcpu *vcpu = &machine->vcpus[0];
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int error = vcpu_get_sregs(vcpu, &sregs, reason);

	if (error)
		return error;
	if (machine->kernel.entry == KERNEL_ENTRY_PVH)
		boot_registers_pvh(&sregs, &regs, parameters);
	else
		boot_registers_linux64(&sregs, &regs, parameters);
	return vcpu_set_registers(vcpu, &sregs, &regs, reason);
}

static int build_tables(struct machine *machine, struct boot_parameters *parameters,
			struct reason *reason)
{
	const struct kernel_image *kernel = &machine->kernel;
	int error = compose_cmdline(machine, reason);

	if (error)
		return error;
	*parameters = (struct boot_parameters){
		.ram_bytes = machine->config->machine.ram_bytes,
		.entry_gpa = kernel->entry_gpa,
		.initrd_gpa = machine->initrd_gpa,
		.initrd_bytes = machine->resources->initrd_bytes,
		.cmdline = machine->cmdline.text,
		.cmdline_bytes = machine->cmdline.length,
		.setup_header = kernel->setup_header_bytes ? kernel->setup_header : NULL,
		.setup_header_bytes = kernel->setup_header_bytes,
	};
	error = write_firmware_tables(machine, &parameters->rsdp_gpa);
	if (!error)
		error = kernel->entry == KERNEL_ENTRY_PVH
				? boot_write_pvh(&machine->memory, parameters)
				: boot_write_linux64(&machine->memory, parameters);
	if (error)
		return reason_set(reason, error,
				  "machine-config.mem_size_mib: no room for the boot tables: %s",
				  strerror(-error));
	return 0;
}

enum outcome_kind machine_create(struct machine *machine, struct reason *reason)
{
	struct trace *trace = &machine->state->trace;

	machine->vcpu_count = machine->config->machine.vcpu_count;
	machine->links.kvm = &machine->kvm;
	machine->links.console = machine->console;
	machine->links.trace = trace;
	if (kvm_create(&machine->kvm, machine->resources->kvm_fd, reason))
		return OUTCOME_HOST_FAILURE;
	trace_stamp(trace, TRACE_VM);
	if (build_memory(machine, reason))
		return OUTCOME_HOST_FAILURE;
	trace_stamp(trace, TRACE_MEMORY);
	return OUTCOME_NONE;
}

/* In the order that is cheap for KVM (see kvm.h). */
enum outcome_kind machine_build(struct machine *machine, struct reason *reason)
{
	struct trace *trace = &machine->state->trace;

	if (build_kernel(machine, reason))
		return OUTCOME_BAD_IMAGE;
	machine->choices = choose(&machine->config->mote, &machine->kernel);
	trace_stamp_value(trace, TRACE_KERNEL,
			  machine->kernel.entry == KERNEL_ENTRY_PVH ? TRACE_ENTRY_PVH
								    : TRACE_ENTRY_LINUX64);
	if (build_platform(machine, reason))
		return OUTCOME_HOST_FAILURE;
	trace_stamp(trace, TRACE_IRQCHIP);
	if (build_vcpus(machine, reason))
		return OUTCOME_HOST_FAILURE;
	trace_stamp(trace, TRACE_VCPUS);
	return OUTCOME_NONE;
}

enum outcome_kind machine_finish(struct machine *machine, struct reason *reason)
{
	struct boot_parameters parameters;

	if (build_tables(machine, &parameters, reason))
		return OUTCOME_BAD_CONFIG;
	if (set_boot_registers(machine, &parameters, reason))
		return OUTCOME_HOST_FAILURE;
	trace_stamp(&machine->state->trace, TRACE_TABLES);
	return OUTCOME_NONE;
}
