/* SPDX-License-Identifier: MIT */
/*
 * monitor/platform.h - the board: the chips a guest finds without asking.
 *
 * Puts the serial port, IOAPIC, keyboard controller, clock, stop ports and
 * boot timer on the two buses, wires their interrupts to KVM, and collects what
 * they say: a wish to stop, a stamp, a byte for the console.  The list in
 * platform_build() is the machine's list of chips.
 *
 * Call order: platform_init(), platform_build(), then the buses serve exits.
 * Threads: exits come from all vCPU threads; the buses hold the chips' locks.
 *   Lock order: IOAPIC before serial and before the devices' own.
 */
#ifndef MONITOR_PLATFORM_H
#define MONITOR_PLATFORM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "monitor/absent_chip.h"
#include "monitor/boot_timer.h"
#include "monitor/bus.h"
#include "monitor/cmos.h"
#include "monitor/console.h"
#include "monitor/i8042.h"
#include "monitor/ioapic.h"
#include "monitor/kvm.h"
#include "monitor/outcome.h"
#include "monitor/serial.h"
#include "monitor/stop_ports.h"
#include "monitor/trace.h"

/* Whom the board reports to; all outlive it. */
struct platform_links {
	const struct kvm *kvm;
	struct console *console;
	struct trace *trace;
	void (*input_wanted)(void *owner);  /* the guest began to read its serial port */
	void (*input_drained)(void *owner); /* and has room again after it refused input */
	void (*line_unmasked)(void *owner, uint32_t gsi); /* edges before this were lost */
	void *owner;
};

struct platform {
	struct platform_links links;
	struct bus ports;
	struct bus mmio;

	pthread_mutex_t serial_lock;
	pthread_mutex_t ioapic_lock;
	pthread_mutex_t chips_lock; /* the rest: none of it is ever hot */
	struct serial serial;
	struct ioapic ioapic;
	struct i8042 i8042;
	struct cmos cmos;
	struct stop_ports stop_ports;
	struct boot_timer boot_timer;
	struct absent_chip absent_pic; /* with the split irqchip */
	struct absent_chip absent_pit;

	struct kvm_pin_route routes[LAYOUT_IOAPIC_PINS];
	bool route_refused;    /* said once */
	_Atomic uint64_t stop; /* kind and code as one, 0 until a chip asks: see ask_for_stop() */
};

void platform_init(struct platform *platform, const struct platform_links *links);

/*
 * Put the chips on the buses.  `split`: the IOAPIC is ours and there is neither
 * PIC nor PIT; otherwise KVM answers for all of them.  Returns 0 or what bus_add()
 * returns.
 */
int platform_build(struct platform *platform, unsigned int vcpu_count, bool split);

/* Whether a chip has asked for the end, and of which kind. */
bool platform_stopped(void *platform, struct outcome *outcome);

#endif
