/* SPDX-License-Identifier: MIT */
/*
 * monitor/doctor_kvm.h - doctor's questions to KVM: the device, its capabilities and the
 * module parameters that decide how fast a VM is made.
 *
 * Whether virtualization is done by hardware is asked of the modules and never of
 * /proc/cpuinfo: a software KVM works on CPUs that show neither VT-x nor AMD-V.
 * Source: Linux Documentation/virt/kvm/api.rst; parameters of arch/x86/kvm.
 */
#ifndef MONITOR_DOCTOR_KVM_H
#define MONITOR_DOCTOR_KVM_H

#include "monitor/doctor_files.h"
#include "monitor/doctor_report.h"

/* Each adds its findings to the report; none fails. */
void doctor_kvm_device(const struct doctor_files *files, struct doctor_report *report);
void doctor_kvm_provider(const struct doctor_files *files, struct doctor_report *report);
void doctor_kvm_nx_huge_pages(const struct doctor_files *files, struct doctor_report *report);
void doctor_kvm_enable_virt_at_load(const struct doctor_files *files, struct doctor_report *report);
void doctor_kvm_tdp_mmu(const struct doctor_files *files, struct doctor_report *report);

#endif
