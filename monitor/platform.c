/* SPDX-License-Identifier: MIT */
/* monitor/platform.c - see platform.h. */
#include "monitor/platform.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "monitor/layout.h"
#include "monitor/log.h"
#include "monitor/mptable.h"

enum {
	STOP_KIND_SHIFT = 32,
};

static_assert(OUTCOME_NONE == 0, "no stop is told from one by being zero");

/*
 * The first chip to ask decides; the vCPU that served it ends the run.  Kind and code go in as one
 * word, or two vCPUs that stop at once would be read as an end that neither of them asked for.
 */
static void ask_for_stop(void *owner, enum outcome_kind kind, uint32_t code)
{
	struct platform *platform = owner;
	uint64_t nobody = 0;

	atomic_compare_exchange_strong(&platform->stop, &nobody,
				       (uint64_t)kind << STOP_KIND_SHIFT | code);
}

static void on_reset(void *owner)
{
	ask_for_stop(owner, OUTCOME_RESET, 0);
}

static void on_stamp(void *owner, unsigned int stage)
{
	struct platform *platform = owner;

	if (stage == BOOT_TIMER_BOOTED)
		trace_stamp(platform->links.trace, TRACE_GUEST_BOOT);
	else
		trace_stamp_value(platform->links.trace, TRACE_GUEST_STAGE, stage);
}

static int64_t wall_clock(void *owner)
{
	struct timespec now;

	(void)owner;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

static void on_serial_output(void *owner, uint8_t byte)
{
	struct platform *platform = owner;

	console_put(platform->links.console, byte);
}

static void on_serial_interrupt(void *owner)
{
	struct platform *platform = owner;

	/* A masked pin has no route, which KVM answers with an error: the edge is simply lost. */
	(void)kvm_pulse_line(platform->links.kvm, LAYOUT_SERIAL_GSI);
}

static void on_key_interrupt(void *owner)
{
	struct platform *platform = owner;

	(void)kvm_pulse_line(platform->links.kvm, LAYOUT_I8042_GSI);
}

static void on_serial_drained(void *owner)
{
	struct platform *platform = owner;

	platform->links.input_drained(platform->links.owner);
}

static void on_serial_wanted(void *owner)
{
	struct platform *platform = owner;

	platform->links.input_wanted(platform->links.owner);
}

static void raise_serial_again(struct platform *platform)
{
	bool pending;

	pthread_mutex_lock(&platform->serial_lock);
	pending = serial_interrupt_pending(&platform->serial);
	pthread_mutex_unlock(&platform->serial_lock);
	if (pending)
		on_serial_interrupt(platform);
}

/*
 * A pin that was just unmasked has lost the edges that came before.  Sources that can
 * still be asked raise theirs again.
 */
static void on_route_changed(void *owner, unsigned int pin, const struct ioapic_message *message)
{
	struct platform *platform = owner;

	platform->routes[pin] = (struct kvm_pin_route){
		.enabled = message->enabled,
		.address_lo = message->address_lo,
		.address_hi = message->address_hi,
		.data = message->data,
	};
	if (kvm_set_routes(platform->links.kvm, platform->routes) && !platform->route_refused) {
		platform->route_refused = true;
		log_error("KVM refused the interrupt routes");
	}
	if (!message->enabled)
		return;
	if (pin == LAYOUT_SERIAL_GSI)
		raise_serial_again(platform);
	else
		platform->links.line_unmasked(platform->links.owner, pin);
}

static void on_absent_chip(void *owner, enum absent_chip_kind kind)
{
	(void)owner;
	if (kind == ABSENT_PIC)
		log_warning("the guest programs an 8259 PIC, which it was not given: "
			    "set mote.irqchip to \"kernel\"");
	else
		log_warning("the guest programs an 8254 PIT, which it was not given: "
			    "set mote.pit to true");
}

static const struct serial_ops serial_ops = {
	.output = on_serial_output,
	.interrupt = on_serial_interrupt,
	.wanted = on_serial_wanted,
	.drained = on_serial_drained,
};
static const struct ioapic_ops ioapic_ops = {.route_changed = on_route_changed};
static const struct i8042_ops i8042_ops = {.reset = on_reset, .interrupt = on_key_interrupt};
static const struct cmos_ops cmos_ops = {.now = wall_clock};
static const struct absent_chip_ops absent_ops = {.noticed = on_absent_chip};

void platform_init(struct platform *platform, const struct platform_links *links)
{
	memset(platform, 0, sizeof(*platform));
	platform->links = *links;
	pthread_mutex_init(&platform->serial_lock, NULL);
	pthread_mutex_init(&platform->ioapic_lock, NULL);
	pthread_mutex_init(&platform->chips_lock, NULL);
	serial_init(&platform->serial, &serial_ops, platform);
	i8042_init(&platform->i8042, &i8042_ops, platform);
	cmos_init(&platform->cmos, &cmos_ops, platform);
	absent_chip_init(&platform->absent_pic, ABSENT_PIC, &absent_ops, platform);
	absent_chip_init(&platform->absent_pit, ABSENT_PIT, &absent_ops, platform);
	platform->stop_ports = (struct stop_ports){.stop = ask_for_stop, .owner = platform};
	platform->boot_timer = (struct boot_timer){.stamp = on_stamp, .owner = platform};
}

/* The chips that a machine with the in-kernel irqchip gets from KVM. */
static int add_split_chips(struct platform *platform, unsigned int vcpu_count)
{
	const struct bus_region ioapic = {
		.base = LAYOUT_IOAPIC_GPA,
		.size = LAYOUT_IOAPIC_BYTES,
		.name = "ioapic",
		.lock = &platform->ioapic_lock,
		.owner = &platform->ioapic,
		.access = ioapic_access,
	};
	int error;

	ioapic_init(&platform->ioapic, mptable_ioapic_id(vcpu_count), &ioapic_ops, platform);
	error = bus_add(&platform->mmio, &ioapic);
	if (!error)
		error = absent_chip_add(&platform->absent_pic, &platform->ports,
					&platform->chips_lock);
	if (!error)
		error = absent_chip_add(&platform->absent_pit, &platform->ports,
					&platform->chips_lock);
	return error;
}

int platform_build(struct platform *platform, unsigned int vcpu_count, bool split)
{
	pthread_mutex_t *chips_lock = &platform->chips_lock;
	const struct bus_region on_ports[] = {
		{LAYOUT_PORT_SERIAL, SERIAL_PORTS, "serial", &platform->serial_lock,
		 &platform->serial, serial_access},
		{LAYOUT_PORT_I8042_DATA, I8042_PORTS, "i8042", chips_lock, &platform->i8042,
		 i8042_access},
		{LAYOUT_PORT_CMOS, CMOS_PORTS, "cmos", chips_lock, &platform->cmos, cmos_access},
	};
	const struct bus_region timer = {LAYOUT_BOOT_TIMER_GPA, LAYOUT_PAGE_BYTES,
					 "boot timer",          NULL,
					 &platform->boot_timer, boot_timer_access};
	int error = stop_ports_add(&platform->stop_ports, &platform->ports);

	for (size_t i = 0; i < sizeof(on_ports) / sizeof(*on_ports) && !error; i++)
		error = bus_add(&platform->ports, &on_ports[i]);
	if (!error)
		error = bus_add(&platform->mmio, &timer);
	if (!error && split)
		error = add_split_chips(platform, vcpu_count);
	return error;
}

bool platform_stopped(void *owner, struct outcome *outcome)
{
	struct platform *platform = owner;
	uint64_t stop = atomic_load_explicit(&platform->stop, memory_order_relaxed);

	if (!stop)
		return false;
	*outcome = (struct outcome){
		.kind = (enum outcome_kind)(stop >> STOP_KIND_SHIFT),
		.code = (uint32_t)stop,
	};
	return true;
}
