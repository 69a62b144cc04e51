/* SPDX-License-Identifier: MIT */
/* monitor/doctor_trial.c - see doctor_trial.h. */
#include "monitor/doctor_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "jail/cgroup.h"
#include "monitor/doctor_child.h"
#include "monitor/layout.h"

enum {
	MEMORY_BYTES = 2 << 20,
	CODE_GPA = 0x1000,
	EXIT_PORT = 0xf4,
};

struct attempt {
	const struct doctor_files *files;
	bool in_kernel_irqchip;
	const struct cgroup *cgroup; /* NULL: the one that doctor is in */
};

/* What one round has open; -1 where nothing is. */
struct round {
	int kvm;
	int vm;
	int vcpu;
	void *memory;
};

static int create_vm(struct round *round)
{
	round->vm = ioctl(round->kvm, KVM_CREATE_VM, 0UL);
	return round->vm < 0 ? -errno : 0;
}

static int add_memory(const struct round *round)
{
	const struct kvm_userspace_memory_region slot = {
		.memory_size = MEMORY_BYTES,
		.userspace_addr = (uintptr_t)round->memory,
	};

	return ioctl(round->vm, KVM_SET_USER_MEMORY_REGION, &slot) != 0 ? -errno : 0;
}

static int create_irqchip(const struct round *round, bool in_kernel)
{
	const struct kvm_enable_cap split = {.cap = KVM_CAP_SPLIT_IRQCHIP,
					     .args = {LAYOUT_IOAPIC_PINS}};

	if (in_kernel)
		return ioctl(round->vm, KVM_CREATE_IRQCHIP, 0UL) != 0 ? -errno : 0;
	return ioctl(round->vm, KVM_ENABLE_CAP, &split) != 0 ? -errno : 0;
}

static int create_vcpu(struct round *round)
{
	round->vcpu = ioctl(round->vm, KVM_CREATE_VCPU, 0UL);
	return round->vcpu < 0 ? -errno : 0;
}

/* One real-mode instruction, out %al, $EXIT_PORT, and the exit that it must cause. */
static int run_instruction(const struct round *round)
{
	const uint8_t code[] = {0xe6, EXIT_PORT};
	struct kvm_regs regs = {.rip = CODE_GPA, .rflags = 2};
	int run_bytes = ioctl(round->kvm, KVM_GET_VCPU_MMAP_SIZE, 0UL);
	struct kvm_sregs sregs;
	struct kvm_run *run;
	int error = 0;

	if (run_bytes < 0 || ioctl(round->vcpu, KVM_GET_SREGS, &sregs) != 0)
		return -errno;
	memcpy((uint8_t *)round->memory + CODE_GPA, code, sizeof(code));
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	run = mmap(NULL, (size_t)run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, round->vcpu, 0);
	if (run == MAP_FAILED)
		return -errno;
	if (ioctl(round->vcpu, KVM_SET_SREGS, &sregs) != 0 ||
	    ioctl(round->vcpu, KVM_SET_REGS, &regs) != 0 || ioctl(round->vcpu, KVM_RUN, 0UL) != 0)
		error = -errno;
	else if (run->exit_reason != KVM_EXIT_IO || run->io.port != EXIT_PORT)
		error = -EIO;
	munmap(run, (size_t)run_bytes);
	return error;
}

static int close_all(struct round *round)
{
	if (round->vcpu >= 0)
		close(round->vcpu);
	if (round->vm >= 0)
		close(round->vm);
	round->vcpu = -1;
	round->vm = -1;
	return 0;
}

static int take_step(struct round *round, enum doctor_trial_step step, bool in_kernel_irqchip)
{
	switch (step) {
	case DOCTOR_TRIAL_CREATE_VM: return create_vm(round);
	case DOCTOR_TRIAL_MEMORY: return add_memory(round);
	case DOCTOR_TRIAL_IRQCHIP: return create_irqchip(round, in_kernel_irqchip);
	case DOCTOR_TRIAL_VCPU: return create_vcpu(round);
	case DOCTOR_TRIAL_RUN: return run_instruction(round);
	default: return close_all(round);
	}
}

/* What clone3() could not: the groups of v1. */
static int enter(const struct cgroup *cgroup)
{
	struct cgroup copy = *cgroup;

	return cgroup_enter(&copy);
}

/* In the child, whose end closes whatever a failure leaves open. */
static void attempt_rounds(const void *argument, void *result)
{
	const struct attempt *attempt = argument;
	struct doctor_trial *trial = result;
	struct round round = {.vm = -1, .vcpu = -1};

	if (attempt->cgroup)
		trial->error = enter(attempt->cgroup);
	if (trial->error != 0)
		return;

	round.kvm = doctor_files_open(attempt->files, "/dev/kvm", O_RDWR);
	round.memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (round.memory == MAP_FAILED) {
		trial->error = -errno;
		return;
	}
	for (unsigned int i = 0; i < DOCTOR_TRIAL_ROUNDS; i++) {
		for (unsigned int step = 0; step < DOCTOR_TRIAL_STEPS; step++) {
			uint64_t start_us = doctor_clock_us();

			trial->error = take_step(&round, step, attempt->in_kernel_irqchip);
			trial->step_us[step][i] = doctor_clock_us() - start_us;
			if (trial->error != 0) {
				trial->failed = step;
				return;
			}
		}
	}
}

static int compare_us(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static uint64_t median_us(const struct doctor_trial *trial, enum doctor_trial_step step)
{
	uint64_t sorted[DOCTOR_TRIAL_ROUNDS];

	memcpy(sorted, trial->step_us[step], sizeof(sorted));
	qsort(sorted, DOCTOR_TRIAL_ROUNDS, sizeof(sorted[0]), compare_us);
	return sorted[DOCTOR_TRIAL_ROUNDS / 2];
}

static uint64_t worst_us(const struct doctor_trial *trial, enum doctor_trial_step step)
{
	uint64_t worst = 0;

	for (unsigned int i = 0; i < DOCTOR_TRIAL_ROUNDS; i++)
		if (trial->step_us[step][i] > worst)
			worst = trial->step_us[step][i];
	return worst;
}

static const struct {
	const char *name;
	const char *call;
	const char *remedy; /* where the median is above DOCTOR_TRIAL_SLOW_US */
} steps[DOCTOR_TRIAL_STEPS] = {
	[DOCTOR_TRIAL_CREATE_VM] = {"trial-create-vm", "KVM_CREATE_VM",
				    "each start pays this. Known causes: the NX recovery thread "
				    "joins the caller's cgroup "
				    "(kvm.nx_huge_pages=never where the CPU allows; favordynmods "
				    "on the cgroup mount), or "
				    "virtualization is turned on anew (kvm.enable_virt_at_load=1)"},
	[DOCTOR_TRIAL_MEMORY] = {"trial-memory-slot", "KVM_SET_USER_MEMORY_REGION",
				 "each start pays this. It waits for SRCU readers: look for other "
				 "VMs on this host that "
				 "keep KVM busy, and for a low HZ"},
	[DOCTOR_TRIAL_IRQCHIP] = {"trial-irqchip-split", "KVM_CAP_SPLIT_IRQCHIP",
				  "each start pays this, and no cause is known"},
	[DOCTOR_TRIAL_VCPU] = {"trial-create-vcpu", "KVM_CREATE_VCPU",
			       "each start pays this. On Intel it changes a memory slot and waits "
			       "out an SRCU grace "
			       "period: update a 6.18-class kernel, or raise HZ"},
	[DOCTOR_TRIAL_RUN] =
		{"trial-run", "KVM_RUN",
		 "each start pays this: the NX recovery thread is made here "
		 "(kvm.nx_huge_pages=never where the CPU allows), or the way into the guest is "
		 "slow, as on an emulated host"},
	[DOCTOR_TRIAL_CLOSE] = {"trial-close", "close of the VM",
				"whoever waits for mote to end waits for this too. Known causes: "
				"an SRCU grace period "
				"(raise HZ, or update the kernel), or virtualization is turned off "
				"with the last VM "
				"(kvm.enable_virt_at_load=1, or keep one VM alive)"},
};

void doctor_trial_judge_split(const struct doctor_trial *trial, struct doctor_report *report)
{
	if (trial->error != 0) {
		doctor_add(report, "trial", DOCTOR_FAIL,
			   "a VM cannot be built here: look for a seccomp or device policy around "
			   "this process, and for KVM's words in dmesg",
			   "%s: %s", steps[trial->failed].call, strerror(-trial->error));
		return;
	}
	for (unsigned int step = 0; step < DOCTOR_TRIAL_STEPS; step++) {
		uint64_t median = median_us(trial, step);
		bool slow = median > DOCTOR_TRIAL_SLOW_US;

		doctor_add(report, steps[step].name, slow ? DOCTOR_WARN : DOCTOR_OK,
			   slow ? steps[step].remedy : "", "%llu us, worst %llu us",
			   (unsigned long long)median, (unsigned long long)worst_us(trial, step));
	}
}

void doctor_trial_judge_kernel(const struct doctor_trial *trial, struct doctor_report *report)
{
	uint64_t build_us = 0;
	uint64_t close_us = median_us(trial, DOCTOR_TRIAL_CLOSE);

	if (trial->error != 0) {
		doctor_add(report, "trial-irqchip-kernel", DOCTOR_WARN,
			   "guests that need a PIC or PIT cannot run here; others get the split "
			   "irqchip",
			   "%s: %s", steps[trial->failed].call, strerror(-trial->error));
		return;
	}
	for (unsigned int step = 0; step < DOCTOR_TRIAL_CLOSE; step++)
		build_us += median_us(trial, step);
	doctor_add(report, "trial-irqchip-kernel",
		   close_us > DOCTOR_TRIAL_SLOW_US ? DOCTOR_INFO : DOCTOR_OK,
		   close_us > DOCTOR_TRIAL_SLOW_US
			   ? "its registrations on the I/O bus make closing wait for an SRCU grace "
			     "period: let guests use irqchip: split where they can"
			   : "",
		   "%llu us, close %llu us", (unsigned long long)build_us,
		   (unsigned long long)close_us);
}

void doctor_trial_judge_cgroup(const struct doctor_trial *inside,
			       const struct doctor_trial *outside, struct doctor_report *report)
{
	static const char name[] = "trial-create-vm-cgroup";
	uint64_t median = median_us(inside, DOCTOR_TRIAL_CREATE_VM);
	bool slow = median > DOCTOR_TRIAL_SLOW_US;

	if (inside->error != 0)
		doctor_add(report, name, DOCTOR_WARN,
			   "a VM with mote.cgroup cannot run here: look for a policy on cgroups "
			   "around this process",
			   "%s", strerror(-inside->error));
	else
		doctor_add(report, name, slow ? DOCTOR_WARN : DOCTOR_OK,
			   slow ? steps[DOCTOR_TRIAL_CREATE_VM].remedy : "",
			   "%llu us in a group, %llu us without", (unsigned long long)median,
			   (unsigned long long)median_us(outside, DOCTOR_TRIAL_CREATE_VM));
}

/* A trial that could not even report is one that failed at its first step. */
static struct doctor_trial hold(const struct attempt *attempt)
{
	int cgroup_fd = attempt->cgroup ? cgroup_clone_fd(attempt->cgroup) : -1;
	struct doctor_trial trial = {0};
	int error = doctor_child_run_in(cgroup_fd, attempt_rounds, attempt, &trial, sizeof(trial));

	if (error != 0)
		trial.error = error;
	return trial;
}

/* The group has no limits, and its parent is the root, so that no controller is needed. */
static void try_in_cgroup(const struct doctor_files *files, const struct doctor_trial *outside,
			  struct doctor_report *report)
{
	static const struct cgroup_limits no_limits;
	int root = doctor_files_open(files, "/sys/fs/cgroup", O_RDONLY | O_DIRECTORY);
	struct cgroup_error reason = {.controller = "cgroup", .text = "not mounted"};
	struct doctor_trial inside;
	struct cgroup cgroup;
	int error = root;

	if (root >= 0) {
		error = cgroup_create(&cgroup, root, ".", getpid(), doctor_clock_us(), &no_limits,
				      &reason);
		close(root);
	}
	if (error < 0) {
		doctor_add(report, "trial-create-vm-cgroup", DOCTOR_INFO,
			   "only who may make a group below the root of the cgroups can tell",
			   "not tried: %s: %s", reason.controller, strerror(-error));
		return;
	}
	inside = hold(&(struct attempt){.files = files, .cgroup = &cgroup});
	doctor_trial_judge_cgroup(&inside, outside, report);
	cgroup_sweep(&cgroup);
	(void)cgroup_remove(&cgroup);
}

void doctor_trial_vms(const struct doctor_files *files, struct doctor_report *report)
{
	const struct doctor_finding *device = doctor_report_find(report, "kvm-device");
	struct doctor_trial split;
	struct doctor_trial kernel;

	if (device == NULL || device->level != DOCTOR_OK)
		return;
	split = hold(&(struct attempt){.files = files});
	doctor_trial_judge_split(&split, report);
	kernel = hold(&(struct attempt){.files = files, .in_kernel_irqchip = true});
	doctor_trial_judge_kernel(&kernel, report);
	if (split.error == 0)
		try_in_cgroup(files, &split, report);
}
