/* SPDX-License-Identifier: MIT */
/*
 * monitor/doctor_prepared.h - whether starts find what `mote prepare` leaves, as they would look
 * for it: see prepared.h.
 */
#ifndef MONITOR_DOCTOR_PREPARED_H
#define MONITOR_DOCTOR_PREPARED_H

#include "monitor/doctor_files.h"
#include "monitor/doctor_report.h"

/* Adds one finding where there is a /dev/kvm, as all of it is of use to KVM alone. */
void doctor_prepared(const struct doctor_files *files, struct doctor_report *report);

#endif
