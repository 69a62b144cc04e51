/* SPDX-License-Identifier: MIT */
/*
 * monitor/doctor_process.h - what this process may do on the host: devices, system calls and
 * namespaces that mote and its jail use, each tried rather than looked up.
 *
 * A check whose system call does not depend on files ignores them.
 */
#ifndef MONITOR_DOCTOR_PROCESS_H
#define MONITOR_DOCTOR_PROCESS_H

#include "monitor/doctor_files.h"
#include "monitor/doctor_report.h"

/* Each adds its findings to the report; none fails. */
void doctor_process_tun(const struct doctor_files *files, struct doctor_report *report);
void doctor_process_io_uring(const struct doctor_files *files, struct doctor_report *report);
void doctor_process_seccomp(const struct doctor_files *files, struct doctor_report *report);
void doctor_process_landlock(const struct doctor_files *files, struct doctor_report *report);
void doctor_process_user_namespaces(const struct doctor_files *files, struct doctor_report *report);
void doctor_process_namespaces(const struct doctor_files *files, struct doctor_report *report);

#endif
