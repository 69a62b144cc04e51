/* SPDX-License-Identifier: MIT */
/* monitor/doctor_kvm.c - see doctor_kvm.h. */
#include "monitor/doctor_kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kvm.h>

enum {
	API_VERSION = 12,
	VALUE_BYTES = 32,
	PROVIDER_BYTES = 64, /* more than a module's name can have */
};

/* A capability that answers less than `least` gives a finding of level `missing`. */
static const struct {
	unsigned int number;
	int least;
	enum doctor_level missing;
	const char *name;
	const char *remedy;
} capabilities[] = {
	{KVM_CAP_USER_MEMORY, 1, DOCTOR_FAIL, "kvm-cap-user-memory",
	 "needed for guest memory; this KVM is too old or too small for mote"},
	{KVM_CAP_EXT_CPUID, 1, DOCTOR_FAIL, "kvm-cap-ext-cpuid",
	 "needed to give the guest its CPUID; this KVM is too old or too small for mote"},
	{KVM_CAP_IRQ_ROUTING, 1, DOCTOR_FAIL, "kvm-cap-irq-routing",
	 "needed to turn interrupts into MSIs; use a kernel with CONFIG_HAVE_KVM_IRQ_ROUTING"},
	{KVM_CAP_IMMEDIATE_EXIT, 1, DOCTOR_FAIL, "kvm-cap-immediate-exit",
	 "needed to stop a vCPU without losing the request; use Linux 4.12 or newer"},
	{KVM_CAP_SPLIT_IRQCHIP, 1, DOCTOR_FAIL, "kvm-cap-split-irqchip",
	 "the in-kernel chips alone make closing a VM wait for an SRCU grace period (15 ms); use "
	 "Linux 4.12 or newer"},
	{KVM_CAP_IRQCHIP, 1, DOCTOR_WARN, "kvm-cap-irqchip",
	 "guests that need a PIC (irqchip: kernel) cannot run; use a kernel with "
	 "CONFIG_KVM_IOAPIC"},
	{KVM_CAP_PIT2, 1, DOCTOR_WARN, "kvm-cap-pit2",
	 "guests that need a PIT (pit: true) cannot run; use a kernel with CONFIG_KVM_IOAPIC"},
	{KVM_CAP_TSC_DEADLINE_TIMER, 1, DOCTOR_WARN, "kvm-cap-tsc-deadline",
	 "guests must calibrate the LAPIC timer first, which takes Linux 10 ms or more of each "
	 "boot; the host needs a stable TSC"},
	{KVM_CAP_GET_TSC_KHZ, 1, DOCTOR_WARN, "kvm-cap-get-tsc-khz",
	 "guests cannot be told the TSC frequency and must calibrate it, which costs them "
	 "milliseconds at boot"},
	{KVM_CAP_MAX_VCPUS, 32, DOCTOR_WARN, "kvm-cap-max-vcpus",
	 "mote allows 32 vCPUs in a VM, this KVM fewer"},
};

static void ask_capabilities(int kvm, struct doctor_report *report)
{
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		int value = ioctl(kvm, KVM_CHECK_EXTENSION, (unsigned long)capabilities[i].number);
		bool there = value >= capabilities[i].least;

		if (value < 0)
			value = 0;
		doctor_add(report, capabilities[i].name,
			   there ? DOCTOR_OK : capabilities[i].missing,
			   there ? "" : capabilities[i].remedy, "%d", value);
	}
}

static const char *device_remedy(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return "modprobe kvm_intel or kvm_amd; turn on VT-x or SVM in the firmware, or "
		       "nested "
		       "virtualization where this is itself a VM: mote runs guests by KVM only";
	case -EACCES:
	case -EPERM:
		return "usermod -aG kvm USER and log in again, or chmod 0660 and chgrp kvm on it; "
		       "in a "
		       "container, pass the device in: mote needs to read and write it";
	default: return "mote runs guests by KVM only";
	}
}

void doctor_kvm_device(const struct doctor_files *files, struct doctor_report *report)
{
	int kvm = doctor_files_open(files, "/dev/kvm", O_RDWR);
	int version;

	if (kvm < 0) {
		doctor_add(report, "kvm-device", DOCTOR_FAIL, device_remedy(kvm), "/dev/kvm: %s",
			   strerror(-kvm));
		return;
	}
	version = ioctl(kvm, KVM_GET_API_VERSION, 0UL);
	if (version < 0) {
		doctor_add(
			report, "kvm-device", DOCTOR_FAIL,
			"something else lies in its place; it is character device 10:232, given by "
			"the kvm module",
			"/dev/kvm is not KVM");
	} else {
		doctor_add(report, "kvm-device", DOCTOR_OK, "", "/dev/kvm");
		doctor_add(report, "kvm-api", version == API_VERSION ? DOCTOR_OK : DOCTOR_FAIL,
			   version == API_VERSION ? "" : "mote speaks version 12 only", "%d",
			   version);
		ask_capabilities(kvm, report);
	}
	close(kvm);
}

/* The name of the module that makes KVM work, "" if none shows itself. */
static void find_provider(const struct doctor_files *files, char *name, size_t size)
{
	DIR *modules = doctor_files_directory(files, "/sys/module");

	name[0] = '\0';
	if (modules == NULL)
		return;
	for (struct dirent *entry; (entry = readdir(modules)) != NULL;)
		if (strncmp(entry->d_name, "kvm_", 4) == 0)
			snprintf(name, size, "%.*s", (int)size - 1, entry->d_name);
	closedir(modules);
}

static bool is_on(const char *value)
{
	return value[0] == 'Y' || value[0] == '1';
}

static void ask_nested_paging(const struct doctor_files *files, const char *parameter,
			      const char *kind, struct doctor_report *report)
{
	char value[VALUE_BYTES];
	int error = doctor_files_read(files, parameter, value, sizeof(value));

	if (error != 0)
		doctor_add(report, "nested-paging", DOCTOR_INFO,
			   "could not be asked; without it each new guest page costs exits",
			   "%s: %s", kind, strerror(-error));
	else if (is_on(value))
		doctor_add(report, "nested-paging", DOCTOR_OK, "", "%s", kind);
	else
		doctor_add(report, "nested-paging", DOCTOR_WARN,
			   "load the module with ept=1 (Intel) or npt=1 (AMD): with shadow paging "
			   "every change to a guest's page tables is an exit",
			   "none (shadow paging)");
}

void doctor_kvm_provider(const struct doctor_files *files, struct doctor_report *report)
{
	char name[PROVIDER_BYTES];

	find_provider(files, name, sizeof(name));
	if (name[0] == '\0') {
		doctor_add(report, "kvm-provider", DOCTOR_INFO,
			   "no kvm_intel, kvm_amd or other vendor module in /sys/module",
			   "unknown");
		return;
	}
	if (strcmp(name, "kvm_intel") == 0) {
		doctor_add(report, "kvm-provider", DOCTOR_OK, "", "kvm_intel (VT-x)");
		ask_nested_paging(files, "/sys/module/kvm_intel/parameters/ept", "EPT", report);
	} else if (strcmp(name, "kvm_amd") == 0) {
		doctor_add(report, "kvm-provider", DOCTOR_OK, "", "kvm_amd (AMD-V)");
		ask_nested_paging(files, "/sys/module/kvm_amd/parameters/npt", "NPT", report);
	} else {
		doctor_add(report, "kvm-provider", DOCTOR_WARN,
			   "use a host with VT-x or AMD-V: kernel-mode guest code may be emulated "
			   "here, "
			   "so guests boot slower and some instructions fail",
			   "%s (software KVM)", name);
		doctor_add(report, "nested-paging", DOCTOR_WARN,
			   "not to be had from a software KVM; require_nested_paging refuses this "
			   "host",
			   "none (shadow paging)");
	}
}

void doctor_kvm_nx_huge_pages(const struct doctor_files *files, struct doctor_report *report)
{
	char bug[128];
	char value[VALUE_BYTES];
	bool known = doctor_files_read(files,
				       "/sys/devices/system/cpu/vulnerabilities/itlb_multihit", bug,
				       sizeof(bug)) == 0;
	bool unaffected = known && strcmp(bug, "Not affected") == 0;
	int error = doctor_files_read(files, "/sys/module/kvm/parameters/nx_huge_pages", value,
				      sizeof(value));

	if (known)
		doctor_add(report, "itlb-multihit", DOCTOR_INFO, "", "%s", bug);
	if (error != 0)
		doctor_add(report, "nx-huge-pages", DOCTOR_INFO, "", "%s", strerror(-error));
	else if (unaffected && strcmp(value, "never") == 0)
		doctor_add(report, "nx-huge-pages", DOCTOR_OK, "", "%s", value);
	else if (unaffected)
		doctor_add(
			report, "nx-huge-pages", DOCTOR_WARN,
			"boot with kvm.nx_huge_pages=never: this CPU does not need it, yet every "
			"VM "
			"starts a recovery thread, in its first KVM_RUN or, on older kernels, in "
			"KVM_CREATE_VM (20-70 ms inside a cgroup)",
			"%s", value);
	else if (known && !is_on(value))
		doctor_add(report, "nx-huge-pages", DOCTOR_WARN,
			   "set kvm.nx_huge_pages=auto: a guest can crash this CPU without it",
			   "%s", value);
	else
		doctor_add(report, "nx-huge-pages", DOCTOR_INFO,
			   "leave it: it keeps guests from crashing the CPU, and costs each VM a "
			   "recovery thread at its start",
			   "%s", value);
}

void doctor_kvm_enable_virt_at_load(const struct doctor_files *files, struct doctor_report *report)
{
	char value[VALUE_BYTES];
	int error = doctor_files_read(files, "/sys/module/kvm/parameters/enable_virt_at_load",
				      value, sizeof(value));

	if (error != 0)
		doctor_add(
			report, "enable-virt-at-load", DOCTOR_INFO,
			"before Linux 6.12 the first VM turns virtualization on, CPU by CPU: keep "
			"one VM alive on the host",
			"no such parameter");
	else if (is_on(value))
		doctor_add(report, "enable-virt-at-load", DOCTOR_OK, "", "%s", value);
	else
		doctor_add(report, "enable-virt-at-load", DOCTOR_WARN,
			   "boot with kvm.enable_virt_at_load=1: else the first VM turns "
			   "virtualization on, CPU by CPU, and the last one off again",
			   "%s", value);
}

void doctor_kvm_tdp_mmu(const struct doctor_files *files, struct doctor_report *report)
{
	const struct doctor_finding *paging = doctor_report_find(report, "nested-paging");
	char value[VALUE_BYTES];
	int error = doctor_files_read(files, "/sys/module/kvm/parameters/tdp_mmu", value,
				      sizeof(value));

	if (error != 0)
		doctor_add(report, "tdp-mmu", DOCTOR_INFO, "", "no such parameter");
	else if (is_on(value))
		doctor_add(report, "tdp-mmu", DOCTOR_OK, "", "%s", value);
	else if (paging == NULL || paging->level != DOCTOR_OK)
		doctor_add(report, "tdp-mmu", DOCTOR_INFO, "of no use without nested paging", "%s",
			   value);
	else
		doctor_add(
			report, "tdp-mmu", DOCTOR_WARN,
			"boot with kvm.tdp_mmu=1: without it the page faults of all vCPUs of a VM "
			"wait for one lock",
			"%s", value);
}
