/* SPDX-License-Identifier: MIT */
/* monitor/doctor.c - see doctor.h. */
#include "monitor/doctor.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "monitor/doctor_files.h"
#include "monitor/doctor_host.h"
#include "monitor/doctor_kvm.h"
#include "monitor/doctor_prepared.h"
#include "monitor/doctor_process.h"
#include "monitor/doctor_report.h"
#include "monitor/doctor_trial.h"
#include "monitor/outcome.h"

/* In the order of the report: what mote cannot do without comes first. */
static void (*const checks[])(const struct doctor_files *files, struct doctor_report *report) = {
	doctor_host_kernel,
	doctor_host_machine,
	doctor_kvm_device,
	doctor_kvm_provider,
	doctor_kvm_nx_huge_pages,
	doctor_kvm_enable_virt_at_load,
	doctor_kvm_tdp_mmu,
	doctor_trial_vms,
	doctor_prepared,
	doctor_host_hz,
	doctor_host_mounts,
	doctor_host_huge_pages,
	doctor_process_tun,
	doctor_process_io_uring,
	doctor_process_seccomp,
	doctor_process_landlock,
	doctor_process_user_namespaces,
	doctor_process_namespaces,
};

int doctor_run(bool json)
{
	const struct doctor_files files = {.root = ""};
	struct doctor_report report = {0};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](&files, &report);

	if (doctor_report_print(&report, stdout, json) != 0)
		return OUTCOME_STATUS_HOST;
	return doctor_report_level(&report) == DOCTOR_FAIL ? OUTCOME_STATUS_HOST : EXIT_SUCCESS;
}
