/* SPDX-License-Identifier: MIT */
/*
 * benches/environment.h - where figures were taken: they mean nothing without it.
 */
#ifndef BENCHES_ENVIRONMENT_H
#define BENCHES_ENVIRONMENT_H

#include <jansson.h>

/*
 * A new object with date, kernel, hz (null where the kernel's configuration is not to be found),
 * cpu, cpus, memory_mib, hypervisor (whether this is a guest itself), cgroup ("v2", "v1" or
 * "hybrid"), load (the average of the last minute, the benchmark's own included), and kvm, the
 * names of the loaded KVM modules.  NULL if memory ran out.
 */
json_t *environment_describe(void);

#endif
