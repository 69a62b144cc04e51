/* SPDX-License-Identifier: MIT */
/*
 * monitor/nested_paging.h - whether KVM translates guest addresses in hardware.
 *
 * Asked of the vendor module's parameters, not of /proc/cpuinfo: a CPU may have
 * EPT or NPT and the module not use it, and a software KVM has neither.
 */
#ifndef MONITOR_NESTED_PAGING_H
#define MONITOR_NESTED_PAGING_H

/* "EPT", "NPT", or NULL where neither is in use. */
const char *nested_paging_kind(void);

#endif
