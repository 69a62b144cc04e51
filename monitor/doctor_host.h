/* SPDX-License-Identifier: MIT */
/*
 * monitor/doctor_host.h - what doctor reads about the host itself: kernel, timer, mounts,
 * cgroups and huge pages.
 */
#ifndef MONITOR_DOCTOR_HOST_H
#define MONITOR_DOCTOR_HOST_H

#include "monitor/doctor_files.h"
#include "monitor/doctor_report.h"

/* Each adds its findings to the report; none fails. */
void doctor_host_kernel(const struct doctor_files *files, struct doctor_report *report);
void doctor_host_machine(const struct doctor_files *files, struct doctor_report *report);
void doctor_host_hz(const struct doctor_files *files, struct doctor_report *report);
void doctor_host_mounts(const struct doctor_files *files, struct doctor_report *report);
void doctor_host_huge_pages(const struct doctor_files *files, struct doctor_report *report);

#endif
