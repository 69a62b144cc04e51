/* SPDX-License-Identifier: MIT */
/* monitor/kvm.c - see kvm.h. */
#include "monitor/kvm.h"

#include <assert.h>
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

static int call(int fd, unsigned long request, void *argument, const char *name,
		struct reason *reason)
{
	int result = ioctl(fd, request, argument);

	if (result < 0)
		return reason_set(reason, -errno, "%s: %s", name, strerror(errno));
	return result;
}

int kvm_create(struct kvm *kvm, int device_fd, struct reason *reason)
{
	int version = call(device_fd, KVM_GET_API_VERSION, NULL, "KVM_GET_API_VERSION", reason);
	int run_bytes;
	int vm_fd;

	if (version < 0)
		return version;
	if (version != KVM_API_VERSION)
		return reason_set(reason, -EPROTO, "KVM API version is %d, not %d", version,
				  KVM_API_VERSION);
	run_bytes = call(device_fd, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE", reason);
	if (run_bytes < 0)
		return run_bytes;
	vm_fd = call(device_fd, KVM_CREATE_VM, NULL, "KVM_CREATE_VM", reason);
	if (vm_fd < 0)
		return vm_fd;
	*kvm = (struct kvm){
		.device_fd = device_fd,
		.vm_fd = vm_fd,
		.run_bytes = (size_t)run_bytes,
	};
	return 0;
}

int kvm_add_memory(const struct kvm *kvm, uint32_t slot, uint64_t gpa, uint64_t size_bytes,
		   void *host, struct reason *reason)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size_bytes,
		.userspace_addr = (uintptr_t)host,
	};

	return call(kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION",
		    reason);
}

int kvm_split_irqchip(struct kvm *kvm, struct reason *reason)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_SPLIT_IRQCHIP,
		.args[0] = LAYOUT_IOAPIC_PINS,
	};

	int error = call(kvm->vm_fd, KVM_ENABLE_CAP, &cap, "KVM_ENABLE_CAP(KVM_CAP_SPLIT_IRQCHIP)",
			 reason);

	kvm->is_split = !error;
	return error;
}

int kvm_kernel_irqchip(const struct kvm *kvm, bool pit, struct reason *reason)
{
	/* Without the dummy speaker every touch of port 0x61 would be an exit. */
	struct kvm_pit_config pit_config = {.flags = KVM_PIT_SPEAKER_DUMMY};
	int error = call(kvm->vm_fd, KVM_CREATE_IRQCHIP, NULL, "KVM_CREATE_IRQCHIP", reason);

	if (error || !pit)
		return error;
	return call(kvm->vm_fd, KVM_CREATE_PIT2, &pit_config, "KVM_CREATE_PIT2", reason);
}

int kvm_supported_cpuid(const struct kvm *kvm, struct cpuid_table *table, struct reason *reason)
{
	table->nent = CPUID_ENTRIES_MAX;
	return call(kvm->device_fd, KVM_GET_SUPPORTED_CPUID, table, "KVM_GET_SUPPORTED_CPUID",
		    reason);
}

int kvm_extension(const struct kvm *kvm, unsigned int capability)
{
	int result = ioctl(kvm->device_fd, KVM_CHECK_EXTENSION, (unsigned long)capability);

	return result < 0 ? 0 : result;
}

/* struct kvm_irq_routing with its entries, which the kernel's header leaves open-ended. */
struct route_table {
	uint32_t count;
	uint32_t flags;
	struct kvm_irq_routing_entry entries[LAYOUT_IOAPIC_PINS];
};

static_assert(offsetof(struct route_table, count) == offsetof(struct kvm_irq_routing, nr) &&
		      offsetof(struct route_table, entries) ==
			      offsetof(struct kvm_irq_routing, entries),
	      "the layout KVM reads");

int kvm_set_routes(const struct kvm *kvm, const struct kvm_pin_route *routes)
{
	struct route_table table = {0};

	for (uint32_t pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++) {
		if (!routes[pin].enabled)
			continue;
		table.entries[table.count++] = (struct kvm_irq_routing_entry){
			.gsi = pin,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = {.address_lo = routes[pin].address_lo,
				  .address_hi = routes[pin].address_hi,
				  .data = routes[pin].data},
		};
	}
	return ioctl(kvm->vm_fd, KVM_SET_GSI_ROUTING, &table) < 0 ? -errno : 0;
}

int kvm_pulse_line(const struct kvm *kvm, uint32_t gsi)
{
	struct kvm_irq_level line = {.irq = gsi, .level = 1};

	if (ioctl(kvm->vm_fd, KVM_IRQ_LINE, &line) < 0)
		return -errno;
	if (kvm->is_split)
		return 0; /* an MSI route knows no level to go back to */
	line.level = 0;
	return ioctl(kvm->vm_fd, KVM_IRQ_LINE, &line) < 0 ? -errno : 0;
}
