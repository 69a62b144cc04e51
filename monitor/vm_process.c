/* SPDX-License-Identifier: MIT */
/* monitor/vm_process.c - see vm_process.h. */
#include "monitor/vm_process.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor/console.h"
#include "monitor/delivery.h"
#include "monitor/halt_watch.h"
#include "monitor/input.h"
#include "monitor/log.h"
#include "monitor/loop.h"
#include "monitor/machine.h"

enum {
	THREAD_STACK_BYTES = 64 * 1024,
};

#define NS_PER_MS UINT64_C(1000000)

/* One VM per process: too big for a stack, and in use until the process ends. */
static struct machine machine;
static struct console console;
static struct input input;
static struct loop loop;
static struct confinement *confinement;

/* What the I/O thread does next and when, UINT64_MAX for never. */
static struct {
	uint64_t console_due_ns;
	int console_watch;
	struct halt_watch halt;
	bool was_asked; /* by the launcher, to stop */
	struct delivery delivery;
} io = {.console_due_ns = UINT64_MAX, .delivery = DELIVERY_NOT_BEGUN};

/* How the run ended, from the claim on; then it is the I/O thread's, if anything is owed. */
static struct {
	struct outcome outcome;
	_Atomic bool is_left_to_io;
} end;

static uint64_t sum_counter(size_t offset)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < machine.vcpu_count; i++)
		sum += *(const uint64_t *)(const void *)((const char *)&machine.vcpus[i] + offset);
	return sum;
}

static void publish_counters(struct run_counters *counters)
{
	*counters = (struct run_counters){
		.port_exits = sum_counter(offsetof(struct vcpu, port_exits)),
		.mmio_exits = sum_counter(offsetof(struct vcpu, mmio_exits)),
		.other_exits = sum_counter(offsetof(struct vcpu, other_exits)),
		.unclaimed_reads = machine.platform.ports.unclaimed_reads +
				   machine.platform.mmio.unclaimed_reads,
		.unclaimed_writes = machine.platform.ports.unclaimed_writes +
				    machine.platform.mmio.unclaimed_writes,
		.console_bytes = console.total_bytes,
		.console_dropped_bytes = console.dropped_bytes + console_owed_bytes(&console),
		.console_errno = console.gone_errno,
	};
	devices_count(&machine.devices, counters);
}

static uint64_t owed_bytes(void)
{
	return console_owed_bytes(&console) + devices_owed_bytes(&machine.devices);
}

static void finish_run(void) __attribute__((noreturn));
static void finish_run(void)
{
	trace_stamp(&machine.state->trace, TRACE_OUTPUT);
	publish_counters(&machine.state->counters);
	run_state_finish(machine.state, &end.outcome);
	_exit(0);
}

/*
 * End the run with the first outcome.  Returns if another one came first, or if something is
 * owed to hosts, which the I/O thread delivers in its own time.
 */
static void begin_end(const struct outcome *outcome)
{
	if (!run_state_claim(machine.state))
		return;
	trace_stamp(&machine.state->trace, TRACE_END);
	end.outcome = *outcome;
	devices_take_no_more(&machine.devices);
	console_close(&console);
	if (owed_bytes() == 0)
		finish_run();
	atomic_store(&end.is_left_to_io, true);
	loop_wake(&loop);
}

/* The same for a thread that has nothing else to do. */
static void end_run(const struct outcome *outcome) __attribute__((noreturn));
static void end_run(const struct outcome *outcome)
{
	begin_end(outcome);
	for (;;)
		pause();
}

static void fail(enum outcome_kind kind, const struct reason *reason) __attribute__((noreturn));
static void fail(enum outcome_kind kind, const struct reason *reason)
{
	const struct outcome outcome = {.kind = kind};

	log_error("%s", reason->text);
	end_run(&outcome);
}

static void fail_if(enum outcome_kind failure, const struct reason *reason)
{
	if (failure != OUTCOME_NONE)
		fail(failure, reason);
}

static void wake_loop(void *owner)
{
	(void)owner;
	loop_wake(&loop);
}

static void leave(void *owner)
{
	const struct outcome left = {.kind = OUTCOME_LEFT};

	(void)owner;
	begin_end(&left);
	delivery_hurry(&io.delivery, trace_now_ns());
}

static void want_input(void *owner)
{
	(void)owner;
	input_want(&input);
}

static void on_unmasked(void *owner, uint32_t gsi)
{
	(void)owner;
	devices_unmasked(&machine.devices, gsi);
}

static void obey_launcher(void)
{
	struct outcome wish = {
		.kind = (enum outcome_kind)atomic_load(&machine.state->stop_kind),
		.code = atomic_load(&machine.state->stop_code),
	};

	if (wish.kind == OUTCOME_NONE || io.was_asked)
		return;
	io.was_asked = true;
	begin_end(&wish);
	delivery_hurry(&io.delivery, trace_now_ns());
}

static void on_wake(void *owner, short events)
{
	(void)owner;
	(void)events;
	obey_launcher();
	input_resume(&input);
	/* The rest of a line usually follows at once: give it the time to arrive. */
	if (io.console_due_ns == UINT64_MAX)
		io.console_due_ns = trace_now_ns() + CONSOLE_TICK_MS * NS_PER_MS;
}

static void on_console_writable(void *owner, short events)
{
	(void)owner;
	(void)events;
	io.console_due_ns = 0;
}

static void tick_console(uint64_t now_ns)
{
	bool blocked = false;
	bool left;

	if (now_ns < io.console_due_ns)
		return;
	left = console_tick(&console, &blocked);
	io.console_due_ns = left && !blocked ? now_ns + CONSOLE_TICK_MS * NS_PER_MS : UINT64_MAX;
	loop_expect(&loop, io.console_watch, blocked ? POLLOUT : 0);
}

static int64_t next_timeout_ns(uint64_t now_ns)
{
	uint64_t due_ns = io.console_due_ns < io.halt.due_ns ? io.console_due_ns : io.halt.due_ns;
	uint64_t devices_ns = devices_due_ns(&machine.devices);

	if (devices_ns < due_ns)
		due_ns = devices_ns;
	if (io.delivery.give_up_ns < due_ns)
		due_ns = io.delivery.give_up_ns;
	return due_ns <= now_ns ? 0 : (int64_t)(due_ns - now_ns);
}

/* One turn of the I/O thread: wait for what is next, and see to it. */
static void turn(void)
{
	devices_expect(&machine.devices, &loop);
	loop_turn(&loop, next_timeout_ns(trace_now_ns()));
	devices_tick(&machine.devices, trace_now_ns());
	tick_console(trace_now_ns());
}

/* The run is over, and so is the guest: whether it halted is nobody's concern any more. */
static void deliver(void)
{
	io.halt.due_ns = UINT64_MAX;
	if (!delivery_goes_on(&io.delivery, owed_bytes(), trace_now_ns()))
		finish_run();
}

/*
 * Threads that are not sealed yet.  No vCPU runs before all are: they share their memory, so a
 * guest that takes one of them over could have the next one do what it pleases.
 */
static _Atomic uint32_t unsealed;

/* The last step of a thread before it looks at anything the guest wrote. */
static void seal(enum jail_role role)
{
	struct reason reason;

	if (confine_thread(confinement, role, &reason))
		fail(OUTCOME_HOST_FAILURE, &reason);
	if (atomic_fetch_sub(&unsealed, 1) == 1)
		syscall(SYS_futex, &unsealed, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static void wait_until_all_are_sealed(void)
{
	uint32_t left;

	while ((left = atomic_load(&unsealed)) != 0)
		syscall(SYS_futex, &unsealed, FUTEX_WAIT_PRIVATE, left, NULL, NULL, 0);
}

static void *io_thread(void *unused)
{
	const struct outcome halted = {.kind = OUTCOME_HALTED};
	struct reason reason;

	(void)unused;
	/* A stop that was asked for before this thread listened. */
	obey_launcher();
	if (devices_start(&machine.devices, &loop, &reason))
		fail(OUTCOME_HOST_FAILURE, &reason);
	seal(JAIL_ROLE_IO);
	halt_watch_init(&io.halt, machine.vcpus, machine.vcpu_count, trace_now_ns());
	for (;;) {
		turn();
		if (atomic_load(&end.is_left_to_io))
			deliver();
		else if (halt_watch_tick(&io.halt, trace_now_ns()))
			begin_end(&halted);
	}
}

static void *vcpu_thread(void *vcpu)
{
	struct outcome outcome;

	vcpu_take_thread(vcpu);
	seal(JAIL_ROLE_VCPU);
	wait_until_all_are_sealed();
	if (vcpu == &machine.vcpus[0])
		trace_stamp(&machine.state->trace, TRACE_SEAL);
	outcome = vcpu_run(vcpu);
	end_run(&outcome);
}

static int start_thread(void *(*body)(void *), void *owner)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &attributes, body, owner);
	pthread_attr_destroy(&attributes);
	return -error;
}

static int start_threads(struct reason *reason)
{
	int error;

	atomic_store(&unsealed, 1 + machine.vcpu_count);
	error = start_thread(io_thread, NULL);

	for (unsigned int id = 1; id < machine.vcpu_count && !error; id++)
		error = start_thread(vcpu_thread, &machine.vcpus[id]);
	if (error)
		return reason_set(reason, error, "cannot start a thread: %s", strerror(-error));
	return 0;
}

static int keep_vsock(void)
{
	const struct resources *resources = machine.resources;
	const int kept[] = {machine.devices.vsock.vsock.muxer.epoll_fd, resources->vsock.fd,
			    resources->broker.vm_fd, resources->stdio.read_fd};
	int error = confine_keep_output(confinement, resources->stdio.write_fd);

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept) && !error; i++)
		error = confine_keep(confinement, kept[i]);
	return error;
}

/* All that the run needs is open; each descriptor that stays is named here. */
static int enter_jail(struct reason *reason)
{
	const struct resources *resources = machine.resources;
	const int kept[] = {STDIN_FILENO,      STDOUT_FILENO,     STDERR_FILENO, resources->wake_fd,
			    resources->log_fd, machine.kvm.vm_fd, console.fd};
	int error = 0;

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept) && !error; i++)
		error = confine_keep(confinement, kept[i]);
	for (unsigned int i = 0; i < machine.config->drive_count && !error; i++)
		error = confine_keep(confinement, resources->drives[i].fd);
	for (unsigned int i = 0; i < machine.config->interface_count && !error; i++)
		error = confine_keep(confinement, resources->uplinks[i].fd);
	for (unsigned int i = 0; i < machine.vcpu_count && !error; i++)
		error = confine_keep(confinement, machine.vcpus[i].fd);
	if (machine.config->vsock.present && !error)
		error = keep_vsock();
	if (error)
		return reason_set(reason, error, "jail: more descriptors than it has room for");
	error = confine_vm(confinement, machine.vcpu_count, reason);
	if (!error)
		confine_warn(confinement);
	return error;
}

/* Console and input come before the machine, which is wired to them. */
static void wire(const struct vm_process *vm)
{
	/* With --stdio, standard output is the guest's to write to by vsock. */
	int output = vm->config->stdio.present ? STDERR_FILENO : STDOUT_FILENO;

	loop_init(&loop, vm->resources->wake_fd, on_wake, NULL);
	console_init(&console, output, wake_loop, NULL);
	io.console_watch = loop_watch(&loop, output, 0, on_console_writable, NULL);
	input = (struct input){
		.fd = STDIN_FILENO,
		.loop = &loop,
		.serial = &machine.platform.serial,
		.serial_lock = &machine.platform.serial_lock,
		.leave = leave,
	};
	input_init(&input);
	/* Field by field: the rest is zero already, and writing it would touch all of its pages. */
	confinement = vm->confinement;
	machine.config = vm->config;
	machine.resources = vm->resources;
	machine.prepared = vm->prepared;
	machine.state = vm->state;
	machine.console = &console;
	machine.loop = &loop;
	machine.links.input_wanted = want_input;
	machine.links.input_drained = wake_loop;
	machine.links.line_unmasked = on_unmasked;
}

void vm_process_main(void *vm_process)
{
	const struct vm_process *vm = vm_process;
	struct reason reason;

	trace_stamp(&vm->state->trace, TRACE_CLONE);
	wire(vm);
	if (confine_arrive(confinement, &reason))
		fail(OUTCOME_HOST_FAILURE, &reason);

	/* The VM and its memory, while nobody else keeps the kernel busy. */
	fail_if(machine_create(&machine, &reason), &reason);
	confine_begin_room(confinement);

	/* The last allocation: kernel image, devices, vCPUs. */
	fail_if(machine_build(&machine, &reason), &reason);

	/* The last name that could be opened, the last id, capability and descriptor. */
	if (enter_jail(&reason))
		fail(OUTCOME_HOST_FAILURE, &reason);
	trace_stamp(&vm->state->trace, TRACE_JAIL);

	/* The last new thread. */
	vcpu_prepare_probes();
	if (start_threads(&reason))
		fail(OUTCOME_HOST_FAILURE, &reason);
	trace_stamp(&vm->state->trace, TRACE_THREADS);

	/* While those come up, what the kernel is told. */
	fail_if(machine_finish(&machine, &reason), &reason);

	/* Once every thread has sealed itself the guest runs. */
	vcpu_thread(&machine.vcpus[0]);
	__builtin_unreachable();
}
