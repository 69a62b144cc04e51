/* SPDX-License-Identifier: MIT */
/* monitor/doctor.c - see doctor.h. */
#include "monitor/doctor.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "monitor/doctor_files.h"
#include "monitor/doctor_host.h"
#include "monitor/doctor_kvm.h"
#include "monitor/doctor_process.h"
#include "monitor/doctor_report.h"
#include "monitor/doctor_trial.h"
#include "monitor/outcome.h"

/* In the order of the report: what mote cannot do without comes first. */
static const struct {
	const char *about;
	void (*run)(const struct doctor_files *files, struct doctor_report *report);
} checks[] = {
	{"kernel release", doctor_host_kernel},
	{"bare metal or a virtual machine", doctor_host_machine},
	{"/dev/kvm, its version and capabilities", doctor_kvm_device},
	{"who provides KVM, and nested paging", doctor_kvm_provider},
	{"kvm.nx_huge_pages against itlb_multihit", doctor_kvm_nx_huge_pages},
	{"kvm.enable_virt_at_load", doctor_kvm_enable_virt_at_load},
	{"kvm.tdp_mmu", doctor_kvm_tdp_mmu},
	{"a VM of each kind, built and timed", doctor_trial_vms},
	{"timer frequency", doctor_host_hz},
	{"mounts and cgroups", doctor_host_mounts},
	{"huge pages", doctor_host_huge_pages},
	{"/dev/net/tun", doctor_process_tun},
	{"io_uring", doctor_process_io_uring},
	{"seccomp filters", doctor_process_seccomp},
	{"Landlock", doctor_process_landlock},
	{"user namespaces", doctor_process_user_namespaces},
	{"cost of the other namespaces", doctor_process_namespaces},
};

int doctor_run(bool json)
{
	const struct doctor_files files = {.root = ""};
	struct doctor_report report = {0};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i].run(&files, &report);

	if (doctor_report_print(&report, stdout, json) != 0)
		return OUTCOME_STATUS_HOST;
	return doctor_report_level(&report) == DOCTOR_FAIL ? OUTCOME_STATUS_HOST : EXIT_SUCCESS;
}
