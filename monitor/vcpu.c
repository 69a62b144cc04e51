/* SPDX-License-Identifier: MIT */
/* monitor/vcpu.c - see vcpu.h. */
#include "monitor/vcpu.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "monitor/log.h"
#include "monitor/msr.h"

enum {
	PROBE_SIGNAL = SIGUSR1,
	LVT_LINT0_OFFSET = 0x350,
	LVT_LINT1_OFFSET = 0x360,
	LVT_MODE_EXTINT = 0x700,
	LVT_MODE_NMI = 0x400,
	LVT_MODE_MASK = 0x700,
	LVT_MASKED = 0x10000,
	/* Of EAGAIN in a row: some at once, then about a second's worth. */
	REFUSALS_UNPAUSED = 16,
	REFUSALS_MAX = 1000,
	REFUSAL_PAUSE_NS = 1000000,
};

static int call(const struct vcpu *vcpu, unsigned long request, void *argument, const char *name,
		struct reason *reason)
{
	int result = ioctl(vcpu->fd, request, argument);

	if (result < 0)
		return reason_set(reason, -errno, "%s on vCPU %u: %s", name, vcpu->id,
				  strerror(errno));
	return result;
}

int vcpu_create(struct vcpu *vcpu, unsigned int id, const struct kvm *kvm,
		const struct vcpu_services *services, struct reason *reason)
{
	int fd = ioctl(kvm->vm_fd, KVM_CREATE_VCPU, (unsigned long)id);
	struct kvm_run *run;

	if (fd < 0)
		return reason_set(reason, -errno, "KVM_CREATE_VCPU %u: %s", id, strerror(errno));
	run = mmap(NULL, kvm->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run == MAP_FAILED) {
		int error = reason_set(reason, -errno, "mmap of vCPU %u: %s", id, strerror(errno));

		close(fd);
		return error;
	}
	*vcpu = (struct vcpu){.id = id, .fd = fd, .run = run, .services = services};
	return 0;
}

int vcpu_set_cpuid(const struct vcpu *vcpu, const struct cpuid_table *table, struct reason *reason)
{
	return call(vcpu, KVM_SET_CPUID2, (void *)(uintptr_t)table, "KVM_SET_CPUID2", reason);
}

int vcpu_set_msrs(const struct vcpu *vcpu, struct reason *reason)
{
	int count =
		call(vcpu, KVM_SET_MSRS, (void *)(uintptr_t)&msr_boot_list, "KVM_SET_MSRS", reason);

	if (count < 0)
		return count;
	if (count != MSR_BOOT_COUNT)
		return reason_set(reason, -EINVAL, "KVM_SET_MSRS on vCPU %u refused MSR %#x",
				  vcpu->id, msr_boot_list.entries[count].index);
	return 0;
}

uint32_t vcpu_tsc_khz(const struct vcpu *vcpu, const struct kvm *kvm)
{
	/* Whatever is asked of a vCPU loads its state onto the processor, which takes 9 us here. */
	int khz = ioctl(kvm->vm_fd, KVM_GET_TSC_KHZ, 0);

	if (khz < 0)
		khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);
	return khz < 0 ? 0 : (uint32_t)khz;
}

int vcpu_get_sregs(const struct vcpu *vcpu, struct kvm_sregs *sregs, struct reason *reason)
{
	return call(vcpu, KVM_GET_SREGS, sregs, "KVM_GET_SREGS", reason);
}

int vcpu_set_registers(const struct vcpu *vcpu, const struct kvm_sregs *sregs,
		       const struct kvm_regs *regs, struct reason *reason)
{
	int error = call(vcpu, KVM_SET_SREGS, (void *)(uintptr_t)sregs, "KVM_SET_SREGS", reason);

	if (error)
		return error;
	return call(vcpu, KVM_SET_REGS, (void *)(uintptr_t)regs, "KVM_SET_REGS", reason);
}

int vcpu_set_local_interrupts(const struct vcpu *vcpu, struct reason *reason)
{
	struct kvm_lapic_state lapic;
	uint32_t lvt;
	int error = call(vcpu, KVM_GET_LAPIC, &lapic, "KVM_GET_LAPIC", reason);

	if (error)
		return error;
	memcpy(&lvt, lapic.regs + LVT_LINT0_OFFSET, sizeof(lvt));
	lvt = (lvt & ~(uint32_t)(LVT_MODE_MASK | LVT_MASKED)) | LVT_MODE_EXTINT;
	memcpy(lapic.regs + LVT_LINT0_OFFSET, &lvt, sizeof(lvt));
	memcpy(&lvt, lapic.regs + LVT_LINT1_OFFSET, sizeof(lvt));
	lvt = (lvt & ~(uint32_t)(LVT_MODE_MASK | LVT_MASKED)) | LVT_MODE_NMI;
	memcpy(lapic.regs + LVT_LINT1_OFFSET, &lvt, sizeof(lvt));
	return call(vcpu, KVM_SET_LAPIC, &lapic, "KVM_SET_LAPIC", reason);
}

static void on_probe(int signal_number)
{
	(void)signal_number; /* interrupting KVM_RUN is all it is for */
}

void vcpu_prepare_probes(void)
{
	struct sigaction action = {.sa_handler = on_probe};
	sigset_t probe;

	sigaction(PROBE_SIGNAL, &action, NULL);
	/* Supervisors that take their signals by descriptor leave them blocked in their children.
	 */
	sigemptyset(&probe);
	sigaddset(&probe, PROBE_SIGNAL);
	sigprocmask(SIG_UNBLOCK, &probe, NULL);
}

void vcpu_probe(struct vcpu *vcpu)
{
	pid_t thread_id = atomic_load(&vcpu->thread_id);

	atomic_store(&vcpu->probe, VCPU_PROBE_ASKED);
	/* A signal that comes between two KVM_RUNs would be lost; this makes the next one return.
	 */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (thread_id)
		syscall(SYS_tgkill, getpid(), thread_id, PROBE_SIGNAL);
}

enum vcpu_probe vcpu_probe_result(const struct vcpu *vcpu)
{
	return (enum vcpu_probe)atomic_load(&vcpu->probe);
}

static void answer_probe(struct vcpu *vcpu)
{
	struct kvm_mp_state state = {.mp_state = KVM_MP_STATE_RUNNABLE};
	uint64_t exits = vcpu->port_exits + vcpu->mmio_exits + vcpu->other_exits;
	enum vcpu_probe awake = VCPU_PROBE_BUSY;
	bool halted = false;

	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	if (atomic_load(&vcpu->probe) != VCPU_PROBE_ASKED)
		return;
	if (ioctl(vcpu->fd, KVM_GET_MP_STATE, &state) == 0) {
		if (state.mp_state == KVM_MP_STATE_HALTED)
			halted = !vcpu->run->if_flag;
		else
			halted = state.mp_state == KVM_MP_STATE_UNINITIALIZED ||
				 state.mp_state == KVM_MP_STATE_INIT_RECEIVED;
	}
	/* One that computes may halt for good at any time, and is not to be asked less often. */
	if (exits == vcpu->exits_answered && state.mp_state == KVM_MP_STATE_HALTED)
		awake = VCPU_PROBE_QUIET;
	vcpu->exits_answered = exits;
	atomic_store(&vcpu->probe, halted ? VCPU_PROBE_HALTED : awake);
}

/* A string instruction may carry many items in one exit; each is an access of its own. */
static void serve_port(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint8_t *item = (uint8_t *)run + run->io.data_offset;
	bool is_write = run->io.direction == KVM_EXIT_IO_OUT;

	vcpu->port_exits++;
	for (uint32_t i = 0; i < run->io.count; i++, item += run->io.size)
		bus_access(vcpu->services->ports, run->io.port, item, run->io.size, is_write);
	console_throttle(vcpu->services->console);
}

static void serve_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	vcpu->mmio_exits++;
	bus_access(vcpu->services->mmio, run->mmio.phys_addr, run->mmio.data, run->mmio.len,
		   run->mmio.is_write);
}

/* Where the guest stood, for the message about what KVM could not do for it. */
static void describe_place(const struct vcpu *vcpu, char *text, size_t size)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) || ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		snprintf(text, size, "registers unknown");
	else
		snprintf(text, size,
			 "RIP %#" PRIx64 ", privilege level %u, CR0 %#" PRIx64 ", CR2 %#" PRIx64,
			 (uint64_t)regs.rip, sregs.cs.dpl, (uint64_t)sregs.cr0,
			 (uint64_t)sregs.cr2);
}

static struct outcome kvm_failed(const struct vcpu *vcpu, const char *what, uint64_t detail)
{
	char place[160];

	describe_place(vcpu, place, sizeof(place));
	log_error("vCPU %u: %s (%#" PRIx64 ") at %s", vcpu->id, what, detail, place);
	return (struct outcome){.kind = OUTCOME_KVM_FAILURE};
}

static struct outcome internal_error(const struct vcpu *vcpu)
{
	if (vcpu->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
		return kvm_failed(vcpu, "KVM cannot emulate the guest's instruction",
				  vcpu->run->internal.suberror);
	return kvm_failed(vcpu, "KVM reports an internal error", vcpu->run->internal.suberror);
}

static struct outcome system_event(const struct vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN: return (struct outcome){.kind = OUTCOME_POWER_OFF};
	case KVM_SYSTEM_EVENT_RESET: return (struct outcome){.kind = OUTCOME_RESET};
	case KVM_SYSTEM_EVENT_CRASH: return (struct outcome){.kind = OUTCOME_PANIC};
	default: return kvm_failed(vcpu, "unknown system event", vcpu->run->system_event.type);
	}
}

/* Serve one exit.  Returns OUTCOME_NONE while the guest goes on. */
static struct outcome serve_exit(struct vcpu *vcpu)
{
	struct outcome outcome = {.kind = OUTCOME_NONE};

	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_IO: serve_port(vcpu); break;
	case KVM_EXIT_MMIO: serve_mmio(vcpu); break;
	case KVM_EXIT_IOAPIC_EOI: /* KVM before Linux 5.6 tells of the end of edges as well */
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN: vcpu->other_exits++; break;
	case KVM_EXIT_SHUTDOWN: return (struct outcome){.kind = OUTCOME_TRIPLE_FAULT};
	case KVM_EXIT_SYSTEM_EVENT: return system_event(vcpu);
	case KVM_EXIT_INTERNAL_ERROR: return internal_error(vcpu);
	case KVM_EXIT_FAIL_ENTRY:
		return kvm_failed(vcpu, "the CPU refused to enter the guest",
				  vcpu->run->fail_entry.hardware_entry_failure_reason);
	default: return kvm_failed(vcpu, "unexpected exit reason", vcpu->run->exit_reason);
	}
	vcpu->services->stopped(vcpu->services->owner, &outcome);
	return outcome;
}

/*
 * EAGAIN comes once in a vCPU's life when it is started by another, and over and over where KVM
 * cannot make the thread that it wants for itself, as in a cgroup whose pids.max is reached.
 */
static bool is_patient(unsigned int refusals)
{
	const struct timespec pause = {.tv_nsec = REFUSAL_PAUSE_NS};

	if (refusals > REFUSALS_UNPAUSED)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	return refusals < REFUSALS_MAX;
}

static struct outcome run_failed(const struct vcpu *vcpu, int error)
{
	if (error == EAGAIN)
		return kvm_failed(vcpu, "no resources (is the pids limit of a cgroup reached?)",
				  (uint64_t)error);
	if (error == EFAULT || error == EHWPOISON)
		return kvm_failed(vcpu, "guest memory is gone (was the kernel file truncated?)",
				  (uint64_t)error);
	return kvm_failed(vcpu, strerror(error), (uint64_t)error);
}

void vcpu_take_thread(struct vcpu *vcpu)
{
	atomic_store(&vcpu->thread_id, (pid_t)syscall(SYS_gettid));
}

struct outcome vcpu_run(struct vcpu *vcpu)
{
	struct outcome outcome = {.kind = OUTCOME_NONE};
	bool first = vcpu->id == 0;
	unsigned int refusals = 0;

	if (first)
		trace_stamp(vcpu->services->trace, TRACE_FIRST_ENTRY);
	while (outcome.kind == OUTCOME_NONE) {
		int error = ioctl(vcpu->fd, KVM_RUN, 0) < 0 ? errno : 0;

		if (error == EINTR || error == EAGAIN) {
			answer_probe(vcpu);
			refusals = error == EAGAIN ? refusals + 1 : 0;
			if (is_patient(refusals))
				continue;
		}
		if (error)
			return run_failed(vcpu, error);
		if (first)
			trace_stamp(vcpu->services->trace, TRACE_FIRST_EXIT);
		first = false;
		refusals = 0;
		outcome = serve_exit(vcpu);
	}
	return outcome;
}
