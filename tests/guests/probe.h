/* SPDX-License-Identifier: MIT */
/* tests/guests/probe.h - the parts of the probe guest. */
#ifndef GUEST_PROBE_H
#define GUEST_PROBE_H

#include <stdbool.h>

/* One TAP line. */
void probe_check(bool holds, const char *what);

void probe_tables(void);    /* MPTable and ACPI */
void probe_processor(void); /* CPUID, MSRs, local APIC, clocks */
void probe_devices(void);   /* IOAPIC, serial port, CMOS, and what is not there */

#endif
