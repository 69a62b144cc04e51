/* SPDX-License-Identifier: MIT */
/*
 * monitor/doctor_trial.h - doctor builds real VMs and times each step.
 *
 * A VM of each interrupt mode is made, runs one instruction and is closed again, a few
 * times over, in a child, and once more in a cgroup of its own.  This is what finds a host whose
 * cgroup, kernel or seccomp profile makes a KVM call slow or forbidden, whatever the reason.
 */
#ifndef MONITOR_DOCTOR_TRIAL_H
#define MONITOR_DOCTOR_TRIAL_H

#include <stdint.h>

#include "monitor/doctor_files.h"
#include "monitor/doctor_report.h"

enum {
	DOCTOR_TRIAL_ROUNDS = 5,
	DOCTOR_TRIAL_SLOW_US = 5000, /* no step of a start shall take longer */
};

enum doctor_trial_step {
	DOCTOR_TRIAL_CREATE_VM,
	DOCTOR_TRIAL_MEMORY,
	DOCTOR_TRIAL_IRQCHIP,
	DOCTOR_TRIAL_VCPU,
	DOCTOR_TRIAL_RUN,   /* to the exit of the first guest instruction */
	DOCTOR_TRIAL_CLOSE, /* of the vCPU and the VM */
	DOCTOR_TRIAL_STEPS,
};

struct doctor_trial {
	int error;                     /* 0 or the negative errno of the step that failed */
	enum doctor_trial_step failed; /* only if there is an error */
	uint64_t step_us[DOCTOR_TRIAL_STEPS][DOCTOR_TRIAL_ROUNDS];
};

/* Does nothing unless a "kvm-device" that is DOCTOR_OK has been found before. */
void doctor_trial_vms(const struct doctor_files *files, struct doctor_report *report);

/* What a trial with the split irqchip, or with the in-kernel chips, says about the host. */
void doctor_trial_judge_split(const struct doctor_trial *trial, struct doctor_report *report);
void doctor_trial_judge_kernel(const struct doctor_trial *trial, struct doctor_report *report);

/* What a trial in a cgroup says of KVM_CREATE_VM, next to one outside. */
void doctor_trial_judge_cgroup(const struct doctor_trial *inside,
			       const struct doctor_trial *outside, struct doctor_report *report);

#endif
